package chord

import (
	"slices"

	"cicada/identity"
)

// In a small ring every peer knows every other, and its lists are those, sorted.
// A member is who said so itself: by Notify, or by answering Ping. What others
// say of it is a reason to ask it, and no more, in both directions: hearsay
// makes no member, and kills none.

// deriveLists makes members, clockwise from self, all others that are known,
// and the lists what follows from them.
func (c *Core) deriveLists(members []*identity.Contact) {
	c.members = members
	successors, predecessors := c.derived(members)
	c.version++
	c.stale = true
	c.setSuccessors(successors)
	c.setPredecessors(predecessors)
	c.confirmed = true
	c.changed()
}

// derived returns the lists that follow from members.
func (c *Core) derived(members []*identity.Contact) (successors, predecessors []*identity.Contact) {
	n := min(len(members), c.config.Successors)
	predecessors = slices.Clone(members[len(members)-n:])
	slices.Reverse(predecessors)
	return slices.Clip(members[:n]), predecessors
}

// addMember enters a peer that said itself that it is a member.
func (c *Core) addMember(peer *identity.Contact) {
	if holds(c.members, peer) {
		return
	}
	c.deriveLists(c.inserted(c.members, peer))
	c.settle()
	c.hear(peer)
	c.checkMode()
}

// inserted returns list, clockwise from self, with peer at its place.
func (c *Core) inserted(list []*identity.Contact, peer *identity.Contact) []*identity.Contact {
	way := c.clockwise(peer, false)
	i, found := slices.BinarySearchFunc(list, way, func(x *identity.Contact, way span) int {
		there := c.clockwise(x, false)
		switch {
		case there.less(way):
			return -1
		case way.less(there):
			return 1
		}
		return 0
	})
	if found || way == (span{}) {
		return list
	}
	return slices.Insert(slices.Clone(list), i, peer)
}

// compare looks in a neighbour's answer for peers that are not known yet. Both
// neighbours are asked: those in full mode know only their part of the ring, and
// it takes both parts for a peer between them to see that it is small no more.
func (c *Core) compare(from *identity.Contact, m *Message) {
	if m.Unchanged {
		return
	}
	for _, list := range [...][]*identity.Contact{m.Successors, m.Predecessors} {
		for _, peer := range list {
			c.hint(peer)
		}
	}
	if m.Predecessor != nil {
		c.hint(m.Predecessor)
	}
	c.missed(from, m)
}

// missed asks those whom a neighbour should know and does not: they may have left, and
// their last words got lost. A neighbour in full mode should know whoever stands before
// the last of its lists; it tells only its own neighbours of who died, and were it not for
// this, a peer that knows all members would tell of the dead for long.
func (c *Core) missed(from *identity.Contact, m *Message) {
	for _, peer := range c.members {
		if same(peer, from) || holds(m.Successors, peer) || holds(m.Predecessors, peer) {
			continue
		}
		if m.Small || covers(from, m.Successors, peer, false) || covers(from, m.Predecessors, peer, true) {
			c.probe(peer)
		}
	}
}

// covers reports whether peer stands between from and the last of its list.
func covers(from *identity.Contact, list []*identity.Contact, peer *identity.Contact, back bool) bool {
	if len(list) == 0 {
		return false
	}
	last := list[len(list)-1]
	if back {
		return Between(last.Point, peer.Point, from.Point)
	}
	return Between(from.Point, peer.Point, last.Point)
}

// hint asks a peer that somebody named whether it is a member.
func (c *Core) hint(peer *identity.Contact) {
	if same(peer, c.self) || holds(c.members, peer) {
		return
	}
	hints := 0
	for i := range c.requests {
		if c.requests[i].purpose == forHint {
			hints++
		}
	}
	if !c.lost.recent(peer.ID, c.now) && hints < maxHints && c.ask(c.meet(peer), forHint, 0) {
		return
	}
	c.readAgain(After | Before)
}

// consider takes in a peer that was a hint and says that it is a member.
func (c *Core) consider(peer *identity.Contact) {
	switch c.mode {
	case Small:
		if !holds(c.members, peer) {
			c.addMember(peer)
			c.send(peer, Message{Kind: Notify}) // so that it knows of this one as well
		}
	case Full:
		c.approach(peer)
		c.precede(peer) // the ring may have become full since it was asked
		if c.graft(peer) {
			c.send(peer, Message{Kind: Notify})
		}
	}
}

// approach looks into a peer that may stand before the successor.
func (c *Core) approach(peer *identity.Contact) {
	if c.operation.purpose == 0 && len(c.successors) > 0 && Between(c.self.Point, peer.Point, c.successors[0].Point) {
		c.askPending(peer)
	}
}

// reunite takes in a member that was lost, or that belongs to a ring that was:
// who stands behind this peer there?
func (c *Core) reunite(peer *identity.Contact) {
	c.consider(peer)
	if c.mode == Full { // perhaps only now
		c.searchPlace(forMerge, peer)
	}
	if c.join.asked && same(c.join.seed, peer) {
		c.endJoin()
	}
}

// becomeFull leaves small mode; the lists stay as they are.
func (c *Core) becomeFull() {
	c.members = nil
	c.seenOf, c.seenBefore = identity.ID{}, 0
	c.stale = true
	c.setMode(Full)
	c.widenSoon()
	c.changed()
}

// everybody reports whether both lists go all the way round the ring, so that
// each of them holds all peers there are.
func (c *Core) everybody() bool {
	for _, peer := range c.predecessors {
		if !holds(c.successors, peer) {
			return false
		}
	}
	return len(c.predecessors) == len(c.successors)
}

// becomeSmall enters small mode with these members, and makes sure of them.
func (c *Core) becomeSmall(members []*identity.Contact) {
	c.seenOf, c.unread = identity.ID{}, 0
	c.setMode(Small)
	c.narrow()
	confirmed := c.confirmed
	c.deriveLists(members)
	c.confirmed = confirmed
	c.settle()
	for _, peer := range members {
		if e := c.entry(peer); e != nil && c.now-c.config.ProbeInterval > e.heard {
			c.probe(peer)
		}
	}
}
