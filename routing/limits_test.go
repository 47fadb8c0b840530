package routing

import (
	"bytes"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// Links that send broadcasts which nobody signed keep no true one out, and those
// that are at work leave a share for this peer's own.
func TestRejectedBroadcastsGiveWay(t *testing.T) {
	w := newWorld(t, 40, 12, classic, Config{RememberArrivals: 4 * time.Minute})
	origin, victim := w.peers[0], w.peers[5]
	flood := func(body []byte, signature []byte) {
		for k := range 30 {
			for i := range 100 {
				victim.core.BroadcastIn(w.now, throwaway(k), BroadcastMessage{
					Message: trace.MessageID{byte(i), byte(k)}, Body: body, Signature: signature, Limit: victim.contact.Point, Hops: 1,
				})
				victim.pump()
			}
		}
	}
	flood([]byte("rubbish"), []byte("x"))
	if got, most := len(victim.core.broadcasts), victim.core.config.MaxBroadcasts; got > most {
		t.Errorf("got %d broadcasts remembered, want at most %d", got, most)
	}
	message := origin.broadcast("hear this")
	w.run(10 * time.Second)
	if got := victim.casts[message]; got != 1 {
		t.Errorf("the victim got it %d times, want once", got)
	}
	if got := origin.results[message]; got != 11 {
		t.Errorf("got count %d, want 11", got)
	}
	body := append(bytes.Clone(origin.contact.ID[:]), "loud"...)
	flood(body, checksumOf(body)) // nobody but those who brought them may displace these
	message = victim.broadcast("and me")
	w.run(10 * time.Second)
	if got := victim.results[message]; got != 11 {
		t.Errorf("got count %d of an own one, want 11", got)
	}
}

// Many links bring as much for others as they may. This peer still sends, gets
// its receipts, hears what is meant for it and answers.
func TestRelayedLeavesAReserve(t *testing.T) {
	for _, x := range []struct {
		name  string
		sizes []int
		full  func(c *Core) bool // the story happened
	}{
		{"bytes", []int{1 << 20, 1 << 18, 64 << 10, 8 << 10, 2 << 10, 200}, func(c *Core) bool { return c.pool.held > c.pool.max*7/10 }},
		{"entries", []int{1}, func(c *Core) bool { return c.entries.count > c.config.MaxEntries*7/10 }},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := line(t, []byte{0, 10, 20, 30, 40}, map[int][]int{0: {2, 3}, 2: {4}, 3: {4}})
			peer, other := w.peers[0], w.peers[4]
			c := peer.core
			for k := range 20 {
				for _, size := range x.sizes {
					for more := true; more; {
						e := seal(wire.EnvelopeMessage, w.message(), identity.ID{}, string(make([]byte, size)))
						copy(e[48:80], other.contact.Point[:])
						before := c.entries.count
						c.Envelope(0, throwaway(k), e)
						more = c.entries.count > before
					}
				}
			}
			c.Ready()
			if !x.full(c) {
				t.Fatalf("got %d entries, %d bytes: the story did not happen", c.entries.count, c.pool.held)
			}
			own := Sending{Message: w.message(), Target: other.contact.Point, Kind: wire.EnvelopeMessage, Payload: []byte("hi")}
			if n, err := c.Send(0, own); err != nil || n != 1 {
				t.Errorf("sent %d copies: %v, want one", n, err)
			}
			c.Envelope(0, throwaway(0), w.letter(peer, other))
			c.Envelope(0, w.peers[3].contact.ID, receipt(peer, own.Message, "ok"))
			c.BroadcastIn(0, w.peers[3].contact.ID, BroadcastMessage{Message: w.message(), Body: []byte("x")})
			r := c.Ready()
			if len(r.Arrivals) != 1 || len(r.Receipts) != 1 || len(r.BroadcastArrivals) != 1 {
				t.Fatalf("got %d arrivals, %d receipts, %d broadcasts, want one each", len(r.Arrivals), len(r.Receipts), len(r.BroadcastArrivals))
			}
			c.Accepted(0, r.Arrivals[0].Offer, other.contact.ID)
			answer := Replying{Kind: wire.EnvelopeReceipt, Payload: []byte("ok"), Target: other.contact.Point}
			if err := c.Reply(0, r.Arrivals[0].Offer, answer); err != nil {
				t.Errorf("reply: %v", err)
			}
			if r := c.Ready(); len(r.Envelopes) != 1 {
				t.Errorf("got %d answers, want 1", len(r.Envelopes))
			}
		})
	}
}

// A neighbour that has a relay pass on all it can, small or large, keeps out nothing that
// another one sends to the same peer by the same relay, though that takes only a few at a time.
func TestFloodThroughARelayKeepsNobodyOut(t *testing.T) {
	for _, size := range []int{100, 8000} {
		w := line(t, []byte{0, 10, 20, 30}, map[int][]int{1: {2}})
		c, to := w.peers[1].core, w.peers[2]
		c.config.MaxEntries, c.pool.max = 512, 1<<20
		flooder, honest := throwaway(1), throwaway(2)
		bring := func(from identity.ID) {
			e := seal(wire.EnvelopeMessage, w.message(), identity.ID{}, string(make([]byte, size)))
			copy(e[48:80], to.contact.Point[:])
			c.Envelope(0, from, e)
		}
		var passed []key // and not acknowledged yet
		refused, lost := 0, 0
		step := func(from identity.ID) {
			bring(from)
			r := c.Ready()
			for i := range r.Envelopes {
				e := wire.Envelope(r.Envelopes[i].Header[:])
				passed = append(passed, key{trace.MessageID(e.Message()), e.Copy()})
			}
			for _, x := range r.Refusals {
				if x.To == honest {
					lost++
				} else {
					refused++
				}
			}
		}
		for range 100 {
			for range 40 {
				step(flooder)
			}
			step(honest)
			for range min(4, len(passed)) { // the next hop takes what came first
				c.Ack(0, to.contact.ID, passed[0].message, passed[0].copy)
				passed = passed[1:]
			}
		}
		if refused == 0 || lost > 0 {
			t.Errorf("%d bytes each: %d of the flood were refused, want some; %d of 100 of the other, want none", size, refused, lost)
		}
	}
}

// A link that hands out one interval after another keeps no other link's out,
// whether the broadcast was verified meanwhile or not.
func TestPartsOfOneLinkAreBounded(t *testing.T) {
	for _, verified := range []bool{false, true} {
		w := newWorld(t, 40, 12, classic, Config{})
		p, boss := w.peers[5], w.peers[4].contact.ID
		c := p.core
		body := append(bytes.Clone(w.peers[0].contact.ID[:]), "hear this"...)
		m := BroadcastMessage{Message: w.message(), Body: body, Signature: checksumOf(body), Hops: 1}
		answers := 0
		for i := range 2 * maxParts {
			m.Limit = add(p.contact.Point, identity.Point{31: byte(i + 1)})
			c.BroadcastIn(0, throwaway(i%10), m)
			r := c.Ready()
			answers += len(r.BroadcastAnswers)
			for _, a := range r.BroadcastArrivals {
				if verified {
					c.BroadcastAccepted(0, a.Offer, w.peers[0].contact.ID)
				}
			}
		}
		if want := 10 * maxLinkParts; !verified && answers != want {
			t.Errorf("got %d answers before it was verified, want %d", answers, want)
		}
		if got := len(c.broadcastAge.first.parts); got > 10*maxLinkParts {
			t.Errorf("got %d parts, want at most %d", got, 10*maxLinkParts)
		}
		m.Limit = w.peers[9].contact.Point
		c.BroadcastIn(0, boss, m)
		r := c.Ready()
		if len(r.BroadcastAnswers) != 1 || r.BroadcastAnswers[0].To != boss {
			t.Errorf("verified %v: got %d answers to an honest parent, want 1", verified, len(r.BroadcastAnswers))
		}
		if verified && len(r.Broadcasts) == 0 {
			t.Error("its interval was not passed on")
		}
	}
}

// A broadcast that is rejected after its interval was taken is answered at once,
// and again whenever it is said again: nobody waits for it.
func TestRejectedBroadcastIsAnswered(t *testing.T) {
	w := line(t, []byte{0, 10, 20}, nil)
	c, boss := w.peers[1].core, w.peers[0].contact.ID
	m := BroadcastMessage{Message: trace.MessageID{1}, Body: []byte("x"), Limit: identity.Point{15}}
	c.BroadcastIn(0, boss, m)
	m.Limit = identity.Point{20}
	c.BroadcastIn(0, boss, m)
	c.BroadcastRejected(c.Ready().BroadcastArrivals[0].Offer)
	check := func(want ...byte) {
		t.Helper()
		r := c.Ready()
		if len(r.BroadcastAnswers) != len(want) || len(r.BroadcastArrivals) != 0 {
			t.Fatalf("got %d answers, %d arrivals, want %d and none", len(r.BroadcastAnswers), len(r.BroadcastArrivals), len(want))
		}
		for i, a := range r.BroadcastAnswers {
			if !a.Done || a.Reached != 0 || a.To != boss || a.Limit != (identity.Point{want[i]}) {
				t.Errorf("got answer %+v, want that nobody was reached up to %d", a, want[i])
			}
		}
	}
	check(15, 20)
	c.BroadcastIn(0, boss, m)
	check(20)
	c.Tick(10 * time.Second)
	check()
}

// A parent whose child rejects what it signed ends with the others' count.
func TestParentOfARejection(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{0: {1, 2, 3}, 1: {2}, 2: {3}})
	origin := w.peers[0]
	for _, p := range w.peers[1:] {
		origin.core.Up(p.contact.ID) // an interval for each
	}
	body := append(bytes.Clone(origin.contact.ID[:]), "hear this"...)
	message := w.message()
	first := BroadcastMessage{Message: message, Body: append(body, '!'), Limit: w.peers[2].contact.Point}
	first.Signature = checksumOf(first.Body)
	w.peers[1].core.BroadcastIn(0, throwaway(0), first) // so that the next one under this ID is the second
	w.peers[1].pump()
	if err := origin.core.Broadcast(0, message, body, checksumOf(body)); err != nil {
		t.Fatal(err)
	}
	origin.pump()
	w.run(100 * time.Millisecond)
	if got, ok := origin.results[message]; !ok || got != 2 {
		t.Errorf("got count %d (%v) at once, want 2", got, ok)
	}
}

// What a hop says of the links crossed never wraps, and can always be passed on.
func TestHopsSaturate(t *testing.T) {
	w := line(t, []byte{0, 10, 20, 30}, map[int][]int{1: {2}})
	relay, from := w.peers[1], w.peers[0].contact.ID
	for _, x := range []struct{ said, want int }{{3, 4}, {254, 255}, {255, 255}, {1 << 40, 255}} {
		if x.said <= 255 {
			e := w.letter(w.peers[2], w.peers[0])
			e.SetHops(uint8(x.said))
			relay.core.Envelope(0, from, e)
			if r := relay.core.Ready(); len(r.Envelopes) != 1 || int(r.Envelopes[0].Header[1]) != x.want {
				t.Errorf("after %d hops: got %d envelopes, want one of %d hops", x.said, len(r.Envelopes), x.want)
			}
		}
		m := BroadcastMessage{Message: w.message(), Body: []byte("x"), Limit: w.peers[3].contact.Point, Hops: x.said}
		relay.core.BroadcastIn(0, from, m)
		relay.core.BroadcastAccepted(0, relay.core.Ready().BroadcastArrivals[0].Offer, from)
		if r := relay.core.Ready(); len(r.Broadcasts) != 1 || r.Broadcasts[0].Broadcast.Hops != x.want {
			t.Errorf("after %d hops: got %d broadcasts, want one of %d hops", x.said, len(r.Broadcasts), x.want)
		}
	}
}
