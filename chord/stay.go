package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// How often a peer asks after others follows from how long peers stay, which it
// measures: of the peers that its lists named for so long together, so many are
// gone (as in Ghinita and Teo, "An adaptive stabilization framework for DHTs",
// 2006). One that joins begins with what its successor has measured.

// stays is what was seen of how long peers stay.
type stays struct {
	lived time.Duration // all that peers of the lists lived while they were watched
	ended int           // how many of them are gone
	told  bool          // it began with what another had measured
	since time.Duration // when lived was brought up to date
	gone  [16]uint32    // prints of those that ended last
	burst burst
}

// A burst is how many are gone, less four times as many as go in that time anyway.
type burst struct {
	gone float64
	at   time.Duration
}

const (
	usualStay  = 30 * time.Minute // as long as nothing was seen or told; it counts like one that went
	staysKept  = 64               // beyond so many half is forgotten: times change
	toldWeight = 8                // what another has measured counts like so many
	leastStay  = 10 * time.Second
	mostStay   = 1000 * time.Hour
	burstEnds  = 0.2 // of those that are gone, a second, are of the past
)

// stay returns how long peers stay on average.
func (c *Core) stay() time.Duration {
	lived, ended := c.lived(), c.stays.ended
	if !c.stays.told {
		lived, ended = lived+usualStay, ended+1
	}
	return min(max(lived/time.Duration(max(ended, 1)), leastStay), mostStay)
}

// lived returns how long the peers of the lists have lived, up to now.
func (c *Core) lived() time.Duration {
	n := len(c.successors) + len(c.predecessors)
	return min(c.stays.lived+min(c.now-c.stays.since, 24*time.Hour)*time.Duration(n), mostStay)
}

// watch brings that up to date.
func (c *Core) watch() {
	s := &c.stays
	s.lived, s.since = c.lived(), c.now
	if s.ended >= staysKept || s.lived == mostStay {
		s.lived, s.ended = s.lived/2, s.ended/2
	}
}

// departed counts those of a list that are missing from its successor, short of
// where that ends, unless they turn up again: news may overtake each other.
func (c *Core) departed(old, list []*identity.Contact, back bool) {
	c.watch()
	s := &c.stays
	limit := span{}
	if len(list) == c.config.Successors {
		limit = c.clockwise(list[len(list)-1], back)
	}
	for _, peer := range old {
		if !holds(list, peer) && (limit == span{} || c.clockwise(peer, back).less(limit)) && !slices.Contains(s.gone[:], Print(peer.ID)) {
			s.gone[s.ended%len(s.gone)] = Print(peer.ID)
			s.ended++
			s.burst = burst{c.burst() + 1, c.now}
			if back {
				c.departedHere(peer, list, false)
			}
		}
	}
	for _, peer := range list {
		if i := slices.Index(s.gone[:], Print(peer.ID)); i >= 0 && !holds(old, peer) {
			s.gone[i] = 0
			s.ended = max(s.ended-1, 0)
			if back {
				c.departedHere(peer, list, true)
			}
		}
	}
}

// burst returns how many are gone of late beyond what is usual.
func (c *Core) burst() float64 {
	b, n := c.stays.burst, len(c.successors)+len(c.predecessors)
	perSecond := max(burstEnds, 4*float64(n)/c.stay().Seconds())
	return max(0, b.gone-perSecond*(c.now-b.at).Seconds())
}

// manyDie reports whether a good part of a list was gone within a moment: news of more
// is to be expected, and waits less.
func (c *Core) manyDie() bool {
	return c.burst() >= float64(max(2, c.config.Successors/burstSide))
}

// begunWith takes over what another has measured, where this peer begins.
func (c *Core) begunWith(seconds uint32) {
	if seconds == 0 {
		return
	}
	stay := min(max(time.Duration(seconds)*time.Second, leastStay), mostStay)
	c.stays = stays{lived: toldWeight * stay, ended: toldWeight, told: true, since: c.now}
}

// pace returns how often something is to be done that is to happen some times while
// a peer stays, within bounds.
func (c *Core) pace(times int, least, most time.Duration) time.Duration {
	return min(max(c.stay()/time.Duration(times), least), most)
}
