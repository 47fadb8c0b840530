// Package tap is where somebody can stand between a peer and its links: a hostile
// peer of a test or of the demonstration, and nobody else.
//
// It is no filter that programs could use: no name of it can be said outside of the
// folder swarm. What it sees and changes is what a peer may see and change, since it
// stands on the near side of that peer's own links: no key but that peer's is at work
// here.
package tap

import (
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/wire"
)

// A Message is what crosses a link. One of Envelope, Ack, Refusal and Ring is set.
type Message struct {
	Link     identity.ID // who is at the other end
	Envelope wire.Envelope
	Ack      *routing.Ack
	Refusal  *routing.Refusal
	Ring     *chord.Message
	After    time.Duration // of what is sent: how long it is held back
}

// A Tap stands between a peer's state machines and its links. Its methods are called
// under the peer's lock and must not call the peer.
type Tap interface {
	// Hear is told what came, and reports whether the state machines are to have it.
	// The bytes are valid during the call.
	Hear(now time.Duration, in Message) bool
	// Say is told what these want to send, and reports whether it is to be sent, as
	// it has left it. It must not change bytes in place.
	Say(now time.Duration, out *Message) bool
	// Tick is called every Beat.
	Tick(now time.Duration)
	// Take returns what the tap wants sent on its own account. It is called after each
	// of the others.
	Take() []Message
}

// Beat is how often a Tap is ticked.
const Beat = time.Second

// Set puts what create returns in front of a *swarm.Peer, or takes it away where create is
// nil. create gets what the peer's ring knows, to be read in the Tap's methods only.
// Package swarm sets this variable: a method would be in every program's sight.
var Set func(peer any, create func(ring routing.Ring) Tap)
