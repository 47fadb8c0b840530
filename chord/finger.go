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
// clockwise: 0 starts at self + 1, the last at self - 1. Their candidates are the
// entries of the table that have the flag.
type fingers struct {
	first   int    // number of the first slot in use
	slots   []slot // those in use, one after the other
	next    time.Duration
	after   identity.ID // the ends of the lists that the slots were laid out for
	before  identity.ID
	copying bool           // the successor is being asked for its table
	page    identity.Point // from here on
	pages   int            // copied so far
	again   bool           // from the predecessor, which was asked second
}

// A slot is an interval of the ring from which some peers are in the table.
type slot struct {
	checked time.Duration // when somebody who must know last said who is there; never
	asking  bool
	wary    bool  // the next look asks nobody who was silent for long, where there is another
	steps   uint8 // questions of the look that is under way
}

// offsets returns how many offsets there are on one side, c·b^e ≤ 2^255.
func (c *Core) offsets() int {
	half := c.config.FingerBase / 2
	step := bits.Len(uint(c.config.FingerBase)) - 1
	whole := 255 / step // exponents e with b^e ≤ 2^255
	rest := 255 - whole*step
	return whole*half + min(half, 1<<rest)
}

// start returns how far from self slot n starts, clockwise.
func (c *Core) start(n int) span {
	side := c.offsets()
	if n < side {
		return c.offset(n)
	}
	return span{}.minus(c.offset(2*side - 2 - n)) // the farthest offset is the same both ways
}

// offset returns the n-th offset, from 0.
func (c *Core) offset(n int) span {
	half := c.config.FingerBase / 2
	step := bits.Len(uint(c.config.FingerBase)) - 1
	return multiple(uint64(n%half)+1, n/half*step)
}

// stop returns how far from self slot n ends: where the next one starts.
func (c *Core) stop(n int) span {
	if n < 2*c.offsets()-2 {
		return c.start(n + 1)
	}
	return span{}
}

// bounds returns the interval of slot n.
func (c *Core) bounds(n int) (start, end identity.Point) {
	return c.origin.plus(c.start(n)).point(), c.origin.plus(c.stop(n)).point()
}

// slotAt returns the number of the slot, in use or not, in whose interval a way from self lies.
func (c *Core) slotAt(way span) int {
	return sort.Search(2*c.offsets()-1, func(n int) bool { return way.less(c.start(n)) }) - 1
}

// slotOf returns the place of the slot in use in whose interval a way lies, or -1.
func (c *Core) slotOf(way span) int {
	f := &c.fingers
	if len(f.slots) == 0 || way.less(c.start(f.first)) {
		return -1
	}
	i := c.slotAt(way) - f.first
	if i >= len(f.slots) {
		return -1
	}
	return i
}

// Fingers returns the slots in use, clockwise from self.
func (c *Core) Fingers() []Finger {
	c.settle()
	list := make([]Finger, len(c.fingers.slots))
	for i := range list {
		start, end := c.bounds(c.fingers.first + i)
		list[i] = Finger{Start: start, End: end, Candidates: c.candidates(i)}
	}
	return list
}

// candidates returns those of slot i, clockwise.
func (c *Core) candidates(i int) []*identity.Contact {
	return c.candidatesAt(c.places(i))
}

// candidatesAt returns those among some entries of the table, of one slot.
func (c *Core) candidatesAt(from, to int) []*identity.Contact {
	var list []*identity.Contact
	for k := from; k < to; k++ {
		if c.table[k].is(finger) {
			list = append(list, c.table[k].contact)
		}
	}
	return list
}

// places returns which entries of the table stand in the interval of slot i.
func (c *Core) places(i int) (from, to int) {
	start, end := c.bounds(c.fingers.first + i)
	from, _ = c.place(start)
	if end == c.self.Point {
		return from, len(c.table)
	}
	to, _ = c.place(end)
	return from, to
}

// placeFingers lays out the slots anew when the lists reach to other peers:
// only what starts beyond both of them is worth a slot.
func (c *Core) placeFingers() {
	f := &c.fingers
	if c.mode != Full {
		*f = fingers{next: f.next}
		return
	}
	if len(c.successors) == 0 || len(c.predecessors) == 0 {
		return // the fingers may be all that is left
	}
	after, before := c.successors[len(c.successors)-1], c.predecessors[len(c.predecessors)-1]
	if after.ID == f.after && before.ID == f.before {
		return
	}
	f.after, f.before = after.ID, before.ID
	c.measureReach()
	from, to := c.clockwise(after, false), c.clockwise(before, false)
	first, last := 0, 0
	if from.less(to) { // else the lists meet: everybody is known
		total := 2*c.offsets() - 1
		first = sort.Search(total, func(n int) bool { return from.less(c.start(n)) })
		last = sort.Search(total, func(n int) bool { return !c.start(n).less(to) })
	}
	slots := make([]slot, max(last-first, 0))
	for i := range slots {
		slots[i].checked = never
		if k := first + i - f.first; k >= 0 && k < len(f.slots) {
			slots[i] = f.slots[k]
		} else {
			c.lookSoon()
		}
	}
	f.first, f.slots = first, slots
}

// lookSoon has some slot looked after soon.
func (c *Core) lookSoon() {
	c.fingers.next = min(max(c.fingers.next, c.now), c.now+c.config.StabilizeMin/10)
	c.dueSet = false
}

// fill makes peers, some of those in the interval of slot i, its candidates: if they
// are known from somebody who must know, in place of all that it has before the last
// of them, and behind it, too, where they are as many as a slot remembers; else they
// join those it has. Who must know may lie: where there is time for it those left out are asked themselves.
// It reports whether the candidates are others now.
func (c *Core) fill(i int, peers []*identity.Contact, all bool) (changed bool) {
	from, to := c.places(i)
	before := c.candidatesAt(from, to)
	if n := len(peers); n < c.config.FingerCandidates {
		to = from
		if n > 0 {
			to, _ = c.place(peers[n-1].Point)
		}
	}
	news := false
	for k := from; all && k < to; k++ {
		e := &c.table[k]
		switch {
		case !e.is(finger) || holds(peers, e.contact):
		default:
			e.flags &^= finger
			c.stale, news = true, true // it may be in no list
		}
	}
	left := c.config.FingerCandidates
	if !all && !c.fingers.again {
		left -= len(before)
	}
	first, end := c.start(c.fingers.first+i), c.stop(c.fingers.first+i)
	for _, peer := range peers {
		if left == 0 {
			break
		}
		way := c.clockwise(peer, false)
		if same(peer, c.self) || c.lost.recent(peer.ID, c.now) || way.less(first) || end != (span{}) && !way.less(end) {
			continue
		}
		e := c.enter(c.meet(peer))
		if !e.is(finger) {
			e.flags |= finger
			news = true
			left--
		} else if all {
			left--
		}
		if all {
			e.flags |= backed
		}
		if all && e.heard != never { // it is as good as if it had been heard some time ago
			e.heard = max(e.heard, c.now-c.stay()/backedFor)
		}
	}
	if !news {
		return false
	}
	c.trim(i)
	c.settle()
	after := c.candidates(i)
	if slices.EqualFunc(before, after, same) {
		return false
	}
	ids := make([]identity.ID, len(after))
	for k, peer := range after {
		ids[k] = peer.ID
	}
	start, _ := c.bounds(c.fingers.first + i)
	c.event(trace.Event{Kind: trace.RingFinger, Key: start, Peers: ids})
	return true
}

// trim leaves slot i no more candidates than a slot remembers: the first.
func (c *Core) trim(i int) {
	n := 0
	for k, to := c.places(i); k < to; k++ {
		if !c.table[k].is(finger) {
			continue
		}
		if n++; n > c.config.FingerCandidates {
			c.table[k].flags &^= finger
			c.stale = true
		}
	}
}

// dropFinger takes a dead peer out of the fingers. A slot that has no other is looked
// after soon; another's turn comes.
func (c *Core) dropFinger(peer *identity.Contact) {
	k, found := c.place(peer.Point)
	if !found || !c.table[k].is(finger) {
		return
	}
	c.table[k].flags &^= finger
	c.stale = true
	if i := c.slotOf(c.way(k)); i >= 0 {
		c.lookAgain(i)
	}
}

// lookAgain has slot i looked after soon.
func (c *Core) lookAgain(i int) {
	if len(c.candidates(i)) == 0 {
		c.fingers.slots[i].checked = never
	}
	c.lookSoon()
}
