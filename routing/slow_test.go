package routing

import (
	"fmt"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// A peer that is slow, and not dead, has a broadcast once and is counted once.
// What lies behind it does not wait for it.
func TestBroadcastCountsTheSlow(t *testing.T) {
	for _, lag := range []time.Duration{150 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond, 2500 * time.Millisecond} {
		for i := 1; i < 12; i++ {
			t.Run(fmt.Sprintf("%v, peer %d", lag, i), func(t *testing.T) {
				w := newWorld(t, 40, 12, classic, Config{})
				origin, slow := w.peers[0], w.peers[i]
				slow.lag = lag
				w.link(slow)
				message := origin.broadcast("hear this")
				w.run(2*childFirst + 200*time.Millisecond) // two may try it
				for _, p := range w.peers[1:] {
					if got := p.casts[message]; got != 1 && p != slow {
						t.Errorf("delivered %d times soon, want once", got)
					}
				}
				w.run(8 * time.Second)
				if got, ok := origin.results[message]; !ok || got != 11 {
					t.Errorf("got count %d (%v), want 11", got, ok)
				}
				if got := slow.casts[message]; got != 1 {
					t.Errorf("the slow peer got it %d times, want once", got)
				}
			})
		}
	}
}

// link opens links between a peer and all others.
func (w *world) link(p *peer) {
	for _, other := range w.peers {
		if other != p {
			p.core.Up(other.contact.ID)
			other.core.Up(p.contact.ID)
		}
	}
}

// The same where several are slow, and the origin is told as soon as all
// answered.
func TestBroadcastEndsWithTheSlowest(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, seed, 60, classic, Config{})
		origin := w.peers[0]
		for _, i := range w.random.Perm(59)[:6] {
			w.peers[i+1].lag = 400 * time.Millisecond
		}
		message := origin.broadcast("hear this")
		// Two slow ones may stand behind each other, and answers to them are slow as well.
		w.run(4 * time.Second)
		if got, ok := origin.results[message]; !ok || got != 59 {
			t.Errorf("seed %d: got count %d (%v), want 59", seed, got, ok)
		}
	}
}

// A child that was silent answers for its interval while the beginning of it
// waits for the ring to mend: there is nothing to wait for any more.
func TestBroadcastLateAnswerEndsTheWait(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 3}, 1: {2}, 2: {3}})
	origin, slow := w.peers[0], w.peers[1]
	origin.ring.near = 1 // all it knows of who comes next
	slow.lag = 600 * time.Millisecond
	message := origin.broadcast("hear this")
	w.run(1500 * time.Millisecond)
	if got, ok := origin.results[message]; !ok || got != 3 {
		t.Errorf("got count %d (%v) when all had answered, want 3", got, ok)
	}
	// It is not held to be dead either: what comes next does not wait for the ring.
	if b := origin.core.broadcastAge.first; len(b.dead) != 0 {
		t.Errorf("got %d dead, want none", len(b.dead))
	}
}

// Nobody is ever known again in the interval of a dead child: the broadcast
// ends, with the count of those who have it.
func TestBroadcastWaitEnds(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 3}, 1: {2}, 2: {3}})
	origin := w.peers[0]
	origin.ring.near = 1
	w.peers[1].dead = true
	message := origin.broadcast("hear this")
	w.run(childFirst + childUnknowable + 10*time.Millisecond)
	if got, ok := origin.results[message]; !ok || got != 1 {
		t.Errorf("got count %d (%v), want 1", got, ok)
	}
}

// A silent child that the ring takes for dead, too, is not waited for.
func TestBroadcastBelievesTheRing(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2, 3}, 1: {2}, 2: {3}})
	origin := w.peers[0]
	w.peers[2].dead = true
	w.link(w.peers[2])
	message := origin.broadcast("hear this")
	w.at(500*time.Millisecond, func() {
		origin.ring.table = []*identity.Contact{w.peers[1].contact, w.peers[3].contact}
		w.peers[1].ring.table = w.peers[1].ring.table[1:]
	})
	w.run(700 * time.Millisecond)
	if got, ok := origin.results[message]; !ok || got != 2 {
		t.Errorf("got count %d (%v), want 2", got, ok)
	}
}

// What was sent to a child was lost with a link that just closed: it is sent again.
func TestBroadcastIsSentAgain(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2, 3}, 1: {2}, 2: {3}})
	origin, deaf := w.peers[0], w.peers[1]
	deaf.dead = true
	w.at(500*time.Millisecond, func() {
		deaf.dead = false
		origin.core.Up(deaf.contact.ID)
	})
	message := origin.broadcast("hear this")
	w.run(2 * time.Second)
	if got, ok := origin.results[message]; !ok || got != 3 || deaf.casts[message] != 1 {
		t.Errorf("got count %d (%v), delivered %d times, want 3 and once", got, ok, deaf.casts[message])
	}
}

// A link that takes no more just now is no death: its peer is counted.
func TestBroadcastOverFullLink(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2, 3}, 1: {2}, 2: {3}})
	origin, busy := w.peers[0], w.peers[1]
	busy.dead = true
	w.at(500*time.Millisecond, func() { busy.dead = false })
	message := origin.broadcast("hear this")
	origin.core.Clogged(w.now, busy.contact.ID)
	origin.pump()
	w.run(50 * time.Millisecond)
	for _, p := range w.peers[2:] {
		if got := p.casts[message]; got != 1 {
			t.Errorf("a peer behind it got it %d times at once, want once", got)
		}
	}
	w.run(2 * time.Second)
	if got, ok := origin.results[message]; !ok || got != 3 || busy.casts[message] != 1 {
		t.Errorf("got count %d (%v), delivered %d times, want 3 and once", got, ok, busy.casts[message])
	}
}

// A child that was unreachable takes its interval after all: its count is waited for.
func TestBroadcastChildReturns(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 3}, 1: {2}, 2: {3}})
	origin := w.peers[0]
	w.peers[1].lag, w.peers[2].lag, w.peers[3].lag = 100*time.Millisecond, 240*time.Millisecond, 200*time.Millisecond
	message := origin.broadcast("hear this")
	origin.core.Unreachable(w.now, w.peers[1].contact.ID)
	origin.pump()
	w.run(2 * time.Second)
	if got, ok := origin.results[message]; !ok || got != 3 {
		t.Errorf("got count %d (%v), want 3", got, ok)
	}
}

// All others are gone, and the ring knows it: nobody is waited for. As long as it
// knows somebody, but not who comes next, that is waited for.
func TestBroadcastAsksTheRing(t *testing.T) {
	for _, test := range []struct {
		name  string
		knows []int
		want  uint64
	}{{"a ring of one", nil, 0}, {"one that mends", []int{1, 2}, 2}} {
		t.Run(test.name, func(t *testing.T) {
			w := line(t, []byte{0, 10, 20}, map[int][]int{0: {2}})
			origin := w.peers[0]
			origin.ring.near = 0
			if test.knows == nil {
				w.peers[2].dead = true
			}
			message := origin.broadcast("hear this")
			w.at(400*time.Millisecond, func() {
				origin.ring.table, origin.ring.near = nil, len(test.knows)
				for _, i := range test.knows {
					origin.ring.table = append(origin.ring.table, w.peers[i].contact)
				}
			})
			w.run(600 * time.Millisecond)
			if got, ok := origin.results[message]; !ok || got != test.want {
				t.Errorf("got count %d (%v), want %d", got, ok, test.want)
			}
		})
	}
}

// A child says for ever that it is at work: others get its interval, and the
// broadcast ends, with the count of all the others unless the child was handed to
// twice: who then waits for it again is itself not waited for.
func TestBroadcastChildThatNeverEnds(t *testing.T) {
	for _, n := range []int{12, 200} {
		for i := 1; i < n; i += 1 + n/40 {
			t.Run(fmt.Sprintf("%d peers, peer %d", n, i), func(t *testing.T) {
				w := newWorld(t, 40, n, classic, Config{})
				origin, bad := w.peers[0], w.peers[i]
				bad.dead = true
				message := origin.broadcast("hear this")
				for range 2 * 20 {
					w.run(500 * time.Millisecond)
					for _, e := range w.events {
						if e.Kind == trace.BroadcastForwarded && e.Other == bad.contact.ID {
							parent := w.byID[e.Peer]
							parent.core.BroadcastTaken(w.now, e.Other, message, e.Key)
							parent.pump()
						}
					}
					if _, ok := origin.results[message]; ok {
						break
					}
				}
				w.run(10 * time.Second)
				got, ok := origin.results[message]
				handed, taken := 0, 0
				for _, e := range w.events {
					if e.Other == bad.contact.ID && e.Kind == trace.BroadcastForwarded {
						handed++
					} else if e.Other == bad.contact.ID && e.Kind == trace.BroadcastTaken {
						taken++
					}
				}
				if taken > 2*handed { // as it was late, and when its time was over
					t.Errorf("given up %d times, handed to %d times", taken, handed)
				}
				if !ok || got > uint64(n-2) || got < uint64(n-2) && handed == 1 {
					t.Errorf("got count %d (%v) after %v, want %d", got, ok, w.now, n-2)
				}
				for k, p := range w.peers[1:] {
					if got := p.casts[message]; got != 1 && p != bad {
						t.Errorf("peer %d: delivered %d times, want once", k+1, got)
					}
				}
			})
		}
	}
}
