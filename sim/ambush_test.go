package sim

import (
	"testing"
	"time"

	"cicada/chord"
	"cicada/trace"
	"cicada/wire"
)

// An ambush is a message whose first hop, of the first copy of the first round, is
// hostile, in a small ring of textbooks where everybody else is honest.
type ambush struct {
	*World
	from, to, foe int32
	message       trace.MessageID
	began         time.Duration
	passed        int               // copies of it that the foe put on links,
	nonces        map[[16]byte]bool // rounds that the origin began,
	receipts      int               // receipts that came to the origin,
	refused       int               // and seals that did not open at the target
	after         time.Duration     // when the first one was delivered
	deliveries    int
}

// Enabled says that events are wanted.
func (a *ambush) Enabled() bool { return true }

// Emit takes an event of the run.
func (a *ambush) Emit(e trace.Event) {
	switch {
	case e.Message != a.message:
	case e.Kind == trace.Refused && e.Peer == a.nodes[a.to].contact.ID:
		a.refused++
	case e.Kind == trace.Delivered:
		if a.deliveries++; a.deliveries == 1 {
			a.after = e.At - a.began
		}
	}
}

// run lets time pass, and watches what is on its way.
func (a *ambush) run(d time.Duration) {
	watched(a.World, d, func(p *parcel) {
		if p.sort != envelope {
			return
		}
		e := wire.Envelope(p.bytes)
		switch {
		case e.Message() != a.message:
		case isAnswer(e):
			if e.Target() == a.nodes[a.from].contact.Point {
				a.receipts++
			}
		case p.from == a.from:
			a.nonces[e.Nonce()] = true
		case p.from == a.foe:
			a.passed++
		}
	})
}

// lieInWait sends a message between two peers that are three hops apart or more. A
// first world, without foes, shows where the first copy goes; the second is the same.
func lieInWait(t *testing.T, behaviour string, duplicates int, victim bool) *ambush {
	t.Helper()
	config := Config{Peers: 64, Seed: 5, Ring: chord.Classic(), Duplicates: duplicates}
	const from = 3
	to := furthest(perfect(config), from)
	world := func(foe int32) *ambush {
		a := &ambush{from: from, to: to, foe: foe, nonces: make(map[[16]byte]bool)}
		a.World = perfect(config)
		a.config.Trace = a
		if foe >= 0 {
			a.recruit(behaviour, []int32{foe})
			if victim {
				a.front.gang.Victim = a.nodes[to].contact.Point
			}
		}
		a.message, a.began = a.messageID(), a.now
		a.load.sends[a.message] = &send{from: from, to: to, began: a.now, of: &a.load.messages}
		return a
	}
	honest, first := world(-1), int32(-1)
	if err := honest.post(from, to, honest.message); err != nil {
		t.Fatal(err)
	}
	honest.settle(from)
	watched(honest.World, time.Second, func(p *parcel) {
		if p.sort == envelope && p.from == from && first < 0 && wire.Envelope(p.bytes).Copy() == 0 {
			first = honest.queue.soon(1)[0].node
		}
	})
	if first < 0 || first == to {
		t.Fatalf("the first copy went to %d: the story does not happen", first)
	}
	return world(first)
}

// furthest returns a peer that neither one nor its first hop to there knows.
func furthest(w *World, from int32) (to int32) {
	for to = range int32(len(w.nodes)) {
		point := w.nodes[to].contact.Point
		if to == from || w.nodes[from].ring.Known(point) != nil {
			continue
		}
		if next := w.nodes[from].ring.Toward(point, nil); w.nodes[w.number(next.ID)].ring.Known(point) == nil {
			return to
		}
	}
	return -1
}

// begin sends the message.
func (a *ambush) begin(t *testing.T) {
	t.Helper()
	if err := a.post(a.from, a.to, a.message); err != nil {
		t.Fatal(err)
	}
	a.settle(a.from)
}

// TestAmbush tells of each thing that can be done to a copy what becomes of it and what
// brings the message through.
func TestAmbush(t *testing.T) {
	type outcome struct {
		passed  bool          // the foe passed something on
		rounds  int           // it took
		refused bool          // something came that did not open
		within  time.Duration // it was there
	}
	const round = 1500 * time.Millisecond // the first one and some of the second
	for _, test := range []struct {
		name       string
		behaviour  string
		duplicates int
		victim     bool
		want       outcome
	}{
		{"dropped: the second round goes another way", "drop", 0, false, outcome{false, 2, false, round}},
		{"dropped: another copy was there", "drop", 2, false, outcome{false, 1, false, time.Second}},
		{"corrupted: it does not open, the second round does", "corrupt", 0, false, outcome{true, 2, true, round}},
		{"corrupted: another copy opens", "corrupt", 2, false, outcome{true, 1, true, time.Second}},
		{"misrouted: it finds its way from there", "misroute", 0, false, outcome{true, 1, false, time.Second}},
		{"receipt swallowed: delivered, and its second round answered again", "swallow", 0, false, outcome{true, 2, false, time.Second}},
		{"a single copy passes who is after copies", "drop-copies", 0, false, outcome{true, 1, false, time.Second}},
		{"one of several is dropped: the others arrive", "drop-copies", 2, false, outcome{false, 1, false, time.Second}},
		{"to the victim: the second round goes another way", "drop-victim", 0, true, outcome{false, 2, false, round}},
		{"to others: passed on", "drop-victim", 0, false, outcome{true, 1, false, time.Second}},
		{"delayed, and its receipt too: a second round begins, and one delivery is all", "delay", 0, false, outcome{true, 2, false, time.Second}},
		{"let pass in silence: the next peer has it in the same round", "lag", 0, false, outcome{false, 1, false, time.Second}},
		{"replayed: the first delivery is the only one", "replay", 0, false, outcome{true, 1, false, time.Second}},
		{"lied to about the ring: messages go by tables", "lie-nearest", 0, false, outcome{true, 1, false, time.Second}},
		{"framed: who is complained of goes on", "frame", 2, false, outcome{false, 1, false, time.Second}},
		{"dying and born again: the second round, or another peer", "churn", 2, false, outcome{false, 1, false, time.Second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := lieInWait(t, test.behaviour, test.duplicates, test.victim)
			a.begin(t)
			a.run(20 * time.Second)
			got := outcome{a.passed > 0, len(a.nonces), a.refused > 0, test.want.within}
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if a.deliveries != 1 || a.load.messages.authentic != 1 || a.after > test.want.within {
				t.Errorf("got %d deliveries, %d of them true, after %v; want one true within %v",
					a.deliveries, a.load.messages.authentic, a.after, test.want.within)
			}
			if a.receipts == 0 || len(a.load.sends) > 0 {
				t.Errorf("got %d receipts, %d sends under way; want it ended by a receipt", a.receipts, len(a.load.sends))
			}
			if a.count.blames > 0 {
				t.Errorf("honest peers gave up honest ones %d times", a.count.blames)
			}
		})
	}
}

// Who was a good peer for a while is trusted no more for it: what is dropped then goes
// another way in the second round.
func TestAmbushOfOneThatWasGood(t *testing.T) {
	a := lieInWait(t, "oscillate", 0, false)
	a.begin(t)
	a.run(time.Second)
	if a.passed == 0 || len(a.nonces) != 1 || a.deliveries != 1 {
		t.Fatalf("in its good time: %d copies passed on, %d rounds, %d deliveries", a.passed, len(a.nonces), a.deliveries)
	}
	a.run(5*time.Second - a.now)
	a.message, a.passed, a.nonces, a.deliveries, a.began = a.messageID(), 0, make(map[[16]byte]bool), 0, a.now
	a.load.sends[a.message] = &send{from: a.from, to: a.to, began: a.now, of: &a.load.messages}
	a.begin(t)
	a.run(4 * time.Second)
	if a.passed > 0 || len(a.nonces) < 2 || a.deliveries != 1 {
		t.Errorf("in its bad time: %d copies passed on, %d rounds, %d deliveries; want none, two, one", a.passed, len(a.nonces), a.deliveries)
	}
}
