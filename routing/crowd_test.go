package routing

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// throwaway returns one of the many keys of somebody who makes them at will.
func throwaway(i int) (id identity.ID) {
	id[0] = 0xee
	binary.BigEndian.PutUint32(id[1:], uint32(i))
	return id
}

// letter is a message for a peer: one that opens if origin is not nil.
func (w *world) letter(to *peer, origin *peer) wire.Envelope {
	var id identity.ID
	if origin != nil {
		id = origin.contact.ID
	}
	e := seal(wire.EnvelopeMessage, w.message(), id, "x")
	copy(e[48:80], to.contact.Point[:])
	if origin == nil {
		e[len(e)-1] ^= 1
	}
	return e
}

// A crowd of neighbours, each of which brings one message that does not open,
// uses up all links. Whoever comes next is served all the same.
func TestCrowdOfForgers(t *testing.T) {
	w := newWorld(t, 30, 20, classic, Config{})
	victim := w.peers[0]
	c := victim.core
	for i := range maxLinks + 100 {
		c.Envelope(0, throwaway(i), w.letter(victim, nil))
		victim.pump()
		if len(c.links.byID) > maxLinks {
			t.Fatalf("got %d links, want at most %d", len(c.links.byID), maxLinks)
		}
	}
	if got := len(c.arrivals); got > maxLinks {
		t.Errorf("got %d forgeries remembered, want those of links that are", got)
	}
	honest := w.peers[1]
	c.Envelope(0, honest.contact.ID, w.letter(victim, w.peers[2]))
	if r := c.Ready(); len(r.Acks) != 1 || len(r.Arrivals) != 1 {
		t.Errorf("got %d acks and %d arrivals for a new neighbour, want 1 and 1", len(r.Acks), len(r.Arrivals))
	}
	message := victim.broadcast("hear this")
	w.run(5 * time.Second)
	if got := victim.results[message]; got != 19 {
		t.Errorf("a broadcast reached %d peers, want 19", got)
	}
}

// Links with something under way are not forgotten, however long they were not
// used, and do not hide those behind them.
func TestEvictionGoesOn(t *testing.T) {
	w := newWorld(t, 31, 20, classic, Config{})
	c := w.peers[0].core
	const busy = 3*evictLook + 1
	for i := range maxLinks {
		l := c.links.use(throwaway(i))
		if i < busy {
			l.entries = 1
		}
	}
	refused := 0
	for i := range 100 {
		if c.links.use(throwaway(maxLinks+i)) == nil {
			refused++
		}
	}
	if want := busy / evictLook; refused != want {
		t.Errorf("got %d of 100 new links refused, want %d", refused, want)
	}
	for i := range busy {
		if c.links.byID[throwaway(i)] == nil {
			t.Fatalf("busy link %d was forgotten", i)
		}
	}
}

// Where all links are in use, a broadcast still goes to those whom the ring names.
func TestFullTableStillHands(t *testing.T) {
	w := newWorld(t, 32, 10, classic, Config{})
	origin := w.peers[0]
	for i := range maxLinks {
		origin.core.links.use(throwaway(i)).entries = 1
	}
	message := origin.broadcast("hear this")
	w.run(5 * time.Second)
	if got := origin.results[message]; got != 9 {
		t.Errorf("got %d reached, want 9", got)
	}
}

// A neighbour brought a message that was delivered, and is forgotten. The
// message is not delivered again, but answered.
func TestForgottenLinkLeavesItsMessages(t *testing.T) {
	w := newWorld(t, 33, 20, classic, Config{})
	target, origin := w.peers[0], w.peers[5]
	c := target.core
	e := w.letter(target, origin)
	forged := w.letter(target, nil)
	for _, x := range []wire.Envelope{e, forged} {
		c.Envelope(0, throwaway(0), x)
		target.pump()
	}
	for i := range maxLinks {
		c.links.use(throwaway(1 + i))
	}
	if c.links.byID[throwaway(0)] != nil {
		t.Fatal("the link is not forgotten: the story did not happen")
	}
	if c.arrivals[trace.MessageID(forged.Message())] != nil || c.gone.arrivals != 1 {
		t.Errorf("got %d messages left behind, want the accepted one", c.gone.arrivals)
	}
	e.SetNonce([16]byte{1})
	c.Envelope(0, w.peers[1].contact.ID, e)
	target.pump()
	if got := w.count(trace.ReceiptSent, trace.MessageID(e.Message())); len(target.delivered) != 1 || got != 2 {
		t.Errorf("got %d deliveries and %d answers, want 1 and 2", len(target.delivered), got)
	}
	w.run(5 * time.Minute)
	w.empty()
}

// What does not open never displaces what did, of the same link, and no more
// than a little of it is remembered.
func TestForgeriesGiveWayFirst(t *testing.T) {
	w := newWorld(t, 34, 20, classic, Config{MaxEntries: 100})
	target, relay := w.peers[0], w.peers[1].contact.ID
	c := target.core
	e := w.letter(target, w.peers[5])
	c.Envelope(0, relay, e)
	target.pump()
	for range 500 {
		c.Envelope(0, relay, w.letter(target, nil))
		target.pump()
	}
	if c.arrivals[trace.MessageID(e.Message())] == nil {
		t.Error("forgeries displaced what was delivered")
	}
	if got := len(c.arrivals); got > 1+maxRejected {
		t.Errorf("got %d arrivals, want at most %d", got, 1+maxRejected)
	}
	// A crowd fills what is left, and still makes room for the next.
	for i := range 500 {
		c.Envelope(0, throwaway(i), w.letter(target, nil))
		target.pump()
	}
	c.Envelope(0, w.peers[2].contact.ID, w.letter(target, w.peers[5]))
	if r := c.Ready(); len(r.Arrivals) != 1 {
		t.Errorf("got %d arrivals for an honest link, want 1", len(r.Arrivals))
	}
}

// The driver had no time: the same bytes are offered again when they come again.
func TestPostponedIsOfferedAgain(t *testing.T) {
	w := newWorld(t, 35, 20, classic, Config{})
	target := w.peers[0]
	c, from := target.core, w.peers[1].contact.ID
	e := w.letter(target, w.peers[5])
	for i := range uint8(20) {
		e.SetCopy(i)
		c.Envelope(0, from, e)
		r := c.Ready()
		if len(r.Arrivals) != 1 || !r.Arrivals[0].First {
			t.Fatalf("copy %d: got %d arrivals, want 1, the first", i, len(r.Arrivals))
		}
		c.Postponed(r.Arrivals[0].Offer)
		if len(c.arrivals) != 0 || !c.links.byID[from].idle() {
			t.Fatalf("copy %d: got %d arrivals kept, want none", i, len(c.arrivals))
		}
	}
	c.Envelope(0, from, e)
	o := c.Ready().Arrivals[0].Offer
	if !c.Accepted(0, o, w.peers[5].contact.ID) {
		t.Error("it is not delivered in the end")
	}
	c.Postponed(o)
	c.Envelope(0, from, e)
	if r := c.Ready(); len(r.Arrivals) != 0 {
		t.Error("offered again although it was delivered")
	}
}

// The same for a broadcast, which the peer before asks for once more.
func TestBroadcastPostponed(t *testing.T) {
	w := line(t, []byte{0, 10}, nil)
	c, from := w.peers[1].core, w.peers[0].contact.ID
	m := BroadcastMessage{Message: trace.MessageID{1}, Body: []byte("x"), Limit: identity.Point{20}}
	for i := range 3 {
		c.BroadcastIn(0, from, m)
		r := c.Ready()
		if len(r.BroadcastArrivals) != 1 {
			t.Fatalf("time %d: got %d broadcasts offered, want 1", i, len(r.BroadcastArrivals))
		}
		o := r.BroadcastArrivals[0].Offer
		if i == 2 && !c.BroadcastAccepted(0, o, from) {
			t.Error("it is not delivered in the end")
		}
		c.BroadcastPostponed(o)
	}
	c.BroadcastIn(0, from, m)
	if r := c.Ready(); len(r.BroadcastArrivals) != 0 {
		t.Error("offered again although it was delivered")
	}
	c.Tick(time.Hour)
	w.empty()
}

// receipt makes an answer to a message of a peer.
func receipt(to *peer, message trace.MessageID, text string) wire.Envelope {
	e := seal(wire.EnvelopeReceipt, message, identity.ID{1}, text)
	copy(e[48:80], to.contact.Point[:])
	return e
}

// The same for a receipt.
func TestReceiptPostponed(t *testing.T) {
	w := line(t, []byte{0, 10, 30}, map[int][]int{0: {1}, 1: {2}})
	origin, hop := w.peers[0], w.peers[1]
	c := origin.core
	hop.mute = true
	message, _ := origin.send(w.peers[2], "x", Sending{Routed: true})
	e := receipt(origin, message, "ok")
	for i := range 10 {
		c.Envelope(0, hop.contact.ID, e)
		r := c.Ready()
		if len(r.Receipts) != 1 {
			t.Fatalf("time %d: got %d receipts offered, want 1", i, len(r.Receipts))
		}
		c.ReceiptPostponed(r.Receipts[0].Offer)
	}
	c.Envelope(0, hop.contact.ID, e)
	c.Envelope(0, hop.contact.ID, e)
	if got := len(c.Ready().Receipts); got != 1 {
		t.Errorf("got %d receipts offered, want 1: the driver is at it", got)
	}
	c.Done(0, Offer{Message: message}, identity.ID{1}, 1)
	c.ReceiptPostponed(Offer{Message: message}) // too late, and no harm
}

// Many neighbours forge receipts. What comes back over the first hop is still
// offered, and what the forgers cost is bounded.
func TestCrowdForgesReceipts(t *testing.T) {
	w := line(t, []byte{0, 10, 30}, map[int][]int{0: {1}, 1: {2}})
	origin, hop := w.peers[0], w.peers[1]
	c := origin.core
	hop.mute = true
	message, _ := origin.send(w.peers[2], "x", Sending{Routed: true})
	offers := 0
	for i := range 100 {
		for j := range byte(10) {
			forged := receipt(origin, message, string([]byte{byte(i), j}))
			forged[len(forged)-1] ^= 0x55
			c.Envelope(0, throwaway(i), forged)
		}
		offers += len(c.Ready().Receipts)
	}
	if offers != maxOffers {
		t.Errorf("got %d forgeries offered, want %d", offers, maxOffers)
	}
	truth := receipt(origin, message, "ok")
	c.Envelope(0, hop.contact.ID, truth)
	if r := c.Ready(); len(r.Receipts) != 1 || !bytes.Equal(r.Receipts[0].Envelope, truth) {
		t.Errorf("got %d receipts offered from the first hop, want the true one", len(r.Receipts))
	}
}
