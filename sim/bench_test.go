package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"cicada/chord"
)

// One message or timer that is handled, in swarms of several sizes that know a base
// table and are asked for as many lookups a peer as `cicada sim --lookups 20000` asks of
// 10 000 in a minute. A step that is no event, a lookup that begins, counts as one in
// ns/op, and not in events/s.
func BenchmarkEvent(b *testing.B) {
	for _, peers := range []int{1000, 10_000, 30_000, 100_000} {
		b.Run(fmt.Sprintf("peers=%d", peers), func(b *testing.B) {
			w := rested(peers)
			before := w.count.events
			b.ReportAllocs()
			for b.Loop() {
				w.step()
			}
			b.ReportMetric(float64(w.count.events-before)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// rested returns a swarm that has been at work for some seconds.
func rested(peers int) *World {
	w := newWorld(Config{Peers: peers, Seed: 7, Ring: chord.Config{TableBudget: -1}}.filled())
	_ = w.restore(context.Background(), newContacts(w.random, peers))
	const long = 1 << 20 * time.Second
	each := time.Minute / time.Duration(2*peers)
	w.spread(int(long/each), long, w.lookUpKey)
	w.spread(int(long/each), long, w.lookUpID)
	for w.now < 3*time.Second {
		w.step()
	}
	runtime.GC()
	return w
}

// What is pending in the queue of a hundred thousand peers: one event goes, one comes.
func BenchmarkQueue(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	q := newQueue(100_000)
	for range 200_000 {
		q.push(time.Duration(random.Int64N(int64(time.Minute))), 0, 0)
	}
	for b.Loop() {
		e := q.pop()
		q.push(e.at+time.Duration(random.Int64N(int64(time.Minute))), 0, 0)
	}
}
