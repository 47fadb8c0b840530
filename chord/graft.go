package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// A list is as true as those who tell it: a peer hears from its successor who is behind
// that one, which heard it from its own, and one liar among them hides everybody further
// on and names friends instead, who stand further apart. So each peer
// compares now and then how far apart those of its list stand with how far apart its
// fingers say that peers do (the density test of Castro and others, 2002). Where that is
// far more it looks for itself who is there (survey.go): whom those around name, and its
// list leaves out, is asked. Where it says itself that it is a member it is grafted on the
// list, at its place, and hears of it, so that it does the same on its other side; until
// whoever tells of the list names it, too.
//
// A graft's death is no news that others bring, either: it is asked now and then whether
// it lives. The first of a list is never one: that is for stabilisation to find.

const (
	firstOwnLook   = 15 * time.Second // after this peer became one of a full ring
	ownLooksAStay  = 4                // later, while nobody was left out
	graftSilent    = 20 * time.Second
	graftsAskedMax = 4 // at a time
	thinList       = 6 // quarters of what fingers say that a list's peers may be apart
	leastFingers   = 8 // that tell
)

// ownLooks say when this peer looks for itself who stands behind it.
type ownLooks struct {
	at, pause time.Duration
}

// ownLookSoon has that done soon, and seldom later.
func (c *Core) ownLookSoon() {
	c.ownLook.pause = firstOwnLook
	c.ownLook.at = c.now + c.jitter(firstOwnLook)
	c.dueSet = false
}

// tickOwnLook begins a search for who stands behind this peer, if it is time.
func (c *Core) tickOwnLook() {
	if c.mode != Full || c.ownLook.at > c.now {
		return
	}
	c.ownLook.pause = min(2*c.ownLook.pause, max(c.stay()/ownLooksAStay, firstOwnLook))
	c.ownLook.at, c.dueSet = c.now+c.jitter(c.ownLook.pause), false
	if c.accepted && c.config.Lookups != FirstAnswer && c.thin(c.successors) {
		c.startSearch(&search{aim: forList, key: c.origin.plus(span{3: 1}).point(), branches: []branch{{}}})
	}
}

// thin reports whether the peers of a successor list stand much further apart than fingers say that peers do.
func (c *Core) thin(list []*identity.Contact) bool {
	if len(list) == 0 || c.config.Successors < leastNames {
		return false
	}
	var across, peers uint64
	for i := range c.fingers.slots {
		if known := c.candidates(i); len(known) == c.config.FingerCandidates { // else the slot ends before the next
			across += c.clockwise(known[len(known)-1], false).minus(c.start(c.fingers.first + i))[0] >> 8
			peers += uint64(len(known))
		}
	}
	if peers < leastFingers {
		return false
	}
	apart := (c.clockwise(list[len(list)-1], false)[0] >> 8) / uint64(len(list))
	return apart > across/peers*thinList/4
}

// lookedBehind ends that search: those who were left out are asked.
func (c *Core) lookedBehind(s *search) {
	if c.mode != Full || len(c.successors) == 0 {
		return
	}
	for _, x := range s.seen {
		if withGraft(c, c.successors, x.peer, false) != nil && !c.lost.recent(x.peer.ID, c.now) {
			c.ask(c.meet(x.peer), forHint, 0)
		}
	}
}

// doubtsLists reports whether somebody may be left out of this peer's lists for long.
func (c *Core) doubtsLists() bool { return c.doubtsWord() || c.thin(c.successors) }

// graft puts a peer that says itself that it is a member at its place of the lists, where
// that is behind the first and before the last, and reports whether it was left out there.
func (c *Core) graft(peer *identity.Contact) (grafts bool) {
	if c.mode != Full || same(peer, c.self) {
		return false
	}
	peer = c.meet(peer)
	if list := withGraft(c, c.successors, peer, false); list != nil {
		c.setSuccessors(list)
		grafts = true
	}
	if list := withGraft(c, c.predecessors, peer, true); list != nil {
		c.setPredecessors(list)
		grafts = true
	}
	if grafts {
		c.enter(peer).flags |= grafted
		c.ownLook.pause = firstOwnLook // there may be more
		c.ownLook.at, c.dueSet = min(c.ownLook.at, c.now+c.jitter(2*firstOwnLook)), false
	}
	return grafts
}

// withGraft returns a list with a peer at its place, or nil where that is in front of the first, or
// behind the last, or where it is there already.
func withGraft(c *Core, list []*identity.Contact, peer *identity.Contact, back bool) []*identity.Contact {
	way := c.clockwise(peer, back)
	i := slices.IndexFunc(list, func(x *identity.Contact) bool { return !c.clockwise(x, back).less(way) })
	if i < 1 || same(list[i], peer) {
		return nil
	}
	list = slices.Insert(slices.Clone(list), i, peer)
	return slices.Clip(list[:min(len(list), c.config.Successors)])
}

// keepGrafts puts the grafts of a side on a list that a neighbour has told; those that it names are none any more.
func (c *Core) keepGrafts(list []*identity.Contact, back bool) []*identity.Contact {
	for i := range c.table {
		e := &c.table[i]
		if !e.is(grafted) {
			continue
		}
		if holds(list, e.contact) {
			e.flags &^= grafted
		} else if longer := withGraft(c, list, e.contact, back); longer != nil {
			list = longer
			if c.now-e.since() > c.config.ProbeInterval {
				c.probe(e.contact) // it may be left out because it is gone
			}
		}
	}
	return list
}

// probeGrafts asks grafts that were silent for long whether they live.
func (c *Core) probeGrafts() {
	left := graftsAskedMax
	for i := range c.table {
		if e := &c.table[i]; left > 0 && e.is(grafted) && c.now-e.since() > graftSilent {
			c.probe(e.contact)
			left--
		}
	}
}
