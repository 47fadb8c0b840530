package chord

import (
	"math"
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// A purpose says why something was asked, and so what its answer is for.
type purpose uint8

const (
	forProbe       purpose = iota + 1 // Ping: is a peer of the table alive?
	forHint                           // Ping: somebody named a peer; is it a member?
	forRemembered                     // Ping: is a peer that was lost back?
	forSuccessor                      // Ask: stabilisation, part A
	forPending                        // Ask: stabilisation, part B
	forSmall                          // Ask: whom does my successor know in a small ring?
	forPredecessor                    // Ask: the predecessor's own predecessors
	forJoinBefore                     // Ask: the peer before the joiner
	forJoinAfter                      // Ask: the peer after it
	forNotify                         // Notify
	forSlot                           // Query: who stands in a slot of the finger table?
	forCopy                           // Query: what is in a neighbour's table?
	forMember                         // Ping: is a peer that is only known of alive?
	forPage                           // Query: who is there, of all peers?
	forStretch                        // Query: is that all who are in a stretch?
	forSearch                         // Query: who is nearer to a key?
)

// A request is a message whose answer is awaited.
type request struct {
	number   uint64
	purpose  purpose
	busy     bool // the answer so far: later
	whole    bool // forSearch: asked for all around the key
	tries    uint8
	to       *identity.Contact
	slot     int16               // forSlot: its number; forSearch: that of the branch
	version  uint64              // asked with; forSearch: the number of the search
	offered  []*identity.Contact // what the answer may name by its place
	sent     time.Duration
	deadline time.Duration
}

// maxRequests bounds what is awaited at once. Hints, which others cause, get
// the larger part; the protocol's own requests are a handful.
const (
	maxRequests = 96
	maxHints    = 64
	maxSearched = 64 // from so many on searches wait
)

const (
	minRTO         = 250 * time.Millisecond // a busy machine is not a dead one
	maxRTO         = 2 * time.Second
	joinRTO        = time.Second            // as long as nobody ever answered
	firstRTO       = 200 * time.Millisecond // at least, for a peer that never answered yet
	minMisses      = 3                      // in a row, before a peer is dead; more where much gets lost
	maxMisses      = 12
	maxMemberTries = 2                      // of a peer that is no more than known of, or said to own a key: most of these are gone
	pauseLimit     = 250 * time.Millisecond // a tick later than this means that this peer stood still
	busyLimit      = 200 * time.Millisecond // an operation that waits for a busy peer ends after 1.5 to 2.5 of these
)

// kind returns the message that asks for purpose p.
func (p purpose) kind() Kind {
	switch p {
	case forProbe, forHint, forRemembered, forMember:
		return Ping
	case forNotify:
		return Notify
	case forSlot, forCopy, forSearch, forPage, forStretch:
		return Query
	}
	return Ask
}

// sides returns which lists purpose p is about.
func (p purpose) sides() Sides {
	switch p {
	case forSuccessor, forPending, forSmall:
		return After
	case forPredecessor:
		return Before
	case forJoinBefore:
		return Head
	}
	return After | Before
}

// tries returns how often r is asked.
func (c *Core) tries(r *request) uint8 {
	if r.purpose == forMember || r.whole {
		return maxMemberTries
	}
	return c.misses()
}

// rto returns how long an answer of peer may take.
func (c *Core) rto(peer *identity.Contact) time.Duration {
	e := c.entry(peer)
	switch {
	case c.typical == 0:
		return joinRTO
	case e != nil && e.srtt == 0 && e.heard != never: // there is a link
		return min(max(hopPatience*time.Duration(c.typical+c.wobble)*time.Microsecond, minRTO), maxRTO)
	case e == nil || e.srtt == 0: // the first answer may take a handshake
		return min(max(8*time.Duration(c.typical)*time.Microsecond, firstRTO), maxRTO)
	}
	d := time.Duration(e.srtt+4*c.variation(e)) * time.Microsecond
	return min(max(d, minRTO), maxRTO)
}

// variation returns how much the round-trip times of an entry vary, in microseconds:
// as much as those of all, if they do.
func (c *Core) variation(e *entry) uint32 { return max(rttvarUnit*uint32(e.rttvar), c.wobble) }

// ask sends a request, unless the same one is still under way or too many are.
func (c *Core) ask(to *identity.Contact, p purpose, version uint64) bool {
	if c.asking(to, p) {
		return false
	}
	r := request{purpose: p, version: version}
	switch {
	case p.kind() != Ask:
	case version == 0:
		r.offered = c.offer(to, p.sides())
	case p == forPredecessor:
		r.offered = c.listsBefore.peers(p.sides(), c.self)
	default:
		r.offered = c.seenLists.peers(p.sides(), c.self)
	}
	return c.askFor(to, r)
}

// askFor sends r, a request that lacks but its number, unless too many are under way.
func (c *Core) askFor(to *identity.Contact, r request) bool {
	if n := len(c.requests); n >= maxRequests || r.purpose == forSearch && n >= maxSearched {
		return false
	}
	c.asked++
	r.number, r.to = c.asked, to
	c.transmit(&r)
	c.requests = append(c.requests, r)
	return true
}

// transmit sends r, for the first time or again.
func (c *Core) transmit(r *request) {
	r.sent = c.now
	r.deadline = c.now + min(c.rto(r.to)<<min(max(int(r.tries)-1, 0), 1), maxRTO)
	r.tries++
	c.dueSet = false
	m := Message{Kind: r.purpose.kind(), Request: r.number}
	switch {
	case m.Kind == Query:
		c.putQuery(&m, r)
	case m.Kind != Ask:
		m.Version = c.version
	default:
		m.Sides, m.Version = r.purpose.sides(), r.version
		if r.version == 0 {
			m.Known = fingerprints(r.offered)
		}
	}
	c.send(r.to, m)
}

// asking reports whether a request for this purpose is under way.
func (c *Core) asking(to *identity.Contact, p purpose) bool {
	for i := range c.requests {
		if c.requests[i].purpose == p && same(c.requests[i].to, to) {
			return true
		}
	}
	return false
}

// take returns the request that m, from this peer, answers, and forgets it.
// An answer to a request that ended is late and no offence; one to a request
// never made is.
func (c *Core) take(from *identity.Contact, m *Message) (request, bool) {
	i := c.awaited(from, m)
	if i < 0 {
		if m.Request <= c.unasked || m.Request > c.asked {
			c.violation(from, m.Kind.String()+" without a request")
		} else {
			c.lateAt = c.now
		}
		return request{}, false
	}
	r := c.requests[i]
	c.requests = slices.Delete(c.requests, i, i+1)
	c.dueSet, c.answeredAt = false, c.now
	if r.to.Point != from.Point { // a hint that named the wrong one
		c.drop(r.to)
	}
	if !r.busy && !m.Busy && r.purpose != forNotify {
		c.weigh(int(r.tries))
		if r.tries == 1 {
			c.measure(from, c.now-r.sent)
		} else if e := c.entry(from); e != nil { // it may have been too early to ask again (Karn)
			e.rttvar += min(e.rttvar/4+1, math.MaxUint16-e.rttvar)
		}
	}
	return r, true
}

// weigh takes in how often a peer that lives had to be asked before it answered.
func (c *Core) weigh(tries int) {
	const share = 32
	for i := range tries {
		missed := uint32(0)
		if i < tries-1 {
			missed = 1 << 16
		}
		c.lossy += missed/share - c.lossy/share
	}
}

// misses returns how many answers in a row may be missed of a peer that lives.
func (c *Core) misses() uint8 { return max(c.inARow(10_000), minMisses) }

// enough returns how many of the peer of e are enough to take it for dead: one less
// where it was only ever heard of, or where somebody else found it dead, too.
func (c *Core) enough(e *entry) uint8 {
	switch {
	case e.heard == never && !e.is(listed):
		return c.misses() - 1
	case c.claimant.peer != nil && len(c.predecessors) > 0 && same(c.predecessors[0], e.contact):
		return max(c.inARow(1000), minMisses-1)
	}
	return c.misses()
}

// inARow returns how many answers in a row have to be missed of a peer that lives so
// that, as often as one is missed at present, it does not happen once in so many times.
func (c *Core) inARow(times uint64) uint8 {
	n, all := uint8(1), uint64(c.lossy)<<16
	for ; n < maxMisses && all > 1<<32/times; n++ {
		all = all >> 16 * uint64(c.lossy)
	}
	return n
}

// awaited returns the place of the request that m, from this peer, answers, or -1.
func (c *Core) awaited(from *identity.Contact, m *Message) int {
	return slices.IndexFunc(c.requests, func(r request) bool {
		return r.number == m.Request && same(r.to, from) && answers(r.purpose.kind()) == m.Kind
	})
}

// answers returns the kind that answers a request.
func answers(k Kind) Kind {
	switch k {
	case Ping:
		return Pong
	case Ask:
		return State
	case Query:
		return Peers
	}
	return Notified
}

// measure takes in a round-trip time, as TCP does (RFC 6298).
func (c *Core) measure(peer *identity.Contact, d time.Duration) {
	e := c.entry(peer)
	if e == nil {
		return
	}
	rtt := microseconds(d)
	if c.typical == 0 {
		c.typical = rtt
	}
	c.typical = max(c.typical+rtt/16-c.typical/16, 1)
	if e.srtt == 0 {
		e.srtt, e.rttvar = rtt, variance(rtt/2)
		return
	}
	old, off := uint32(e.rttvar)*rttvarUnit, max(rtt, e.srtt)-min(rtt, e.srtt)
	e.rttvar = variance(old + off/4 - old/4)
	c.wobble += off/16 - c.wobble/16
	e.srtt += rtt/8 - e.srtt/8
	e.srtt = max(e.srtt, 1)
}

// microseconds returns a round-trip time as it is kept: never 0, which says that none was measured.
func microseconds(d time.Duration) uint32 { return uint32(min(max(d/time.Microsecond, 1), 1<<28)) }

// variance returns microseconds as entry.rttvar counts them.
func variance(us uint32) uint16 { return uint16(min(us/rttvarUnit, math.MaxUint16)) }

// hear notes that a peer said something: it lives.
func (c *Core) hear(from *identity.Contact) *identity.Contact {
	from = c.meet(from)
	back := c.lost.remove(from.ID)
	c.heardMember(from)
	if e := c.entry(from); e != nil {
		e.heard = c.now
		c.clear(e)
		for i := range c.heardFrom {
			if h := &c.heardFrom[i]; same(h.peer, from) {
				*h = lastHeard{from, c.now}
			}
		}
		c.dueSet = false
	} else if back && c.mode != Joining { // it is to be found again: who is in no list is soon forgotten
		c.learned.add(from)
		c.ask(from, forRemembered, 0)
	}
	if len(c.predecessors) > 0 && same(c.predecessors[0], from) {
		if !c.confirmed && c.mode != Joining {
			c.confirmed = true
			c.version++
		}
		c.rejectClaim()
	}
	return from
}

// probe asks a peer of the table whether it is alive.
func (c *Core) probe(peer *identity.Contact) {
	for i := range c.requests {
		r := &c.requests[i]
		if same(r.to, peer) && r.purpose != forNotify && !r.busy {
			return // its answer will tell
		}
	}
	c.ask(peer, forProbe, 0)
}

// Unreachable tells that the driver could not reach a peer, or that its link
// broke: once for each failed dial or broken link, not for each message in it,
// and not for a link that was closed because it was idle. The peer is asked
// once more at once; if that cannot be sent either, it is dead.
func (c *Core) Unreachable(now time.Duration, id identity.ID) {
	c.advance(now)
	if c.left {
		return
	}
	if e := c.entryOf(id); e != nil {
		c.refuse(e)
		c.settle()
		return
	}
	for i := len(c.requests) - 1; i >= 0; i-- {
		if i < len(c.requests) && c.requests[i].to.ID == id {
			c.unanswered(i)
		}
	}
	c.rerouteID(id)
	c.unreachableMember(id)
	c.settle()
}

// refuse notes that the peer of e could not be reached.
func (c *Core) refuse(e *entry) {
	peer := e.contact
	doubt := c.doubt(peer.ID)
	if e.is(refused) {
		if doubt.takes != c.takes { // else it is the same breakdown: the driver had no chance to send anything since
			c.dead(peer, "unreachable")
		}
		return
	}
	e.flags |= refused
	doubt.takes = c.takes
	c.event(trace.Event{Kind: trace.RingSuspect, Other: peer.ID, Count: int(e.misses), Reason: "unreachable"})
	again := false
	for i := range c.requests {
		if r := &c.requests[i]; same(r.to, peer) {
			r.tries = 0
			c.transmit(r)
			again = true
		}
	}
	if !again {
		c.ask(peer, forProbe, 0)
	}
	c.reroute(func(h *hop) bool { return same(h.next, peer) })
}

// probing returns how many peers of the table are being asked whether they live.
func (c *Core) probing() (n int) {
	for i := range c.requests {
		if c.requests[i].purpose == forProbe {
			n++
		}
	}
	return n
}

// expire looks after the requests that were not answered in time.
func (c *Core) expire() {
	for i := 0; i < len(c.requests); {
		if c.requests[i].deadline > c.now {
			i++
			continue
		}
		c.miss(i)
		i = 0 // the list may have changed in any way; each request here is handled once, for its deadline moved
	}
}

// miss notes that request i was not answered in time.
func (c *Core) miss(i int) {
	r := &c.requests[i]
	e := c.entry(r.to)
	counts := r.purpose != forNotify && !r.busy
	if e != nil && counts && e.heard <= r.sent && (e.sound() || c.doubt(e.contact.ID).missed <= r.sent) {
		doubt := c.doubt(e.contact.ID)
		if doubt.missed == never {
			doubt.since = r.sent
		}
		e.misses, doubt.missed = min(e.misses+1, math.MaxUint8-1), c.now
		c.event(trace.Event{Kind: trace.RingSuspect, Other: r.to.ID, Count: int(e.misses)})
		if e.misses >= c.enough(e) && !c.unheard(r.to, doubt.since) {
			c.dead(r.to, "no answer")
			return
		}
		if e.misses == c.inARow(onceIn50) {
			c.tellOfSilence(r.to)
			c.probeBehind(r.to)
			r = &c.requests[i]
		}
	}
	if r.tries < c.tries(r) && !r.busy && !c.passesOver(r) {
		c.transmit(r)
		return
	}
	c.unanswered(i)
}

// unanswered gives up request i.
func (c *Core) unanswered(i int) {
	r := c.requests[i]
	c.requests = slices.Delete(c.requests, i, i+1)
	c.dueSet = false
	switch r.purpose {
	case forHint:
		c.lost.add(r.to, c.now, true)
		c.readAgain(After | Before) // it may live all the same
	case forRemembered:
		c.learned.remove(r.to)
		c.lost.still(r.to, c.now)
		if c.join.asked && same(c.join.seed, r.to) {
			c.failJoin()
		}
	case forSuccessor, forPending:
		if len(c.successors) == 0 {
			c.learned.remove(r.to)
		}
		c.abort(r.purpose)
	case forJoinBefore, forJoinAfter:
		c.joinAgain()
	case forNotify:
		if c.seenOf == r.to.ID {
			c.seenOf = identity.ID{} // so that it is told again, though nothing changes there
		}
		c.selfAccept(r.to)
	case forSlot, forCopy:
		c.unlooked(&r)
	case forMember, forProbe:
		if c.entry(r.to) == nil { // it may have left the table meanwhile
			c.lostMember(r.to)
		}
	case forPage, forStretch:
		c.checkMember(r.to)
		c.unpaged(&r)
	case forSearch:
		c.notFurther(&r)
	}
}

// selfAccept ends the wait of peers that would wait for each other for ever: all
// of a ring whose first peer died before it accepted anybody. Each of them keeps
// its predecessor waiting, and is kept waiting by a successor that lives.
func (c *Core) selfAccept(successor *identity.Contact) {
	if c.mode != Joining && c.early.peer != nil && len(c.successors) > 0 && same(c.successors[0], successor) {
		c.accept()
	}
}

// forgetRequests gives up what was asked of a peer that is dead.
func (c *Core) forgetRequests(peer *identity.Contact) {
	for i := len(c.requests) - 1; i >= 0; i-- {
		if i < len(c.requests) && same(c.requests[i].to, peer) {
			c.unanswered(i)
		}
	}
}

// onPong takes in that a peer lives, and whether it is a member.
func (c *Core) onPong(from *identity.Contact, m *Message) {
	r, ok := c.take(from, m)
	if !ok {
		return
	}
	if !m.Member {
		c.lostMember(from)
		c.noMember(from)
		return
	}
	switch r.purpose {
	case forHint:
		c.consider(from)
	case forRemembered:
		c.reunite(from)
	}
}

// noMember drops a peer that says it is not a member: it left, or began anew.
func (c *Core) noMember(peer *identity.Contact) {
	if c.entry(peer) == nil {
		return
	}
	c.event(trace.Event{Kind: trace.RingDead, Other: peer.ID, Reason: "not a member"})
	c.drop(peer)
}
