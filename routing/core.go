package routing

import (
	"math/rand/v2"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

const (
	keepAfterAck = 2 * time.Second // how long a copy that was taken can still be refused
	sweepEvery   = time.Second     // what is to be forgotten is forgotten so much late at most
	reserve      = 4               // the part of each bound, one in so many, that others' traffic leaves free
	sweepSome    = 4               // old entries that each new one sweeps away
)

// A Core is the delivery of one peer. It has one owner: no method may be called
// while another runs. All times are of one clock that never goes back.
type Core struct {
	ring   Ring
	config Config
	random *rand.Rand
	digest digester

	pool    pool
	timers  timers
	links   links
	open    map[identity.ID]bool // peers that a link is open to
	own     *link                // what this peer itself sends is accounted for like any link
	gone    *link                // so is what links brought that are forgotten
	typical delay                // between neighbours
	wobble  time.Duration        // how far samples of one link are apart, smoothed: an own line makes all of them vary
	path    delay                // between sending and receipt

	entries table
	age     list[entry] // all entries, oldest first
	kept    list[entry] // those that were taken and still hold their payload
	free    *entry

	sends     map[trace.MessageID]*send
	freeSends []*send

	arrivals     map[trace.MessageID]*arrival
	arrivalAge   list[arrival]
	junk         list[arrival] // those of which nothing opened
	freeArrivals []*arrival

	broadcasts   map[Offer]*broadcast
	broadcastAge list[broadcast]
	// rejectedCasts are remembered only to not verify the same bytes again.
	rejectedCasts list[broadcast]
	tags          map[Tag]*broadcast // those that were accepted
	wants         map[Tag]*want
	telling       timer
	shelf         list[broadcast] // those whose body is kept for others, oldest first
	shelved       int             // bytes of them

	pick     pick
	eligible func(*identity.Contact) bool // pick.eligible, bound once

	ready, handed *outbox
}

// An outbox is a Ready that is being filled, and the payloads it refers to.
type outbox struct {
	Ready
	holds []*buffer
}

// New returns the core of the peer that ring tells of. Randomness is used for
// nonces and to key the tables; in production it is to come from a source that
// others cannot guess.
func New(ring Ring, config Config, random *rand.Rand) *Core {
	c := &Core{
		ring: ring, config: config.populate(), random: random,
		digest: newDigester(random), own: newLink(identity.ID{}), gone: newLink(identity.ID{}),
		age:           list[entry]{at: func(x *entry) *node[entry] { return &x.age }},
		kept:          list[entry]{at: func(x *entry) *node[entry] { return &x.kept }},
		open:          make(map[identity.ID]bool),
		sends:         make(map[trace.MessageID]*send),
		arrivals:      make(map[trace.MessageID]*arrival),
		arrivalAge:    list[arrival]{at: func(a *arrival) *node[arrival] { return &a.age }},
		junk:          list[arrival]{at: func(a *arrival) *node[arrival] { return &a.junk }},
		broadcasts:    make(map[Offer]*broadcast),
		broadcastAge:  list[broadcast]{at: func(b *broadcast) *node[broadcast] { return &b.age }},
		rejectedCasts: list[broadcast]{at: func(b *broadcast) *node[broadcast] { return &b.rejected }},
		shelf:         list[broadcast]{at: func(b *broadcast) *node[broadcast] { return &b.shelf }},
		tags:          make(map[Tag]*broadcast),
		wants:         make(map[Tag]*want),
		ready:         new(outbox), handed: new(outbox),
	}
	c.telling.owner = teller{}
	c.links = newLinks(c.vacate)
	c.pool.max = c.config.MaxBytes
	c.entries.secret = random.Uint64()
	c.pick.core = c
	c.eligible = c.pick.eligible
	return c
}

// Ready takes what is to be done. It is valid until the next call.
func (c *Core) Ready() Ready {
	c.handed.clear(&c.pool)
	c.ready, c.handed = c.handed, c.ready
	return c.handed.Ready
}

// clear empties an outbox, and keeps its memory for the next use.
func (o *outbox) clear(p *pool) {
	for _, b := range o.holds {
		p.drop(b)
	}
	clear(o.holds)
	o.holds = o.holds[:0]
	r := &o.Ready
	r.Envelopes, r.Acks, r.Refusals = empty(r.Envelopes), empty(r.Acks), empty(r.Refusals)
	r.Arrivals, r.Receipts, r.Failures = empty(r.Arrivals), empty(r.Receipts), empty(r.Failures)
	r.Broadcasts, r.BroadcastAnswers, r.BroadcastArrivals = empty(r.Broadcasts), empty(r.BroadcastAnswers), empty(r.BroadcastArrivals)
	r.BroadcastTags, r.BroadcastGifts = empty(r.BroadcastTags), empty(r.BroadcastGifts)
	r.Doubtful = empty(r.Doubtful)
	r.BroadcastResults, r.Events = empty(r.BroadcastResults), empty(r.Events)
}

// empty drops what a slice refers to; a burst's memory is not kept.
func empty[T any](s []T) []T {
	const keep = 256
	if cap(s) > keep {
		return nil
	}
	clear(s)
	return s[:0]
}

// hold keeps b alive for as long as the Ready that is being filled, and returns its bytes.
func (c *Core) hold(b *buffer) []byte {
	if b == nil {
		return nil
	}
	b.holders++
	c.ready.holds = append(c.ready.holds, b)
	return b.bytes
}

// Next tells when Tick is due. The largest Duration means not before something else happens.
func (c *Core) Next() time.Duration {
	next := c.timers.next()
	if x := c.age.first; x != nil {
		next = min(next, x.expires+sweepEvery)
	}
	if a := c.arrivalAge.first; a != nil {
		next = min(next, a.expires+sweepEvery)
	}
	if b := c.broadcastAge.first; b != nil {
		next = min(next, b.expires+sweepEvery)
	}
	return next
}

// Tick does what is due. Calling it early or late does no harm.
func (c *Core) Tick(now time.Duration) {
	for x := c.timers.due(now); x != nil; x = c.timers.due(now) {
		x.owner.expire(c, now)
	}
	for c.sweep(now) {
	}
	for a := c.arrivalAge.first; a != nil && a.expires <= now; a = c.arrivalAge.first {
		c.forgetArrival(a)
	}
	for b := c.broadcastAge.first; b != nil && b.expires <= now; b = c.broadcastAge.first {
		c.forgetBroadcast(b)
	}
	if c.entries.count == 0 {
		c.free = nil
		c.entries.trim()
	}
	if c.entries.count == 0 && len(c.sends) == 0 {
		c.pool.trim()
		c.freeSends, c.freeArrivals = nil, nil
	}
}

// sweep forgets the oldest entry if its time is over, and the oldest kept
// payload, and reports whether there may be more.
func (c *Core) sweep(now time.Duration) bool {
	more := false
	if x := c.kept.first; x != nil && x.try[x.tries-1].at+keepAfterAck <= now {
		c.release(x)
		more = true
	}
	if x := c.age.first; x != nil && x.expires <= now {
		if x.state == waiting { // on a slow line
			x.expires = now + c.config.Remember
			c.age.remove(x)
			c.age.push(x)
		} else {
			c.forget(x)
		}
		more = true
	}
	return more
}

// admit reports whether l may have another entry with a payload of size bytes,
// making room at its own cost. A link may hold as much as is still free: one busy
// link half of what there is, two a third each (dynamic thresholds, Choudhury and
// Hahne 1998). So nobody has all of it, but many together leave next to nothing.
// What is relayed for others therefore never touches a reserve, which is for own
// sends, for what is meant for this peer, and for its answers.
func (c *Core) admit(l *link, size int) bool {
	return c.admitEntry(l) && c.admitBytes(l, size, forOthers)
}

func (c *Core) admitEntry(l *link) bool {
	most := c.config.MaxEntries
	if l != c.own {
		most -= most / reserve
	}
	for l.entries >= most-c.entries.count && l.finished.first != nil {
		c.forget(l.finished.first)
	}
	return l.entries < most-c.entries.count
}

// A purpose says how much of the reserve bytes may use.
type purpose uint8

const (
	forOthers purpose = iota // none, but for what this peer itself sends
	forAll                   // half: a broadcast
	forSelf                  // all
)

// admitBytes reports whether l may have size bytes more. It lets go of what l merely
// keeps in case it comes back, and then, where l is far from its bound, of what
// others keep so. What l brings for this peer does not count what is relayed for it:
// a busy neighbour is heard, too.
func (c *Core) admitBytes(l *link, size int, p purpose) bool {
	need := capacity(size)
	most := c.pool.max
	switch {
	case l == c.own || p == forSelf:
	case p == forAll:
		most -= most / reserve / 2
	default:
		most -= most / reserve
	}
	over := func() bool {
		mine := l.bytes + need
		if p == forOthers {
			mine += l.relayed
		}
		return mine > most-c.pool.held
	}
	for over() && l.kept.first != nil {
		c.release(l.kept.first)
	}
	for over() && c.shelf.first != nil && l.bytes+l.relayed+need <= c.pool.max/2 {
		c.unshelve(c.shelf.first, true)
	}
	for over() && c.kept.first != nil && l.bytes+l.relayed+need <= c.pool.max/2 {
		c.release(c.kept.first)
	}
	return !over()
}

// enter makes an entry of a copy that l is accounted for, with charge bytes.
func (c *Core) enter(now time.Duration, l *link, header []byte, payload *buffer, charge int) *entry {
	for range sweepSome {
		if !c.sweep(now) {
			break
		}
	}
	x := c.free
	if x == nil {
		x = new(entry)
		x.timer.owner = x
	} else {
		c.free = x.next
		*x = entry{timer: timer{owner: x}}
	}
	copy(x.header[:], header)
	e := x.envelope()
	x.key = key{trace.MessageID(e.Message()), e.Copy()}
	x.back = answers(e.Kind())
	x.payload, x.from, x.charge = payload, l, charge
	x.expires = now + c.config.Remember
	l.entries++
	l.relayed += charge
	c.entries.add(x)
	c.age.push(x)
	return x
}

// conclude stops waiting: somebody took x, or nobody does. An answer of this peer
// itself that was taken is forgotten, and x not to be used any more.
func (c *Core) conclude(x *entry, s state) {
	if s == taken && x.back && x.from == c.own {
		c.forget(x)
		return
	}
	x.state = s
	c.timers.clear(&x.timer)
	x.from.finished.push(x)
	if s == taken && !x.back {
		c.kept.push(x)
		x.from.kept.push(x)
	} else {
		c.release(x)
	}
}

// release gives up the payload of x.
func (c *Core) release(x *entry) {
	c.kept.remove(x)
	x.from.kept.remove(x)
	if x.payload == nil {
		return
	}
	x.from.relayed -= x.charge
	c.pool.drop(x.payload)
	x.payload = nil
}

// forget drops x altogether.
func (c *Core) forget(x *entry) {
	c.timers.clear(&x.timer)
	c.release(x)
	x.from.finished.remove(x)
	c.age.remove(x)
	c.entries.remove(x)
	x.from.entries--
	*x = entry{timer: timer{owner: x}, next: c.free}
	c.free = x
}

// answers reports whether envelopes of a kind travel back to an origin.
func answers(k wire.EnvelopeKind) bool {
	return k == wire.EnvelopeAnswer || k == wire.EnvelopeReceipt || k == wire.EnvelopeUnknown || k == wire.EnvelopeKeyRefusal
}
