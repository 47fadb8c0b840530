package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Whatever goes in comes out by time, and of the same time in the order it went in.
func TestQueueOrders(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var q queue
	type pushed struct {
		at    time.Duration
		order int32
	}
	var inside []pushed
	order := int32(0)
	for range 20000 {
		if len(inside) == 0 || random.IntN(5) < 3 {
			at := time.Duration(random.IntN(50))
			q.push(at, 0, order)
			inside = append(inside, pushed{at, order})
			order++
			continue
		}
		least := slices.MinFunc(inside, func(a, b pushed) int {
			if a.at != b.at {
				return int(a.at - b.at)
			}
			return int(a.order - b.order)
		})
		if q.next() != least.at {
			t.Fatalf("next: got %v, want %v", q.next(), least.at)
		}
		if e := q.pop(); e.at != least.at || e.slot != least.order {
			t.Fatalf("got %v %d, want %v %d", e.at, e.slot, least.at, least.order)
		}
		inside = slices.DeleteFunc(inside, func(p pushed) bool { return p == least })
	}
}
