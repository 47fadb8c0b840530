package chord

import (
	"slices"
	"time"

	"cicada/chord/internal/model"
	"cicada/identity"
)

// rest puts the peer at its place on a perfect ring as if it had been there for
// long: it holds the lists of its neighbours that they have now, every finger
// was looked up, and whatever it does now and then it does as seldom as ever. Each
// of its clocks is somewhere on its way, so that many cores that begin at one
// instant do not speak all at once. There is nothing to report.
func (c *Core) rest(p *model.Rest) {
	c.reset()
	c.accepted, c.confirmed, c.knownTo, c.quiet = true, true, true, true
	c.period = c.config.StabilizeMax
	c.stabilizeAt = c.now + c.residual(c.period)
	c.rounds = uint(c.random.IntN(remindEvery))
	c.version = p.Version(c.self)
	c.restLists(p)
	if len(c.successors) > 0 {
		c.border = c.predecessors[0]
		c.seenOf, c.seenVersion = c.successors[0].ID, p.Version(c.successors[0])
		c.seenBefore = p.Version(c.predecessors[0])
	}
	c.restFingers(p)
	c.restTable(p)
	c.restMet(p)
}

// restLists makes the lists right for where the peer is.
func (c *Core) restLists(p *model.Rest) {
	others := func(n, step int) []*identity.Contact {
		list := make([]*identity.Contact, n)
		for i := range list {
			list[i] = p.Ring.At(p.Place + (i+1)*step)
		}
		return list
	}
	r, size := c.config.Successors, p.Ring.Len()
	if size < 2*r+2 {
		c.mode = Small
		c.members = others(size-1, 1)
		c.successors, c.predecessors = c.derived(c.members)
		return
	}
	c.mode = Full
	c.successors, c.predecessors = others(r, 1), others(r, -1)
}

// restFingers fills every slot with whom the owner of its start would name.
func (c *Core) restFingers(p *model.Rest) {
	c.placeFingers()
	named := make([]*identity.Contact, 1+min(c.config.FingerCandidates-1, c.config.Successors))
	for i := range c.fingers.slots {
		s := &c.fingers.slots[i]
		place := p.Ring.From(c.start(s.number).point())
		for j := range named {
			named[j] = p.Ring.At(place + j)
		}
		s.tried, s.candidates = true, c.candidates(s.number, named)
	}
	c.fingers.filled = true
	c.fingers.next = c.now + c.residual(c.fingerInterval())
}

// restTable enters everybody known, clockwise. The successor was heard when it
// was asked, somewhere in the time that it may be silent, and the predecessor
// just now, for it asks more often than it is asked. The others are asked one
// after the other, and so were heard somewhere in the time that all of them take.
func (c *Core) restTable(p *model.Rest) {
	n := len(c.successors) + len(c.predecessors) + len(c.members)
	for i := range c.fingers.slots {
		n += len(c.fingers.slots[i].candidates)
	}
	c.table, c.ways = make([]entry, 0, n), make([]uint64, 0, n)
	for _, list := range [...][]*identity.Contact{c.successors, c.members} {
		for _, peer := range list {
			c.mark(peer)
		}
	}
	for i := range c.fingers.slots {
		for _, peer := range c.fingers.slots[i].candidates {
			c.mark(peer)
		}
	}
	for _, peer := range slices.Backward(c.predecessors) {
		c.mark(peer)
	}
	c.stale = false
	round := restingRounds * c.period * time.Duration(len(c.table))
	for i := range c.table {
		e := &c.table[i]
		e.heard = c.now - time.Duration(c.random.Int64N(int64(round)))
		if p.RoundTrip != nil {
			e.srtt = microseconds(p.RoundTrip(e.contact))
		}
	}
	if len(c.successors) > 0 {
		c.entry(c.successors[0]).heard = c.now - time.Duration(c.random.Int64N(int64(c.probeInterval(1))))
		c.entry(c.predecessors[0]).heard = c.now
		c.typical = c.entry(c.successors[0]).srtt
	}
	c.dueSet = false
}

// restMet has the peer remember some others at random: who has met nobody asks
// nobody whether there is another ring, and that is a tenth of what is said at rest.
func (c *Core) restMet(p *model.Rest) {
	for range p.Met {
		peer := p.Ring.At(c.random.IntN(p.Ring.Len()))
		if !same(peer, c.self) && c.entry(peer) == nil {
			c.learned.add(peer)
		}
	}
	c.learned.turn = c.random.IntN(len(c.learned.ring) + 1)
}

// residual returns how long it is until the next of many events, d more or less
// a half apart, for one who comes at any instant.
func (c *Core) residual(d time.Duration) time.Duration {
	for {
		// A longer wait is likelier to be come upon, and any instant of it is as good.
		if left := time.Duration(c.random.Int64N(int64(d)*3/2 + 1)); left <= c.jitter(d) {
			return left
		}
	}
}
