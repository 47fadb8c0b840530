package chord

import (
	"fmt"
	"slices"
	"time"

	"cicada/identity"
)

// join is how far a peer is on its way into a ring.
type join struct {
	asked    bool              // Join was called: say how it ends
	seed     *identity.Contact // through whom
	before   *identity.Contact
	after    *identity.Contact
	met      []*identity.Contact // in the latest answer: the next will name most of them again
	steps    int                 // questions asked so far
	refused  int
	deadline time.Duration
	againAt  time.Duration
}

const (
	maxJoinSteps = 32                     // questions before the place is looked up anew
	joinPause    = 100 * time.Millisecond // before it is
)

// Join makes the peer a member of the ring that seed is a member of. How it
// ends is told by Ready: Joined or JoinFail; after the latter it may be called
// again, with this or another seed. A member that is not alone stays where it
// is and has the two rings grow together.
func (c *Core) Join(now time.Duration, seed *identity.Contact) {
	c.advance(now)
	if seed == nil || seed.ID == c.self.ID {
		c.outbox.ready.JoinFail = ErrSelf
		return
	}
	if c.mode != Joining && len(c.successors) > 0 {
		c.join.asked, c.join.seed = true, seed
		if !c.ask(c.meet(seed), forRemembered, 0) && !c.asking(seed, forRemembered) {
			c.failJoin()
		}
		return
	}
	c.reset()
	c.setMode(Joining)
	c.join = join{asked: true, seed: seed}
	c.seek(c.config.LookupTimeout)
	c.settle()
}

// seek looks for the peer's place.
func (c *Core) seek(limit time.Duration) {
	c.join.deadline, c.join.againAt = c.now+limit, far
	c.join.steps = 0
	c.dueSet = false
	c.searchPlace(forJoin, c.join.seed)
}

// joinBetween has those between whom the joiner is to stand. That is hearsay: the one
// before is asked first.
func (c *Core) joinBetween(before, after *identity.Contact) {
	if c.mode != Joining {
		return
	}
	c.join.before, c.join.after = before, after
	if same(before, after) {
		c.join.before = nil
		c.joinAsk(after, forJoinAfter)
		return
	}
	c.joinAsk(before, forJoinBefore)
}

func (c *Core) joinAsk(peer *identity.Contact, p purpose) {
	c.join.steps++
	if same(peer, c.self) || c.join.steps > maxJoinSteps || !c.ask(c.meet(peer), p, 0) {
		c.joinAgain()
	}
}

// joinAgain looks up the place anew after a pause: what was found is no longer true.
func (c *Core) joinAgain() {
	if c.mode == Joining && c.join.seed != nil {
		c.join.againAt = c.now + c.jitter(joinPause)
		c.dueSet = false
	}
}

// onJoinBefore walks on until the joiner stands between a peer and its successor.
func (c *Core) onJoinBefore(from *identity.Contact, m *Message) {
	switch {
	case c.mode != Joining:
	case m.Small:
		c.enterSmall(from, m)
	case len(m.Successors) == 0 || same(m.Successors[0], c.self):
		c.joinAgain()
	case Between(from.Point, c.self.Point, m.Successors[0].Point):
		c.join.before, c.join.after = from, m.Successors[0]
		c.joinAsk(c.join.after, forJoinAfter)
	default:
		c.joinAsk(m.Successors[0], forJoinBefore)
	}
}

// onJoinAfter takes over the whole list of the successor, unless there is news
// of a peer that stands nearer on either side.
func (c *Core) onJoinAfter(from *identity.Contact, m *Message) {
	p := m.Predecessor
	unknown := p == nil || same(p, c.self)
	switch {
	case c.mode != Joining:
	case m.Small:
		c.enterSmall(from, m)
	case unknown && c.join.before == nil:
		c.joinAgain()
	case unknown || same(p, c.join.before):
		c.enterFull(from, m)
	case Between(c.self.Point, p.Point, from.Point):
		c.join.after = p
		c.joinAsk(p, forJoinAfter)
	case c.join.before == nil || Between(c.join.before.Point, p.Point, c.self.Point):
		c.joinAsk(p, forJoinBefore)
	default: // it has not heard yet that its predecessor is gone
		c.enterFull(from, m)
	}
}

// enterFull makes the joiner a member behind after.
func (c *Core) enterFull(after *identity.Contact, m *Message) {
	before := c.join.before
	c.border = before
	c.setMode(Full)
	c.setSuccessors(c.cut(after, m.Successors, false))
	c.setPredecessors(c.cut(before, beyond(c, m.Predecessors, before), true))
	c.settle()
	c.hear(before)
	c.hear(after)
	c.begunWith(m.Stay)
	if c.wide != nil {
		c.decide()
	}
	c.ask(after, forNotify, 0)
	c.copyTable(after, c.successors[len(c.successors)-1].Point)
	c.send(before, Message{Kind: Notify}) // a reason to look at its successor's predecessor now
	c.changed()
	c.checkMode()
}

// enterSmall makes the joiner a member among the few that one of them named, and tells them all.
func (c *Core) enterSmall(from *identity.Contact, m *Message) {
	members := []*identity.Contact{from}
	for _, peer := range m.Successors {
		if !same(peer, c.self) && !c.lost.recent(peer.ID, c.now) {
			members = c.inserted(members, c.meet(peer))
		}
	}
	c.setMode(Small)
	c.deriveLists(members)
	c.border = c.predecessors[0]
	c.settle()
	c.hear(from)
	c.begunWith(m.Stay)
	c.ask(members[0], forNotify, 0)
	for _, peer := range members[1:] {
		c.send(peer, Message{Kind: Notify})
	}
	c.checkMode()
}

// endJoin reports that the join which was asked for is complete.
func (c *Core) endJoin() {
	if c.join.asked {
		c.outbox.ready.Joined = true
	}
	c.join = join{}
}

// failJoin ends a join that found no place.
func (c *Core) failJoin() {
	c.dropJoin()
	c.outbox.ready.JoinFail = fmt.Errorf("chord: join through %s: %w", c.join.seed.ID.Short(), ErrNoAnswer)
	c.join = join{}
}

// dropJoin gives up what the attempt has under way.
func (c *Core) dropJoin() {
	c.searches = slices.DeleteFunc(c.searches, func(s *search) bool { return s.aim == forJoin })
	c.requests = slices.DeleteFunc(c.requests, func(r request) bool {
		return r.purpose == forJoinBefore || r.purpose == forJoinAfter
	})
	c.join.againAt, c.join.deadline = far, far
	c.dueSet = false
}

// repair gives a member that lost all its successors a new one: the nearest
// peer, clockwise, that it knows and that answers. That one may stand too far
// on, so the peer also looks up its own place. Who knows nobody is a ring of
// one, which remembers whom it lost.
func (c *Core) repair() {
	var nearest *identity.Contact
	consider := func(peer *identity.Contact) {
		if nearest == nil || c.clockwise(peer, false).less(c.clockwise(nearest, false)) {
			nearest = peer
		}
	}
	if len(c.table) > 0 {
		nearest = c.table[0].contact
	} else {
		for _, peer := range c.learned.ring {
			consider(peer)
		}
	}
	if nearest == nil {
		c.becomeAlone()
		return
	}
	if c.ask(nearest, forPending, 0) {
		c.operation.purpose = forPending
	}
}

// tickJoin goes on with a join whose time has come.
func (c *Core) tickJoin() {
	if c.mode != Joining || c.join.seed == nil {
		return
	}
	if c.join.deadline <= c.now {
		c.failJoin()
		return
	}
	if c.join.againAt <= c.now {
		c.dropAgain()
	}
}

// dropAgain looks the place up once more, within the time that is left.
func (c *Core) dropAgain() {
	left := c.join.deadline - c.now
	c.dropJoin()
	c.seek(left)
}
