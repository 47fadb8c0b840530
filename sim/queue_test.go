package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Whatever goes in comes out by time, and of the same time in the order it went in:
// where all is in one span, where it is in many turns of the wheels, and where nothing
// happens for long.
func TestQueueOrders(t *testing.T) {
	for _, apart := range []time.Duration{1, 1 << 10, 1 << 22, 1 << 32, 1 << 40, 1 << 45} {
		random := rand.New(rand.NewPCG(1, 1))
		q := newQueue(1 << 14)
		type pushed struct {
			at    time.Duration
			order int32
		}
		var inside []pushed
		now, order := time.Duration(0), int32(0)
		for range 10000 {
			if len(inside) == 0 || random.IntN(1+len(inside)) < 200 {
				at := now + time.Duration(random.IntN(50))*apart
				if random.IntN(100) == 0 {
					at = never
				}
				q.push(at, 0, order)
				inside = append(inside, pushed{at, order})
				order++
				continue
			}
			first := slices.MinFunc(inside, func(a, b pushed) int {
				return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order))
			})
			if random.IntN(2) == 0 && q.next() != first.at {
				t.Fatalf("next: got %v, want %v", q.next(), first.at)
			}
			if e := q.pop(); e.at != first.at || e.slot != first.order {
				t.Fatalf("got %v %d, want %v %d", e.at, e.slot, first.at, first.order)
			}
			if now = first.at; now == never {
				break
			}
			inside = slices.DeleteFunc(inside, func(p pushed) bool { return p == first })
		}
	}
}
