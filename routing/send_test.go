package routing

import (
	"errors"
	"slices"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// A message crosses the ring, is delivered once, at the target only, and the
// receipt comes back the same way.
func TestDelivery(t *testing.T) {
	tests := []struct {
		name  string
		n     int
		shape shape
		most  int // hops
	}{
		{"two peers", 2, full, 1},
		{"everybody knows everybody", 30, full, 1},
		{"a ring of the textbooks", 200, classic, 7},
		{"wide fingers", 300, wide, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, 1, test.n, test.shape, Config{})
			for range 100 {
				from, to := w.pair()
				message, copies := from.send(to, "hello", Sending{Routed: true})
				if copies != 1 {
					t.Fatalf("got %d copies, want 1", copies)
				}
				w.run(100 * time.Millisecond)
				receipt, ok := from.receipts[message]
				if !ok {
					t.Fatalf("no receipt; failure: %v", from.failures[message])
				}
				got := w.delivered(message)
				if len(got) != 1 || got[0].data != "hello" || got[0].origin != from.contact.ID {
					t.Fatalf("got deliveries %v, want one", got)
				}
				if last := to.delivered[len(to.delivered)-1]; last.message != message {
					t.Fatal("delivered elsewhere")
				}
				if got[0].hops > test.most || got[0].hops < 1 || receipt.Hops != got[0].hops {
					t.Errorf("got %d hops there and %d back, want the same and at most %d", got[0].hops, receipt.Hops, test.most)
				}
				if hops := w.count(trace.CopySent, message) + w.count(trace.CopyForwarded, message); hops != 2*got[0].hops {
					t.Errorf("got %d links crossed, want %d", hops, 2*got[0].hops)
				}
			}
			w.run(2 * time.Minute)
			w.empty()
		})
	}
}

// delivered returns all deliveries of a message, wherever.
func (w *world) delivered(message trace.MessageID) (all []delivery) {
	for _, p := range w.peers {
		for _, d := range p.delivered {
			if d.message == message {
				all = append(all, d)
			}
		}
	}
	return all
}

// empty checks that nothing is kept by anybody any more.
func (w *world) empty() {
	w.t.Helper()
	for i, p := range w.peers {
		c := p.core
		c.Ready()
		c.Ready()
		if c.entries.count != 0 || len(c.sends) != 0 || len(c.arrivals) != 0 || len(c.broadcasts) != 0 {
			w.t.Fatalf("peer %d keeps %d entries, %d sends, %d arrivals, %d broadcasts", i, c.entries.count, len(c.sends), len(c.arrivals), len(c.broadcasts))
		}
		if c.pool.held != 0 || c.own.bytes != 0 || c.own.entries != 0 || len(c.timers.heap) != 0 || c.Next() != never {
			w.t.Fatalf("peer %d keeps %d bytes, %d own bytes, %d own entries, %d timers", i, c.pool.held, c.own.bytes, c.own.entries, len(c.timers.heap))
		}
		for _, l := range c.links.byID {
			if !l.idle() || l.bytes != 0 || l.relayed != 0 {
				w.t.Fatalf("peer %d keeps %d entries and %d bytes for a link", i, l.entries, l.bytes+l.relayed)
			}
		}
	}
}

// A direct path is taken where one is known, unless the ring is asked for.
func TestDirect(t *testing.T) {
	w := newWorld(t, 2, 100, classic, Config{})
	from, to := w.peers[0], w.peers[50]
	tests := []struct {
		name   string
		m      Sending
		direct bool
	}{
		{"known", Sending{}, true},
		{"routed", Sending{Routed: true}, false},
		{"with duplicates", Sending{Duplicates: 2}, false},
		{"with duplicates, looked up", Sending{Duplicates: 2, Found: true}, true},
	}
	to.ring.table, from.ring.table = without(to.ring.table, from), without(from.ring.table, to)
	from.ring.learned = append(from.ring.learned, to.contact)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			message, _ := from.send(to, "x", test.m)
			w.run(time.Second)
			got := w.delivered(message)
			if len(got) != 1 || (got[0].hops == 1) != test.direct {
				t.Errorf("got %+v, want one delivery, direct: %v", got, test.direct)
			}
		})
	}
}

func without(table []*identity.Contact, p *peer) []*identity.Contact {
	return slices.DeleteFunc(table, func(x *identity.Contact) bool { return x == p.contact })
}

// Copies leave by different first hops, arrive, and are delivered once. A copy for which
// there is no way of its colour from some hop on is tried by another first hop, and
// may be lost: with six colours seldom, and others arrive.
func TestDuplicates(t *testing.T) {
	w := newWorld(t, 3, 300, wide, Config{})
	all := 0
	for range 20 {
		from, to := w.pair()
		message, copies := from.send(to, "dup", Sending{Duplicates: 5})
		w.run(time.Second)
		if copies != 6 {
			t.Errorf("got %d copies, want 6", copies)
		}
		first := make(map[string]bool)
		for _, e := range w.events {
			if e.Kind == trace.CopySent && e.Message == message {
				first[e.Other.String()] = true
			}
		}
		if len(first) < copies || len(first) != w.count(trace.CopySent, message) {
			t.Errorf("got %d first hops of %d copies, %d times, want each once", len(first), copies, w.count(trace.CopySent, message))
		}
		if got := w.delivered(message); len(got) != 1 {
			t.Fatalf("got %d deliveries, want 1", len(got))
		}
		arrived, differing := to.core.Copies(to.delivered[len(to.delivered)-1].offer)
		all += arrived
		if arrived < 5 || differing != 0 {
			t.Errorf("got %d arrived, %d differing, want 5 at least, 0", arrived, differing)
		}
		if w.count(trace.ReceiptSent, message) != 1 {
			t.Errorf("got %d receipts, want 1", w.count(trace.ReceiptSent, message))
		}
	}
	if all < 105 {
		t.Errorf("got %d of 120 copies, want 105 at least", all)
	}
}

// Where there are fewer first hops than copies, as many go as there are.
func TestFewFirstHops(t *testing.T) {
	w := newWorld(t, 4, 3, full, Config{})
	for _, test := range []struct{ ask, want int }{{0, 1}, {1, 2}, {5, 2}} {
		from, to := w.peers[0], w.peers[1]
		w.peers[0].ring.table = w.table(0, full)
		_, copies := from.send(to, "dup", Sending{Duplicates: test.ask})
		if copies > test.want || copies < 1 {
			t.Errorf("%d duplicates: got %d copies, want 1 to %d", test.ask, copies, test.want)
		}
	}
}

// Links that lose, repeat and reorder cost time, never a second delivery.
func TestUnreliableLinks(t *testing.T) {
	tests := []struct {
		name            string
		loss, duplicate float64
		jitter          time.Duration
	}{
		{"duplication", 0, 1, 0},
		{"reordering", 0, 0.2, 100 * time.Millisecond},
		{"loss of a fifth", 0.2, 0, 10 * time.Millisecond},
		{"all of it", 0.1, 0.3, 200 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, 5, 100, classic, Config{})
			w.loss, w.duplicate, w.jitter = test.loss, test.duplicate, test.jitter
			lost := 0
			for range 200 {
				from, to := w.pair()
				message, _ := from.send(to, "x", Sending{Routed: true})
				w.run(10 * time.Second)
				if got := w.delivered(message); len(got) != 1 {
					t.Fatalf("got %d deliveries, want 1", len(got))
				}
				if _, ok := from.receipts[message]; !ok {
					lost++
				}
			}
			if lost > 0 {
				t.Errorf("got %d sends without receipt, want 0", lost)
			}
			w.loss = 0
			w.run(2 * time.Minute)
			w.empty()
		})
	}
}

// The receipt is lost once: the next round is answered again, not delivered again.
func TestReceiptLost(t *testing.T) {
	w := newWorld(t, 6, 100, classic, Config{})
	from, to := w.peers[3], w.peers[60]
	lost := 0
	w.meddle = func(a, b *peer, e wire.Envelope) wire.Envelope {
		if e.Kind() == wire.EnvelopeReceipt && lost == 0 {
			lost++
			a.core.Ack(w.now, b.contact.ID, trace.MessageID(e.Message()), e.Copy())
			return nil
		}
		return e
	}
	message, _ := from.send(to, "x", Sending{Routed: true})
	w.run(5 * time.Second)
	if _, ok := from.receipts[message]; !ok || lost != 1 {
		t.Fatalf("got no receipt, failure %v", from.failures[message])
	}
	if got := len(w.delivered(message)); got != 1 {
		t.Errorf("got %d deliveries, want 1", got)
	}
	if got := w.count(trace.ReceiptSent, message); got != 2 {
		t.Errorf("got %d receipts, want 2", got)
	}
}

// A target that cannot open the seal yet gets the same bytes again with the next
// round, where it may.
func TestPostponed(t *testing.T) {
	w := newWorld(t, 6, 100, classic, Config{})
	from, to := w.peers[3], w.peers[60]
	to.postpone = 1
	message, _ := from.send(to, "x", Sending{Routed: true})
	w.run(900 * time.Millisecond)
	if got := len(w.delivered(message)); got != 0 {
		t.Fatalf("got %d deliveries of a seal that did not open, want 0", got)
	}
	w.run(2 * time.Second)
	if got := w.delivered(message); len(got) != 1 {
		t.Errorf("got %d deliveries after the second round, want 1", len(got))
	}
	if _, ok := from.receipts[message]; !ok {
		t.Errorf("got no receipt, failure %v", from.failures[message])
	}
}

// A target that nobody has ends in ErrStuck, a target that is silent in
// ErrNoReceipt, and both leave nothing behind.
func TestFailure(t *testing.T) {
	w := newWorld(t, 7, 100, classic, Config{})
	from := w.peers[0]
	nobody := &peer{contact: &identity.Contact{Point: w.peers[50].contact.Point}}
	nobody.contact.Point[31]++
	stuck, _ := from.send(nobody, "x", Sending{Routed: true})
	w.run(3 * time.Second) // far less than four rounds' patience
	if err := from.failures[stuck]; !errors.Is(err, ErrStuck) {
		t.Errorf("nobody: got %v, want ErrStuck", err)
	}
	if w.count(trace.CopySent, stuck) < 4 {
		t.Errorf("got %d first hops, want one a round at least", w.count(trace.CopySent, stuck))
	}
	w.peers[40].mute = true
	silent, _ := from.send(w.peers[40], "x", Sending{Routed: true})
	w.run(20 * time.Second)
	if err := from.failures[silent]; !errors.Is(err, ErrNoReceipt) {
		t.Errorf("silent: got %v, want ErrNoReceipt", err)
	}
	gone, _ := from.send(w.peers[40], "x", Sending{Routed: true})
	from.core.Cancel(gone)
	w.run(20 * time.Second)
	if err := from.failures[gone]; err != nil {
		t.Errorf("cancelled: got %v, want nothing", err)
	}
	w.run(2 * time.Minute)
	w.empty()
}

// A third of all peers dies without a word, and nobody's table knows it: sends
// between the living still succeed within two seconds.
func TestSilentDeath(t *testing.T) {
	w := newWorld(t, 9, 300, wide, Config{})
	w.kill(1. / 3)
	var slowest time.Duration
	for range 300 {
		from, to := w.pair()
		message, _ := from.send(to, "x", Sending{Routed: true})
		w.run(3 * time.Second)
		receipt, ok := from.receipts[message]
		if !ok {
			t.Fatalf("no receipt; failure: %v", from.failures[message])
		}
		slowest = max(slowest, receipt.Elapsed)
	}
	if slowest > 2*time.Second {
		t.Errorf("got a send of %v, want at most 2s", slowest)
	}
	t.Logf("slowest: %v", slowest)
}
