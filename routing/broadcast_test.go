package routing

import (
	"bytes"
	"flag"
	"fmt"
	"math/bits"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
)

var long = flag.Bool("long", false, "spread broadcasts over rings of every size")

// Every other peer gets a broadcast once, with one message each, in few hops,
// and the origin learns how many they are.
func TestBroadcast(t *testing.T) {
	step := 29
	if *long {
		step = 1
	}
	for _, s := range []shape{full, classic, wide} {
		for n := 1; n <= 200; n += min(1+n/4, step) {
			w := newWorld(t, uint64(n), n, s, Config{})
			origin := w.peers[n/2]
			message := origin.broadcast("hear this")
			w.run(2 * time.Second)
			if got, ok := origin.results[message]; !ok || got != uint64(n-1) {
				t.Fatalf("%v, %d peers: got %d reached (%v), want %d", s, n, got, ok, n-1)
			}
			if counted := origin.messages[message]; w.casts != n-1 || counted != uint64(n-1) {
				t.Fatalf("%v, %d peers: got %d messages, and %d counted, want %d", s, n, w.casts, counted, n-1)
			}
			for _, p := range w.peers {
				if got, want := p.casts[message], 1; p != origin && got != want {
					t.Fatalf("%v, %d peers: delivered %d times, want %d", s, n, got, want)
				}
				if most := bits.Len(uint(n)) + 1; p.deepest > most {
					t.Fatalf("%v, %d peers: got depth %d, want at most %d", s, n, p.deepest, most)
				}
			}
			w.partition(message, origin)
			w.run(5 * time.Minute)
			w.empty()
		}
	}
}

// Everybody knows everybody, and has a link to its successor and to ten others:
// most of a broadcast takes those, and no more levels than it would without.
func TestBroadcastTakesOpenLinks(t *testing.T) {
	const n = 64
	dialled := 0
	for seed := range uint64(20) {
		w := newWorld(t, seed, n, full, Config{})
		open := make(map[[2]identity.ID]bool)
		link := func(a, b *peer) {
			a.core.Up(b.contact.ID)
			b.core.Up(a.contact.ID)
			open[[2]identity.ID{a.contact.ID, b.contact.ID}], open[[2]identity.ID{b.contact.ID, a.contact.ID}] = true, true
		}
		for i, p := range w.peers {
			link(p, w.peers[(i+1)%n])
			for _, k := range w.random.Perm(n - 1)[:5] {
				link(p, w.peers[(i+1+k)%n])
			}
		}
		message := w.peers[0].broadcast("hear this")
		w.run(2 * time.Second)
		if got := w.peers[0].results[message]; got != n-1 || w.casts != n-1 {
			t.Errorf("got %d reached by %d messages, want %d", got, w.casts, n-1)
		}
		for _, e := range w.events {
			if e.Kind == trace.BroadcastForwarded && !open[[2]identity.ID{e.Peer, e.Other}] {
				dialled++
			}
		}
		for _, p := range w.peers {
			if most := bits.Len(n) + 1; p.deepest > most {
				t.Errorf("got depth %d, want at most %d", p.deepest, most)
			}
		}
	}
	if share := float64(dialled) / 20 / (n - 1); share > 0.3 {
		t.Errorf("got %.0f %% of the messages over new links, want at most 30", 100*share)
	}
}

// partition checks, from the trace, that the intervals handed out hold every
// peer once: each child's interval lies in its parent's and those of two
// children never overlap.
func (w *world) partition(message trace.MessageID, origin *peer) {
	w.t.Helper()
	owned := make(map[identity.ID]int)
	ends := map[identity.ID]identity.Point{origin.contact.ID: origin.contact.Point}
	for _, e := range w.events {
		if e.Kind != trace.BroadcastForwarded || e.Message != message {
			continue
		}
		child := w.byID[e.Other].contact.Point
		start := w.byID[e.Peer].contact.Point
		end := chord.Clockwise(start, ends[e.Peer])
		if !(span{to: end}).holds(chord.Clockwise(start, child)) {
			w.t.Fatalf("a child lies outside its parent's interval")
		}
		if d := chord.Clockwise(start, e.Key); !end.IsZero() && bytes.Compare(d[:], end[:]) > 0 {
			w.t.Fatalf("a child's interval ends behind its parent's")
		}
		ends[e.Other] = e.Key
		owned[e.Other]++
	}
	for _, p := range w.peers {
		if p != origin && owned[p.contact.ID] != 1 {
			w.t.Fatalf("a peer is in %d intervals, want 1", owned[p.contact.ID])
		}
	}
}

// Dead peers' intervals go to others: all the living hear it and are counted.
func TestBroadcastAmongTheDead(t *testing.T) {
	for _, n := range []int{10, 40, 200} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%d peers, seed %d", n, seed), func(t *testing.T) {
				w := newWorld(t, seed, n, wide, Config{})
				alive := w.kill(0.25)
				origin := w.peers[0]
				message := origin.broadcast("hear this")
				w.run(20 * time.Second)
				reached := 0
				for _, p := range w.peers[1:] {
					if got := p.casts[message]; got > 1 {
						t.Errorf("delivered %d times", got)
					} else if !p.dead {
						reached += got
					}
				}
				if reached != alive-1 {
					t.Errorf("got %d of %d reached", reached, alive-1)
				}
				if got, ok := origin.results[message]; !ok || got != uint64(alive-1) {
					t.Errorf("got count %d (%v), want %d", got, ok, alive-1)
				}
				if w.count(trace.BroadcastTaken, message) == 0 {
					t.Error("nothing was taken over: the story did not happen")
				}
			})
		}
	}
}

// Where all the successors of a peer died, nobody knows who comes next until the
// ring has mended: the beginning of the interval waits for that.
func TestBroadcastWaitsForTheRing(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(t, seed, 200, classic, Config{})
		alive := w.kill(0.25)
		origin := w.peers[0]
		message := origin.broadcast("hear this")
		w.run(2 * time.Second)
		w.mend(classic)
		w.run(20 * time.Second)
		if got, ok := origin.results[message]; !ok || got != uint64(alive-1) {
			t.Errorf("seed %d: got count %d (%v), want %d", seed, got, ok, alive-1)
		}
		for _, p := range w.peers[1:] {
			if got := p.casts[message]; got != 1 && !p.dead {
				t.Errorf("seed %d: delivered %d times, want once", seed, got)
			}
		}
	}
}

// mend gives the living the tables that they have once the ring has mended.
func (w *world) mend(s shape) {
	living := &world{t: w.t}
	for _, p := range w.peers {
		if !p.dead {
			living.peers = append(living.peers, p)
		}
	}
	for i, p := range living.peers {
		p.ring.table = living.table(i, s)
	}
}

// A child takes its interval and dies: it is asked once more, then another gets
// the interval, and the peers behind it are reached.
func TestBroadcastChildDiesAtWork(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30, 40}, map[int][]int{0: {1, 2}, 1: {2, 3}, 2: {3, 4}, 3: {4}})
	dying := w.peers[2]
	w.link(dying)
	w.at(w.now+time.Millisecond+time.Microsecond, func() { dying.dead = true })
	w.peers[0].core.BroadcastTaken(w.now, dying.contact.ID, trace.MessageID{}, dying.contact.Point) // nobody's
	message := w.peers[0].broadcast("hear this")
	// It took its interval as the message arrived; what it sent on is lost.
	w.run(time.Millisecond)
	w.peers[0].core.BroadcastTaken(w.now, dying.contact.ID, message, w.peers[0].contact.Point)
	w.run(20 * time.Second)
	for _, i := range []int{1, 3, 4} {
		if got := w.peers[i].casts[message]; got != 1 {
			t.Errorf("peer %d: delivered %d times, want 1", i, got)
		}
	}
	if got := w.peers[0].results[message]; got != 3 {
		t.Errorf("got count %d, want 3", got)
	}
	asked := 0
	for _, e := range w.events {
		if e.Kind == trace.BroadcastForwarded && e.Peer == w.peers[0].contact.ID && e.Other == dying.contact.ID {
			asked++
		}
	}
	if asked != 2 {
		t.Errorf("the dying child was asked %d times, want 2", asked)
	}
}

// A peer that is suspect gets no interval of its own: the one before it, which
// may know better, has it, and nobody waits for the dead.
func TestBroadcastPassesOverSuspects(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2}, 1: {3}})
	suspect := w.peers[2]
	suspect.dead = true
	links := &w.peers[0].core.links
	links.miss(0, links.use(suspect.contact.ID))
	message := w.peers[0].broadcast("hear this")
	w.run(20 * time.Millisecond)
	if got, ok := w.peers[0].results[message]; !ok || got != 2 || w.casts != 2 {
		t.Errorf("got %d reached (%v) by %d messages at once, want 2 by 2", got, ok, w.casts)
	}
}

// A child that is slow says every second that it is at work, until it is done
// or its time is over.
func TestBroadcastSlowChild(t *testing.T) {
	w := line(t, []byte{0, 10}, nil)
	c, boss := w.peers[1].core, w.peers[0].contact.ID
	c.BroadcastIn(0, boss, BroadcastMessage{Message: trace.MessageID{1}, Body: []byte("x"), Limit: identity.Point{20}})
	offer := c.Ready().BroadcastArrivals[0].Offer
	for second := range 5 {
		c.Tick(time.Duration(second+1) * time.Second)
		if a := c.Ready().BroadcastAnswers; len(a) != 1 || a[0].Done || a[0].To != boss {
			t.Fatalf("after %d s: got answers %v, want one that it is taken", second+1, a)
		}
	}
	c.BroadcastAccepted(6*time.Second, offer, boss)
	if a := c.Ready().BroadcastAnswers; len(a) != 1 || !a[0].Done || a[0].Reached != 1 {
		t.Errorf("got answers %v, want one that it is done", a)
	}
	if next := c.Next(); next < time.Minute {
		t.Errorf("something is due at %v, want nothing before it is forgotten", next)
	}
}

// A peer is handed a second, longer interval: it delivers nothing again,
// forwards only what is new, and counts each peer once.
func TestBroadcastLongerInterval(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30, 40}, map[int][]int{1: {2, 3, 4}, 2: {3}, 3: {4}})
	middle, boss := w.peers[1], w.peers[0].contact.ID
	body := append(bytes.Clone(boss[:]), "hear this"...)
	m := BroadcastMessage{Message: w.message(), Body: body, Signature: checksumOf(body), Hops: 1}
	steps := []struct {
		name  string
		limit byte
		casts int // messages that crossed links since the last step
		count uint64
	}{
		{"the first interval", 25, 1, 2},
		{"said again", 25, 0, 2},
		{"a longer one", 35, 1, 1},
		{"a shorter one", 15, 0, 0},
		{"one that ends here", 10, 0, 0},
		{"nearly all round", 9, 1, 1},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			before := w.casts
			m.Limit = identity.Point{step.limit}
			middle.core.BroadcastIn(w.now, boss, m)
			middle.pump()
			w.run(time.Second)
			if got := w.casts - before; got != step.casts {
				t.Errorf("got %d messages, want %d", got, step.casts)
			}
			b := middle.core.broadcastAge.first
			for _, p := range b.parts {
				if p.limit == m.Limit && (!p.done || p.outcome.Reached != step.count) {
					t.Errorf("got count %d, done %v, want %d, true", p.outcome.Reached, p.done, step.count)
				}
			}
		})
	}
	for i, p := range w.peers[1:] {
		if got := p.casts[m.Message]; got != 1 {
			t.Errorf("peer %d: delivered %d times, want 1", i+1, got)
		}
	}
}

// A forged body reaches a peer first: it is not delivered, and the true one is.
func TestBroadcastForged(t *testing.T) {
	w := line(t, []byte{0, 10, 20}, map[int][]int{1: {2}})
	liar, boss := w.peers[2].contact.ID, w.peers[0].contact.ID
	body := append(bytes.Clone(boss[:]), "true"...)
	m := BroadcastMessage{Message: w.message(), Body: body, Signature: checksumOf(body), Limit: identity.Point{30}}
	forged := m
	forged.Body = append(bytes.Clone(boss[:]), "lies"...)
	for _, step := range []struct {
		from identity.ID
		m    BroadcastMessage
		want int
	}{{liar, forged, 0}, {liar, forged, 0}, {boss, m, 1}, {boss, m, 1}} {
		w.peers[1].core.BroadcastIn(w.now, step.from, step.m)
		w.peers[1].pump()
		if got := w.peers[1].casts[m.Message]; got != step.want {
			t.Errorf("got %d deliveries, want %d", got, step.want)
		}
	}
	// The origin signs a second body under the same message ID: it is not heard.
	second := m
	second.Body = append(bytes.Clone(boss[:]), "more"...)
	second.Signature = checksumOf(second.Body)
	w.peers[1].core.BroadcastIn(w.now, boss, second)
	w.peers[1].pump()
	w.run(time.Second)
	if got := w.peers[1].casts[m.Message]; got != 1 {
		t.Errorf("got %d deliveries, want 1", got)
	}
	if got := w.peers[2].casts[m.Message]; got != 1 {
		t.Errorf("the next peer got %d deliveries, want 1", got)
	}
}

// A child that lies about its count cannot make the sum wrap.
func TestBroadcastLyingCount(t *testing.T) {
	w := line(t, []byte{0, 10, 20}, map[int][]int{0: {1, 2}})
	w.link(w.peers[2])
	c := w.peers[0].core
	if err := c.Broadcast(0, trace.MessageID{1}, []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	for i, x := range c.Ready().Broadcasts {
		c.BroadcastDone(0, x.To.ID, trace.MessageID{1}, x.Broadcast.Limit, Outcome{Reached: ^uint64(0) - uint64(i), Messages: ^uint64(0) - uint64(i)})
	}
	want := Outcome{Reached: 2 * (1<<32 - 1), Messages: 2*(1<<32-1) + 2}
	if r := c.Ready().BroadcastResults; len(r) != 1 || r[0].Outcome != want {
		t.Errorf("got results %v, want one of %v", r, want)
	}
}
