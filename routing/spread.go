package routing

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/wire"
)

// within reports whether a distance is in [from, to). 0 as to means all round.
func within(d, from, to identity.Point) bool {
	return bytes.Compare(d[:], from[:]) >= 0 && (to.IsZero() || bytes.Compare(d[:], to[:]) < 0)
}

// extend spreads that part of an interval that this peer does not answer for yet.
func (c *Core) extend(now time.Duration, p *part) {
	b := p.broadcast
	// A limit at this peer itself is distance 0: an empty interval.
	to := chord.Clockwise(c.ring.Self().Point, p.limit)
	if bytes.Compare(to[:], b.covered[:]) > 0 {
		from := b.covered
		b.covered = to
		c.spread(now, p, from, to)
	}
	c.finish(p)
}

// spread hands [from, to) of the ring, as distances, to peers known there: each
// answers for itself and what lies behind it up to the next. Where the interval
// begins after known peers, its beginning goes to the last of them: it knows best
// who comes next.
func (c *Core) spread(now time.Duration, p *part, from, to identity.Point) {
	self := c.ring.Self().Point
	var before *identity.Contact
	var inside []*identity.Contact
	c.ring.Each(func(contact *identity.Contact) bool {
		if slices.Contains(p.broadcast.dead, contact.ID) {
			return true
		}
		d := chord.Clockwise(self, contact.Point)
		// One that is suspect is left to the peer before it.
		suspect := c.links.suspects(now, contact.ID) && (before != nil || len(inside) > 0)
		switch {
		case d.IsZero() || suspect:
		case within(d, from, to):
			inside = append(inside, contact)
		case !within(d, from, identity.Point{}):
			before = contact
		}
		return true
	})
	inside = c.thin(inside, from, to)
	start := from
	end := func(i int) identity.Point {
		if i < len(inside) {
			return chord.Clockwise(self, inside[i].Point)
		}
		return to
	}
	switch first := end(0); {
	case first == start:
	case before != nil:
		c.hand(now, p, before, start, first)
	case c.lost(p.broadcast):
		c.wait(now, p, start, first)
	}
	for i, contact := range inside {
		c.hand(now, p, contact, end(i), end(i+1))
	}
}

// thin leaves out peers that no link is open to: with a handshake first, the way by
// the peer before them is shorter. That one is not to answer for more than half of
// the interval, nor of those known there, so that the tree is no deeper than log2
// of how many they are, and one.
func (c *Core) thin(inside []*identity.Contact, from, to identity.Point) []*identity.Contact {
	if len(inside) == 0 {
		return nil
	}
	self := c.ring.Self().Point
	half := (leading(to)-leading(from)-1)/2 + 1 // all round where both are 0
	few, last, group := inside[:1], leading(chord.Clockwise(self, inside[0].Point)), 1
	most := (len(inside) + 1) / 2
	for i, contact := range inside[1:] {
		next := to
		if i+2 < len(inside) {
			next = chord.Clockwise(self, inside[i+2].Point)
		}
		if !c.open[contact.ID] && leading(next)-last <= half && group < most {
			group++
			continue
		}
		few, last, group = append(few, contact), leading(chord.Clockwise(self, contact.Point)), 1
	}
	return few
}

// leading returns the first 64 of a distance's bits: enough to compare lengths by.
// The differences of two wrap as the ring does.
func leading(d identity.Point) uint64 { return binary.BigEndian.Uint64(d[:]) }

// lost reports whether this peer does not know who comes next: all its
// successors are dead. A ring of one knows that nobody does.
func (c *Core) lost(b *broadcast) bool {
	for _, contact := range c.ring.Successors() {
		if !slices.Contains(b.dead, contact.ID) {
			return false
		}
	}
	for range c.ring.Each {
		return true
	}
	return false
}

// wait keeps the beginning of an interval until the ring has mended and knows
// who is there, but not for ever.
func (c *Core) wait(now time.Duration, p *part, from, to identity.Point) {
	if p.unknowable == 0 {
		p.unknowable = now + childUnknowable
	}
	if now >= p.unknowable {
		return
	}
	x := &child{part: p, link: c.own, from: from, to: to, state: childUnknown}
	x.timer.owner = x
	p.children = append(p.children, x)
	p.open++
	c.timers.set(&x.timer, now+childLook)
}

// look asks the ring again who is in an interval, for a while.
func (c *Core) look(now time.Duration, x *child) {
	if c.lost(x.part.broadcast) && now < x.part.unknowable {
		c.timers.set(&x.timer, now+childLook)
		return
	}
	x.state = childDone
	c.spread(now, x.part, x.from, x.to)
	x.part.open--
	c.finish(x.part)
}

// hand gives a child the interval up to the distance to. from is where begins
// what would be lost with it. A child that has this very interval, late as it may
// be, answers for it once.
func (c *Core) hand(now time.Duration, p *part, contact *identity.Contact, from, to identity.Point) {
	limit := add(c.ring.Self().Point, to)
	if p.broadcast.has(contact.ID, limit) {
		return
	}
	x := &child{part: p, contact: contact, link: c.links.reach(contact.ID), from: from, to: to, limit: limit, sent: now}
	x.timer.owner = x
	p.children = append(p.children, x)
	p.open++
	c.pass(now, x)
}

// has reports whether a child answers, or answered, for the interval up to limit.
func (b *broadcast) has(id identity.ID, limit identity.Point) bool {
	for _, p := range b.parts {
		for _, x := range p.children {
			if x.link.id == id && x.limit == limit && x.state != childDead && x.state != childUnknown {
				return true
			}
		}
	}
	return false
}

// add returns the point that is d ahead of a.
func add(a, d identity.Point) identity.Point {
	return chord.Clockwise(chord.Clockwise(d, identity.Point{}), a)
}

// next is how many links a broadcast has crossed at a child. Whoever brought it may
// have said what it liked: more than this could not be said on the wire.
func (b *broadcast) next() int { return min(b.hops+1, wire.MaxControlHops) }

// pass sends a child its interval.
func (c *Core) pass(now time.Duration, x *child) {
	b := x.part.broadcast
	held := c.hold(b.body)
	c.ready.Broadcasts = append(c.ready.Broadcasts, BroadcastOutgoing{To: x.contact, Broadcast: BroadcastMessage{
		Message: b.offer.Message, Body: held[:b.signature:b.signature], Signature: held[b.signature:],
		Limit: x.limit, Hops: b.next(),
	}})
	x.part.outcome.Messages++
	c.timers.set(&x.timer, now+max(c.rto(x.link, len(held), 0), childTakes))
	c.broadcastForwarded(b, x.contact.ID, x.limit)
}
