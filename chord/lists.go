package chord

import (
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// cut makes a list of head and of what head has for a list, in this order, at
// most r long. It ends where the ring comes round to this peer, or where what
// was said is out of order. Peers found dead just now are left out: that skips
// nobody who lives. back says that the list runs counter-clockwise.
func (c *Core) cut(head *identity.Contact, tail []*identity.Contact, back bool) []*identity.Contact {
	list := make([]*identity.Contact, 1, min(c.config.Successors, 1+len(tail)))
	list[0] = head
	way := c.clockwise(head, back)
	for _, peer := range tail {
		further := c.clockwise(peer, back)
		if len(list) == c.config.Successors || !way.less(further) {
			break
		}
		way = further
		if c.lost.recent(peer.ID, c.now) {
			c.lookAtAgain(back)
			continue
		}
		list = append(list, c.meet(peer))
	}
	return c.keepGrafts(list, back)
}

// lookAtAgain has the neighbour of a side asked before long, and its list read though it be
// the same: a peer that was left out of it may be back.
func (c *Core) lookAtAgain(back bool) {
	if back {
		c.readAgain(Before)
	} else {
		c.readAgain(After)
	}
	c.stabilizeWithin(lostFor)
}

// readAgain has what the neighbours of some sides have for lists read once more when
// they are next asked, though nothing have changed there.
func (c *Core) readAgain(sides Sides) {
	if c.mode != Full { // there nobody knows who named whom
		c.seenOf, c.seenBefore = identity.ID{}, 0
		return
	}
	c.unread |= sides
}

// recall makes an answer that nothing has changed what it stands for, where that is to be
// read once more.
func (c *Core) recall(m *Message, side Sides, told *edition) {
	if m.Unchanged && c.unread&side != 0 && m.Version == told.version {
		m.Unchanged, m.Small = false, told.small
		m.Successors, m.Predecessors, m.Predecessor = told.successors, told.predecessors, told.predecessor
	}
	c.unread &^= side
}

// clockwise returns how far peer is from self; if back is set, counter-clockwise.
func (c *Core) clockwise(peer *identity.Contact, back bool) span {
	self, there := spanOf(c.self.Point), spanOf(peer.Point)
	if back {
		return self.minus(there)
	}
	return there.minus(self)
}

// setSuccessors replaces the successor list.
func (c *Core) setSuccessors(list []*identity.Contact) {
	if slices.EqualFunc(c.successors, list, same) {
		return
	}
	head := len(list) == 0 || len(c.successors) == 0 || !same(list[0], c.successors[0])
	if head {
		c.seenOf, c.knownTo = identity.ID{}, false
	}
	c.departed(c.successors, list, false)
	c.successors = list
	c.listChanged(trace.RingSuccessors, list, head)
	c.nudge(c.predecessors)
}

// setPredecessors replaces the predecessor list. Who was heard of only from
// others is not yet confirmed as the predecessor.
func (c *Core) setPredecessors(list []*identity.Contact) {
	if slices.EqualFunc(c.predecessors, list, same) {
		return
	}
	head := len(list) == 0 || len(c.predecessors) == 0 || !same(list[0], c.predecessors[0])
	if head {
		c.confirmed = false
		c.seenBefore = 0
	}
	c.departed(c.predecessors, list, true)
	c.predecessors = list
	c.listChanged(trace.RingPredecessors, list, head)
	c.nudge(c.successors)
}

// nudge tells the neighbour whose list follows from this peer's that there is
// news. Without it news would travel along the ring as slowly as peers at rest look.
func (c *Core) nudge(list []*identity.Contact) {
	if c.mode == Full && len(list) > 0 {
		c.send(list[0], Message{Kind: Notify})
	}
}

// listChanged reports a list that changed. Where its head did, there is
// something to be told at once; else the neighbours will say what there is.
func (c *Core) listChanged(kind trace.Kind, list []*identity.Contact, head bool) {
	ids := make([]identity.ID, len(list))
	for i, peer := range list {
		ids[i] = peer.ID
	}
	c.event(trace.Event{Kind: kind, Peers: ids})
	c.version++
	c.stale = true
	if head {
		c.changed()
	}
}

// changed has both neighbours asked soon, and then as often as may be.
func (c *Core) changed() {
	c.quiet = false
	c.period = c.config.StabilizeMin
	c.heed = After | Before
	c.stabilizeWithin(c.config.StabilizeMin / 10)
}

// news has the neighbours on some sides asked before long, for their lists have changed.
func (c *Core) news(sides Sides) {
	c.heed |= sides
	wait := c.config.StabilizeMin
	if c.manyDie() {
		wait /= 4
	}
	c.newsAt = min(c.newsAt, c.now+c.jitter(wait))
	c.dueSet = false
}

// stabilizeWithin puts the next stabilisation about d from now, if it was to be later.
func (c *Core) stabilizeWithin(d time.Duration) {
	c.stabilizeAt = min(c.stabilizeAt, c.now+c.jitter(d))
	c.dueSet = false
}

// jitter returns d, more or less a half.
func (c *Core) jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(c.random.Int64N(int64(d)+1))
}

// drop takes a peer out of every list at once.
func (c *Core) drop(peer *identity.Contact) {
	wasSuccessor := len(c.successors) > 0 && same(c.successors[0], peer)
	wasPredecessor := len(c.predecessors) > 0 && same(c.predecessors[0], peer)
	c.dropFinger(peer)
	switch c.mode {
	case Small:
		if holds(c.members, peer) {
			c.deriveLists(without(c.members, peer))
			c.readAgain(After | Before) // others may still know it
		}
	case Full:
		if holds(c.successors, peer) {
			c.setSuccessors(without(c.successors, peer))
			c.readAgain(After)
		}
		if holds(c.predecessors, peer) {
			c.setPredecessors(without(c.predecessors, peer))
			c.readAgain(Before)
		}
	}
	c.stale = true
	c.settle()
	c.learned.remove(peer)
	c.lostMember(peer)
	if same(c.claimant.peer, peer) {
		c.claimant = claim{}
	}
	if same(c.early.peer, peer) {
		c.early = claim{}
	}
	c.forgetRequests(peer)
	c.rerouteAll(peer)
	if wasPredecessor {
		c.predecessorGone()
	}
	if wasSuccessor {
		c.successorGone()
	}
	c.checkMode()
}

// without returns a new list that lacks the peer.
func without(list []*identity.Contact, peer *identity.Contact) []*identity.Contact {
	return slices.DeleteFunc(slices.Clone(list), func(x *identity.Contact) bool { return same(x, peer) })
}
