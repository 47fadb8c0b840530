package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// An entry is a peer of the table and what is known of its health.
type entry struct {
	contact *identity.Contact
	heard   time.Duration // when it last said anything; never
	missed  time.Duration // when its last miss was counted
	srtt    uint32        // smoothed round-trip time in microseconds; 0: not measured
	rttvar  uint32
	misses  uint8 // answers missed in a row
	refused bool  // the driver could not reach it
	marked  bool  // while settling: some list has it
	takes   uint32
}

// never is a time before all others.
const never = -far

// since returns when the peer last said anything, or the beginning of time.
func (e *entry) since() time.Duration {
	if e.heard == never {
		return 0
	}
	return e.heard
}

// search returns the place in the table of the peer at point, or where it would be.
func (c *Core) search(point identity.Point) (place int, found bool) {
	way := spanOf(point).minus(c.origin)
	first, rest := 0, len(c.ways)
	for rest > 0 { // the first words alone, without a branch that could be guessed wrong
		half := (rest + 1) / 2
		if c.ways[first+half-1] < way[0] {
			first += half
		}
		rest -= half
	}
	for first < len(c.ways) && c.ways[first] == way[0] && c.way(first).less(way) {
		first++
	}
	return first, first < len(c.ways) && c.table[first].contact.Point == point
}

// way returns how far the peer at place i is from self clockwise.
func (c *Core) way(i int) span {
	return spanOf(c.table[i].contact.Point).minus(c.origin)
}

// entry returns the entry of a peer of the table, or nil. It is good until the table changes.
func (c *Core) entry(peer *identity.Contact) *entry {
	c.settle()
	if i, ok := c.search(peer.Point); ok && c.table[i].contact.ID == peer.ID {
		return &c.table[i]
	}
	return nil
}

// settle makes the table agree with the lists and the fingers.
func (c *Core) settle() {
	if !c.stale {
		return
	}
	c.stale = false
	c.placeFingers()
	for i := range c.table {
		c.table[i].marked = false
	}
	for _, list := range [...][]*identity.Contact{c.successors, c.predecessors, c.members} {
		for _, peer := range list {
			c.mark(peer)
		}
	}
	for i := range c.fingers.slots {
		for _, peer := range c.fingers.slots[i].candidates {
			c.mark(peer)
		}
	}
	c.table = slices.DeleteFunc(c.table, func(e entry) bool {
		if !e.marked && e.heard != never {
			c.learned.add(e.contact) // it may be of use when all others are gone
		}
		return !e.marked
	})
	c.ways = c.ways[:len(c.table)]
	for i := range c.table {
		c.ways[i] = c.way(i)[0]
	}
}

// mark keeps a peer in the table, entering it first if need be.
func (c *Core) mark(peer *identity.Contact) {
	i, found := c.search(peer.Point)
	if !found {
		c.table = slices.Insert(c.table, i, entry{contact: peer, heard: never, missed: never})
		c.ways = slices.Insert(c.ways, i, c.way(i)[0])
		c.dueSet = false
	}
	c.table[i].marked = true
}

// Find returns the peer at point if it is in the table: the lists, the members
// of a small ring, the fingers. Else nil.
func (c *Core) Find(point identity.Point) *identity.Contact {
	c.settle()
	if i, found := c.search(point); found {
		return c.table[i].contact
	}
	return nil
}

// Known is Find that also looks among the contacts learned elsewhere.
func (c *Core) Known(point identity.Point) *identity.Contact {
	if peer := c.Find(point); peer != nil {
		return peer
	}
	return c.learned.find(point)
}

// Each yields every peer of the table once, clockwise from self, until yield
// returns false. yield must not call the Core.
func (c *Core) Each(yield func(*identity.Contact) bool) {
	c.settle()
	for i := range c.table {
		if !yield(c.table[i].contact) {
			return
		}
	}
}

// Nearest returns the peer of the table nearest to target, the shorter way
// round, among those that ok lets pass; nil where none of them is strictly
// nearer than self. A nil ok lets all pass. Peers that missed an answer come
// only after all others.
func (c *Core) Nearest(target identity.Point, ok func(*identity.Contact) bool) *identity.Contact {
	c.settle()
	n := len(c.table)
	if n == 0 {
		return nil
	}
	var doubtful *identity.Contact
	goal := spanOf(target).minus(c.origin)
	up, _ := c.search(target)
	down := up - 1 // peers from up on lie at or after target, from down on before it
	for range n {
		down, up = (down+n)%n, up%n
		i := up
		if c.nearer(down, up, goal) {
			i = down
			down--
		} else {
			up++
		}
		if !c.nearerThanSelf(i, goal) {
			break
		}
		e := &c.table[i]
		if ok != nil && !ok(e.contact) {
			continue
		}
		if e.misses == 0 && !e.refused {
			return e.contact
		}
		if doubtful == nil {
			doubtful = e.contact
		}
	}
	return doubtful
}

// about returns the first word of the distance between two ways, or one more or less.
func about(a, b uint64) uint64 { return min(a-b, b-a) }

// nearer reports whether the peer at place i is nearer to goal than the one at
// place j. First words decide, unless they are as good as equal.
func (c *Core) nearer(i, j int, goal span) bool {
	a, b := about(c.ways[i], goal[0]), about(c.ways[j], goal[0])
	if a > b+1 || b > a+1 {
		return a < b
	}
	return c.way(i).distance(goal).less(c.way(j).distance(goal))
}

// nearerThanSelf reports whether the peer at place i is nearer to goal than self.
func (c *Core) nearerThanSelf(i int, goal span) bool {
	a, b := about(c.ways[i], goal[0]), about(0, goal[0])
	if a > b+1 || b > a+1 {
		return a < b
	}
	return c.way(i).distance(goal).less(goal.distance(span{}))
}

// maxLearned is how many contacts met elsewhere are remembered.
const maxLearned = 256

// learned remembers contacts that are not in the table; the oldest goes first.
type learned struct {
	places map[identity.Point]int
	ring   []*identity.Contact
	oldest int
	turn   int
}

func (l *learned) find(point identity.Point) *identity.Contact {
	if i, ok := l.places[point]; ok {
		return l.ring[i]
	}
	return nil
}

func (l *learned) add(peer *identity.Contact) {
	if i, ok := l.places[peer.Point]; ok {
		if l.ring[i].ID == peer.ID && peer.Sequence > l.ring[i].Sequence {
			l.ring[i] = peer
		}
		return
	}
	if l.places == nil {
		l.places = make(map[identity.Point]int)
	}
	if len(l.ring) < maxLearned {
		l.places[peer.Point] = len(l.ring)
		l.ring = append(l.ring, peer)
		return
	}
	delete(l.places, l.ring[l.oldest].Point)
	l.ring[l.oldest] = peer
	l.places[peer.Point] = l.oldest
	l.oldest = (l.oldest + 1) % maxLearned
}

// pick returns one of them in turn, or nil.
func (l *learned) pick() *identity.Contact {
	if len(l.ring) == 0 {
		return nil
	}
	l.turn = (l.turn + 1) % len(l.ring)
	return l.ring[l.turn]
}

func (l *learned) remove(peer *identity.Contact) {
	i, ok := l.places[peer.Point]
	if !ok || l.ring[i].ID != peer.ID {
		return
	}
	last := len(l.ring) - 1
	delete(l.places, peer.Point)
	if i != last {
		l.ring[i] = l.ring[last]
		l.places[l.ring[i].Point] = i
	}
	l.ring = l.ring[:last]
	l.oldest = 0
}

// Learn takes in a contact that was met elsewhere. One with a higher sequence
// number replaces what was known of the peer, wherever that stands; a peer that
// is not in the table is remembered in a bounded cache. It joins no list by this.
func (c *Core) Learn(peer *identity.Contact) {
	if peer == nil || peer.ID == c.self.ID {
		return
	}
	c.settle()
	if c.entry(peer) != nil {
		c.meet(peer)
		return
	}
	c.learned.add(peer)
}

// meet returns the newest contact of a peer, which from now on stands wherever
// the peer does. It makes equal contacts one.
func (c *Core) meet(peer *identity.Contact) *identity.Contact {
	e := c.entry(peer)
	if e == nil {
		if old := c.learned.find(peer.Point); same(old, peer) && old.Sequence >= peer.Sequence {
			return old
		}
		return peer
	}
	if peer.Sequence > e.contact.Sequence {
		c.replace(e.contact, peer)
		e.contact = peer
	}
	return e.contact
}

// replace puts a newer contact of a peer in the place of the older, everywhere.
func (c *Core) replace(old, newer *identity.Contact) {
	for _, list := range [...]*[]*identity.Contact{&c.successors, &c.predecessors, &c.members} {
		if i := slices.Index(*list, old); i >= 0 {
			*list = slices.Clone(*list)
			(*list)[i] = newer
		}
	}
	for i := range c.fingers.slots {
		if j := slices.Index(c.fingers.slots[i].candidates, old); j >= 0 {
			c.fingers.slots[i].candidates[j] = newer
		}
	}
	c.version++
}
