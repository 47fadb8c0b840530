package routing

import (
	"fmt"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// forge makes sealed bytes under a message's ID that do not open.
func forge(to *peer, message trace.MessageID, number uint8, i int) wire.Envelope {
	e := seal(wire.EnvelopeMessage, message, identity.ID{}, fmt.Sprint(i))
	copy(e[48:80], to.contact.Point[:])
	e[len(e)-1] ^= 0x80
	e.SetCopy(number)
	e.SetNonce([16]byte{byte(i), byte(i >> 8), number})
	return e
}

// The first hop swallows a copy and sends forgeries under its message ID to the
// target, by everybody it knows. A later round gets through all the same.
func TestForgeriesKeepNothingOut(t *testing.T) {
	for _, duplicates := range []int{0, 3} {
		for _, forgeries := range []int{4, 24} {
			for seed := range uint64(8) {
				w := newWorld(t, seed, 30, classic, Config{RememberArrivals: 4 * time.Minute})
				origin, target := w.peers[0], w.peers[13]
				bad := w.byID[origin.ring.Toward(target.contact.Point, func(*identity.Contact) bool { return true }).ID]
				if bad == target {
					continue
				}
				met := 0
				w.meddle = func(from, to *peer, e wire.Envelope) wire.Envelope {
					if to != bad || from != origin {
						return e
					}
					message, number := trace.MessageID(e.Message()), e.Copy()
					w.cross(bad, from.contact.ID, 0, func(back *peer) { back.core.Ack(w.now, bad.contact.ID, message, number) })
					for i := 0; met == 0 && i < forgeries; i++ {
						for _, contact := range bad.ring.table {
							if w.byID[contact.ID] != origin {
								f := forge(target, message, uint8(i%4), i)
								w.cross(bad, contact.ID, 0, func(to *peer) { to.core.Envelope(w.now, bad.contact.ID, f) })
							}
						}
					}
					met++
					return nil
				}
				message, _ := origin.send(target, "dup", Sending{Duplicates: duplicates, Routed: true})
				w.run(11 * time.Second)
				if met == 0 || len(target.delivered) != 1 {
					t.Errorf("%d duplicates, %d forgeries, seed %d: swallowed %d, delivered %d times, want once",
						duplicates, forgeries, seed, met, len(target.delivered))
				}
				if _, ok := origin.receipts[message]; !ok {
					t.Errorf("%d duplicates, %d forgeries, seed %d: got no receipt", duplicates, forgeries, seed)
				}
			}
		}
	}
}

// What was forged under a message ID before, and whether the driver could tell,
// costs a target a few digests, and the true copy still is offered.
func TestForgeriesGiveWayToTheTruth(t *testing.T) {
	w := newWorld(t, 36, 20, classic, Config{})
	target, origin := w.peers[0], w.peers[5]
	c := target.core
	truth := w.letter(target, origin)
	message := trace.MessageID(truth.Message())
	for i := range 300 {
		c.Envelope(0, throwaway(i%3), forge(target, message, 0, i))
		for _, a := range c.Ready().Arrivals {
			if i%2 == 0 {
				c.Rejected(a.Offer)
			} else {
				c.Outdated(a.Offer, identity.ID{})
			}
			answer := Replying{Kind: wire.EnvelopeUnknown, Payload: []byte("I know no such session")}
			if err := c.Reply(0, a.Offer, answer); err != nil {
				t.Fatalf("forgery %d: %v", i, err)
			}
		}
	}
	if got := len(c.arrivals[message].variants); got > maxUseless {
		t.Errorf("got %d variants remembered, want at most %d", got, maxUseless)
	}
	c.Envelope(0, throwaway(0), forge(target, message, 0, 299))
	if r := c.Ready(); len(r.Arrivals) != 0 || len(r.Acks) != 1 {
		t.Errorf("the latest forgery was offered %d times more, want none", len(r.Arrivals))
	}
	for range 2 {
		c.Envelope(0, throwaway(0), truth)
		target.pump()
	}
	if len(target.delivered) != 1 {
		t.Fatalf("delivered %d times, want once", len(target.delivered))
	}
	for i := range 300 { // forgeries that follow do not displace it
		c.Envelope(0, throwaway(1), forge(target, message, 1, i))
		target.pump()
	}
	truth.SetNonce([16]byte{1})
	c.Envelope(0, throwaway(2), truth)
	target.pump()
	if got := w.count(trace.ReceiptSent, message); len(target.delivered) != 1 || got < 2 {
		t.Errorf("delivered %d times, with %d receipts, want once and an answer to both rounds", len(target.delivered), got)
	}
	w.run(5 * time.Minute)
	w.empty()
}

// One origin that seals its message over and over takes nobody's room.
func TestResealedGivesWay(t *testing.T) {
	w := newWorld(t, 37, 20, classic, Config{})
	target, loud, other := w.peers[0], w.peers[5], w.peers[6]
	message := w.message()
	say := func(from *peer, text string) {
		e := seal(wire.EnvelopeMessage, message, from.contact.ID, text)
		copy(e[48:80], target.contact.Point[:])
		target.core.Envelope(w.now, throwaway(0), e)
		target.pump()
	}
	for i := range 2 * maxAccepted {
		say(loud, fmt.Sprint(i))
	}
	say(other, "me too")
	if got := len(target.delivered); got != 2 {
		t.Errorf("got %d deliveries, want one of each origin", got)
	}
	if got := len(target.core.arrivals[message].variants); got > 8+2 {
		t.Errorf("got %d variants remembered, want at most %d", got, 8+2)
	}
}
