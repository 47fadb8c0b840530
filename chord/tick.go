package chord

import (
	"time"

	"cicada/identity"
)

// advance moves the clock. Where it comes much later than the next thing was
// due, this peer stood still, not the others: what is awaited gets the time
// that was lost on top.
func (c *Core) advance(now time.Duration) {
	if now <= c.now {
		return
	}
	if late := now - max(c.Next(), c.now); late > pauseLimit {
		c.putOff(late)
		if c.now = now; c.mode != Joining {
			c.seenOf, c.knownTo = identity.ID{}, false
			c.changed() // the others may have taken this one for dead
		}
	}
	c.now = now
}

// putOff moves every deadline.
func (c *Core) putOff(d time.Duration) {
	later := func(t *time.Duration) {
		if *t < far-d {
			*t += d
		}
	}
	for i := range c.requests {
		later(&c.requests[i].sent)
		later(&c.requests[i].deadline)
	}
	for i := range c.hops {
		later(&c.hops[i].deadline)
		later(&c.hops[i].until)
	}
	for i := range c.own {
		later(&c.own[i].deadline)
		later(&c.own[i].attemptAt)
	}
	later(&c.join.deadline)
	if c.wide != nil {
		for i := range c.wide.spread.flights {
			later(&c.wide.spread.flights[i].deadline)
		}
	}
	c.dueSet = false
}

// Next returns when Tick is due, on the same clock as now elsewhere; the
// longest Duration if nothing is.
func (c *Core) Next() time.Duration {
	if c.dueSet {
		return c.due
	}
	due := min(c.stabilizeAt, c.newsAt)
	for i := range c.requests {
		due = min(due, c.requests[i].deadline)
	}
	for i := range c.hops {
		due = min(due, c.hops[i].deadline, c.hops[i].until)
	}
	for i := range c.own {
		due = min(due, c.own[i].deadline, c.own[i].attemptAt)
	}
	if len(c.fingers.slots) > 0 && c.accepted {
		due = min(due, c.fingers.next)
	}
	if c.mode == Full {
		due = min(due, c.ownLook.at)
	}
	if c.mode == Joining && c.join.seed != nil {
		due = min(due, c.join.deadline, c.join.againAt)
	}
	interval := c.probeInterval()
	due = min(due, c.probeAt(0, c.successors, interval), c.probeAt(1, c.predecessors, interval), c.wideDue())
	c.due, c.dueSet = due, true
	return due
}

// Tick does what is due. Calls that come early do nothing.
func (c *Core) Tick(now time.Duration) {
	c.advance(now)
	if c.left {
		return
	}
	c.settle()
	c.dueSet = false
	c.expire()
	c.tickLookups()
	c.tickJoin()
	interval := c.probeInterval()
	for which, list := range [...][]*identity.Contact{c.successors, c.predecessors} {
		if c.probeAt(which, list, interval) <= c.now {
			c.probe(list[0])
		}
		if c.probeAt(which, list, interval) <= c.now { // too much is awaited already
			c.heardFrom[which].at += c.now + askAgain - c.probeAt(which, list, interval)
		}
	}
	if min(c.stabilizeAt, c.newsAt) <= c.now {
		c.stabilize()
	}
	c.tickFingers()
	c.tickOwnLook()
	c.tickWide()
	c.settle()
	c.dueSet = false
}

// lastHeard is when a neighbour last said anything: it is needed all the time.
type lastHeard struct {
	peer *identity.Contact
	at   time.Duration
}

// probeAt returns when the first of the list, that of the successors or that of the
// predecessors, is to be asked whether it lives: when it was silent for probeInterval.
// The predecessor is given half as long again, for it asks as well.
func (c *Core) probeAt(which int, list []*identity.Contact, interval time.Duration) time.Duration {
	if len(list) == 0 || c.mode == Joining {
		return far
	}
	h := &c.heardFrom[which]
	if h.peer != list[0] {
		e := c.entry(list[0])
		if e == nil {
			return far
		}
		*h = lastHeard{e.contact, e.since()}
	}
	for i := range c.requests {
		if r := &c.requests[i]; same(r.to, list[0]) && r.purpose != forNotify && !r.busy {
			return far // it is being asked
		}
	}
	return h.at + interval + time.Duration(which)*interval/2
}

// askAgain is how long a neighbour waits to be asked where too much is awaited.
const askAgain = 250 * time.Millisecond

// probesPerStay is how often a neighbour is asked while a peer stays, on average,
// if that is not too often, or too seldom.
const probesPerStay = 80

// probeInterval returns how long the successor may be silent.
func (c *Core) probeInterval() time.Duration {
	return c.pace(probesPerStay, c.config.ProbeInterval*3/4, 3*c.config.ProbeInterval)
}

// resting reports whether nothing has changed for some stabilisations.
func (c *Core) resting() bool { return c.period > 4*c.config.StabilizeMin }

// restingRounds is how many stabilisations at rest pass between two looks at whoever was silent for longest.
const restingRounds = 4

// probeOldest asks the member of a small ring that was silent for longest whether
// it lives; more rarely at rest.
func (c *Core) probeOldest() {
	if c.mode != Small || c.resting() && c.rounds%restingRounds != 0 {
		return // at rest most of them have no link, and making one is dear
	}
	oldest := -1
	for i := range c.table {
		if oldest < 0 || c.table[i].heard < c.table[oldest].heard {
			oldest = i
		}
	}
	if oldest >= 0 && c.now-c.table[oldest].since() > 4*c.config.ProbeInterval || oldest >= 0 && c.table[oldest].heard == never {
		c.probe(c.table[oldest].contact)
	}
}
