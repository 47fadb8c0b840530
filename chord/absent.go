package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// Who knows all others tells them of whoever comes or goes right before it.

// An absence is of a peer that is gone, as far as this one knows.
type absence struct {
	peer  *identity.Contact
	until time.Duration // others are told then
}

const (
	maxAbsence = 10 * time.Second
	absences   = 240 // that many would be as long as a peer stays
	maxAbsent  = 64
)

// joinedHere tells of a peer that this one accepted as its predecessor, unless that is
// one that was there before, behind one that is gone.
func (c *Core) joinedHere(peer *identity.Contact) {
	if !c.isWide() || c.absent(peer) >= 0 {
		return
	}
	if Between(c.border.Point, peer.Point, c.self.Point) || c.wide.find(peer.Point) == nil {
		c.announce(peer, true, c.isRelay(peer))
	}
}

// departedHere hears that a predecessor is gone, or that one is back, and tells of it
// if nobody stands between who would. Of one that is gone it does so after a while:
// most that are taken for dead and live are back before, and nobody has heard of it.
func (c *Core) departedHere(peer *identity.Contact, list []*identity.Contact, back bool) {
	if !c.isWide() || c.mode != Full || !c.accepted || c.isBefore(peer, list) {
		return
	}
	s := &c.wide.spread
	i := c.absent(peer)
	switch {
	case back && i < 0:
		c.announce(peer, true, c.isRelay(peer))
	case back: // nobody was told; that it is there is seen when they were to be
	case i >= 0: // again
		s.absent = slices.Delete(s.absent, i, i+1)
		fallthrough
	case len(s.absent) < maxAbsent:
		s.absent, c.dueSet = append(s.absent, absence{peer, c.now + c.pace(absences, 0, maxAbsence)}), false
	}
}

// isBefore reports whether a relay among the predecessors stands between peer and this one.
func (c *Core) isBefore(peer *identity.Contact, predecessors []*identity.Contact) bool {
	way := c.clockwise(peer, true)
	return slices.ContainsFunc(predecessors, func(near *identity.Contact) bool {
		return c.clockwise(near, true).less(way) && c.isRelay(near)
	})
}

func (c *Core) isRelay(peer *identity.Contact) bool { return c.wide.relays.find(peer.Point) != nil }

// absent returns the place of a peer among those that others are to be told of, or -1.
func (c *Core) absent(peer *identity.Contact) int {
	return slices.IndexFunc(c.wide.spread.absent, func(x absence) bool { return same(x.peer, peer) })
}

// tellOfAbsent tells of those that are gone for long enough.
func (c *Core) tellOfAbsent() {
	s := &c.wide.spread
	for len(s.absent) > 0 && s.absent[0].until <= c.now {
		peer := s.absent[0].peer
		s.absent = slices.Delete(s.absent, 0, 1)
		if !holds(c.predecessors, peer) {
			c.announce(peer, false, false)
		}
	}
}
