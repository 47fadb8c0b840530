package chord

import (
	"math"
	"slices"
	"time"

	"cicada/identity"
)

// A change is told by the relay behind the peer that came or went: who accepted it,
// or found it dead. All changes heard of in an interval go on together, to the peers
// 1, 2, 4, … places on among the relays, each of which answers for the stretch up to
// the next of these; to whoever stands beyond the limit of a change it is not told. So
// each relay hears of each change once, after at most log2 n intervals, and a message
// carries many. In EDRA a change has a number of hops to live instead of a limit, so
// that where tables differ some hear twice and some never.
//
// Where there is no answer the next relay of the stretch is told: no change stops at a
// dead peer.

// spread is what is on its way.
type spread struct {
	words   []uint64 // of changes, the first of each point
	changes []change // heard of lately, oldest first
	sendAt  time.Duration
	absent  []absence // whom this peer would tell of, the first to be told first
	flights []flight
	names   []messageName // of the messages that came last
	next    int           // in names
	denied  time.Duration // when others were last told that this peer is there, though it be said to be gone
	denyAt  time.Duration // when they are to be told once more, or far
}

// A messageName is who sent a message, and its number: numbers of two senders may be the same.
type messageName struct{ from, number uint64 }

// A change is a peer that came or went.
type change struct {
	peer  *identity.Contact // nil: gone
	relay bool
	sent  bool
	from  uint64 // who told of it, the first of the ID; 0: nobody
	low   uint32 // how far others were told before
	limit uint32 // where this peer's part of telling ends, as all limits: the first half of a point's first word
	at    time.Duration
}

// A flight is a message of changes that was not acknowledged yet.
type flight struct {
	number   uint64
	to       *identity.Contact
	news     *news
	deadline time.Duration
	tries    uint8
	skipped  uint8
}

// news are changes as they travel.
type news struct {
	relays, others []*identity.Contact
	left           []uint64
	limits         []uint32 // one for all, or one for each
}

const (
	maxSpread    = 5 * time.Second // between two messages to a peer
	minSpread    = 500 * time.Millisecond
	perSpread    = 16 // changes that are worth waiting for
	spreadStay   = 1000
	maxJoined    = 64  // peers of one sort in a message
	maxLeft      = 255 // peers that went, in a message
	maxChanges   = 4096
	makeWay      = 64 // changes that do at once, where there are too many
	maxFlights   = 128
	flightTries  = 2
	maxSkipped   = 16
	keepFor      = 2 * maxSpread // changes that were passed on
	namesKept    = 32
	denyInterval = 15 * time.Second // between two words of one's own that one is there
)

// spreadInterval returns how long changes wait for others to travel with, where n
// peers stay so long: less where they are rare, and would wait for nothing, and where
// what is known would be old by the time it arrives.
func spreadInterval(n int, stay time.Duration) time.Duration {
	most := min(max(stay/spreadStay, minSpread), maxSpread)
	expected := 2 * int64(n) * int64(most) / max(int64(stay), 1)
	return max(most*time.Duration(min(expected, perSpread))/perSpread, minSpread)
}

// limitAt returns the limit at a point.
func limitAt(point identity.Point) uint32 { return uint32(word(point) >> 32) }

// wayTo returns how far a limit is from this peer.
func (c *Core) wayTo(limit uint32) uint32 { return limit - uint32(c.origin[0]>>32) }

// wayOf returns how far a peer is, as limits are.
func (c *Core) wayOf(peer *identity.Contact) uint32 { return c.wayTo(limitAt(peer.Point)) }

// announce tells all others of a change that this peer is the first to know of.
func (c *Core) announce(peer *identity.Contact, here, relay bool) {
	if !c.isWide() {
		return
	}
	x := change{relay: relay, limit: limitAt(c.self.Point) - 1} // all round
	if here {
		x.peer = peer
	}
	c.hearOf(word(peer.Point), x)
}

// hearOf takes in a change, and has it passed on up to its limit.
func (c *Core) hearOf(name uint64, x change) {
	s := &c.wide.spread
	for i := len(s.words) - 1; i >= 0; i-- {
		old := &s.changes[i]
		if s.words[i] != name {
			continue
		}
		if old.sent && old.at+keepFor < c.now {
			break // it was long ago, and may be so once more
		}
		if (old.peer == nil) != (x.peer == nil) || old.relay != x.relay {
			break // it is another one, of the same peer
		}
		if x.sent || c.wayTo(x.limit) <= c.wayTo(old.limit) {
			return
		}
		if old.sent {
			old.low = c.wayTo(old.limit)
		}
		old.limit, old.sent = x.limit, false
		c.spreadSoon()
		return
	}
	if len(s.words) == maxChanges {
		s.makeRoom()
	}
	c.apply(name, &x)
	c.wide.fetch.same = 0
	x.at, c.wide.heardAt = c.now, c.now
	s.words, s.changes = append(s.words, name), append(s.changes, x)
	if !x.sent {
		c.spreadSoon()
	}
}

// makeRoom forgets changes: the oldest of those that were sent, or else of whoever told
// most of them, so that who tells of ever more loses its own.
func (s *spread) makeRoom() {
	told := make(map[uint64]int)
	sent, most := 0, s.changes[0].from
	for i := range s.changes {
		x := &s.changes[i]
		if x.sent {
			sent++
		}
		if told[x.from]++; told[x.from] > told[most] {
			most = x.from
		}
	}
	gone, kept := 0, 0
	for i := range s.changes {
		if x := &s.changes[i]; gone < makeWay && (x.sent || sent == 0 && x.from == most) {
			gone++
			continue
		}
		s.words[kept], s.changes[kept] = s.words[i], s.changes[i]
		kept++
	}
	clear(s.changes[kept:])
	s.words, s.changes = s.words[:kept], s.changes[:kept]
}

// spreadSoon has changes sent when others had time to join them.
func (c *Core) spreadSoon() {
	s := &c.wide.spread
	if s.sendAt == far {
		s.sendAt, c.dueSet = c.now+c.jitter(spreadInterval(c.population(), c.stay())), false
	}
}

// apply makes a change to what this peer knows. That somebody is gone is a reason to
// ask, or to ask others first, and no more.
func (c *Core) apply(name uint64, x *change) {
	w := c.wide
	switch {
	case x.peer != nil:
		c.enrol(x.peer, x.relay || w.relays.find(x.peer.Point) != nil) // that one is no relay it says itself
	case name == c.origin[0]:
		w.spread.denyAt = c.now
		if w.spread.denied != 0 {
			w.spread.denyAt = max(c.now, w.spread.denied+denyInterval)
		}
		c.dueSet = false
	default:
		peer := w.named(name)
		if peer == nil {
			return
		}
		if e := c.entry(peer); e != nil && c.probing() < maxAsked {
			c.probe(e.contact)
			return
		}
		c.suspect(peer, false)
	}
}

// tickSpread sends what is due, for the first time or again.
func (c *Core) tickSpread() {
	s := &c.wide.spread
	if s.denyAt <= c.now {
		s.denied, s.denyAt = c.now, far
		c.announce(c.self, true, true)
	}
	for i := 0; i < len(s.flights); i++ {
		if f := &s.flights[i]; f.deadline <= c.now {
			if c.flyAgain(f) {
				continue
			}
			s.flights = slices.Delete(s.flights, i, i+1)
			i--
		}
	}
	c.tellOfAbsent()
	if s.sendAt <= c.now {
		c.sendChanges()
	}
}

// relay returns the k-th relay clockwise from this peer, from 1, or nil.
func (c *Core) relay(k int) *identity.Contact {
	r := &c.wide.relays
	if k > r.size() {
		return nil
	}
	return r.at(r.rank(c.self.Point) + k - 1)
}

// sendChanges sends the changes that wait on their way: oldest first, as many as the
// budget is enough for.
func (c *Core) sendChanges() {
	s := &c.wide.spread
	s.sendAt, c.dueSet = far, false
	if wait := c.wide.given.wait(c.now, c.config.TableBudget); wait > 0 {
		s.sendAt = c.now + wait
		return
	}
	batch := c.batch()
	for k := 1; k <= c.wide.relays.size(); k *= 2 {
		end := uint32(math.MaxUint32)
		if next := c.relay(2 * k); next != nil {
			end = c.wayOf(next)
		}
		to := c.relay(k)
		for i := k + 1; i < 2*k && i < k+maxSkipped && c.wide.doubted(word(to.Point)); i++ {
			if next := c.relay(i); next != nil {
				to = next
			}
		}
		c.sendTo(to, end, batch)
	}
	for i := range batch {
		s.changes[i].sent = true
	}
	if batch < len(s.changes) {
		c.spreadSoon()
	}
	old := 0
	for old < len(s.changes) && s.changes[old].sent && s.changes[old].at+keepFor < c.now {
		old++
	}
	s.words, s.changes = slices.Delete(s.words, 0, old), slices.Delete(s.changes, 0, old)
}

// batch returns how many of the changes, from the first on, may be sent now.
func (c *Core) batch() int {
	var ways []uint32
	for k := 1; k <= c.wide.relays.size(); k *= 2 {
		ways = append(ways, c.wayOf(c.relay(k)))
	}
	left := c.wide.given.left(c.config.TableBudget)
	changes := c.wide.spread.changes
	for i := range changes {
		if left <= 0 {
			return i
		}
		for _, way := range ways {
			if x := &changes[i]; !x.sent && way < c.wayTo(x.limit) {
				left -= x.size()
			}
		}
	}
	return len(changes)
}

// size returns about how many bytes a change takes in a message.
func (x *change) size() int {
	if x.peer == nil {
		return goneBytes
	}
	return hintBytes
}

// sendTo sends a relay those of the first so many changes that have not passed it, up
// to the way where another one's part begins.
func (c *Core) sendTo(to *identity.Contact, end uint32, batch int) {
	s := &c.wide.spread
	way := c.wayOf(to)
	n := &news{}
	for i := range batch {
		x := &s.changes[i]
		limit := c.wayTo(x.limit)
		if x.sent || limit <= way || x.low >= end {
			continue
		}
		n.add(s.words[i], x, min(limit, end)+limitAt(c.self.Point))
		if n.full() {
			c.fly(to, n)
			n = &news{}
		}
	}
	if len(n.limits) > 0 {
		c.fly(to, n)
	}
}

// add puts a change into a message. The limits are in the order of the changes only
// when it is sent.
func (n *news) add(name uint64, x *change, limit uint32) {
	i := len(n.limits)
	switch {
	case x.peer == nil:
		n.left = append(n.left, name)
	case x.relay:
		n.relays = append(n.relays, x.peer)
		i = len(n.relays) - 1
	default:
		n.others = append(n.others, x.peer)
		i = len(n.relays) + len(n.others) - 1
	}
	n.limits = slices.Insert(n.limits, i, limit)
}

func (n *news) full() bool {
	return len(n.relays) == maxJoined || len(n.others) == maxJoined || len(n.left) == maxLeft
}

// each yields the changes, each with its limit.
func (n *news) each(yield func(name uint64, x change)) {
	for i, limit := range n.limits {
		x := change{limit: limit}
		k := i - len(n.relays)
		switch {
		case k < 0:
			x.peer, x.relay = n.relays[i], true
		case k < len(n.others):
			x.peer = n.others[k]
		default:
			yield(n.left[k-len(n.others)], x)
			continue
		}
		yield(word(x.peer.Point), x)
	}
}

// fly sends a message of changes, whose answer is awaited.
func (c *Core) fly(to *identity.Contact, n *news) {
	s := &c.wide.spread
	if len(s.flights) == maxFlights {
		return
	}
	c.asked++
	f := flight{number: c.asked, to: to, news: n}
	c.transmitChanges(&f)
	s.flights = append(s.flights, f)
}

func (c *Core) transmitChanges(f *flight) {
	f.tries++
	f.deadline, c.dueSet = c.now+c.rto(f.to), false
	limits := f.news.limits
	if !slices.ContainsFunc(limits, func(l uint32) bool { return l != limits[0] }) {
		limits = limits[:1]
	}
	m := Message{Kind: Changes, Request: f.number, Hints: f.news.relays, Others: f.news.others, Left: f.news.left, Limits: limits}
	c.wide.given.spend(c.now, c.config.TableBudget, m.wideSize())
	c.send(f.to, m)
}

// flyAgain sends changes again that were not acknowledged, then to the next relay. It
// reports whether there is one.
func (c *Core) flyAgain(f *flight) bool {
	if wait := c.wide.given.wait(c.now, c.config.TableBudget); wait > 0 {
		f.deadline, c.dueSet = c.now+wait, false
		return true
	}
	if f.tries < flightTries {
		c.transmitChanges(f)
		return true
	}
	if e := c.entry(f.to); e != nil {
		c.probe(e.contact)
	} else {
		c.checkMember(f.to)
	}
	return c.flyOn(f)
}

// flyOn sends changes to the relay behind the one that does not pass them on, those
// that concern it.
func (c *Core) flyOn(f *flight) bool {
	r := &c.wide.relays
	var next *identity.Contact
	for k := range min(r.size(), maxSkipped) {
		peer := r.at(r.rank(f.to.Point) + k)
		if !same(peer, f.to) && !c.wide.doubted(word(peer.Point)) {
			next = peer
			break
		}
	}
	if f.skipped++; next == nil || f.skipped > maxSkipped || c.wayOf(next) < c.wayOf(f.to) {
		return false
	}
	way := c.wayOf(next)
	left := &news{}
	f.news.each(func(name uint64, x change) {
		if c.wayTo(x.limit) > way {
			left.add(name, &x, x.limit)
		}
	})
	if len(left.limits) == 0 {
		return false
	}
	c.asked++
	f.number, f.to, f.news, f.tries = c.asked, next, left, 0
	c.transmitChanges(f)
	return true
}

// onChanges hears of changes, and passes them on later.
func (c *Core) onChanges(from *identity.Contact, m *Message) {
	w := c.wide
	if !c.isWide() {
		c.send(from, Message{Kind: ChangesTaken, Request: m.Request})
		return
	}
	c.send(from, Message{Kind: ChangesTaken, Request: m.Request, Wide: true, Accepted: w.complete})
	this := messageName{from: beginningOf(from.ID), number: m.Request}
	s := &w.spread
	if slices.Contains(s.names, this) || w.taken.full(c.now, c.config.TableBudget, from.ID) {
		return // it comes again, or is more than anybody has a right to tell
	}
	if len(s.names) < namesKept {
		s.names = append(s.names, this)
	} else {
		s.names[s.next] = this
	}
	s.next = (s.next + 1) % namesKept
	w.taken.spend(c.now, c.config.TableBudget, from.ID, m.wideSize())
	c.enrol(from, true)
	n := news{relays: m.Hints, others: m.Others, left: m.Left, limits: m.Limits}
	if len(n.limits) == 1 {
		n.limits = slices.Repeat(n.limits, len(n.relays)+len(n.others)+len(n.left))
	}
	n.each(func(name uint64, x change) {
		if x.peer != nil && x.peer.ID == from.ID {
			x.peer = from // and not where it is said to be
		}
		if x.from = this.from; !w.complete {
			x.sent = true // somebody else is told to pass it on
		}
		c.hearOf(name, x)
	})
}

func beginningOf(id identity.ID) uint64 { return spanOf(identity.Point(id))[0] }

// onChangesTaken hears whether a relay has what it was told, and passes it on.
func (c *Core) onChangesTaken(from *identity.Contact, m *Message) {
	if !c.isWide() {
		return
	}
	s := &c.wide.spread
	i := slices.IndexFunc(s.flights, func(f flight) bool { return f.number == m.Request && same(f.to, from) })
	if i < 0 {
		return
	}
	c.dueSet = false
	if !m.Wide {
		c.enrol(from, false)
	}
	if !(m.Wide && m.Accepted) && c.flyOn(&s.flights[i]) {
		return
	}
	s.flights = slices.Delete(s.flights, i, i+1)
}

// wideSize returns about how many bytes m takes, one of those about all peers.
func (m *Message) wideSize() int {
	size := messageBytes + 8*len(m.Left) + 4*len(m.Limits)
	for _, list := range [...][]*identity.Contact{m.Hints, m.Others} {
		for _, peer := range list {
			size += max(hintBytes, 40+8*len(peer.Addresses))
		}
	}
	return size
}

// faultOfChanges returns what is wrong with what is said to have changed, or "".
func (m *Message) faultOfChanges() string {
	switch n := len(m.Hints) + len(m.Others) + len(m.Left); {
	case n == 0 || len(m.Hints) > maxJoined || len(m.Others) > maxJoined || len(m.Left) > maxLeft:
		return "no changes, or too many"
	case len(m.Limits) != 1 && len(m.Limits) != n:
		return "limits that are not those of the changes"
	case slices.Contains(m.Hints, nil) || slices.Contains(m.Others, nil):
		return "a list with a hole"
	}
	return ""
}
