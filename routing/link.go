package routing

import (
	"time"

	"cicada/identity"
)

// Times that links are judged by. RTO is srtt + 4 rttvar as in RFC 6298, within
// bounds that suit hops instead of paths.
const (
	minRTO       = 75 * time.Millisecond // of which acknowledgements may wait 20 for company
	maxRTO       = time.Second
	firstRTO     = 250 * time.Millisecond // as long as nothing was measured
	minSuspicion = 4 * time.Second
	maxSuspicion = 64 * time.Second
	bytesPerTime = 1000 // a payload may take a microsecond for a byte, in bytes a millisecond
	maxLinks     = 4096
	evictLook    = 64 // links that one new link may cost a look at
)

// A delay is a smoothed round-trip time and how much it varies.
type delay struct{ mean, deviation time.Duration }

func (d *delay) add(sample time.Duration) {
	if d.mean == 0 {
		d.mean, d.deviation = max(sample, 1), sample/2
		return
	}
	d.deviation += ((sample - d.mean).Abs() - d.deviation) / 4
	d.mean = max(d.mean+(sample-d.mean)/8, 1)
}

func (d *delay) timeout() time.Duration { return d.mean + 4*d.deviation }

// A link is what is known of, and kept for, one neighbour.
type link struct {
	id      identity.ID
	rtt     delay
	missed  int           // times in a row that it did not acknowledge
	suspect time.Duration // until then others are tried first
	blame   blame         // for own copies that were lost by it

	entries, arrivals, broadcasts int // kept on its behalf
	bytes                         int // without those of its entries
	relayed                       int // bytes of its entries
	shelved                       int // bytes of its broadcasts that are kept for others
	wants                         int // broadcasts that it told of first and that are not here yet

	finished list[entry]   // its entries that nobody waits for, oldest first
	kept     list[entry]   // those of them that still hold their payload
	settled  list[arrival] // its arrivals that the driver answered and one opened, oldest first
	rejected list[arrival] // those of which none opened
	closed   list[broadcast]
	age      node[link]
}

// links holds the neighbours, least recently used first.
type links struct {
	byID map[identity.ID]*link
	age  list[link]
	// next is where evict goes on. Nil: at the first.
	next *link
	// vacate lets go of what is kept for a link that is to be forgotten.
	vacate func(*link)
	// suspected is until when any link is suspect, to skip looking.
	suspected time.Duration
	// blamed is the same for those that are shunned.
	blamed time.Duration
}

func newLink(id identity.ID) *link {
	return &link{
		id:       id,
		finished: list[entry]{at: func(x *entry) *node[entry] { return &x.finished }},
		kept:     list[entry]{at: func(x *entry) *node[entry] { return &x.linkKept }},
		settled:  list[arrival]{at: func(a *arrival) *node[arrival] { return &a.settled }},
		rejected: list[arrival]{at: func(a *arrival) *node[arrival] { return &a.rejected }},
		closed:   list[broadcast]{at: func(b *broadcast) *node[broadcast] { return &b.closed }},
	}
}

func newLinks(vacate func(*link)) links {
	return links{
		vacate: vacate,
		byID:   make(map[identity.ID]*link),
		age:    list[link]{at: func(l *link) *node[link] { return &l.age }},
	}
}

// use returns the link to id. It is nil where too many are in use.
func (s *links) use(id identity.ID) *link {
	if l := s.byID[id]; l != nil {
		s.leave(l)
		s.age.push(l)
		return l
	}
	if len(s.byID) >= maxLinks && !s.evict() {
		return nil
	}
	return s.add(id)
}

// reach is use for a peer that this one picked itself: how many those are the
// ring bounds, so there is a link to them in any case.
func (s *links) reach(id identity.ID) *link {
	if l := s.use(id); l != nil {
		return l
	}
	return s.add(id)
}

func (s *links) add(id identity.ID) *link {
	l := newLink(id)
	s.byID[id] = l
	s.age.push(l)
	return l
}

// leave takes l out of the order of use.
func (s *links) leave(l *link) {
	if s.next == l {
		s.next = l.age.next
	}
	s.age.remove(l)
}

// evict forgets links that nothing is under way for until there is room for
// one, the least recently used first. It looks at a few and goes on from there
// the next time, so that many that are in use do not hide those behind them.
func (s *links) evict() bool {
	for range evictLook {
		l := s.next
		if l == nil {
			l = s.age.first
		}
		s.next = l.age.next
		if l.idle() {
			s.forget(l)
		}
		if len(s.byID) < maxLinks {
			return true
		}
	}
	return false
}

// forget drops a link that is idle.
func (s *links) forget(l *link) {
	s.leave(l)
	delete(s.byID, l.id)
	s.vacate(l)
}

// idle reports whether nothing is under way for l. What the driver answered is
// merely remembered.
func (l *link) idle() bool {
	return l.entries == 0 && l.broadcasts == 0 && l.wants == 0 && l.arrivals == l.settled.count+l.rejected.count
}

// Up tells that a link to a peer is open: it can be sent to at no cost.
func (c *Core) Up(id identity.ID) { c.open[id] = true }

// Down tells that no link to a peer is open any more.
func (c *Core) Down(id identity.ID) { delete(c.open, id) }

// hear notes that the neighbour is alive.
func (l *link) hear() { l.missed, l.suspect = 0, 0 }

// hear does so for a neighbour that may be forgotten.
func (s *links) hear(id identity.ID) {
	if l := s.byID[id]; l != nil {
		l.hear()
	}
}

// miss notes that the neighbour let its time pass.
func (s *links) miss(now time.Duration, l *link) {
	l.missed = min(l.missed+1, 10)
	l.suspect = now + min(minSuspicion<<(l.missed-1), maxSuspicion)
	s.suspected = max(s.suspected, l.suspect)
}

// suspects reports whether others than id are to be tried first.
func (s *links) suspects(now time.Duration, id identity.ID) bool {
	if now >= s.suspected {
		return false
	}
	l := s.byID[id]
	return l != nil && now < l.suspect
}

// rto is how long to wait for l to acknowledge size bytes before another is
// tried too. It doubles from the third try on, so that a stall here or near
// here does not set loose every alternative at once.
func (c *Core) rto(l *link, size, try int) time.Duration {
	d := l.rtt
	if d.mean == 0 {
		d = c.typical
	}
	timeout := firstRTO
	if d.mean != 0 {
		timeout = max(d.mean+4*max(d.deviation, c.wobble), minRTO)
	}
	timeout = min(timeout<<max(try-1, 0), maxRTO)
	return timeout + time.Duration(size/bytesPerTime)*time.Millisecond
}

// reach returns the link to a peer that this one picked. As long as nothing was
// measured here, the ring knows how long it takes.
func (c *Core) reach(contact *identity.Contact) *link {
	l := c.links.reach(contact.ID)
	if l.rtt.mean == 0 {
		if mean, deviation := c.ring.RoundTrip(contact); mean > 0 {
			l.rtt = delay{mean: mean, deviation: max(deviation, mean/8)}
		}
	}
	return l
}

// measure notes how long l took to acknowledge.
func (c *Core) measure(l *link, sample time.Duration) {
	if l.rtt.mean != 0 {
		c.wobble += ((sample - l.rtt.mean).Abs() - c.wobble) / 8
	}
	l.rtt.add(sample)
	c.typical.add(sample)
}
