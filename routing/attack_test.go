package routing

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// line makes a world whose peers know exactly those that the test names.
func line(t *testing.T, points []byte, knows map[int][]int) *world {
	w := newWorld(t, 1, len(points), full, Config{})
	for i, p := range w.peers {
		p.contact.Point = identity.Point{points[i]}
	}
	for i, p := range w.peers {
		p.ring.table, p.ring.behind = nil, 0
		for _, k := range knows[i] {
			p.ring.table = append(p.ring.table, w.peers[k].contact)
		}
	}
	return w
}

// trail returns the peers that took a copy over the links of a message, in order.
func (w *world) trail(message trace.MessageID, name string) (places []int) {
	for _, e := range w.events {
		if e.Message == message && e.Name == name && (e.Kind == trace.CopySent || e.Kind == trace.CopyForwarded) {
			places = append(places, slices.IndexFunc(w.peers, func(p *peer) bool { return p.contact.ID == e.Other }))
		}
	}
	return places
}

// The next hop is dead: the one after it in distance gets the copy.
func TestDeadHop(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2}, 1: {3}, 2: {3}})
	w.peers[2].dead = true
	message, _ := w.peers[0].send(w.peers[3], "x", Sending{Routed: true})
	w.run(time.Second)
	if got, want := w.trail(message, "message"), []int{2, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("got trail %v, want %v", got, want)
	}
	if len(w.peers[3].delivered) != 1 || len(w.peers[0].receipts) != 1 {
		t.Errorf("got %d deliveries and %d receipts, want one each", len(w.peers[3].delivered), len(w.peers[0].receipts))
	}
	// The dead one is suspect now: the next message does not wait for it.
	message, _ = w.peers[0].send(w.peers[3], "x", Sending{Routed: true})
	w.run(time.Second)
	if got, want := w.trail(message, "message"), []int{1, 3}; !slices.Equal(got, want) {
		t.Errorf("got second trail %v, want %v", got, want)
	}
}

// A suspect that is heard of again is used again at once.
func TestSuspectReturns(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2}, 1: {3}, 2: {3}})
	w.peers[2].dead = true
	w.peers[0].send(w.peers[3], "x", Sending{Routed: true})
	w.run(time.Second)
	w.peers[2].dead = false
	w.peers[2].ring.learned = append(w.peers[2].ring.learned, w.peers[0].contact)
	w.peers[2].send(w.peers[0], "here I am", Sending{})
	w.run(100 * time.Millisecond)
	message, _ := w.peers[0].send(w.peers[3], "x", Sending{Routed: true})
	w.run(100 * time.Millisecond)
	if got, want := w.trail(message, "message"), []int{2, 3}; !slices.Equal(got, want) {
		t.Errorf("got trail %v, want %v", got, want)
	}
}

// The driver says that a peer cannot be reached: nobody waits for its time to pass.
func TestUnreachable(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2}, 1: {3}, 2: {3}})
	w.peers[2].dead = true
	message, _ := w.peers[0].send(w.peers[3], "x", Sending{Routed: true})
	w.peers[0].core.Unreachable(w.now, w.peers[2].contact.ID)
	w.peers[0].pump()
	w.run(10 * time.Millisecond)
	if _, ok := w.peers[0].receipts[message]; !ok {
		t.Error("got no receipt within 10ms")
	}
	message, _ = w.peers[0].send(w.peers[3], "x", Sending{Routed: true})
	w.run(time.Second)
	if got, want := w.trail(message, "message"), []int{1, 3}; !slices.Equal(got, want) {
		t.Errorf("got second trail %v, want %v", got, want)
	}
}

// 1 has taken the copy and finds that it leads nowhere: 0 tries 2 in the same round.
func TestBacktrack(t *testing.T) {
	w := line(t, []byte{0, 5, 20, 22, 30}, map[int][]int{0: {1, 2}, 2: {3}, 1: {4}})
	message, _ := w.peers[0].send(w.peers[4], "x", Sending{Routed: true})
	w.run(5 * time.Second)
	if got, want := w.trail(message, "message"), []int{2, 3, 1, 4}; !slices.Equal(got, want) {
		t.Errorf("got trail %v, want %v", got, want)
	}
	if got := w.count(trace.CopySent, message); got != 2 {
		t.Errorf("got %d first hops, want 2", got)
	}
	receipt, ok := w.peers[0].receipts[message]
	if !ok || receipt.Elapsed > 20*time.Millisecond {
		t.Errorf("got receipt %v after %v, want one at once", ok, receipt.Elapsed)
	}
}

// A hop that takes everything and does nothing costs a round, not the message.
func TestSwallowingHop(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2}, 1: {3}, 2: {3}})
	w.peers[2].mute = true
	message, _ := w.peers[0].send(w.peers[3], "x", Sending{Routed: true})
	w.run(5 * time.Second)
	receipt, ok := w.peers[0].receipts[message]
	if !ok || receipt.Elapsed < firstPath || receipt.Elapsed > firstPath+50*time.Millisecond {
		t.Errorf("got receipt %v after %v, want one in the second round", ok, receipt.Elapsed)
	}
}

// The first copy arrives altered: it does not open, the true ones do, and the
// count says that one differed.
func TestAlteredCopy(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 25, 30}, map[int][]int{0: {1, 2, 3}, 1: {4}, 2: {4}, 3: {4}})
	w.meddle = func(from, to *peer, e wire.Envelope) wire.Envelope {
		if from == w.peers[3] && e.Kind() == wire.EnvelopeMessage {
			e[len(e)-1] ^= 1
		}
		return e
	}
	w.peers[3].world.latency = time.Millisecond
	w.peers[0].send(w.peers[4], "dup", Sending{Duplicates: 2})
	w.run(5 * time.Second)
	got := w.peers[4].delivered
	if len(got) != 1 || got[0].data != "dup" {
		t.Fatalf("got deliveries %v, want the true one", got)
	}
	if got[0].differing != 1 {
		t.Errorf("the receipt says %d differed, want 1", got[0].differing)
	}
	if arrived, differing := w.peers[4].core.Copies(got[0].offer); arrived != 2 || differing != 1 {
		t.Errorf("got %d arrived and %d differing, want 2 and 1", arrived, differing)
	}
	if len(w.peers[0].receipts) != 1 {
		t.Error("got no receipt")
	}
}

// A relay learns the message ID and hurries to the target, and to the relays of
// other copies, with forgeries and with a true message of its own under the
// same ID. The victim's message is delivered all the same.
func TestStolenMessageID(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2}, 1: {3}, 2: {3, 1}})
	thief := w.peers[2]
	w.peers[1].ring.learned = nil
	stolen := false
	w.meddle = func(from, to *peer, e wire.Envelope) wire.Envelope {
		if to != thief || from != w.peers[0] {
			return e
		}
		stolen = true
		mine := seal(wire.EnvelopeMessage, trace.MessageID(e.Message()), thief.contact.ID, "mine")
		for number := range uint8(3) {
			forged := wire.Envelope(bytes.Clone(e))
			forged.SetCopy(number)
			forged[len(forged)-1] ^= 0xff
			w.peers[1].core.Envelope(w.now, thief.contact.ID, forged)
			w.peers[1].pump()
		}
		copy(mine[:wire.EnvelopeHeaderSize], e[:wire.EnvelopeHeaderSize])
		w.peers[3].core.Envelope(w.now, thief.contact.ID, mine)
		w.peers[3].pump()
		return nil
	}
	message, copies := w.peers[0].send(w.peers[3], "dup", Sending{Duplicates: 1})
	w.run(200 * time.Millisecond)
	if !stolen || copies != 2 {
		t.Fatalf("stolen %v, %d copies: the story did not happen", stolen, copies)
	}
	var origins []identity.ID
	for _, d := range w.peers[3].delivered {
		origins = append(origins, d.origin)
	}
	if want := []identity.ID{thief.contact.ID, w.peers[0].contact.ID}; !slices.Equal(origins, want) {
		t.Errorf("got deliveries from %v, want the thief's own and the victim's", origins)
	}
	if _, ok := w.peers[0].receipts[message]; !ok {
		t.Error("the victim got no receipt")
	}
}

// Forged receipts do not end a send; the true one does.
func TestForgedReceipt(t *testing.T) {
	w := line(t, []byte{0, 10, 30}, map[int][]int{0: {1}, 1: {2}})
	w.latency = 20 * time.Millisecond
	message, _ := w.peers[0].send(w.peers[2], "x", Sending{Routed: true})
	w.run(50 * time.Millisecond)
	for i := range 100 {
		forged := seal(wire.EnvelopeReceipt, message, identity.ID{byte(i)}, "ok")
		copy(forged[48:80], w.peers[0].contact.Point[:])
		forged[len(forged)-1]++
		w.peers[0].core.Envelope(w.now, w.peers[1].contact.ID, forged)
	}
	if got := len(w.peers[0].core.ready.Receipts); got != maxLinkOffers {
		t.Errorf("got %d forgeries offered, want %d", got, maxLinkOffers)
	}
	w.peers[0].pump()
	if len(w.peers[0].receipts) != 0 {
		t.Error("a forgery ended the send")
	}
	// The forger is the only way: what it sends later is refused, and the send goes on to its end.
	w.run(20 * time.Second)
	if w.peers[0].failures[message] == nil && w.peers[0].receipts[message].Message != message {
		t.Error("the send did not end")
	}
}

// The receipt of duplicates also takes a route of its own: a first copy's path
// that swallows receipts does not keep it back.
func TestReceiptHasItsOwnRoute(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2}, 1: {0, 3}, 2: {0, 3}, 3: {1, 2}})
	w.meddle = func(from, to *peer, e wire.Envelope) wire.Envelope {
		if from == w.peers[3] && to == w.peers[2] {
			from.core.Ack(w.now, to.contact.ID, trace.MessageID(e.Message()), e.Copy())
			return nil
		}
		return e
	}
	message, _ := w.peers[0].send(w.peers[3], "dup", Sending{Duplicates: 1})
	w.run(20 * time.Millisecond)
	if _, ok := w.peers[0].receipts[message]; !ok {
		t.Error("got no receipt by the other route")
	}
}

// Where the origin is best reached through the peer that brought the first
// copy, the receipt's own route still is another.
func TestReceiptRoutesDiffer(t *testing.T) {
	w := line(t, []byte{0, 10, 12, 20}, map[int][]int{0: {1, 2}, 1: {0, 3}, 2: {0, 3}, 3: {1, 2}})
	w.meddle = func(from, to *peer, e wire.Envelope) wire.Envelope {
		if from == w.peers[0] && to == w.peers[2] {
			return nil
		}
		return e
	}
	message, _ := w.peers[0].send(w.peers[3], "dup", Sending{Duplicates: 1})
	w.run(20 * time.Millisecond)
	if got, want := w.trail(message, "receipt"), []int{1, 2, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("got receipts %v, want %v", got, want)
	}
}

// An acknowledgement is lost, but the receipt comes: it says as much, there and
// at the origin, and nobody tries another.
func TestReceiptAcknowledges(t *testing.T) {
	w := line(t, []byte{0, 10, 15, 20, 30}, map[int][]int{0: {1, 2}, 1: {2, 3, 4}})
	m := Sending{Message: w.message(), Target: w.peers[4].contact.Point, Kind: wire.EnvelopeMessage, Payload: []byte("x"), Routed: true}
	relay, origin := w.peers[1].core, w.peers[0].core
	w.peers[0].ring.table = w.peers[0].ring.table[:1]
	if _, err := origin.Send(0, m); err != nil {
		t.Fatal(err)
	}
	w.peers[0].ring.table = w.table(0, full)
	relay.Envelope(0, w.peers[0].contact.ID, onLink(nil, &origin.Ready().Envelopes[0]))
	relay.Ready()
	receipt := seal(wire.EnvelopeReceipt, m.Message, w.peers[4].contact.ID, "ok")
	nonce := relay.entries.first(key{m.Message, 0}).envelope().Nonce()
	receipt.SetNonce(nonce)
	copy(receipt[48:80], w.peers[0].contact.Point[:])
	relay.Envelope(time.Millisecond, w.peers[4].contact.ID, receipt)
	back := relay.Ready().Envelopes
	if len(back) != 1 || back[0].To != w.peers[0].contact.ID {
		t.Fatalf("got %d envelopes, want the receipt handed back to the origin", len(back))
	}
	origin.Envelope(time.Millisecond, w.peers[1].contact.ID, onLink(nil, &back[0]))
	relay.Ack(time.Millisecond, w.peers[0].contact.ID, m.Message, 0)
	relay.Tick(500 * time.Millisecond)
	origin.Tick(500 * time.Millisecond) // the round is not over yet
	for name, c := range map[string]*Core{"relay": relay, "origin": origin} {
		if r := c.Ready(); len(r.Envelopes)+len(r.Refusals) != 0 {
			t.Errorf("%s: got %d envelopes and %d refusals, want none", name, len(r.Envelopes), len(r.Refusals))
		}
	}
}

// A send that is done, or cancelled, retries nothing.
func TestEndedSendIsQuiet(t *testing.T) {
	for _, name := range []string{"done", "cancelled"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 17, 20, classic, Config{})
			c := w.peers[0].core
			m := Sending{Message: w.message(), Target: w.peers[10].contact.Point, Kind: wire.EnvelopeMessage, Duplicates: 2}
			if _, err := c.Send(0, m); err != nil {
				t.Fatal(err)
			}
			if name == "done" {
				c.Done(0, Offer{Message: m.Message}, w.peers[10].contact.ID, 2)
			} else {
				c.Cancel(m.Message)
			}
			c.Ready()
			c.Tick(5 * time.Second)
			if r := c.Ready(); len(r.Envelopes) != 0 || len(r.Failures) != 0 {
				t.Errorf("got %d envelopes and failures %v, want none", len(r.Envelopes), r.Failures)
			}
		})
	}
}

// A hop that misroutes, from nearer to the target to farther, does not get its
// copy back.
func TestMisroutedCopy(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2}, 1: {3}})
	e := seal(wire.EnvelopeMessage, w.message(), identity.ID{}, "x")
	copy(e[48:80], w.peers[3].contact.Point[:])
	e.SetTTL(9)
	e.SetHops(4)
	w.peers[0].core.Envelope(0, w.peers[2].contact.ID, e)
	out := w.peers[0].core.Ready().Envelopes
	if len(out) != 1 || out[0].To != w.peers[1].contact.ID {
		t.Fatalf("got %d envelopes, want one, to peer 1", len(out))
	}
	if h := wire.Envelope(out[0].Header[:]); h.TTL() != 8 || h.Hops() != 5 {
		t.Errorf("got ttl %d, hops %d, want 8, 5", h.TTL(), h.Hops())
	}
}

// The target knew no session: the driver seals anew and the same message is
// delivered once, answered again by any later round.
func TestResend(t *testing.T) {
	w := newWorld(t, 11, 50, classic, Config{})
	from, to := w.peers[0], w.peers[25]
	m := Sending{Message: w.message(), Target: to.contact.Point, Kind: wire.EnvelopeMessage, Counter: 7, Payload: []byte("an old session's seal"), Routed: true}
	if _, err := from.core.Send(w.now, m); err != nil {
		t.Fatal(err)
	}
	from.pump()
	w.run(100 * time.Millisecond)
	if len(to.delivered) != 0 {
		t.Fatal("delivered what does not open")
	}
	for range 2 {
		first := seal(wire.EnvelopeFirst, m.Message, from.contact.ID, "again")
		if err := from.core.Resend(w.now, m.Message, wire.EnvelopeFirst, 0, first.Payload()); err != nil {
			t.Fatal(err)
		}
	}
	from.pump()
	w.run(100 * time.Millisecond)
	if len(to.delivered) != 1 || len(from.receipts) != 1 {
		t.Errorf("got %d deliveries and %d receipts, want one each", len(to.delivered), len(from.receipts))
	}
	// The same message of the same origin under yet another seal is answered, not delivered.
	another := seal(wire.EnvelopeMessage, m.Message, from.contact.ID, "again, sealed otherwise")
	copy(another[48:80], to.contact.Point[:])
	before := w.count(trace.ReceiptSent, m.Message)
	to.core.Envelope(w.now, from.contact.ID, another)
	to.pump()
	if len(to.delivered) != 1 || w.count(trace.ReceiptSent, m.Message) != before+1 {
		t.Errorf("got %d deliveries, %d receipts more, want 1, 1", len(to.delivered), w.count(trace.ReceiptSent, m.Message)-before)
	}
}

// One link floods with messages for others, for this peer, with variants of
// one message and with broadcasts. What it can make a peer keep is bounded, and
// others are still served.
func TestFlood(t *testing.T) {
	config := Config{MaxEntries: 48, MaxBytes: 1 << 18, MaxBroadcasts: 16}
	w := newWorld(t, 12, 40, classic, config)
	victim, flooder, honest := w.peers[0], w.peers[1].contact.ID, w.peers[2].contact.ID
	c := victim.core
	check := func() {
		t.Helper()
		if c.entries.count > 48 || c.pool.held > 1<<18 || len(c.arrivals) > 48 || len(c.broadcasts) > 16 {
			t.Fatalf("got %d entries, %d bytes, %d arrivals, %d broadcasts", c.entries.count, c.pool.held, len(c.arrivals), len(c.broadcasts))
		}
	}
	envelope := func(to *peer, size int) wire.Envelope {
		e := seal(wire.EnvelopeMessage, w.message(), identity.ID{}, string(make([]byte, size)))
		copy(e[48:80], to.contact.Point[:])
		return e
	}
	tests := []struct {
		name  string
		times int
		flood func()
	}{
		{"for others", 5000, func() { c.Envelope(w.now, flooder, envelope(w.peers[20], 1000)) }},
		{"large ones", 200, func() { c.Envelope(w.now, flooder, envelope(w.peers[20], 100_000)) }},
		{"for this peer", 5000, func() { c.Envelope(w.now, flooder, envelope(victim, 100)) }},
		{"broadcasts", 2000, func() {
			c.BroadcastIn(w.now, flooder, BroadcastMessage{Message: w.message(), Body: make([]byte, 3000), Limit: w.peers[9].contact.Point})
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for i := range test.times {
				test.flood()
				check()
				if i%100 == 0 {
					c.Ready()
				}
			}
			refused := len(c.Ready().Refusals)
			c.Envelope(w.now, honest, envelope(w.peers[30], 100))
			c.Envelope(w.now, honest, envelope(victim, 100))
			if r := c.Ready(); len(r.Acks) != 2 {
				t.Errorf("got %d acks for an honest link, want 2; the flooder had %d refusals", len(r.Acks), refused)
			}
		})
	}
	t.Run("variants", func(t *testing.T) {
		later := w.now + time.Hour
		for range maxTries + 1 { // until nobody waits any more
			c.Tick(later)
			c.Ready()
			later += c.config.Remember + sweepEvery
		}
		e := envelope(w.peers[20], 100)
		for i := range 100 {
			e[len(e)-1] = byte(i)
			c.Envelope(later, flooder, e)
		}
		if r := c.Ready(); len(r.Acks) != maxVariants || len(r.Refusals) != 100-maxVariants {
			t.Errorf("got %d acks, %d refusals, want %d, %d", len(r.Acks), len(r.Refusals), maxVariants, 100-maxVariants)
		}
	})
}

// A peer that has as much under way as it may still takes its receipts, and
// answers others.
func TestFullPeerTakesReceipts(t *testing.T) {
	w := newWorld(t, 16, 30, classic, Config{MaxBytes: 1 << 18})
	from, to, other := w.peers[0], w.peers[15], w.peers[20]
	var sent []trace.MessageID
	for {
		m := Sending{Message: w.message(), Target: to.contact.Point, Kind: wire.EnvelopeMessage}
		m.Payload = seal(m.Kind, m.Message, from.contact.ID, string(make([]byte, 2000))).Payload()
		if _, err := from.core.Send(w.now, m); err == nil {
			sent = append(sent, m.Message)
		} else if errors.Is(err, ErrLimit) {
			break
		} else {
			t.Fatal(err)
		}
	}
	question, _ := other.send(from, "x", Sending{Routed: true})
	from.pump()
	w.run(5 * time.Second)
	if _, ok := other.receipts[question]; !ok {
		t.Error("another peer got no receipt")
	}
	if len(sent) < 40 || len(from.receipts) != len(sent) {
		t.Errorf("got %d receipts for %d sends, want all, and at least 40", len(from.receipts), len(sent))
	}
	w.run(2 * time.Minute)
	w.empty()
}

// Rounds without end, and forgeries of one link, cost a target no more than a
// few answers and openings for each message; another link still gets its turn.
func TestArrivalBounds(t *testing.T) {
	w := newWorld(t, 18, 20, classic, Config{})
	target := w.peers[0]
	e := seal(wire.EnvelopeMessage, w.message(), w.peers[5].contact.ID, "x")
	copy(e[48:80], target.contact.Point[:])
	bad := wire.Envelope(bytes.Clone(e))
	offers := 0
	for i := range 100 {
		bad[len(bad)-1] = byte(i) ^ 0x80
		target.core.Envelope(0, w.peers[1].contact.ID, bad)
		offers += len(target.core.Ready().Arrivals)
	}
	if offers != maxLinkOffering {
		t.Errorf("got %d forgeries offered, want %d", offers, maxLinkOffering)
	}
	for i := range 100 {
		e.SetNonce([16]byte{byte(i)})
		target.core.Envelope(0, w.peers[2].contact.ID, e)
		target.pump()
	}
	message := trace.MessageID(e.Message())
	if got := w.count(trace.ReceiptSent, message); len(target.delivered) != 1 || got != maxReplies {
		t.Errorf("got %d deliveries and %d answers, want 1 and %d", len(target.delivered), got, maxReplies)
	}
}

// An origin learns how long receipts take: what is lost then is sent again soon.
func TestPatienceAdapts(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2}, 1: {3}, 2: {3}})
	for range 20 {
		w.peers[0].send(w.peers[3], "x", Sending{Routed: true})
		w.run(50 * time.Millisecond)
	}
	w.peers[2].mute = true
	message, _ := w.peers[0].send(w.peers[3], "x", Sending{Routed: true})
	w.run(time.Second)
	if receipt, ok := w.peers[0].receipts[message]; !ok || receipt.Elapsed > minPath+10*time.Millisecond {
		t.Errorf("got receipt %v after %v, want one after %v", ok, receipt.Elapsed, minPath)
	}
}

// A burst leaves no more idle memory behind than is worth keeping, and an idle
// core none.
func TestIdleMemory(t *testing.T) {
	w := newWorld(t, 19, 20, classic, Config{})
	c := w.peers[0].core
	for range 2000 {
		e := seal(wire.EnvelopeMessage, w.message(), identity.ID{}, string(make([]byte, 1000)))
		copy(e[48:80], w.peers[10].contact.Point[:])
		c.Envelope(0, w.peers[1].contact.ID, e)
	}
	c.Ready()
	c.Ready()
	for c.entries.count > 0 {
		c.forget(c.age.first)
	}
	if c.pool.spare > c.pool.max/spareFraction || c.pool.spare == 0 {
		t.Errorf("got %d bytes idle, want some, at most %d", c.pool.spare, c.pool.max/spareFraction)
	}
	c.Tick(time.Hour)
	if c.pool.spare != 0 || c.free != nil || c.entries.buckets != nil {
		t.Errorf("got %d bytes idle, want none", c.pool.spare)
	}
}

// An envelope that may cross no more links is refused, also if it is a duplicate
// of none, and one that is not well-formed is ignored.
func TestRefusals(t *testing.T) {
	w := newWorld(t, 13, 20, classic, Config{})
	c, from := w.peers[0].core, w.peers[1].contact.ID
	e := seal(wire.EnvelopeMessage, w.message(), identity.ID{}, "x")
	copy(e[48:80], w.peers[10].contact.Point[:])
	e.SetTTL(0)
	c.Envelope(w.now, from, e)
	c.Envelope(w.now, from, e[:60])
	c.Envelope(w.now, from, nil)
	r := c.Ready()
	if len(r.Acks) != 0 || len(r.Envelopes) != 0 || len(r.Refusals) != 1 || r.Refusals[0].Reason != wire.ReasonTTL {
		t.Errorf("got %d acks, %d envelopes, refusals %v, want one for its ttl", len(r.Acks), len(r.Envelopes), r.Refusals)
	}
}

// The same seed gives the same run, event for event.
func TestDeterminism(t *testing.T) {
	run := func(seed uint64) (uint64, int) {
		w := newWorld(t, seed, 100, classic, Config{})
		w.loss, w.duplicate, w.jitter = 0.1, 0.1, 50*time.Millisecond
		w.kill(0.1)
		for range 100 {
			from, to := w.pair()
			from.send(to, "dup", Sending{Duplicates: w.random.IntN(3)})
			w.run(20 * time.Millisecond)
		}
		w.peers[0].broadcast("x")
		w.run(20 * time.Second)
		return w.sum, len(w.events)
	}
	sum, events := run(14)
	again, eventsAgain := run(14)
	if sum != again || events != eventsAgain {
		t.Errorf("got %x and %x, %d and %d events, want the same", sum, again, events, eventsAgain)
	}
	if other, _ := run(15); other == sum {
		t.Error("another seed gave the same run: the hash says nothing")
	}
}
