package chord

import (
	"math/bits"
	"slices"
	"sort"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// A Finger is a slot of the finger table: the peers known in an interval of the ring.
type Finger struct {
	Start, End identity.Point      // from Start on, up to but without End
	Candidates []*identity.Contact // clockwise from Start; empty where nobody is there or not looked up yet
}

// fingers are the slots that lie beyond both lists. Slots are numbered
// clockwise: 0 starts at self + 1, the last at self - 1.
type fingers struct {
	slots  []slot
	next   time.Duration // when the next is looked up
	busy   bool          // a lookup is under way
	first  identity.ID   // the ends of the lists that the slots were laid out for
	last   identity.ID
	filled bool
}

type slot struct {
	number     int
	tried      bool // it was looked up
	candidates []*identity.Contact
}

// offsets returns how many offsets there are on one side, c·b^e ≤ 2^255.
func (c *Core) offsets() int {
	half := c.config.FingerBase / 2
	step := bits.Len(uint(c.config.FingerBase)) - 1
	whole := 255 / step // exponents e with b^e ≤ 2^255
	rest := 255 - whole*step
	return whole*half + min(half, 1<<rest)
}

// start returns where slot n starts.
func (c *Core) start(n int) span {
	self, side := spanOf(c.self.Point), c.offsets()
	if n < side {
		return self.plus(c.offset(n))
	}
	return self.minus(c.offset(2*side - 2 - n)) // the farthest offset is the same both ways
}

// offset returns the n-th offset, from 0.
func (c *Core) offset(n int) span {
	half := c.config.FingerBase / 2
	step := bits.Len(uint(c.config.FingerBase)) - 1
	return multiple(uint64(n%half)+1, n/half*step)
}

// bounds returns the interval of slot n.
func (c *Core) bounds(n int) (start, end identity.Point) {
	end = c.self.Point
	if n < 2*c.offsets()-2 {
		end = c.start(n + 1).point()
	}
	return c.start(n).point(), end
}

// Fingers returns the slots in use, clockwise from self.
func (c *Core) Fingers() []Finger {
	c.settle()
	list := make([]Finger, len(c.fingers.slots))
	for i, s := range c.fingers.slots {
		start, end := c.bounds(s.number)
		list[i] = Finger{Start: start, End: end, Candidates: slices.Clone(s.candidates)}
	}
	return list
}

// placeFingers lays out the slots anew when the lists reach to other peers:
// only what starts beyond both of them is worth a slot.
func (c *Core) placeFingers() {
	if c.mode != Full {
		if len(c.fingers.slots) > 0 {
			c.fingers.slots = nil
			c.fingers.first, c.fingers.last = identity.ID{}, identity.ID{}
		}
		return
	}
	if len(c.successors) == 0 || len(c.predecessors) == 0 {
		return // the fingers may be all that is left
	}
	first, last := c.successors[len(c.successors)-1], c.predecessors[len(c.predecessors)-1]
	if first.ID == c.fingers.first && last.ID == c.fingers.last {
		return
	}
	c.fingers.first, c.fingers.last = first.ID, last.ID
	old := c.fingers.slots
	c.fingers.slots = nil
	if !c.clockwise(first, false).less(c.clockwise(last, false)) {
		return // the lists meet: everybody is known
	}
	self, from, to := spanOf(c.self.Point), c.clockwise(first, false), c.clockwise(last, false)
	total := 2*c.offsets() - 1
	n := sort.Search(total, func(n int) bool { return from.less(c.start(n).minus(self)) })
	for ; n < total && c.start(n).minus(self).less(to); n++ {
		s := slot{number: n}
		if i := slices.IndexFunc(old, func(s slot) bool { return s.number == n }); i >= 0 {
			s = old[i]
		}
		c.fingers.slots = append(c.fingers.slots, s)
	}
	c.fingers.filled = !slices.ContainsFunc(c.fingers.slots, func(s slot) bool { return !s.tried })
	if !c.fingers.filled {
		c.fingers.next = min(max(c.fingers.next, c.now), c.now+c.config.StabilizeMin/10)
		c.dueSet = false
	}
}

// fillFinger takes in the answer for a slot: of the peers it names those that
// stand in the slot's interval, in order.
func (c *Core) fillFinger(number int, m *Message) {
	c.fingers.busy = false
	i := slices.IndexFunc(c.fingers.slots, func(s slot) bool { return s.number == number })
	if i < 0 {
		return
	}
	start, _ := c.bounds(number)
	candidates := c.candidates(number, append([]*identity.Contact{m.Peer}, m.Successors...))
	s := &c.fingers.slots[i]
	s.tried = true
	if slices.EqualFunc(s.candidates, candidates, same) {
		return
	}
	s.candidates = candidates
	c.stale = true
	ids := make([]identity.ID, len(candidates))
	for i, peer := range candidates {
		ids[i] = peer.ID
	}
	c.event(trace.Event{Kind: trace.RingFinger, Key: start, Peers: ids})
}

// candidates returns those of peers, the first at or behind a slot's start and
// some that follow it, that stand in its interval.
func (c *Core) candidates(number int, peers []*identity.Contact) []*identity.Contact {
	start, end := c.bounds(number)
	before := spanOf(start)
	length := spanOf(end).minus(before)
	candidates := make([]*identity.Contact, 0, c.config.FingerCandidates)
	way := span{}
	for i, peer := range peers {
		further := spanOf(peer.Point).minus(before)
		if len(candidates) == c.config.FingerCandidates || !further.less(length) || i > 0 && !way.less(further) {
			break
		}
		way = further
		if !same(peer, c.self) && !c.lost.recent(peer.ID, c.now) {
			candidates = append(candidates, c.meet(peer))
		}
	}
	return candidates
}

// dropFinger takes a dead peer out of its slots, which are looked up again.
func (c *Core) dropFinger(peer *identity.Contact) {
	for i := range c.fingers.slots {
		s := &c.fingers.slots[i]
		if !holds(s.candidates, peer) {
			continue
		}
		s.candidates = without(s.candidates, peer)
		if len(s.candidates) == 0 {
			s.tried, c.fingers.filled = false, false
			c.fingers.next = min(c.fingers.next, c.now+c.jitter(c.config.StabilizeMin))
			c.dueSet = false
		}
	}
}

// tickFingers looks up one slot: any that was not yet, one after the other;
// then now and then one at random.
func (c *Core) tickFingers() {
	f := &c.fingers
	if f.busy || len(f.slots) == 0 || f.next > c.now || !c.accepted {
		return
	}
	c.dueSet = false
	i := -1
	if !f.filled {
		i = slices.IndexFunc(f.slots, func(s slot) bool { return !s.tried })
	}
	f.next = c.now + c.jitter(c.config.StabilizeMin/5) // more at once would only wait for each other
	if i < 0 {
		f.filled = true
		f.next = c.now + c.jitter(c.fingerInterval())
		i = c.random.IntN(len(f.slots))
	}
	s := &f.slots[i]
	s.tried = true // should it fail, its turn comes again
	f.busy = true
	c.begin(lookup{purpose: forFinger, key: c.start(s.number).point(), slot: s.number})
}

// fingerInterval returns how long it is between two refreshes of fingers.
func (c *Core) fingerInterval() time.Duration {
	return c.config.FingerInterval * (c.period / c.config.StabilizeMin)
}
