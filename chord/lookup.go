package chord

import (
	"encoding/binary"
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// A lookup is one that this peer began. Each attempt has a name of its own, so
// that an answer to an attempt given up is told from the others.
type lookup struct {
	id        trace.MessageID // what the caller knows it by
	attempt   trace.MessageID // the latest attempt
	former    trace.MessageID // the one before, whose answer is as good
	key       identity.Point
	avoid     []identity.ID // first hops of the attempts before
	deadline  time.Duration
	attemptAt time.Duration // next attempt
	pause     time.Duration // until the attempt after one that got stuck here
	searched  bool
	seeks     bool              // a peer that stands at the key
	said      *identity.Contact // who is said to own it; that is being weighed
	saidTrail []identity.ID
}

// A hop is a lookup that this peer passed on, or is trying to.
type hop struct {
	id       trace.MessageID
	key      identity.Point
	parked   bool              // waits until this peer owns its keys
	from     *identity.Contact // nil: this peer began it
	next     *identity.Contact // asked last
	trail    []identity.ID     // up to and with this peer
	tried    []identity.ID     // next hops so far
	sent     []time.Duration   // when each of tried was asked; far: it said that it has it
	deadline time.Duration     // for next to take it, or for from to take answer; far: it did
	answer   *Message          // what was handed back to from, until it has it
	until    time.Duration     // forgotten then
}

const (
	maxHops      = 1024        // lookups passed on at a time; the oldest of another peer gives way
	maxHopsFrom  = 64          // of them, for one neighbour
	maxOwn       = 256         // lookups begun at a time
	maxNext      = 4           // peers a hop tries
	attemptLeast = time.Second // without an answer the origin tries anew, see attemptAfter
	attemptMost  = 4 * time.Second
	attemptTrips = 8                      // typical round trips that it waits
	stuckPause   = 100 * time.Millisecond // before it does where it found no way, doubling
	hopPatience  = 3                      // typical round trips that a hop never measured may take
	endedKept    = 32                     // lookups that ended here
	maxBack      = 3                      // times that an answer is handed back
)

// Lookup asks who owns key. The answer comes as an Answer of Ready, in any case
// within Config.LookupTimeout of the peer's clock. A peer that asks for more
// than 256 keys at a time fails the oldest.
func (c *Core) Lookup(now time.Duration, key identity.Point) trace.MessageID {
	c.advance(now)
	id := c.begin(lookup{key: key})
	c.settle()
	return id
}

// Seek asks for the peer that stands at a point, like Lookup. It takes more to find
// out that nobody does: a few hostile peers cannot hide one who does.
func (c *Core) Seek(now time.Duration, point identity.Point) trace.MessageID {
	c.advance(now)
	id := c.begin(lookup{key: point, seeks: true})
	c.settle()
	return id
}

// begin starts a lookup.
func (c *Core) begin(l lookup) trace.MessageID {
	l.id = c.newMessageID()
	l.deadline = c.now + c.config.LookupTimeout
	l.pause = stuckPause
	c.event(trace.Event{Kind: trace.LookupSent, Key: l.key, Message: l.id})
	if c.mode == Joining {
		c.fail(l, ErrNotMember)
		return l.id
	}
	if c.Owns(l.key) {
		c.answerSelf(l)
		return l.id
	}
	if len(c.own) >= maxOwn {
		oldest := c.own[0]
		c.own = slices.Delete(c.own, 0, 1)
		c.fail(oldest, ErrNoAnswer)
	}
	c.own = append(c.own, l)
	if last := &c.own[len(c.own)-1]; c.config.Lookups == Searched {
		last.attemptAt, c.dueSet = c.now+stuckPause, false
		c.beginSearch(last)
		return l.id
	}
	c.attempt(len(c.own) - 1)
	return l.id
}

// answerSelf ends a lookup of this peer for a key that is its own.
func (c *Core) answerSelf(l lookup) {
	c.done(l, &Message{Kind: Found, Peer: c.self, Trail: []identity.ID{c.self.ID}}, 0)
}

func (c *Core) newMessageID() (id trace.MessageID) {
	binary.BigEndian.PutUint64(id[:8], c.random.Uint64())
	binary.BigEndian.PutUint64(id[8:], c.random.Uint64())
	return id
}

// attempt sends own lookup i on its way, anew.
func (c *Core) attempt(i int) {
	l := &c.own[i]
	c.end(l.former)
	l.former, l.attempt = l.attempt, c.newMessageID()
	l.attemptAt = c.now + c.attemptAfter()
	h := hop{id: l.attempt, key: l.key,
		trail: []identity.ID{c.self.ID}, until: l.deadline, deadline: far}
	c.dueSet = false
	h.tried = slices.Clone(l.avoid)
	next, rule := c.route(&h)
	if next == nil && len(h.tried) > 0 {
		l.avoid, h.tried = nil, nil
		next, rule = c.route(&h)
	}
	if next == nil {
		c.stuckHere(l)
		return
	}
	l.avoid, h.tried, h.sent = append(l.avoid, next.ID), nil, nil
	c.pass(&h, next, rule)
	c.remember(h)
}

// attemptAfter returns how long an attempt has before the next one begins. Answers to
// two at a time are waited for, so others forget an attempt a little after that.
func (c *Core) attemptAfter() time.Duration {
	trips := attemptTrips * time.Duration(c.typical+c.wobble) * time.Microsecond
	return min(max(trips, attemptLeast), attemptMost)
}

// stuckHere puts off the next attempt of a lookup that finds no way from here.
func (c *Core) stuckHere(l *lookup) {
	l.attemptAt = min(l.attemptAt, c.now+l.pause)
	l.pause = min(2*l.pause, attemptLeast)
	l.avoid = nil
	c.dueSet = false
}

// remember keeps a hop; the oldest of another peer gives way.
func (c *Core) remember(h hop) {
	if len(c.hops) >= maxHops {
		i := max(c.oldestForeign(), 0)
		c.hops = slices.Delete(c.hops, i, i+1)
	}
	c.hops = append(c.hops, h)
	c.dueSet = false
}

// oldestForeign returns the place of the oldest hop of a lookup that another
// peer began, or -1.
func (c *Core) oldestForeign() int {
	return slices.IndexFunc(c.hops, func(h hop) bool { return h.from != nil })
}

// hasRoom reports whether one more lookup of a neighbour can be passed on.
func (c *Core) hasRoom(from *identity.Contact) bool {
	if len(c.hops) >= maxHops && c.oldestForeign() < 0 {
		return false // all are this peer's own
	}
	n := 0
	for i := range c.hops {
		if same(c.hops[i].from, from) {
			n++
		}
	}
	return n < maxHopsFrom
}

// pass sends the lookup to its next hop.
func (c *Core) pass(h *hop, next *identity.Contact, rule string) {
	h.next, h.parked = next, false
	h.tried = append(h.tried, next.ID)
	h.sent = append(h.sent, c.now)
	h.deadline = c.now + c.hopRTO(next)
	c.dueSet = false
	if h.from != nil {
		c.event(trace.Event{Kind: trace.LookupForwarded, Key: h.key, Message: h.id, Other: next.ID, Hops: len(h.trail), Reason: rule})
	}
	c.send(next, Message{Kind: Lookup, Lookup: h.id, Key: h.key, Hops: len(h.trail), Trail: h.trail})
}

// hopRTO returns how long a peer may take to say that it has something. Unlike one
// that is to be shown dead, it costs little to be wrong: another is tried besides.
func (c *Core) hopRTO(peer *identity.Contact) time.Duration {
	if e := c.entry(peer); c.typical != 0 && (e == nil || e.srtt == 0) {
		return min(max(hopPatience*time.Duration(c.typical)*time.Microsecond, firstRTO), maxRTO)
	}
	return c.rto(peer)
}

// route picks the next hop and says by which rule: who owns the key by the
// lists, else who promises the shortest way to it. A peer the lookup came through or was
// refused by is no choice.
func (c *Core) route(h *hop) (next *identity.Contact, rule string) {
	ok := func(peer *identity.Contact) bool {
		return !slices.Contains(h.tried, peer.ID) && !slices.Contains(h.trail, peer.ID)
	}
	if peer := c.listedOwner(h.key, ok); peer != nil {
		return peer, "owner"
	}
	if len(h.trail) == 1 && len(h.tried) == 0 { // it may be past the owner, so only once
		if peer := c.wideOwner(h.key, ok); peer != nil {
			return peer, "all"
		}
	}
	if peer := c.Toward(h.key, ok); peer != nil {
		return peer, "toward"
	}
	return nil, "stuck"
}

// listedOwner returns the owner of key as the two lists have it, or nil.
func (c *Core) listedOwner(key identity.Point, ok func(*identity.Contact) bool) *identity.Contact {
	n := len(c.successors)
	if n > 0 && !within(c.self.Point, key, c.successors[n-1].Point) {
		n = 0 // most keys are far away: one look will do
	}
	for _, peer := range c.successors[:n] {
		if within(c.self.Point, key, peer.Point) && ok(peer) {
			return peer
		}
	}
	n = len(c.predecessors)
	if n > 1 && !within(c.predecessors[n-1].Point, key, c.predecessors[0].Point) {
		n = 0
	}
	for i := n - 2; i >= 0; i-- {
		peer := c.predecessors[i]
		if within(c.predecessors[i+1].Point, key, peer.Point) && ok(peer) {
			return peer
		}
	}
	return nil
}

// onLookup answers a lookup or passes it on.
func (c *Core) onLookup(from *identity.Contact, m *Message) {
	if m.Trail[len(m.Trail)-1] != from.ID {
		c.violation(from, "a lookup that came another way")
		return
	}
	if i := c.hopOf(m.Lookup); i >= 0 && same(c.hops[i].from, from) {
		if c.hops[i].answer == nil {
			c.send(from, Message{Kind: LookupTaken, Lookup: m.Lookup}) // it did not hear that before
		} // else the answer is on its way, and sent until it is there
		return
	} else if i >= 0 || c.mode == Joining || len(m.Trail) >= maxTrail || slices.Contains(m.Trail, c.self.ID) {
		c.send(from, Message{Kind: LookupStuck, Lookup: m.Lookup, Key: m.Key})
		return
	}
	h := hop{id: m.Lookup, key: m.Key, from: from, until: c.now + 5*c.attemptAfter()/2, deadline: far,
		trail: append(slices.Clip(m.Trail), c.self.ID)}
	if c.Owns(h.key) {
		c.answer(&h)
		return
	}
	if !c.hasRoom(from) {
		c.giveBack(&h)
		return
	}
	c.send(from, Message{Kind: LookupTaken, Lookup: m.Lookup})
	c.forward(h)
}

// answer sends the owner's answer, which is this peer's, back along the trail.
func (c *Core) answer(h *hop) {
	c.event(trace.Event{Kind: trace.LookupAnswered, Key: h.key, Message: h.id, Other: h.trail[0], Hops: len(h.trail) - 1})
	c.handBack(*h, &Message{Kind: Found, Lookup: h.id, Key: h.key, Hops: len(h.trail) - 1, Trail: h.trail, Peer: c.self})
}

// handBack sends an answer towards the origin, and keeps it until it is there.
func (c *Core) handBack(h hop, m *Message) {
	h.answer, h.next, h.parked, h.tried, h.sent = m, nil, false, nil, nil
	c.passBack(&h)
	c.remember(h)
}

// passBack hands the answer of h to the peer that it came through. Where that one
// does not take it, it may be dead: then to the one before it, if that is known.
func (c *Core) passBack(h *hop) {
	back := h.from
	if n := len(h.tried); n > 0 && len(h.trail) > n+2 {
		if i := slices.IndexFunc(c.table, func(e entry) bool { return e.contact.ID == h.trail[len(h.trail)-2-n] }); i >= 0 {
			back = c.table[i].contact
		}
	}
	h.tried = append(h.tried, back.ID)
	h.sent, h.deadline = append(h.sent, c.now), c.now+c.hopRTO(back)
	c.dueSet = false
	c.send(back, *h.answer)
}

// tickAnswers sends answers again that were not taken in time.
func (c *Core) tickAnswers() {
	c.hops = slices.DeleteFunc(c.hops, func(h hop) bool {
		over := h.answer != nil && h.deadline <= c.now && len(h.tried) >= maxBack
		if over {
			c.end(h.id)
		}
		return over
	})
	for i := range c.hops {
		if h := &c.hops[i]; h.answer != nil && h.deadline <= c.now {
			c.passBack(h)
		}
	}
}

// forward passes h on, or back where there is no way on, and remembers it while it is here.
func (c *Core) forward(h hop) {
	if c.inherits(h.key) {
		h.parked, h.deadline = true, far // it will be this peer's in a moment
		c.remember(h)
		return
	}
	if len(h.tried) < maxNext {
		if next, rule := c.route(&h); next != nil {
			c.pass(&h, next, rule)
			c.remember(h)
			return
		}
	}
	c.giveBack(&h)
}

// inherits reports whether this peer will soon own a key, as far as it knows: its
// successor is about to accept it, or whoever owned the key is dead, and the peer
// before that one about to say so.
func (c *Core) inherits(key identity.Point) bool {
	switch {
	case c.mode == Joining:
		return false
	case !c.accepted:
		return within(c.border.Point, key, c.self.Point)
	case c.mode != Full || len(c.predecessors) == 0 || same(c.predecessors[0], c.border):
		return false
	}
	return within(c.predecessors[0].Point, key, c.border.Point) && c.lost.recent(c.border.ID, c.now)
}

// giveBack says that a lookup is stuck here.
func (c *Core) giveBack(h *hop) {
	c.end(h.id) // an answer may still come, from one that was slow
	if h.from != nil {
		c.send(h.from, Message{Kind: LookupStuck, Lookup: h.id, Key: h.key})
		return
	}
	if i := c.ownOf(h.id); i >= 0 {
		c.stuckHere(&c.own[i])
	}
}

// answerParked goes on with what waited for this peer to own its keys.
func (c *Core) answerParked() {
	c.reroute(func(h *hop) bool { return h.parked })
}

// reroute takes up again the hops that are meant.
func (c *Core) reroute(meant func(*hop) bool) {
	i := 0
	for left := len(c.hops); left > 0 && i < len(c.hops); left-- { // those that are put back are behind them
		if !meant(&c.hops[i]) {
			i++
			continue
		}
		h := c.hops[i]
		c.hops = slices.Delete(c.hops, i, i+1)
		h.parked, h.next = false, nil
		if h.from != nil && c.Owns(h.key) {
			c.answer(&h)
			continue
		}
		c.forward(h)
	}
}

// rerouteAll takes up again the lookups that were passed to a peer that is dead.
func (c *Core) rerouteAll(peer *identity.Contact) {
	c.reroute(func(h *hop) bool { return same(h.next, peer) })
}

// rerouteID does so for a peer that is not in the table, such as a seed.
func (c *Core) rerouteID(id identity.ID) {
	c.reroute(func(h *hop) bool { return h.next != nil && h.next.ID == id })
	if c.mode == Joining && c.join.seed != nil && c.join.seed.ID == id {
		if c.join.refused++; c.join.refused > 1 {
			c.failJoin()
		}
	}
}

func (c *Core) hopOf(id trace.MessageID) int {
	return slices.IndexFunc(c.hops, func(h hop) bool { return h.id == id })
}

func (c *Core) ownOf(id trace.MessageID) int {
	return slices.IndexFunc(c.own, func(l lookup) bool { return l.attempt == id || l.former == id })
}

// onTaken notes that the next hop has taken a lookup, or the one before its answer.
func (c *Core) onTaken(from *identity.Contact, m *Message) {
	i := c.hopOf(m.Lookup)
	if i < 0 {
		return
	}
	h := &c.hops[i]
	k := slices.Index(h.tried, from.ID)
	if k < 0 {
		return
	}
	if k < len(h.sent) && h.sent[k] != far { // also of one that was given up as too slow
		c.measure(from, c.now-h.sent[k])
		h.sent[k] = far
	}
	switch {
	case h.answer != nil:
		c.end(h.id)
		c.hops = slices.Delete(c.hops, i, i+1)
	case same(h.next, from):
		h.deadline = far
	}
	c.dueSet = false
}

// onStuck tries another next hop.
func (c *Core) onStuck(from *identity.Contact, m *Message) {
	i := c.hopOf(m.Lookup)
	if i < 0 || !same(c.hops[i].next, from) {
		return
	}
	h := c.hops[i]
	c.hops = slices.Delete(c.hops, i, i+1)
	c.dueSet = false
	c.forward(h)
}

// onFound hands an answer back towards the origin, or takes it in there. Only who
// a lookup was passed to knows its name.
func (c *Core) onFound(from *identity.Contact, m *Message) {
	i, own := c.hopOf(m.Lookup), c.ownOf(m.Lookup)
	switch {
	case i < 0 && own < 0 && !slices.Contains(c.ended, beginning(m.Lookup)):
		return // no offence: who sends it was told by others that this peer passed the lookup on
	case i >= 0 && c.hops[i].key != m.Key || own >= 0 && c.own[own].key != m.Key:
		c.violation(from, "found for another lookup")
		return
	}
	c.send(from, Message{Kind: LookupTaken, Lookup: m.Lookup})
	if i >= 0 && c.hops[i].answer != nil {
		return // it came before, another way
	}
	if i >= 0 {
		h := c.hops[i]
		c.hops = slices.Delete(c.hops, i, i+1)
		c.dueSet = false
		if h.from != nil {
			answer := *m // which need not outlive this call otherwise
			c.handBack(h, &answer)
			return
		}
	}
	if own >= 0 {
		c.doneOwn(own, m)
	}
}

// done ends a lookup of this peer with its answer, for which so many were asked by a search.
func (c *Core) done(l lookup, m *Message, asked int) {
	c.endAttempts(&l)
	hops := max(len(m.Trail)-1, 0)
	c.event(trace.Event{Kind: trace.LookupDone, Key: l.key, Message: l.id, Other: m.Peer.ID, Hops: hops, Peers: m.Trail})
	c.outbox.ready.Answers = append(c.outbox.ready.Answers, Answer{Lookup: l.id, Key: l.key, Owner: c.meet(m.Peer), Hops: hops, Asked: asked, Trail: m.Trail})
}

// endAttempts ends all that is under way for a lookup.
func (c *Core) endAttempts(l *lookup) {
	c.end(l.attempt)
	c.end(l.former)
	if l.searched {
		c.searches = slices.DeleteFunc(c.searches, func(s *search) bool { return s.lookup == l.id })
	}
}

func beginning(id trace.MessageID) uint64 { return binary.BigEndian.Uint64(id[:8]) }

// end remembers an attempt, so that a second answer to it is no offence.
func (c *Core) end(id trace.MessageID) {
	switch {
	case id.IsZero():
	case len(c.ended) < endedKept:
		c.ended = append(c.ended, beginning(id))
	default:
		c.ended[c.next] = beginning(id)
		c.next = (c.next + 1) % len(c.ended)
	}
}

// fail ends a lookup of this peer without one.
func (c *Core) fail(l lookup, err error) {
	c.endAttempts(&l)
	c.event(trace.Event{Kind: trace.LookupFailed, Key: l.key, Message: l.id, Reason: err.Error()})
	c.outbox.ready.Answers = append(c.outbox.ready.Answers, Answer{Lookup: l.id, Key: l.key, Err: err})
}

// tickLookups goes on with lookups whose time has come.
func (c *Core) tickLookups() {
	c.hops = slices.DeleteFunc(c.hops, func(h hop) bool {
		if h.until <= c.now {
			c.end(h.id)
		}
		return h.until <= c.now
	})
	c.tickAnswers()
	var doubtful []*identity.Contact
	c.reroute(func(h *hop) bool {
		if h.deadline > c.now || h.next == nil {
			return false
		}
		doubtful = append(doubtful, h.next)
		return true
	})
	for _, peer := range doubtful {
		if e := c.entry(peer); e != nil && c.now-e.since() > c.rto(peer) {
			c.probe(e.contact)
		} else {
			c.checkMember(peer)
		}
	}
	for i := 0; i < len(c.own); i++ {
		switch l := &c.own[i]; {
		case l.deadline <= c.now:
			c.endOwn(i)
			i--
		case l.attemptAt > c.now:
		case c.Owns(l.key): // by now
			ended := *l
			c.own = slices.Delete(c.own, i, i+1)
			i--
			c.answerSelf(ended)
		case c.weighing(l):
			l.attemptAt = c.now + stuckPause
		default:
			c.attempt(i)
		}
	}
	c.tickSearches()
}
