package routing

import (
	"math"
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// A child is a peer that was handed an interval. Its life:
//
//	sent ─▶ taken ─▶ done
//	sent ─▶ late: silent, others have its interval; taken or done, if it was merely slow
//	sent, late, taken ─▶ dead: unreachable, silent for seconds, or at it for too long
//	dead ─▶ taken or done: it answers after all, but is not waited for again once its time is over
//	unknown ─▶ done: a gap in the ring, not a peer, until somebody is known there
//
// A late child is still waited for: it counts at least itself, and nobody else
// does. Only the count waits, not those in its interval. A done one may have been
// sent, late, taken or dead before: its count says all.
type child struct {
	part    *part
	contact *identity.Contact // nil: not known yet
	link    *link
	start   identity.Point // as in BroadcastMessage
	limit   identity.Point
	span    span                       // the same: what is lost if it is dead
	sent    time.Duration              // the first time
	list    func() []*identity.Contact // of childUnknown: what tells who is there
	state   childState
	asked   bool // once more, after it fell silent
	clogged bool // it was not asked at all: its link had no room
	timer   timer
}

type childState uint8

const (
	childSent childState = iota
	childTaken
	childLate
	childDead // its count is still welcome
	childDone
	childUnknown // nobody is known in the interval, see Core.wait
)

// BroadcastTaken takes a child's word that it answers for the interval up to limit.
func (c *Core) BroadcastTaken(now time.Duration, from identity.ID, message trace.MessageID, limit identity.Point) {
	x := c.child(from, message, limit)
	if x == nil || x.state == childDead && now >= x.ends() {
		return
	}
	c.heard(now, x)
	if x.state == childDead {
		x.part.open++
	}
	x.state, x.asked = childTaken, false
	c.timers.set(&x.timer, max(min(now+childSilence, x.ends()), now))
}

// ends is when x is waited for no more, whatever it says. A peer does not wait as
// long as the one before it does, or a child that stalls would cost the count of
// all the peers above it.
func (x *child) ends() time.Duration {
	return x.sent + childTime - childHop*time.Duration(min(x.part.broadcast.hops, childHops))
}

// BroadcastDone takes a child's counts for the interval up to limit.
func (c *Core) BroadcastDone(now time.Duration, from identity.ID, message trace.MessageID, limit identity.Point, o Outcome) {
	x := c.child(from, message, limit)
	if x == nil {
		return
	}
	c.heard(now, x)
	if x.state != childDead {
		x.part.open--
	}
	x.state = childDone
	c.timers.clear(&x.timer)
	x.part.outcome.Reached += min(o.Reached, math.MaxUint32) // a lie must not wrap the sum
	x.part.outcome.Messages += min(o.Messages, math.MaxUint32)
	c.finish(x.part)
}

// heard notes that a child answers. If it was taken for dead, it is not: nobody
// has to be found for the beginning of its interval.
func (c *Core) heard(now time.Duration, x *child) {
	x.link.hear()
	if x.state == childSent || x.state == childLate && !x.asked {
		c.measure(x.link, now-x.sent)
	}
	if x.state != childLate && x.state != childDead {
		return
	}
	b := x.part.broadcast
	b.dead = slices.DeleteFunc(b.dead, func(dead *identity.Contact) bool { return dead.ID == x.contact.ID })
	for _, u := range x.part.children {
		if u.state == childUnknown && x.span.holds(u.span.from) {
			u.state = childDone
			u.part.open--
			c.timers.clear(&u.timer)
		}
	}
}

// expire asks a child that took its interval and fell silent once more, and
// hands on the interval of one that does not answer.
func (x *child) expire(c *Core, now time.Duration) {
	switch x.state {
	case childUnknown:
		c.look(now, x)
		return
	case childLate:
		c.remind(now, x)
		return
	case childTaken:
		if now >= x.ends() {
			c.takeOver(now, x, childDead)
			return
		}
	}
	c.links.miss(now, x.link)
	c.ready.Doubtful = append(c.ready.Doubtful, x.link.id)
	switch {
	case x.state == childSent:
		c.takeOver(now, x, childLate)
	case !x.asked:
		x.asked = true
		c.pass(now, x)
	default:
		c.takeOver(now, x, childDead)
	}
}

// takeOver hands the interval of a child that is late or dead to others.
func (c *Core) takeOver(now time.Duration, x *child, s childState) {
	p := x.part
	x.state = s
	if s == childLate {
		c.timers.set(&x.timer, now+childLook)
	}
	p.broadcast.dead = append(p.broadcast.dead, x.contact)
	c.broadcastEvent(trace.BroadcastTaken, p.broadcast, x.contact.ID, 0)
	c.spread(now, p, x.span)
	if s == childDead {
		c.bury(x)
	}
}

// remind waits on for a late child. Where a link to it is open, what it was sent may
// be lost with one that just closed, so it is asked once more. Where none is, it is
// most likely dead.
func (c *Core) remind(now time.Duration, x *child) {
	linked := x.clogged || c.open[x.link.id]
	if now >= x.sent+childSilence || !linked && now >= x.sent+childGone || c.ring.Known(x.contact.Point) == nil {
		c.bury(x)
		return
	}
	if !x.asked && linked && now >= x.sent+childRemind {
		x.asked = true
		c.pass(now, x)
	}
	c.timers.set(&x.timer, now+childLook)
}

// bury waits for a child no more.
func (c *Core) bury(x *child) {
	x.state = childDead
	c.timers.clear(&x.timer)
	x.part.open--
	c.finish(x.part)
}

// childUnreachable notes that nothing reaches a child, for now or for good.
func (c *Core) childUnreachable(now time.Duration, x *child, s childState) {
	switch {
	case x.state != childLate:
		c.takeOver(now, x, s)
	case s == childDead:
		c.bury(x)
	}
}

// child finds the child that an answer is about.
// There is none in parts that are done.
func (c *Core) child(from identity.ID, message trace.MessageID, limit identity.Point) *child {
	for b := c.broadcastAge.last; b != nil; b = b.age.previous {
		if b.offer.Message != message {
			continue
		}
		for _, p := range b.parts {
			for _, x := range p.children {
				if x.state != childDone && x.limit == limit && x.link.id == from {
					return x
				}
			}
		}
	}
	return nil
}
