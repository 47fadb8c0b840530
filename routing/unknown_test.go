package routing

import (
	"testing"
	"time"

	"cicada/wire"
)

// A target that lost the session cannot know who wrote: what it says to that goes
// back the way of the message, and is the origin's although it names nobody.
func TestUnknownFindsItsOrigin(t *testing.T) {
	w := line(t, []byte{5, 10, 30}, map[int][]int{0: {1}, 1: {2}})
	origin, target := w.peers[0], w.peers[2]
	target.mute = true
	message, _ := origin.send(target, "x", Sending{Routed: true})
	w.run(5 * time.Millisecond)
	target.mute = false
	e := seal(wire.EnvelopeMessage, message, origin.contact.ID, "x")
	copy(e[48:80], target.contact.Point[:])
	for x := w.peers[1].core.age.first; x != nil; x = x.age.next {
		e.SetNonce([16]byte(x.envelope().Nonce()))
	}
	target.core.Envelope(w.now, w.peers[1].contact.ID, e)
	o := target.core.Ready().Arrivals[0].Offer
	target.core.Rejected(o)
	unknown := seal(wire.EnvelopeUnknown, message, target.contact.ID, "who?")
	if err := target.core.Reply(w.now, o, Replying{Kind: wire.EnvelopeUnknown, Payload: unknown.Payload()}); err != nil {
		t.Fatal(err)
	}
	target.pump()
	w.run(5 * time.Millisecond)
	if got := origin.receipts[message]; got.From != w.peers[1].contact.ID || got.Hops != 2 {
		t.Errorf("got answer %+v, want one over two links", got)
	}
}
