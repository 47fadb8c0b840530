package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// A peer that becomes wide copies what others know, a page at a time, round the ring
// and as fast as its budget allows, from whoever of its table stands before the page:
// so it is spread over many who tells it all, and what is told of a stretch comes from
// near it. What changes meanwhile it hears as all others do. Later it compares what it
// knows of some stretch with what another one knows, now and then, for the sake of
// changes that were lost.

// fetch is how far that is.
type fetch struct {
	page   identity.Point // from here on; or, once all is copied, the stretch that is compared
	end    identity.Point // of the stretch
	at     time.Duration  // when there is something to ask
	asking bool
	rough  bool // what was copied is of many who did not know all: it is copied once more
	again  bool // that is under way
	tries  int  // that were for nothing, in a row
	same   int  // comparisons that showed no difference, in a row
}

const (
	maxPage      = 240              // peers in an answer about all of them
	stretchPeers = 32               // that are compared at a time, about
	maxSummed    = 1024             // that are, at most: it is work
	compareLeast = 20 * time.Second // between two comparisons
	compareStay  = 250              // or such a part of how long peers stay
	mostSame     = 5                // times that the pause doubles
	fetchTries   = 4                // before it is put off
	fetchPause   = 10 * time.Second
)

// beginFetch begins to copy, right behind this peer.
func (c *Core) beginFetch() {
	c.wide.fetch = fetch{at: c.now, page: c.origin.plus(span{3: 1}).point()}
	c.dueSet = false
}

// tickFetch asks for the next page, or compares a stretch.
func (c *Core) tickFetch() {
	w := c.wide
	f := &w.fetch
	if f.due() > c.now {
		return
	}
	c.dueSet = false
	if wait := w.taken.all.wait(c.now, c.config.TableBudget); wait > 0 {
		f.at = c.now + wait
		return
	}
	if f.rough && w.complete && !f.again {
		f.rough, f.again, f.page = false, true, c.origin.plus(span{3: 1}).point()
	}
	if w.complete && !f.again {
		c.compareStretch()
		return
	}
	f.at = far
	if whom := c.source(); whom != nil {
		f.asking = c.askFor(whom, request{purpose: forPage})
	}
	if !f.asking {
		f.at = c.now + c.jitter(fetchPause)
	}
}

// source returns whom to ask for the next page: who stands nearest before it, and if
// that is for nothing, a neighbour.
func (c *Core) source() *identity.Contact {
	f := &c.wide.fetch
	switch {
	case len(c.table) == 0:
		return nil
	case f.tries == 1: // whoever stands there knows at least who is next
		if peer := c.nearestBefore(f.page); peer != nil {
			return peer
		}
	case f.tries > 1 && f.tries-2 < len(c.successors):
		return c.successors[f.tries-2]
	}
	i, _ := c.place(f.page)
	for k := range len(c.table) {
		if e := &c.table[(i-1-k+2*len(c.table))%len(c.table)]; e.sound() {
			return e.contact
		}
	}
	return nil
}

// comparePause returns how long it is from one comparison to the next.
func (c *Core) comparePause() time.Duration { return max(c.stay()/compareStay, compareLeast) }

// nearestBefore returns the last peer known of before a point, or nil.
func (c *Core) nearestBefore(point identity.Point) *identity.Contact {
	var best *identity.Contact
	for _, r := range [...]*roll{&c.wide.relays, &c.wide.others} {
		peer := r.at(r.rank(point) - 1)
		if peer != nil && (best == nil || spanOf(point).minus(spanOf(peer.Point)).less(spanOf(point).minus(spanOf(best.Point)))) {
			best = peer
		}
	}
	return best
}

// due returns when tickFetch is: an answer that is awaited may come later than the
// next question was to be asked.
func (f *fetch) due() time.Duration {
	if f.asking {
		return far
	}
	return f.at
}

// compareStretch asks a relay whether it knows the same peers of some stretch.
func (c *Core) compareStretch() {
	w := c.wide
	f := &w.fetch
	f.at = c.now + c.jitter(c.comparePause()<<f.same)
	n := w.relays.size()
	if n == 0 {
		return
	}
	first := c.random.IntN(n)
	f.page, f.end = w.relays.at(first).Point, w.relays.at(first+stretchPeers).Point
	if n <= stretchPeers {
		f.page, f.end = c.self.Point, c.self.Point
	}
	k := 1
	for 2*k <= n && c.random.IntN(4) != 0 {
		k *= 2
	}
	if to := c.relay(k); !w.doubted(word(to.Point)) {
		f.asking = c.askFor(to, request{purpose: forStretch})
	}
}

// stretch yields all peers from one point up to before another, first relays, and
// then the others, but for one; this one among them.
func (c *Core) stretch(from, to identity.Point, but identity.ID, yield func(peer *identity.Contact, relay bool) bool) {
	length := spanOf(to).minus(spanOf(from))
	inside := func(peer *identity.Contact) bool {
		return length == span{} || spanOf(peer.Point).minus(spanOf(from)).less(length)
	}
	self := inside(c.self)
	for i, r := range [...]*roll{&c.wide.relays, &c.wide.others} {
		for peer := range r.from(from) {
			if !inside(peer) {
				break
			}
			if self && i == 0 && spanOf(c.self.Point).minus(spanOf(from)).less(spanOf(peer.Point).minus(spanOf(from))) {
				if self = false; !yield(c.self, true) {
					break
				}
			}
			if peer.ID != but && !c.wide.doubted(word(peer.Point)) && !yield(peer, i == 0) {
				break
			}
		}
		if i == 0 && self {
			self = false
			yield(c.self, true)
		}
	}
}

// sum returns what all others of a stretch come to, but for one.
func (c *Core) sum(from, to identity.Point, but identity.ID) (sum uint64) {
	c.stretch(from, to, but, func(peer *identity.Contact, relay bool) bool {
		if peer == c.self {
			return true // the other one leaves itself out, too
		}
		x := word(peer.Point) | 1
		if !relay {
			x--
		} // then as in splitmix64 (Steele, Lea, Flood, OOPSLA 2014)
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		sum += x ^ x>>31
		return true
	})
	return max(sum, 1)
}

// putWide puts into m what r asks about all peers.
func (c *Core) putWide(m *Message, r *request) {
	f := &c.wide.fetch
	m.Table, m.Wide, m.Count, m.Key = true, true, maxPage, f.page
	if r.purpose == forStretch {
		m.Sum, m.Length = c.sum(f.page, c.stretchEnd(f), r.to.ID), stretchLength(f)
	}
	c.wide.given.spend(c.now, c.config.TableBudget, 2*messageBytes)
}

// stretchLength returns how long the stretch is that is compared; 0: all round.
func stretchLength(f *fetch) uint64 { return word(f.end) - word(f.page) }

// stretchEnd returns where it ends, as the other one will understand it.
func (c *Core) stretchEnd(f *fetch) identity.Point {
	return endOf(f.page, stretchLength(f))
}

func endOf(from identity.Point, length uint64) identity.Point {
	return spanOf(from).plus(span{length}).point()
}

// onWideQuery tells a page of all peers that this one knows, or that what the asker
// knows is the same. Who does not know all tells those of its lists: where nobody
// knows all, that is where it comes from.
func (c *Core) onWideQuery(from *identity.Contact, m *Message) {
	w := c.wide
	reply := Message{Kind: Peers, Request: m.Request, Member: c.mode != Joining, Wide: c.isWide()}
	if reply.Wide {
		c.enrol(from, true)
		reply.Busy = w.paged.wait(c.now, c.pageBudget()) > 0 || m.Sum != 0 && w.within(m.Key, endOf(m.Key, m.Length)) > maxSummed
	}
	if !reply.Wide || !w.complete && m.Sum == 0 {
		reply.Busy = true
		c.listedPage(&reply, m.Key, from)
	}
	if reply.Busy {
		c.send(from, reply)
		return
	}
	end := from.Point
	if m.Sum != 0 {
		end = endOf(m.Key, m.Length)
		reply.Exact = c.sum(m.Key, end, from.ID) == m.Sum
	}
	if !reply.Exact {
		count := min(max(m.Count, 1), maxPage)
		reply.Hints, reply.Others = c.wholePage(m.Key, end, from.ID, count)
	}
	w.paged.spend(c.now, c.pageBudget(), reply.wideSize())
	c.send(from, reply)
}

// pageBudget is what may be spent on telling others who there is: a part of the budget
// of its own, so that who asks much does not keep this peer from passing changes on.
func (c *Core) pageBudget() int { return max(c.config.TableBudget/4, 1) }

// within returns how many peers stand from one point up to before another; from a point
// up to itself all do.
func (w *wide) within(from, to identity.Point) (n int) {
	for _, r := range [...]*roll{&w.relays, &w.others} {
		k := r.rank(to) - r.rank(from)
		if k < 0 || from == to {
			k += r.size()
		}
		n += k
	}
	return n
}

// listedPage puts into an answer who stands behind a point as the lists have it, if
// that is within them.
func (c *Core) listedPage(reply *Message, key identity.Point, from *identity.Contact) {
	if c.mode == Joining {
		return
	}
	c.settle()
	peers, _ := c.around(key, 0, maxNear, false)
	for _, peer := range peers {
		switch {
		case same(peer, from):
		case c.isWide() && (same(peer, c.self) || c.wide.relays.find(peer.Point) != nil):
			reply.Hints = append(reply.Hints, peer)
		default:
			reply.Others = append(reply.Others, peer)
		}
	}
}

// wholePage returns the first peers from one point up to another, count at most in
// all, relays and others.
func (c *Core) wholePage(from, to identity.Point, but identity.ID, count int) (relays, others []*identity.Contact) {
	c.stretch(from, to, but, func(peer *identity.Contact, relay bool) bool {
		if relay {
			relays = append(relays, peer)
			return len(relays) < count
		}
		others = append(others, peer)
		return len(others) < count
	})
	way := func(list []*identity.Contact) span { return spanOf(list[len(list)-1].Point).minus(spanOf(from)) }
	for len(relays)+len(others) > count { // those that are furthest on go first
		if len(others) == 0 || len(relays) > 0 && way(others).less(way(relays)) {
			relays = relays[:len(relays)-1]
		} else {
			others = others[:len(others)-1]
		}
	}
	return relays, others
}

// onPage takes in a page, or what another one knows of a stretch.
func (c *Core) onPage(from *identity.Contact, r *request, m *Message) {
	if !c.isWide() {
		return
	}
	w := c.wide
	w.fetch.asking, c.dueSet = false, false
	w.taken.all.spend(c.now, c.config.TableBudget, m.wideSize()) // it was asked for
	n := len(m.Hints) + len(m.Others)
	switch c.enrol(from, m.Wide); {
	case m.Busy && n == 0:
		c.unpaged(r)
		return
	case r.purpose == forStretch:
		c.compared(from, m)
		return
	case w.complete && !w.fetch.again:
		return
	}
	last := c.takePage(m, w.fetch.page)
	if m.Busy && !w.fetch.again {
		w.fetch.rough, w.introduced = true, false // it may have been told to few
	}
	if !m.Busy && n < maxPage && w.size() < c.density()/2 { // then its sender cannot know all
		c.unpaged(r)
		return
	}
	w.fetch.tries = 0
	if !m.Busy && n < maxPage || !last.less(c.origin.minus(spanOf(w.fetch.page))) {
		c.allFetched()
		return
	}
	w.fetch.page, w.fetch.at = spanOf(w.fetch.page).plus(last).plus(span{3: 1}).point(), c.now
}

// compared hears whether another one knows the same peers of a stretch. Where it does,
// and nothing changes, it is asked more and more rarely.
func (c *Core) compared(from *identity.Contact, m *Message) {
	f := &c.wide.fetch
	switch {
	case m.Exact && f.same < mostSame:
		f.same++
	case !m.Exact && !m.Busy:
		before := c.wide.size()
		c.correct(from, m)
		if f.same = 0; c.wide.size() > before { // there may be more of that
			f.at = min(f.at, c.now+c.jitter(c.comparePause()/4))
		}
	}
}

// takePage takes in the peers of a page, and returns how far from its beginning the
// last one stands.
func (c *Core) takePage(m *Message, from identity.Point) (last span) {
	for i, list := range [...][]*identity.Contact{m.Hints, m.Others} {
		for _, peer := range list {
			if way := spanOf(peer.Point).minus(spanOf(from)); last.less(way) {
				last = way
			}
			if name := word(peer.Point); !c.wide.doubted(name) && !slices.Contains(c.wide.struck, name) { // else others are late
				c.enrol(peer, i == 0 || c.wide.relays.find(peer.Point) != nil)
			}
		}
	}
	return last
}

// allFetched ends the copying. Where nobody told the others that this peer is a relay,
// it does so.
func (c *Core) allFetched() {
	w := c.wide
	w.complete, w.fetch.again, w.fetch.at = true, false, c.now+c.jitter(c.comparePause())
	if !w.introduced || len(c.successors) > 0 && w.relays.find(c.successors[0].Point) == nil {
		w.introduced = true
		c.announce(c.self, true, true)
	}
}

// unpaged goes on after a question about all peers that was for nothing.
func (c *Core) unpaged(r *request) {
	if !c.isWide() {
		return
	}
	f := &c.wide.fetch
	f.asking, c.dueSet = false, false
	if r.purpose == forStretch {
		return
	}
	f.at = c.now
	if f.tries++; f.tries >= fetchTries {
		f.tries, f.at = 0, c.now+c.jitter(fetchPause)
	}
}

// correct takes in what another one knows of the stretch that was compared: who is
// missing there is asked.
func (c *Core) correct(from *identity.Contact, m *Message) {
	f := &c.wide.fetch
	named := make(map[identity.ID]bool, len(m.Hints)+len(m.Others))
	for _, list := range [...][]*identity.Contact{m.Hints, m.Others} {
		for _, peer := range list {
			named[peer.ID] = true
		}
	}
	var missing []*identity.Contact
	c.stretch(f.page, c.stretchEnd(f), from.ID, func(peer *identity.Contact, _ bool) bool {
		if !named[peer.ID] && !same(peer, c.self) && c.entry(peer) == nil {
			missing = append(missing, peer)
		}
		return true
	})
	if len(m.Hints)+len(m.Others) < maxPage { // else it may be only a part
		for _, peer := range missing[:min(len(missing), maxAsked)] {
			c.ask(peer, forMember, 0) // without a doubt, which others would share
		}
	}
	c.takePage(m, f.page)
}
