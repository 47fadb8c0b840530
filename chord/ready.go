package chord

import (
	"errors"

	"cicada/identity"
	"cicada/trace"
)

// ErrNoAnswer ends a lookup or a join that nobody answered in time.
var ErrNoAnswer = errors.New("chord: no answer in time")

// ErrNotMember ends a lookup of a peer that has not joined a ring.
var ErrNotMember = errors.New("chord: not a member of a ring")

// ErrSelf ends a join through the peer itself.
var ErrSelf = errors.New("chord: a peer cannot join through itself")

// Ready is what the driver is to do after calls to a Core, in order. Its slices
// are only good until the next call of Core.Ready; the messages in them may be kept.
type Ready struct {
	Messages []Outgoing    // send these
	Events   []trace.Event // report these, with At and Peer filled in
	Answers  []Answer      // lookups of this peer that ended
	Joined   bool          // the join that was asked for is complete: this peer owns its keys
	JoinFail error         // the join that was asked for failed (ErrNoAnswer, ErrSelf); it may be tried again
}

// An Outbox is where a Core collects what is to be done. Each has its own, unless a
// driver of many has them share one: see Core.Share.
type Outbox struct {
	ready Ready
	spare Ready // the buffers handed out last
}

// Pending reports whether there is anything that Ready would hand out.
func (c *Core) Pending() bool {
	r := &c.outbox.ready
	return len(r.Messages)+len(r.Events)+len(r.Answers) > 0 || r.Joined || r.JoinFail != nil
}

// take empties the outbox.
func (o *Outbox) take() Ready {
	r := o.ready
	clear(o.spare.Messages) // what lies behind is zero from before
	clear(o.spare.Events)
	clear(o.spare.Answers)
	o.ready = Ready{Messages: o.spare.Messages[:0], Events: o.spare.Events[:0], Answers: o.spare.Answers[:0]}
	o.spare = r
	return r
}

// Share has this core collect what is to be done where another one does, and keep no
// configuration of its own if it has the same: a kilobyte less to keep, and to look at,
// for each of many. Their driver then calls Ready, until there is nothing to be done,
// after each call of one of them and before the next of another.
func (c *Core) Share(other *Core) {
	c.outbox = other.outbox
	if *c.config == *other.config {
		c.config = other.config
	}
}

// Outgoing is a message to send.
type Outgoing struct {
	To      *identity.Contact
	Message Message
}

// An Answer is the end of a lookup made with Core.Lookup or Core.Seek.
type Answer struct {
	Lookup trace.MessageID
	Key    identity.Point
	Owner  *identity.Contact // nil if the lookup failed
	Hops   int
	Asked  int           // peers that were asked one by one, besides, or instead
	Trail  []identity.ID // origin first, owner last
	Err    error         // ErrNoAnswer, ErrNotMember
}
