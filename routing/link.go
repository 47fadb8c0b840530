package routing

import (
	"time"

	"cicada/identity"
)

// Times that links are judged by. RTO is srtt + 4 rttvar as in RFC 6298, within
// bounds that suit hops instead of paths.
const (
	minRTO       = 50 * time.Millisecond
	maxRTO       = time.Second
	firstRTO     = 250 * time.Millisecond // as long as nothing was measured
	minSuspicion = 4 * time.Second
	maxSuspicion = 64 * time.Second
	bytesPerTime = 1000 // a payload may take a microsecond for a byte, in bytes a millisecond
	maxLinks     = 4096
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

	entries, arrivals, broadcasts int // kept on its behalf
	bytes                         int

	finished list[entry]   // its entries that nobody waits for, oldest first
	kept     list[entry]   // those of them that still hold their payload
	settled  list[arrival] // its arrivals that the driver answered, oldest first
	closed   list[broadcast]
	age      node[link]
}

// links holds the neighbours, least recently used first.
type links struct {
	byID map[identity.ID]*link
	age  list[link]
	// suspected is until when any link is suspect, to skip looking.
	suspected time.Duration
}

func newLink(id identity.ID) *link {
	return &link{
		id:       id,
		finished: list[entry]{at: func(x *entry) *node[entry] { return &x.finished }},
		kept:     list[entry]{at: func(x *entry) *node[entry] { return &x.linkKept }},
		settled:  list[arrival]{at: func(a *arrival) *node[arrival] { return &a.settled }},
		closed:   list[broadcast]{at: func(b *broadcast) *node[broadcast] { return &b.closed }},
	}
}

func newLinks() links {
	return links{
		byID: make(map[identity.ID]*link),
		age:  list[link]{at: func(l *link) *node[link] { return &l.age }},
	}
}

// use returns the link to id. It is nil where too many are in use.
func (s *links) use(id identity.ID) *link {
	if l := s.byID[id]; l != nil {
		s.age.remove(l)
		s.age.push(l)
		return l
	}
	if len(s.byID) >= maxLinks && !s.evict() {
		return nil
	}
	l := newLink(id)
	s.byID[id] = l
	s.age.push(l)
	return l
}

// evict forgets the least recently used link that nothing is kept for.
func (s *links) evict() bool {
	const look = 64 // further ones are in use too, most likely
	l := s.age.first
	for range look {
		if l == nil {
			return false
		}
		if l.idle() {
			s.age.remove(l)
			delete(s.byID, l.id)
			return true
		}
		l = l.age.next
	}
	return false
}

func (l *link) idle() bool { return l.entries == 0 && l.arrivals == 0 && l.broadcasts == 0 }

// hear notes that the neighbour is alive.
func (l *link) hear() { l.missed, l.suspect = 0, 0 }

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
		timeout = max(d.timeout(), minRTO)
	}
	timeout = min(timeout<<max(try-1, 0), maxRTO)
	return timeout + time.Duration(size/bytesPerTime)*time.Millisecond
}

// measure notes how long l took to acknowledge.
func (c *Core) measure(l *link, sample time.Duration) {
	l.rtt.add(sample)
	c.typical.add(sample)
}
