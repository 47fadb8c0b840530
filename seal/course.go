package seal

import (
	"errors"
	"time"
)

// This file is what a driver decides about a message. It decides nothing about where
// a message goes, and keeps none: it is for whoever drives a Sealer, in time as it is
// or in virtual time.

// A Course is what the origin of a message remembers of sealing it until it is
// answered, and what it does next follows from that. The zero Course is that of a
// message that was never sealed.
type Course struct {
	first time.Time // with the data inside; zero: not yet
	last  time.Time
}

// Sealed takes note of a seal, which was made at a time of the Sealer's clock.
func (c *Course) Sealed(s Sealed, at time.Time) {
	c.last = at
	if c.first.IsZero() && !s.Bare {
		c.first = at
	}
}

// A Step is what the origin of a message does next.
type Step uint8

// The steps.
const (
	Finish  Step = iota // it was received: Reply.Receipt is the answer
	Reseal              // Seal it anew, and send that
	Enquire             // Ask whether the target restarted, and send that
	Desist              // the two do not have the same keys: Reply.Discord is why
	GiveUp              // an earlier run of the target may have delivered it: the outcome is unknown
)

// Next returns what to do about a reply to the seal made last.
func (c *Course) Next(r Reply) Step {
	switch r.Status {
	case Received:
		return Finish
	case Barred:
		return Desist
	}
	switch r.Verdict(c.first, c.last) {
	case OtherRun:
		return GiveUp
	case Undecided:
		return Enquire
	}
	return Reseal
}

// A Fate is what a target does with an envelope that it tried to open. Where there is
// a Reply it goes back, whatever the fate.
type Fate uint8

// The fates.
const (
	Deliver Fate = iota // its data, unless the message was delivered under another seal, and Answer
	Wait                // for the same envelope: it can be opened a little later
	Replace             // it is true, or may be, and no use: its origin is to send the message again
	Refuse              // nobody sealed it, somebody changed it, or the keys are not the same
)

// Fate returns what to do with an envelope of which Open returned o and err.
func (o Opened) Fate(err error) Fate {
	switch {
	case err == nil:
		return Deliver
	case errors.Is(err, ErrPending):
		return Wait
	case errors.Is(err, ErrKeys):
		return Refuse
	case !o.Origin.IsZero() || errors.Is(err, ErrUnknownSession):
		return Replace
	}
	return Refuse
}
