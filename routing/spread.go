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

// extend spreads what of an interval this peer does not answer for yet.
func (c *Core) extend(now time.Duration, p *part) {
	for _, s := range p.spans(c.ring.Self().Point) {
		for _, gap := range p.broadcast.covered.add(s) {
			c.spread(now, p, gap)
		}
	}
	c.finish(p)
}

// spans returns the interval of p as distances from self, what lies ahead first.
func (p *part) spans(self identity.Point) []span {
	// A limit at this peer itself is distance 0: nobody is ahead.
	ahead := span{to: chord.Clockwise(self, p.limit)}
	if !p.start.IsZero() {
		ahead.from = chord.Clockwise(self, add(p.start, one))
	}
	behind := span{from: ahead.from}
	switch {
	case ahead.from == ahead.to:
		return nil
	case ahead.from.IsZero(), bytes.Compare(ahead.from[:], ahead.to[:]) < 0:
		return []span{ahead}
	case ahead.to.IsZero():
		return []span{behind}
	}
	return []span{{to: ahead.to}, behind}
}

// spread hands a part of the ring to peers known there: each answers for itself
// and what lies behind it up to the next. Where it begins before the first of
// them, that one answers for the beginning, too: it knows who comes before it.
func (c *Core) spread(now time.Duration, p *part, s span) {
	self := c.ring.Self().Point
	all, before, after := c.there(now, p, s)
	inside := c.thin(c.trusted(now, all), s)
	end := func(i int) identity.Point {
		if i < len(inside) {
			return chord.Clockwise(self, inside[i].Point)
		}
		return s.to
	}
	// Of those there some may be left out, which are then for the first of inside.
	begins := end(0)
	if len(all) == 0 || all[0] == inside[0] {
		if c.adjoin(s.from, begins) {
			s.from = begins
		}
	}
	switch begin := (span{s.from, begins}); {
	case s.from == begins:
	case before == nil && c.lost(p, c.ring.Successors()):
		c.wait(now, p, begin, c.ring.Successors)
		s.from = begins
	case len(inside) > 0: // the first has it
	case after == nil && len(c.ring.Predecessors()) > 0 && c.lost(p, c.ring.Predecessors()) && c.wait(now, p, begin, c.ring.Predecessors):
	case after != nil && (before == nil || !p.broadcast.covered.holds(chord.Clockwise(self, before.Point))):
		c.hand(now, p, after, begin) // it knows who comes before it; the one before, another peer's child, is not asked
	case before != nil:
		c.hand(now, p, p.answered(before, self, begin.from), begin)
	}
	for i, contact := range inside {
		from := end(i)
		if i == 0 {
			from = s.from
		}
		c.hand(now, p, contact, span{from, end(i + 1)})
	}
}

// answered returns the last child before a distance that has taken its interval, or
// else before: that one may be dead, as another peer knows by now.
func (p *part) answered(before *identity.Contact, self, at identity.Point) *identity.Contact {
	best := span{to: at}
	for _, x := range p.children {
		if x.state != childTaken && x.state != childDone || x.contact == nil {
			continue
		}
		if d := chord.Clockwise(self, x.contact.Point); best.holds(d) {
			best.from, before = d, x.contact
		}
	}
	return before
}

// there returns the peers that are known in a span, and the next ones on both sides
// of it.
func (c *Core) there(now time.Duration, p *part, s span) (inside []*identity.Contact, before, after *identity.Contact) {
	self := c.ring.Self().Point
	c.ring.Each(func(contact *identity.Contact) bool {
		d := chord.Clockwise(self, contact.Point)
		switch {
		case d.IsZero() || c.silent(p, contact):
		case s.holds(d):
			inside = append(inside, contact)
		case bytes.Compare(d[:], s.from[:]) < 0:
			if before == nil || !c.links.suspects(now, contact.ID) {
				before = contact
			}
		case after == nil:
			after = contact
		}
		return true
	})
	return inside, before, after
}

// silent reports whether a peer is to be passed over: it did not answer this peer,
// or the one that handed p over. That one's word counts only where no link says
// otherwise.
func (c *Core) silent(p *part, contact *identity.Contact) bool {
	is := func(dead *identity.Contact) bool { return dead.ID == contact.ID }
	return slices.ContainsFunc(p.broadcast.dead, is) || slices.Contains(p.silent, contact.Point) && !c.open[contact.ID]
}

// trusted leaves out suspects: the one before them may know better, and where there
// is none the first of the others. If all are suspect, nobody is left out.
func (c *Core) trusted(now time.Duration, inside []*identity.Contact) []*identity.Contact {
	suspect := func(contact *identity.Contact) bool { return c.links.suspects(now, contact.ID) }
	if !slices.ContainsFunc(inside, suspect) {
		return inside
	}
	if few := slices.DeleteFunc(slices.Clone(inside), suspect); len(few) > 0 {
		return few
	}
	return inside
}

// adjoin reports whether nobody is between two distances but whom this peer knows:
// the lists of its neighbours have no gaps.
func (c *Core) adjoin(from, to identity.Point) bool {
	self := c.ring.Self().Point
	if list := c.ring.Successors(); len(list) > 0 {
		d := chord.Clockwise(self, list[len(list)-1].Point)
		if !to.IsZero() && bytes.Compare(to[:], d[:]) <= 0 {
			return true
		}
	}
	if list := c.ring.Predecessors(); len(list) > 0 {
		d := chord.Clockwise(self, list[len(list)-1].Point)
		return bytes.Compare(d[:], from[:]) <= 0
	}
	return false
}

// thin leaves out peers that no link is open to: with a handshake first, the way by
// the peer before them is shorter. That one is not to answer for more than half of
// the interval, nor of those known there, so that the tree is no deeper than log2
// of how many they are, and one.
func (c *Core) thin(inside []*identity.Contact, s span) []*identity.Contact {
	if len(inside) == 0 {
		return nil
	}
	self := c.ring.Self().Point
	half := (leading(s.to)-leading(s.from)-1)/2 + 1 // all round where both are 0
	few, last, group := []*identity.Contact{inside[0]}, leading(chord.Clockwise(self, inside[0].Point)), 1
	most := (len(inside) + 1) / 2
	for i, contact := range inside[1:] {
		next := s.to
		if i+2 < len(inside) {
			next = chord.Clockwise(self, inside[i+2].Point)
		}
		if !c.open[contact.ID] && leading(next)-last <= half && group < most {
			group++
			continue
		}
		few, last, group = append(few, contact), leading(chord.Clockwise(self, contact.Point)), 1
	}
	return c.company(inside, few, group, s)
}

// company makes the last of few, which leads a group of so many, not alone, if it is
// not known who is behind it: where it is dead, those have to be found by others
// that know them. Among very few that is worth more than halves.
func (c *Core) company(inside, few []*identity.Contact, group int, s span) []*identity.Contact {
	self := c.ring.Self().Point
	if c.adjoin(chord.Clockwise(self, inside[len(inside)-1].Point), s.to) {
		return few
	}
	half := (leading(s.to)-leading(s.from)-1)/2 + 1
	// With short lists the tree would become too deep by that.
	pair := len(inside) <= groupLeast && len(c.ring.Successors()) > 2*groupLeast
	for i := len(inside) - group; group < groupLeast && i > 0; i-- {
		last := len(few) - 1
		if few[last] != inside[i] || c.open[inside[i].ID] {
			break
		}
		if d := chord.Clockwise(self, inside[i-1].Point); !pair && leading(s.to)-leading(d) > half {
			break
		}
		if last > 0 && few[last-1] == inside[i-1] {
			few = few[:last]
		} else {
			few[last] = inside[i-1]
		}
		group++
	}
	return few
}

// groupLeast is how many peers are known in the last part of an interval, if possible.
const groupLeast = 3

// leading returns the first 64 of a distance's bits: enough to compare lengths by.
// The differences of two wrap as the ring does.
func leading(d identity.Point) uint64 { return binary.BigEndian.Uint64(d[:]) }

// lost reports whether this peer does not know who is next to it on one side: all of
// that list are dead. A ring of one knows that nobody is.
func (c *Core) lost(p *part, list []*identity.Contact) bool {
	for _, contact := range list {
		if !c.silent(p, contact) {
			return false
		}
	}
	for range c.ring.Each {
		return true
	}
	return false
}

// wait keeps an interval beside this peer until the ring has mended and knows who is
// there, by its list on that side, but not for ever: it reports whether it does so any more.
func (c *Core) wait(now time.Duration, p *part, s span, list func() []*identity.Contact) bool {
	if p.unknowable == 0 {
		p.unknowable = now + childUnknowable
	}
	if now >= p.unknowable {
		return false
	}
	x := &child{part: p, link: c.own, span: s, list: list, state: childUnknown}
	x.timer.owner = x
	p.children = append(p.children, x)
	p.open++
	c.timers.set(&x.timer, now+childLook)
	return true
}

// look asks the ring again who is in an interval, for a while.
func (c *Core) look(now time.Duration, x *child) {
	if now < x.part.unknowable && c.lost(x.part, x.list()) {
		c.timers.set(&x.timer, now+childLook)
		return
	}
	x.state = childDone
	c.spread(now, x.part, x.span)
	x.part.open--
	c.finish(x.part)
}

// hand gives a child a span, which is what would be lost with it. A child that has
// this very interval, late as it may be, answers for it once.
func (c *Core) hand(now time.Duration, p *part, contact *identity.Contact, s span) {
	self := c.ring.Self().Point
	limit := add(self, s.to)
	if p.broadcast.has(contact.ID, limit) {
		return
	}
	x := &child{part: p, contact: contact, link: c.links.reach(contact.ID), span: s, limit: limit, sent: now}
	if first := add(self, s.from); first != contact.Point {
		x.start = chord.Clockwise(one, first)
	}
	x.timer.owner = x
	p.children = append(p.children, x)
	p.open++
	c.pass(now, x)
}

// silence returns the peers in the interval of x that are not to be tried again.
func (c *Core) silence(x *child) (points []identity.Point) {
	self := c.ring.Self().Point
	note := func(p identity.Point) {
		if x.span.holds(chord.Clockwise(self, p)) && len(points) < maxSilent && !slices.Contains(points, p) {
			points = append(points, p)
		}
	}
	dead := x.part.broadcast.dead
	for i := range dead {
		note(dead[len(dead)-1-i].Point) // latest first
	}
	for _, p := range x.part.silent {
		note(p)
	}
	return points
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
		Start: x.start, Limit: x.limit, Silent: c.silence(x), Hops: b.next(),
	}})
	x.part.outcome.Messages++
	c.timers.set(&x.timer, now+c.takes(x.link, len(held)))
	c.broadcastForwarded(b, x.contact.ID, x.limit)
}

// takes is how long a child that was sent size bytes has to take its interval. Where
// nothing was measured the time is long: it costs more to spread an interval twice
// than to wait for a dead child.
func (c *Core) takes(l *link, size int) time.Duration {
	d := childFirst
	switch {
	case l.rtt.mean != 0:
		d = l.rtt.timeout()
	case c.typical.mean != 0:
		d = 2 * c.typical.timeout()
	}
	return min(max(d, childTakes), maxRTO) + time.Duration(size/bytesPerTime)*time.Millisecond
}
