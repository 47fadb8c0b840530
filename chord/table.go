package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// An entry is a peer of the table and what is known of its health. There are
// hundreds of them in each of many thousand cores of a simulation.
type entry struct {
	contact *identity.Contact
	heard   time.Duration // when it last said anything; never
	srtt    uint32        // smoothed round-trip time in microseconds; 0: not measured
	rttvar  uint16        // in units of rttvarUnit
	misses  uint8         // answers missed in a row
	flags   flags
}

// flags say what an entry is.
type flags uint8

const (
	refused flags = 1 << iota // the driver could not reach it
	finger                    // a slot has it for a candidate
	listed                    // some list has it, as far as settle knew
	grafted                   // it is in a list though its teller leaves it out
	backed                    // who must know said that it is there; not what a neighbour copied
)

func (e *entry) is(f flags) bool { return e.flags&f != 0 }

// rttvarUnit is what entry.rttvar counts, in microseconds.
const rttvarUnit = 32

// A doubt is what is known besides of an entry that missed an answer, or that
// could not be reached.
type doubt struct {
	id     identity.ID
	missed time.Duration // when its last miss was counted,
	since  time.Duration // and when what it missed first was asked
	takes  uint32        // Core.takes when it could not be reached
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

// sound reports whether nothing speaks against the peer.
func (e *entry) sound() bool { return e.misses == 0 && !e.is(refused) }

// doubt returns what is known of an entry that is not sound, adding it if need be.
func (c *Core) doubt(id identity.ID) *doubt {
	for i := range c.doubts {
		if c.doubts[i].id == id {
			return &c.doubts[i]
		}
	}
	c.doubts = append(c.doubts, doubt{id: id, missed: never})
	return &c.doubts[len(c.doubts)-1]
}

// clear forgets whatever speaks against the peer of e.
func (c *Core) clear(e *entry) {
	if e.sound() {
		return
	}
	e.misses = 0
	e.flags &^= refused
	c.trust(e.contact.ID)
}

// trust drops the doubt about a peer.
func (c *Core) trust(id identity.ID) {
	c.doubts = slices.DeleteFunc(c.doubts, func(d doubt) bool { return d.id == id })
}

// place returns where in the table the peer at point is, or would be.
func (c *Core) place(point identity.Point) (place int, found bool) {
	way := spanOf(point).minus(c.origin)
	first, rest := 0, len(c.ways)
	start := way.beginning()
	for rest > 0 { // the beginnings alone, without a branch that could be guessed wrong
		half := (rest + 1) / 2
		if c.ways[first+half-1] < start {
			first += half
		}
		rest -= half
	}
	for first < len(c.ways) && c.ways[first] == start && c.way(first).less(way) {
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
	// A message is about one peer, most often, and that is a neighbour.
	for _, i := range [...]int{c.lastPlace, 0, len(c.table) - 1} {
		if uint(i) < uint(len(c.table)) && c.table[i].contact == peer {
			c.lastPlace = i
			return &c.table[i]
		}
	}
	i, ok := c.place(peer.Point)
	if !ok || c.table[i].contact.ID != peer.ID {
		return nil
	}
	c.lastPlace = i
	return &c.table[i]
}

// entryOf returns the entry of the peer with this ID, or nil. It looks through all.
func (c *Core) entryOf(id identity.ID) *entry {
	c.settle()
	for i := range c.table {
		if c.table[i].contact.ID == id {
			return &c.table[i]
		}
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
		c.table[i].flags &^= listed
	}
	for _, list := range [...][]*identity.Contact{c.successors, c.predecessors, c.members} {
		for _, peer := range list {
			c.mark(peer)
		}
	}
	kept := c.table[:0]
	for i := range c.table {
		e := &c.table[i]
		if e.is(listed) || e.is(finger) && c.slotOf(c.way(i)) >= 0 {
			c.ways[len(kept)] = c.ways[i]
			if !e.is(listed) {
				e.flags &^= grafted
			}
			kept = append(kept, *e)
			continue
		}
		c.forget(e)
	}
	clear(c.table[len(kept):])
	c.table, c.ways = kept, c.ways[:len(kept)]
}

// forget deals with an entry that leaves the table.
func (c *Core) forget(e *entry) {
	if e.heard != never {
		c.learned.add(e.contact) // it may be of use when all others are gone
	}
	if !e.sound() {
		c.trust(e.contact.ID)
	}
}

// mark keeps a peer in the table, entering it first if need be.
func (c *Core) mark(peer *identity.Contact) { c.enter(peer).flags |= listed }

// enter returns the entry of a peer, which is new if there was none.
func (c *Core) enter(peer *identity.Contact) *entry {
	i, found := c.place(peer.Point)
	if !found {
		c.table = slices.Insert(c.table, i, entry{contact: peer, heard: never})
		c.ways = slices.Insert(c.ways, i, c.way(i).beginning())
		c.dueSet = false
	}
	return &c.table[i]
}

// Find returns the peer at point if it is in the table (the lists, the members
// of a small ring, the fingers) or, where this peer is wide, known of. Else nil.
func (c *Core) Find(point identity.Point) *identity.Contact {
	c.settle()
	if i, found := c.place(point); found {
		return c.table[i].contact
	}
	if c.isWide() {
		return c.wide.find(point)
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
// returns false: the base table, also where this peer knows of all others, so that a
// broadcast's tree is no wider than there are links to keep. yield must not call the Core.
func (c *Core) Each(yield func(*identity.Contact) bool) {
	c.settle()
	for i := range c.table {
		if !yield(c.table[i].contact) {
			return
		}
	}
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
		if old := c.learned.find(peer.Point); same(old, peer) && !newer(peer, old) {
			return old
		}
		return peer
	}
	if newer(peer, e.contact) {
		c.replace(e.contact, peer)
		e.contact = peer
	}
	return e.contact
}

// newer reports whether a contact is to stand in place of another one of the same peer:
// any that has a record is newer than a hint.
func newer(peer, old *identity.Contact) bool {
	if peer.Fingerprint.IsZero() != old.Fingerprint.IsZero() {
		return old.Fingerprint.IsZero()
	}
	return peer.Sequence > old.Sequence
}

// replace puts a newer contact of a peer in the place of the older, everywhere.
func (c *Core) replace(old, newer *identity.Contact) {
	for _, list := range [...]*[]*identity.Contact{&c.successors, &c.predecessors, &c.members} {
		if i := slices.Index(*list, old); i >= 0 {
			*list = slices.Clone(*list)
			(*list)[i] = newer
		}
	}
	c.version++
}
