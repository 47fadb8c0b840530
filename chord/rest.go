package chord

import (
	"slices"
	"time"

	"cicada/chord/internal/model"
	"cicada/identity"
)

// rest puts the peer at its place on a perfect ring as if it had been there for
// long: it holds the lists of its neighbours that they have now, every finger
// was looked up, and whatever it does now and then it does as seldom as ever. Each
// of its clocks is somewhere on its way, so that many cores that begin at one
// instant do not speak all at once. There is nothing to report.
func (c *Core) rest(p *model.Rest) {
	c.reset()
	c.accepted, c.confirmed, c.knownTo, c.quiet = true, true, true, true
	c.period = c.config.StabilizeMax
	c.stabilizeAt = c.now + c.residual(c.period)
	c.remindAt[1] = c.now + c.residual(askMet) - c.residual(c.period) // then comes the next stabilisation
	c.version = p.Version(c.self)
	if p.Stay > 0 {
		stay := min(max(p.Stay, leastStay), mostStay)
		c.stays = stays{lived: staysKept / 2 * stay, ended: staysKept / 2, told: true, since: c.now}
	}
	c.ownLook.pause = max(c.stay()/ownLooksAStay, firstOwnLook)
	c.ownLook.at = c.now + c.residual(c.ownLook.pause)
	c.restLists(p)
	c.restTable(p)
	c.restMet(p)
	c.restWide(p)
}

// restWide has the peer know all others, if it can afford it. All who do share one
// list of them.
func (c *Core) restWide(p *model.Rest) {
	w := c.wide
	if w == nil || c.mode != Full || !c.canAfford(p.Ring.Len()-1) {
		return
	}
	c.widen()
	w.most = 2*p.Ring.Len() + maxDoubts
	w.decideAt = c.now + c.residual(decideEach)
	w.relays, w.others = roll{gone: []int32{int32(p.Place)}}, roll{}
	w.relays.list.words, w.relays.list.peers = p.Ring.All()
	w.complete, w.introduced = true, true
	w.fetch = fetch{at: c.now + c.residual(c.comparePause())}
}

// restLists makes the lists right for where the peer is, and has it know those of
// its neighbours.
func (c *Core) restLists(p *model.Rest) {
	r, size := c.config.Successors, p.Ring.Len()
	if size < 2*r+2 {
		c.mode = Small
		c.members = p.Ring.After(p.Place, size-1)
		c.successors, c.predecessors = c.derived(c.members)
	} else {
		c.mode = Full
		c.successors, c.predecessors = p.Ring.After(p.Place, r), p.Ring.Before(p.Place, r)
	}
	if len(c.successors) == 0 {
		return
	}
	c.border = c.predecessors[0]
	after, before := (p.Place+1)%size, (p.Place+size-1)%size
	c.seenLists, c.listsBefore = c.edition(p, after), c.edition(p, before)
	c.seenOf, c.seenVersion, c.seenBefore = c.successors[0].ID, c.seenLists.version, c.listsBefore.version
	c.history = append(make([]edition, 0, 2), c.current())
}

// edition returns what the peer at a place tells of its lists.
func (c *Core) edition(p *model.Rest, place int) edition {
	peer := p.Ring.At(place)
	t := edition{version: p.Version(peer), predecessor: p.Ring.At(place - 1), small: c.mode == Small}
	if t.small {
		t.successors = p.Ring.After(place, p.Ring.Len()-1)
		return t
	}
	r := c.config.Successors
	t.successors, t.predecessors = p.Ring.After(place, r), p.Ring.Before(place, r)
	return t
}

// restTable enters everybody known, clockwise: those of the lists, and for each slot
// whom the owner of its start would name. The successor was heard when it was asked,
// somewhere in the time that it may be silent, and the predecessor just now, for it
// asks more often than it is asked. Slots were looked after one after the other, and
// their candidates heard of somewhere in the time that all of that takes.
func (c *Core) restTable(p *model.Rest) {
	c.placeFingers()
	var room [512]entry // most tables fit, and leave nothing to collect
	table := room[:0]
	enter := func(peer *identity.Contact, f flags) {
		if n := len(table); n == 0 || table[n-1].contact != peer {
			table = append(table, entry{contact: peer, flags: f})
		}
	}
	for _, list := range [...][]*identity.Contact{c.successors, c.members} {
		for _, peer := range list {
			if n := len(table); n == 0 || c.clockwiseLess(table[n-1].contact, peer) {
				enter(peer, listed)
			}
		}
	}
	var both []*identity.Contact // fingers that are predecessors, too
	for i := range c.fingers.slots {
		start, stop := c.bounds(c.fingers.first + i)
		place := p.Ring.From(start)
		for k := range c.config.FingerCandidates {
			peer := p.Ring.At(place + k)
			if !spanOf(peer.Point).minus(spanOf(start)).less(spanOf(stop).minus(spanOf(start))) {
				break
			}
			if holds(c.predecessors, peer) {
				both = append(both, peer)
				continue
			}
			enter(peer, finger)
		}
	}
	for _, peer := range slices.Backward(c.predecessors) {
		if n := len(table); n == 0 || c.clockwiseLess(table[n-1].contact, peer) {
			enter(peer, listed)
		}
	}
	c.table, c.ways = make([]entry, len(table)), make([]uint32, len(table))
	copy(c.table, table)
	c.stale = false
	round := c.lookInterval(c.now) * time.Duration(max(len(c.fingers.slots), 1))
	for i := range c.fingers.slots {
		c.fingers.slots[i].checked = c.now - time.Duration(c.random.Int64N(int64(round)))
	}
	for i := range c.table {
		e := &c.table[i]
		c.ways[i] = c.way(i).beginning()
		e.heard = c.now - time.Duration(c.random.Int64N(int64(round+c.stay()/backedFor)))
		if p.RoundTrip != nil {
			e.srtt = microseconds(p.RoundTrip(e.contact))
		}
	}
	for _, peer := range both {
		c.entry(peer).flags |= finger
	}
	if len(c.successors) > 0 {
		c.entry(c.successors[0]).heard = c.now - time.Duration(c.random.Int64N(int64(c.probeInterval())))
		c.entry(c.predecessors[0]).heard = c.now
	}
	c.typical = c.usual()
	c.fingers.next = c.now + c.residual(c.lookInterval(c.now))
	c.dueSet = false
}

// usual returns the mean of the round-trip times that were measured, or 0.
func (c *Core) usual() uint32 {
	var sum, n uint64
	for i := range c.table {
		if rtt := c.table[i].srtt; rtt != 0 {
			sum, n = sum+uint64(rtt), n+1
		}
	}
	return uint32(sum / max(n, 1))
}

// restMet has the peer remember some others at random: who has met nobody asks
// nobody whether there is another ring, and that is a tenth of what is said at rest.
func (c *Core) restMet(p *model.Rest) {
	for range p.Met {
		peer := p.Ring.At(c.random.IntN(p.Ring.Len()))
		if !same(peer, c.self) && c.entry(peer) == nil {
			c.learned.add(peer)
		}
	}
	c.learned.turn = c.random.IntN(len(c.learned.ring) + 1)
}

// residual returns how long it is until the next of many events, d more or less
// a half apart, for one who comes at any instant.
func (c *Core) residual(d time.Duration) time.Duration {
	for {
		// A longer wait is likelier to be come upon, and any instant of it is as good.
		if left := time.Duration(c.random.Int64N(int64(d)*3/2 + 1)); left <= c.jitter(d) {
			return left
		}
	}
}
