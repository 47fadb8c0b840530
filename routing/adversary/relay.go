package adversary

import (
	"bytes"
	"time"

	"cicada/identity"
	"cicada/wire"
)

// A Part says which envelopes a Drop is after.
type Part uint8

// The parts.
const (
	Everything Part = iota
	Answers         // receipts: the message is delivered, and its origin does not hear so
	Copies          // messages of which several copies are under way, as their headers tell
	Victims         // those to the gang's victim
)

// Drop acknowledges copies and drops them, so that the hop before has no reason to try
// another. It knows what a header says.
type Drop struct {
	honest
	Only Part
}

// Hear drops what Only says.
func (d Drop) Hear(f *Foe, in Message) bool {
	if !f.relayed(in) || !d.wants(f, in.Envelope) {
		return true
	}
	f.ack(in, 0)
	return false
}

func (d Drop) wants(f *Foe, e wire.Envelope) bool {
	switch d.Only {
	case Answers:
		return isAnswer(e)
	case Copies:
		return !isAnswer(e) && (e.Copy() > 0 || e.Colours() > 1)
	case Victims:
		return !isAnswer(e) && e.Target() == f.Gang.Victim
	}
	return true
}

// Corrupt changes the sealed bytes of what it passes on, and is a good hop otherwise.
type Corrupt struct{ honest }

// Say changes the last byte of a payload.
func (Corrupt) Say(f *Foe, out *Message) bool {
	if f.relayed(*out) && len(out.Envelope.Payload()) > 0 {
		out.Envelope = clone(out.Envelope)
		out.Envelope[len(out.Envelope)-1] ^= 0x55
	}
	return true
}

// Misroute acknowledges copies and sends each to whom of its table is furthest from the
// target: it does not get lost, it gets old, and costs others work.
type Misroute struct{ honest }

// Hear sends a copy the wrong way.
func (Misroute) Hear(f *Foe, in Message) bool {
	if !f.relayed(in) {
		return true
	}
	f.ack(in, 0)
	if to := f.furthest(in.Envelope.Target(), in.Link); to != nil {
		f.forward(in, to.ID, 0)
	}
	return false
}

// furthest returns whom f knows that is furthest from a point, but for one.
func (f *Foe) furthest(point identity.Point, but identity.ID) (worst *identity.Contact) {
	var most identity.Point
	f.Ring.Each(func(peer *identity.Contact) bool {
		if d := distance(peer.Point, point); peer.ID != but && (worst == nil || bytes.Compare(d[:], most[:]) > 0) {
			worst, most = peer, d
		}
		return true
	})
	return worst
}

// Delay passes everything on the right way, and as late as nobody minds: it takes Ack
// to acknowledge, less than the hop before waits, and Hold to pass on, a little less
// than the origin waits for its receipt. It knows the timeouts of package routing.
type Delay struct {
	honest
	Ack, Hold time.Duration
}

// Hear passes a copy on, late.
func (d Delay) Hear(f *Foe, in Message) bool {
	if !f.relayed(in) {
		return true
	}
	f.ack(in, d.Ack)
	target := in.Envelope.Target()
	next := f.Ring.Find(target)
	if next == nil {
		next = f.Ring.Toward(target, func(peer *identity.Contact) bool { return peer.ID != in.Link })
	}
	if next != nil {
		f.forward(in, next.ID, d.Hold)
	}
	return false
}

// Lag lies about how far away it is, with the only word that it has in that, its own
// clock: it answers the ring up to Most late, now so and now so, that others learn to
// wait long for it, and then lets copies pass in silence.
type Lag struct {
	honest
	Most time.Duration
}

// Hear drops copies without a word.
func (Lag) Hear(f *Foe, in Message) bool { return !f.relayed(in) }

// Say holds back what the ring says.
func (l Lag) Say(f *Foe, out *Message) bool {
	if out.Ring != nil {
		out.After += time.Duration(f.random.Float64() * float64(l.Most))
	}
	return true
}
