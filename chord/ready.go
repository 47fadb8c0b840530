package chord

import (
	"cicada/identity"
	"cicada/trace"
)

// Ready is what the driver is to do after calls to a Core, in order.
type Ready struct {
	Messages []Outgoing    // send these
	Events   []trace.Event // report these, with At and Peer filled in
	Answers  []Answer      // lookups of this peer that ended
	Joined   bool          // the join that was asked for is complete
	JoinFail error         // the join that was asked for failed; it may be tried again
}

// Outgoing is a message to send.
type Outgoing struct {
	To      *identity.Contact
	Message Message
}

// An Answer is the end of a lookup made with Core.Lookup.
type Answer struct {
	Lookup trace.MessageID
	Key    identity.Point
	Owner  *identity.Contact // nil if the lookup failed
	Hops   int
	Trail  []identity.ID // origin first, owner last
	Err    error         // ErrNoAnswer, ErrNotMember
}
