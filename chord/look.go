package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// The fingers are looked after one slot at a time, that whose turn was longest ago.
// One of its candidates, that which was silent for longest, is asked who stands at
// the slot's start and behind it: its lists tell. So one question proves one
// candidate to be alive, gets rid of all that are not, and finds whoever is new; and
// a round of questions, as it goes on, hears from every candidate. Nobody else is
// ever asked whether it lives but the neighbours. Where peers stay for long, what the one
// candidate says is not enough (survey.go).
//
// This costs less, and finds more, than looking fingers up as in the original Chord:
// a tenth of the messages, and no peer has to pass them on.

const (
	maxNear      = 64               // peers that an answer names, at most
	maxPages     = 8                // of a table that is copied: no honest one has more
	leastNear    = 3                // at least, where the one who answers cannot know who is nearest
	maxNearSteps = 8                // questions of one look
	slotsPerStay = 2                // how often all slots are looked after while a peer stays, on average
	backedFor    = 8                // the word of those who must know is as good as one of its own that is this part of a stay old
	lookMost     = 2 * time.Minute  // between two looks at slots
	doubtStay    = 10 * time.Minute // where peers stay so long what they say of fingers is checked: else it is soon of the past, and so are liars
)

// tickFingers looks after one slot.
func (c *Core) tickFingers() {
	f := &c.fingers
	if len(f.slots) == 0 || f.next > c.now || !c.accepted {
		return
	}
	c.dueSet = false
	if f.copying {
		f.next = c.now + c.config.StabilizeMin/5
		return
	}
	oldest := -1
	for i := range f.slots {
		if s := &f.slots[i]; !s.asking && (oldest < 0 || s.checked < f.slots[oldest].checked) {
			oldest = i
		}
	}
	if oldest < 0 {
		f.next = c.now + c.jitter(c.config.StabilizeMin)
		return
	}
	f.next = c.now + c.jitter(c.lookInterval(f.slots[oldest].checked))
	c.look(oldest)
}

// lookInterval returns how long it is until the next look at a slot, where this one
// is at one that was checked then.
func (c *Core) lookInterval(checked time.Duration) time.Duration {
	if checked == never {
		return c.config.StabilizeMin / 5
	}
	round := c.stay() / slotsPerStay
	return min(max(round/time.Duration(max(len(c.fingers.slots), 1)), c.config.FingerInterval), max(lookMost, c.config.FingerInterval))
}

// look asks somebody who stands in slot i: that candidate which was silent for
// longest, or, where none is sound, whoever is known to be nearest before it.
func (c *Core) look(i int) {
	s := &c.fingers.slots[i]
	s.steps, s.wary = 0, !s.wary
	var whom *entry
	from, to := c.places(i)
	for k := from; k < to; k++ {
		if e := &c.table[k]; e.is(finger|listed) && (whom == nil || c.asksFirst(e, whom, s.wary)) {
			whom = e
		}
	}
	for k := 1; k <= len(c.table) && (whom == nil || !whom.sound()); k++ {
		if e := &c.table[(from-k+len(c.table))%len(c.table)]; whom == nil || e.sound() {
			whom = e
		}
	}
	if whom == nil {
		s.checked = c.now
		return
	}
	if c.doubtsWord() {
		c.survey(i, whom.contact)
		return
	}
	c.askNear(whom.contact, i)
}

// doubtsWord reports whether there is time to check what others say of fingers, and whether
// lists are so long that others are there who must know.
func (c *Core) doubtsWord() bool { return c.stay() >= doubtStay && c.config.Successors >= leastNames }

// asksFirst reports whether e is to be asked rather than f: if something speaks against f
// alone; if, every other time, f alone was silent for so long that it is as likely gone as
// not; and otherwise the one that was silent for longer, unless both were for too long.
func (c *Core) asksFirst(e, f *entry, wary bool) bool {
	oldest := c.now - c.stay()/2
	if !wary {
		oldest = never
	}
	switch late := e.heard < oldest; {
	case e.sound() != f.sound():
		return e.sound()
	case late != (f.heard < oldest):
		return !late
	case late:
		return e.heard > f.heard
	}
	return e.heard < f.heard
}

// askNear asks a peer who stands in slot i.
func (c *Core) askNear(peer *identity.Contact, i int) {
	number := c.fingers.first + i
	s := &c.fingers.slots[i]
	s.steps++
	s.asking = c.askFor(peer, request{purpose: forSlot, slot: int16(number), offered: c.candidates(i)})
	if !s.asking {
		s.checked = c.now // its turn comes again
	}
}

// slotAsked returns the place of the slot that r was about, if it is still in use.
func (c *Core) slotAsked(r *request) (i int, ok bool) {
	i = int(r.slot) - c.fingers.first
	if i < 0 || i >= len(c.fingers.slots) {
		return 0, false
	}
	c.fingers.slots[i].asking = false
	return i, true
}

// onPeers takes in who stands in an interval.
func (c *Core) onPeers(from *identity.Contact, m *Message) {
	r, ok := c.take(from, m)
	switch {
	case !ok:
	case !m.Member:
		c.noMember(from)
		switch r.purpose {
		case forSearch:
			c.notFurther(&r)
		default:
			c.unanswerable(&r)
		}
	case r.purpose == forPage || r.purpose == forStretch:
		c.onPage(from, &r, m)
	case r.purpose == forSearch:
		c.onFurther(from, &r, m)
	case r.purpose == forCopy:
		c.onCopy(from, &r, m)
	default:
		c.onSlot(from, &r, m)
	}
}

// unanswerable ends a question that was put to one who is no member.
func (c *Core) unanswerable(r *request) {
	if r.purpose == forPage || r.purpose == forStretch {
		c.lostMember(r.to)
		c.unpaged(r)
		return
	}
	c.unlooked(r)
}

// onSlot fills a slot with whom the answer names. Where the answer is from somebody
// too far off to know, the nearest it names is asked.
func (c *Core) onSlot(from *identity.Contact, r *request, m *Message) {
	i, ok := c.slotAsked(r)
	if !ok {
		return
	}
	peers := m.named(r.offered)
	s := &c.fingers.slots[i]
	start, _ := c.bounds(int(r.slot))
	if m.Exact && !c.canKnow(from, start) {
		s.checked = c.now // it lies
		return
	}
	c.fill(i, peers, m.Exact)
	if m.Exact {
		s.checked = c.now
		return
	}
	if next := c.nearerTo(r.slot, from, peers); next != nil && s.steps < maxNearSteps {
		c.askNear(next, i)
		return
	}
	s.checked = c.now // nobody knows better now
}

// nearerTo returns whoever of peers is nearest to the start of a slot, if it is
// nearer than from.
func (c *Core) nearerTo(number int16, from *identity.Contact, peers []*identity.Contact) *identity.Contact {
	start := c.origin.plus(c.start(int(number)))
	var best *identity.Contact
	least := spanOf(from.Point).distance(start)
	for _, peer := range peers {
		if d := spanOf(peer.Point).distance(start); d.less(least) && !same(peer, c.self) && !c.lost.recent(peer.ID, c.now) {
			best, least = peer, d
		}
	}
	return best
}

// clockwiseLess reports whether a is nearer to self than b, clockwise.
func (c *Core) clockwiseLess(a, b *identity.Contact) bool {
	return c.clockwise(a, false).less(c.clockwise(b, false))
}

// unlooked ends a look whose question was not answered: it is begun anew, with
// another peer, if that one is dead by now.
func (c *Core) unlooked(r *request) {
	if r.purpose == forCopy {
		c.fingers.copying = false
		c.copyAgain()
		return
	}
	if c.entry(r.to) == nil {
		c.lost.add(r.to, c.now, true) // nobody is to be sent there by others' word for a while
	}
	if i, ok := c.slotAsked(r); ok {
		c.lookAgain(i)
	}
}

// copyTable asks a peer next to this one for its table, from a point on: its fingers begin nearly
// where this one's do, so that those which it knows are good enough to begin with.
func (c *Core) copyTable(peer *identity.Contact, from identity.Point) {
	c.fingers.page = from
	r := request{purpose: forCopy}
	if c.fingers.again {
		r.offered = c.page(from, maxNear, peer)
	}
	c.fingers.copying = c.askFor(peer, r)
}

// copyAgain asks the predecessor, too, once the successor's table is copied, for what that
// left out: of those named by either the nearest behind the start of a slot stay.
func (c *Core) copyAgain() {
	f := &c.fingers
	if f.again = !f.again && c.doubtsWord() && len(c.predecessors) > 0 && len(c.successors) > 0; f.again {
		f.pages = 0
		c.copyTable(c.predecessors[0], c.successors[len(c.successors)-1].Point)
	}
}

// putQuery puts into m what r asks.
func (c *Core) putQuery(m *Message, r *request) {
	switch r.purpose {
	case forCopy:
		m.Key, m.Count, m.Table, m.Prints = c.fingers.page, maxNear, true, prints(r.offered)
	case forPage, forStretch:
		c.putWide(m, r)
	case forSearch:
		if s := c.searchOf(r); s != nil {
			m.Key, m.Count, m.Behind, m.Prints = s.key, searchCount, s.ownPlace() || r.whole, prints(r.offered)
			if r.whole || s.aim == forList {
				m.Count = claimNames
			}
		}
	default:
		start, stop := c.start(int(r.slot)), c.stop(int(r.slot))
		m.Key = span{c.origin.plus(start)[0]}.point() // the rest makes no difference but in bytes
		m.Length = max(stop.minus(start)[0], 1)
		m.Count, m.Prints = c.config.FingerCandidates, prints(r.offered)
	}
}

// onCopy takes over a page of a neighbour's table, and asks for the next.
func (c *Core) onCopy(from *identity.Contact, r *request, m *Message) {
	c.fingers.copying = false
	c.settle()
	last := spanOf(c.fingers.page).minus(c.origin).minus(span{3: 1})
	for _, peer := range m.named(r.offered) {
		way := c.clockwise(peer, false)
		if !last.less(way) { // it comes round, or is out of order
			c.copyAgain()
			return
		}
		last = way
		if i := c.slotOf(way); i >= 0 {
			c.fill(i, []*identity.Contact{peer}, false)
			c.fingers.slots[i].checked = c.now // good enough until its turn comes
		}
	}
	if c.fingers.pages++; len(m.Order) == maxNear && c.slotOf(last) >= 0 && c.fingers.pages < maxPages {
		c.copyTable(from, c.origin.plus(last).plus(span{3: 1}).point())
		return
	}
	c.copyAgain()
}

// onQuery tells who stands at a point and behind it, as the asker wants: from the
// lists, where they go that far, which is sure to be all; from the table otherwise.
func (c *Core) onQuery(from *identity.Contact, m *Message) {
	if m.Wide {
		c.onWideQuery(from, m)
		return
	}
	reply := Message{Kind: Peers, Request: m.Request, Member: c.mode != Joining}
	if e := c.entry(from); e != nil && m.Behind && m.Key == from.Point {
		c.probe(e.contact) // if it looks for its place, it may be no member any more
	}
	if c.mode != Joining {
		c.settle()
		count := min(max(m.Count, 1), maxNear)
		var peers []*identity.Contact
		if m.Table {
			peers = c.page(m.Key, count, from)
		} else if peers, reply.Exact = c.around(m.Key, m.Length, count, m.Behind); !reply.Exact {
			peers = c.closest(m.Key, max(count, leastNear), from)
		}
		reply.order(m.Prints, peers)
		reply.Owns = c.Owns(m.Key)
	}
	c.send(from, reply)
}

// page returns the first peers of the table from a point on, clockwise, but for the asker.
func (c *Core) page(key identity.Point, count int, asker *identity.Contact) []*identity.Contact {
	i, _ := c.place(key)
	var peers []*identity.Contact
	for ; i < len(c.table) && len(peers) < count; i++ {
		if e := &c.table[i]; e.sound() && e.vouched() && !same(e.contact, asker) {
			peers = append(peers, e.contact)
		}
	}
	return peers
}

// around returns the first peers from a point on, clockwise, up to a length, if they
// are within the lists, which leave out nobody; this one may be among them. If asked
// for, the one before the point is the first.
func (c *Core) around(key identity.Point, length uint64, count int, behind bool) (peers []*identity.Contact, all bool) {
	limit := span{}.minus(span{3: 1}) // all round
	if c.mode == Full {
		if len(c.successors) == 0 || len(c.predecessors) == 0 {
			return nil, false
		}
		first, last := c.predecessors[len(c.predecessors)-1], c.successors[len(c.successors)-1]
		if c.clockwiseLess(last, first) { // else they meet on the other side
			limit = spanOf(last.Point).minus(spanOf(key))
			if spanOf(last.Point).minus(spanOf(first.Point)).less(limit) || behind && key == first.Point {
				return nil, false // it is outside
			}
		}
	}
	if length != 0 {
		limit = least(limit, span{length})
	}
	ahead := make([]span, 0, maxCandidates+1)
	add := func(peer *identity.Contact) {
		way := spanOf(peer.Point).minus(spanOf(key))
		if limit.less(way) || len(peers) == count && !way.less(ahead[len(ahead)-1]) {
			return
		}
		i := 0
		for i < len(ahead) && ahead[i].less(way) {
			i++
		}
		if i < len(ahead) && ahead[i] == way {
			return // it is in both lists
		}
		peers, ahead = slices.Insert(peers, i, peer), slices.Insert(ahead, i, way)
		if len(peers) > count {
			peers, ahead = peers[:count], ahead[:count]
		}
	}
	var before *identity.Contact
	near := span{}.minus(span{3: 1})
	look := func(peer *identity.Contact) {
		add(peer)
		if !behind {
			return
		}
		if way := spanOf(key).minus(spanOf(peer.Point)); way != (span{}) && way.less(near) {
			before, near = peer, way
		}
	}
	look(c.self)
	for _, list := range [...][]*identity.Contact{c.successors, c.predecessors, c.members} {
		for _, peer := range list {
			look(peer)
		}
	}
	if before != nil {
		peers = append([]*identity.Contact{before}, peers...)
	}
	return peers, true
}

func least(a, b span) span {
	if b.less(a) {
		return b
	}
	return a
}

// closest returns the peers of the table nearest to a point, nearest first, without
// the one who asks.
func (c *Core) closest(key identity.Point, count int, from *identity.Contact) []*identity.Contact {
	var peers []*identity.Contact
	for _, hearsay := range [...]bool{false, true} { // better than nothing
		c.nearest(key, func(e *entry, _ uint64) bool {
			if e.sound() && e.vouched() != hearsay && !same(e.contact, from) {
				peers = append(peers, e.contact)
			}
			return len(peers) < count
		})
		if len(peers) > 0 {
			break
		}
	}
	return peers
}

// vouched reports whether there is more than hearsay of a peer: who passed on no more
// than that would have the dead go from table to table for ever.
func (e *entry) vouched() bool { return e.heard != never || e.is(backed|listed) }
