package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// An operation is what this peer waits for and what may change its successor
// list. There is one at a time; while it lasts, who asks for the lists is told
// to wait, so that each step looks as if it had happened at one instant.
type operation struct {
	purpose purpose // forSuccessor, forPending; 0: none is under way
}

// A question is an ask that waits for the end of an operation.
type question struct {
	from    *identity.Contact
	request uint64
	sides   Sides
	version uint64
	known   []identity.Fingerprint
}

// maxWaiting bounds the questions that wait; the oldest gives way.
const maxWaiting = 64

// Stabilize begins a stabilisation now, rather than when it is due. It is for
// tests and checkers; a driver has no need of it.
func (c *Core) Stabilize(now time.Duration) {
	c.advance(now)
	c.stabilize()
	c.settle()
}

// stabilize begins a stabilisation: it compares notes with the successor, and
// with the predecessor for the sake of routing; where it comes of news, only with
// whose they are.
func (c *Core) stabilize() {
	if c.operation.purpose != 0 {
		c.putOffStabilize()
		return
	}
	heed, calm := c.heed, c.heed == 0 || c.mode == Small
	if calm || c.stabilizeAt <= c.now {
		heed = After | Before
	}
	c.scheduleStabilize(heed)
	if c.mode == Joining {
		return
	}
	c.remind(calm)
	if c.checkMode(); len(c.successors) == 0 || c.operation.purpose != 0 {
		return
	}
	c.probeOldest()
	c.probeGrafts()
	switch {
	case c.mode == Small:
		c.ask(c.successors[0], forSmall, c.seen(c.successors[0]))
	case heed&After != 0:
		c.askSuccessor()
	}
	if heed&Before != 0 && len(c.predecessors) > 0 && (c.mode == Full || !same(c.predecessors[0], c.successors[0])) {
		c.ask(c.predecessors[0], forPredecessor, c.seenBefore)
	}
}

// How often a peer that was lost is asked whether it is back, and one that was only
// met whether it is a member, at most.
const (
	askLost = 4 * time.Second
	askMet  = time.Minute
)

// remind asks a peer that was lost whether it is back, and now and then, while there
// is no news, one that was only met whether it is a member: it may be of a ring that
// this one was torn from. Who is alone asks each time.
func (c *Core) remind(calm bool) {
	c.rounds++
	alone := len(c.successors) == 0
	if c.now >= c.remindAt[0] || alone {
		if peer := c.lost.pick(c.now); peer != nil {
			c.remindAt[0] = c.now + c.jitter(askLost)
			c.ask(peer, forRemembered, 0)
		}
	}
	if calm && c.now >= c.remindAt[1] || alone {
		c.remindAt[1] = c.now + c.jitter(askMet)
		if peer := c.learned.pick(); peer != nil && c.entry(peer) == nil {
			c.ask(peer, forRemembered, 0)
		}
	}
}

// putOffStabilize has what is due wait for the operation under way: forgotten, news
// would stay unknown until the peer looks of itself.
func (c *Core) putOffStabilize() {
	again := c.now + c.jitter(c.config.StabilizeMin/4)
	if c.stabilizeAt <= c.now {
		c.stabilizeAt = again
	}
	if c.newsAt <= c.now {
		c.newsAt = again
	}
	c.dueSet = false
}

// scheduleStabilize puts the next stabilisation a period from now, and lets
// the period grow while nothing changes. One that was for news of a side is no
// reason to ask on the other side any later.
func (c *Core) scheduleStabilize(heed Sides) {
	c.newsAt, c.dueSet, c.heed = far, false, 0
	if heed != After|Before && c.mode != Joining {
		return
	}
	c.stabilizeAt = far
	if c.mode == Joining {
		return
	}
	if c.quiet {
		c.period = min(2*c.period, c.config.StabilizeMax)
	}
	c.quiet = true
	c.period = max(c.period, c.config.StabilizeMin)
	c.stabilizeWithin(c.period)
}

// seen returns the version of the peer's lists that this one's agree with, or 0.
func (c *Core) seen(peer *identity.Contact) uint64 {
	if c.seenOf == peer.ID && !c.whole {
		return c.seenVersion
	}
	return 0
}

// askSuccessor begins part A: what are my successor's lists, and who precedes it?
func (c *Core) askSuccessor() {
	head := c.successors[0]
	if c.ask(head, forSuccessor, c.seen(head)) {
		c.operation.purpose = forSuccessor
	}
}

// askPending begins part B: peer may be a nearer successor. It becomes that only with its own list.
func (c *Core) askPending(peer *identity.Contact) {
	if c.ask(c.meet(peer), forPending, 0) {
		c.operation.purpose = forPending
		return
	}
	c.endOperation()
}

// onState takes in the lists of a peer that was asked for them.
func (c *Core) onState(from *identity.Contact, m *Message) {
	if reason := c.readState(from, m); reason != "" {
		c.violation(from, reason)
		return
	}
	r, ok := c.take(from, m)
	if !ok {
		return
	}
	if m.Busy {
		if !r.busy { // the first time only: nobody keeps another waiting for ever
			r.busy, r.deadline = true, c.now+busyLimit+c.jitter(busyLimit)
		}
		c.requests = append(c.requests, r)
		return
	}
	if !m.Member {
		c.noMember(from)
		c.dismiss(r)
		return
	}
	if c.mode == Joining {
		c.join.met = slices.Concat([]*identity.Contact{from}, m.Successors, m.Predecessors)
	}
	switch r.purpose {
	case forSuccessor, forSmall:
		c.onSuccessor(from, m)
	case forPending:
		c.onPending(from, m)
	case forPredecessor:
		c.onPredecessor(from, m)
	case forJoinBefore:
		c.onJoinBefore(from, m)
	case forJoinAfter:
		c.onJoinAfter(from, m)
	}
}

// dismiss ends what was asked of a peer that turned out to be no member.
func (c *Core) dismiss(r request) {
	switch r.purpose {
	case forSuccessor, forPending:
		if c.operation.purpose == r.purpose {
			c.abort(r.purpose)
		}
	case forJoinBefore, forJoinAfter:
		c.joinAgain()
	}
}

// onSuccessor ends part A: the successor's list, with the successor in front, is this peer's.
func (c *Core) onSuccessor(from *identity.Contact, m *Message) {
	if len(c.successors) == 0 || !same(c.successors[0], from) {
		return
	}
	if c.mode == Small {
		if m.Unchanged && c.knownTo && c.accepted {
			return
		}
		if !m.Unchanged {
			c.see(from, m)
			c.knownTo = same(m.Predecessor, c.self)
		}
		c.compare(from, m)
		c.ask(from, forNotify, 0)
		return
	}
	if c.operation.purpose != forSuccessor {
		return
	}
	c.recall(m, After, &c.seenLists)
	if m.Unchanged && c.knownTo && c.accepted { // nothing to tell either
		c.operation = operation{}
		c.answerWaiting()
		c.checkMode()
		return
	}
	if !m.Unchanged {
		c.setSuccessors(c.cut(from, m.Successors, false))
		c.see(from, m)
		c.knownTo = same(m.Predecessor, c.self)
		p := m.Predecessor
		if p != nil && Between(c.self.Point, p.Point, from.Point) {
			if !c.lost.recent(p.ID, c.now) {
				c.askPending(p)
				return
			}
			c.lookAtAgain(false)
		}
	}
	c.endOperation()
}

// see notes which lists the successor has.
func (c *Core) see(from *identity.Contact, m *Message) {
	c.seenOf, c.seenVersion, c.seenLists = from.ID, m.Version, m.edition()
}

// onPending ends part B.
func (c *Core) onPending(from *identity.Contact, m *Message) {
	if c.operation.purpose != forPending {
		return
	}
	bereft := len(c.successors) == 0
	if bereft || Between(c.self.Point, from.Point, c.successors[0].Point) {
		c.setSuccessors(c.cut(from, m.Successors, false))
		c.seenOf = identity.ID{} // its predecessor is still to be looked at
	}
	if bereft {
		c.searchPlace(forMerge, from)
	}
	c.endOperation()
}

// abort ends an operation whose question was not answered.
func (c *Core) abort(p purpose) {
	c.seenOf = identity.ID{}
	if p == forSuccessor {
		c.operation = operation{}
		c.answerWaiting()
		c.stabilizeWithin(c.config.StabilizeMin)
		return
	}
	c.endOperation()
}

// endOperation tells the successor that this peer precedes it, and answers who waits.
func (c *Core) endOperation() {
	c.operation = operation{}
	if len(c.successors) > 0 {
		c.ask(c.successors[0], forNotify, 0)
	}
	c.answerWaiting()
	c.checkMode()
}

func (c *Core) answerWaiting() {
	for _, q := range c.waiting {
		c.tell(q)
	}
	c.waiting = c.waiting[:0]
}

// onPredecessor takes over the predecessor's predecessors.
func (c *Core) onPredecessor(from *identity.Contact, m *Message) {
	if c.mode == Joining || len(c.predecessors) == 0 || !same(c.predecessors[0], from) {
		return
	}
	if c.mode == Full {
		c.recall(m, Before, &c.listsBefore)
	}
	if m.Unchanged {
		return
	}
	if c.mode == Small {
		c.seenBefore, c.listsBefore = m.Version, m.edition()
		c.compare(from, m)
		return
	}
	tail := m.Predecessors
	if m.Small { // the members all the way round, which are the same list read backwards
		tail = slices.Clone(m.Successors)
		slices.Reverse(tail)
	}
	c.setPredecessors(c.cut(from, tail, true))
	if !c.whole {
		c.seenBefore, c.listsBefore = m.Version, m.edition()
	}
	c.checkMode()
}

// onAsk tells the lists, at once or when the operation under way has ended.
func (c *Core) onAsk(from *identity.Contact, m *Message) {
	if m.Sides == 0 {
		m.Sides = After | Before
	}
	if m.Sides&Head != 0 && c.entry(from) != nil {
		c.probe(from) // only joiners ask so: it may have begun anew, and stand in the way of itself
	}
	q := question{from: from, request: m.Request, sides: m.Sides, version: m.Version, known: m.Known}
	switch {
	case c.mode == Joining:
		c.send(from, Message{Kind: State, Request: m.Request})
	case c.operation.purpose == 0:
		c.tell(q)
	default:
		c.waiting = slices.DeleteFunc(c.waiting, func(q question) bool { return same(q.from, from) && q.request == m.Request })
		if len(c.waiting) == maxWaiting {
			c.waiting = slices.Delete(c.waiting, 0, 1)
		}
		c.waiting = append(c.waiting, q)
		c.send(from, Message{Kind: State, Request: m.Request, Busy: true, Member: true})
	}
}

// tell sends the lists to a peer, unless it has this version of them.
func (c *Core) tell(q question) {
	m := Message{Kind: State, Request: q.request, Member: c.mode != Joining, Small: c.mode == Small, Version: c.version}
	if q.version == c.version {
		m.Unchanged = true
		c.archive(c.current())
		c.send(q.from, m)
		return
	}
	known := q.known
	if old := c.remembered(q.version); old != nil && q.version != 0 {
		m.Base, known = q.version, fingerprints(old.peers(q.sides, q.from))
	} else {
		m.Stay = uint32(c.stay() / time.Second)
	}
	now := c.current()
	c.archive(now)
	successors, predecessors := now.successors, now.predecessors
	switch {
	case c.mode == Small || q.sides&After != 0:
	case q.sides&Head != 0:
		successors = successors[:min(len(successors), 1)]
	default:
		successors = nil
	}
	if q.sides&Before == 0 {
		predecessors = nil
	}
	m.Lists = NewLists(known, now.predecessor, successors, predecessors)
	c.send(q.from, m)
}

// checkMode changes between full and small as the peers known ask for it, and
// finds a new place for a peer whose successors are all gone.
func (c *Core) checkMode() {
	switch {
	case c.mode == Small && len(c.members)+1 >= 2*c.config.Successors+2:
		c.becomeFull()
	case c.mode == Small:
		c.ownAll()
	case c.mode == Full && len(c.successors) == 0:
		if c.operation.purpose == 0 {
			c.repair()
		}
	case c.mode == Full && !c.always && c.operation.purpose == 0:
		if c.everybody() { // that is fewer than r+2 with this one, for a list holds r
			c.becomeSmall(c.successors)
		}
	}
}
