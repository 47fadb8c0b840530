package chord

import "cicada/identity"

// A claim is a notify that contradicts the predecessor, whose answer decides.
type claim struct {
	peer    *identity.Contact
	request uint64
}

// onNotify hears a member say that it precedes this peer, or, where no answer
// is owed, only that it is one.
func (c *Core) onNotify(from *identity.Contact, m *Message) {
	switch c.mode {
	case Joining:
		if m.Request != 0 {
			c.send(from, Message{Kind: Notified, Request: m.Request})
		}
		return
	case Small:
		c.addMember(from)
	case Full:
		if c.isWide() {
			c.enrol(from, m.Wide)
		}
		if m.Request == 0 {
			c.announced(from)
		}
	}
	if m.Request != 0 {
		c.rectify(from, m.Request)
		c.checkMode()
	}
}

// rectify decides whether a peer that says so is the predecessor. It is
// believed where nobody is known to stand between; else only if the
// predecessor, asked now, does not answer.
func (c *Core) rectify(from *identity.Contact, number uint64) {
	var p *identity.Contact
	if len(c.predecessors) > 0 {
		p = c.predecessors[0]
	}
	switch between := c.unproven(from); {
	case between != nil:
		c.send(from, Message{Kind: Notified, Request: number, Predecessor: between})
	case p == nil || same(p, from) || Between(p.Point, from.Point, c.self.Point):
		c.acceptPredecessor(from, number)
	case c.mode == Small:
		c.send(from, Message{Kind: Notified, Request: number, Predecessor: p})
	default:
		c.rejectClaim()
		c.claimant = claim{peer: from, request: number}
		c.probe(p)
	}
}

// unproven returns a peer between from and this one that the successor named as
// where this peer's part begins, while it is being asked whether it is a member.
func (c *Core) unproven(from *identity.Contact) *identity.Contact {
	for i := range c.requests {
		r := &c.requests[i]
		if r.purpose == forHint && same(r.to, c.border) && Between(from.Point, c.border.Point, c.self.Point) {
			return r.to
		}
	}
	return nil
}

// announced hears that there is news of a member: a neighbour's lists changed,
// and this peer's follow from them; or it stands before the successor.
func (c *Core) announced(from *identity.Contact) {
	if len(c.successors) == 0 {
		return
	}
	switch head := c.successors[0]; {
	case same(from, head):
		c.news(After)
	case len(c.predecessors) > 0 && same(from, c.predecessors[0]):
		c.news(Before)
	case Between(c.self.Point, from.Point, head.Point):
		c.changed()
		c.approach(from) // the successor may not know of it: it may come from a ring that was lost
	case c.doubtsLists():
		c.graft(from)
	}
}

// acceptPredecessor makes peer the predecessor. From now on it owns what lies
// before it, and is told where its part begins: at whoever preceded this one
// until now. A peer that owns nothing yet has nothing to give: its predecessor
// waits with it.
func (c *Core) acceptPredecessor(peer *identity.Contact, number uint64) {
	if c.mode == Full {
		c.setPredecessors(c.cut(peer, beyond(c, c.predecessors, peer), true))
	}
	if !c.confirmed {
		c.confirmed = true
		c.version++
	}
	if !c.accepted {
		if x := c.early; x.peer != nil && !same(x.peer, peer) {
			c.send(x.peer, Message{Kind: Notified, Request: x.request, Predecessor: peer})
		}
		c.early = claim{peer: peer, request: number}
		return
	}
	reply := Message{Kind: Notified, Request: number, Accepted: true}
	if !same(c.border, peer) {
		if Between(c.self.Point, c.border.Point, peer.Point) {
			reply.Predecessor = c.border
		} else if len(c.predecessors) > 1 {
			reply.Predecessor = c.predecessors[1]
		}
		c.joinedHere(peer)
		c.border = peer
		c.answerParked()
	}
	c.send(peer, reply)
}

// beyond returns list, of predecessors, from the first that precedes head on.
func beyond(c *Core, list []*identity.Contact, head *identity.Contact) []*identity.Contact {
	limit := c.clockwise(head, true)
	for i, peer := range list {
		if limit.less(c.clockwise(peer, true)) {
			return list[i:]
		}
	}
	return nil
}

// rejectClaim tells who contradicted the predecessor that it lives.
func (c *Core) rejectClaim() {
	if c.claimant.peer == nil {
		return
	}
	reply := Message{Kind: Notified, Request: c.claimant.request}
	if len(c.predecessors) > 0 {
		reply.Predecessor = c.predecessors[0]
	}
	c.send(c.claimant.peer, reply)
	c.claimant = claim{}
}

// onNotified hears the successor's view of the predecessor.
func (c *Core) onNotified(from *identity.Contact, m *Message) {
	if _, ok := c.take(from, m); !ok || c.mode == Joining {
		return
	}
	p := m.Predecessor
	if m.Accepted {
		c.beginAt(p) // also from one that is the successor no more: what it gave is given
		if len(c.successors) > 0 && same(c.successors[0], from) {
			c.accept()
		}
	}
	switch {
	case p == nil:
	case c.mode == Small:
		c.hint(p)
	case !m.Accepted && len(c.successors) > 0 && Between(c.self.Point, p.Point, c.successors[0].Point):
		c.readAgain(After)
		c.stabilizeWithin(c.config.StabilizeMin / 10)
	}
}

// beginAt takes in that the part which the successor left to this peer begins
// at p, who was its predecessor before. So p precedes this peer, unless it has
// died. What this peer believed of the border before it was accepted does not
// count: who stands nearer is not accepted yet, and will be by this peer. Later
// the part only ever grows by a predecessor's own word.
func (c *Core) beginAt(p *identity.Contact) {
	if p == nil || same(p, c.self) || c.accepted && !Between(c.border.Point, p.Point, c.self.Point) {
		return
	}
	c.border = p
	if c.lost.recent(p.ID, c.now) {
		return
	}
	if c.mode == Small {
		c.hint(p) // until it answers, nobody before it is believed, see unproven
	} else if c.precede(p) {
		c.probe(p)
	}
}

// precede puts p, at the border, in front of the predecessors where it is
// nearer than they are, and reports whether it was.
func (c *Core) precede(p *identity.Contact) bool {
	if !same(p, c.border) || len(c.predecessors) > 0 && !Between(c.predecessors[0].Point, p.Point, c.self.Point) {
		return false
	}
	c.setPredecessors(c.cut(c.meet(p), c.predecessors, true))
	return true
}

// successorGone goes on with the next successor at once.
func (c *Core) successorGone() {
	switch {
	case c.mode == Joining || len(c.successors) == 0:
		return
	case c.mode == Small:
		c.ask(c.successors[0], forNotify, 0)
		c.stabilizeWithin(c.config.StabilizeMin / 10)
	default:
		c.ask(c.successors[0], forNotify, 0)
		c.stabilize()
	}
}

// predecessorGone takes who claimed the place; else the next of the list is asked.
// What this peer owns stays as it is until somebody precedes it.
func (c *Core) predecessorGone() {
	if x := c.claimant; x.peer != nil {
		c.claimant = claim{}
		c.rectify(x.peer, x.request) // the next of the list may contradict it as well
		return
	}
	if len(c.predecessors) > 0 && !c.confirmed {
		c.probe(c.predecessors[0])
	}
}

// onLeave drops a peer that leaves, and closes the gap.
func (c *Core) onLeave(from *identity.Contact, m *Message) {
	for _, list := range [...][]*identity.Contact{m.Successors, m.Predecessors} {
		for _, peer := range list {
			c.Learn(peer)
		}
	}
	if c.entry(from) == nil {
		return
	}
	if c.mode == Full && len(c.predecessors) > 0 && same(c.predecessors[0], from) {
		c.setPredecessors(c.cut(from, m.Predecessors, true)) // the next of these has its place now
	}
	c.dead(from, "left")
}
