package chord

import (
	"slices"

	"cicada/identity"
	"cicada/trace"
)

// A search looks for the owner of a key by asking one peer after the other who is
// nearer to it, where a lookup is passed on from peer to peer. It costs more, and
// this peer sees what happens: who does not answer, or leads nowhere, is passed
// over. Several branches go side by side and share no peer, so that one of them
// gets past those who lie or are dead (Baumgart and Mies, "S/Kademlia", 2007).
type search struct {
	number   uint64
	lookup   trace.MessageID // that it is for
	key      identity.Point
	own      place // for this peer's own place: forJoin or forMerge; 0: for a lookup
	branches []branch
	claimed  []identity.ID // asked by a branch, and no other's any more
	queries  int
}

// A branch of a search goes on from one peer of the table, and when that leads
// nowhere from the next.
type branch struct {
	candidates []*identity.Contact // still to be asked, nearest to the key first
	trail      []identity.ID       // who led here, from the first contact on
	asking     bool
}

// A place says what a search for this peer's own place is for.
type place uint8

const (
	forJoin  place = iota + 1 // to join a ring
	forMerge                  // to find out whether there is another one
)

const (
	maxSearches    = 16
	searchBranches = 3
	searchBudget   = 32 // questions
	searchSteps    = 8  // of them, one after the other from a first contact
	searchNear     = 16 // candidates of a branch
	searchCount    = 4  // peers that an answer is to name
)

// searchAfter is how long a lookup may go unanswered before it is searched for, too.
const searchAfter = 2 * attemptLeast

// beginSearch starts a search for a lookup.
func (c *Core) beginSearch(l *lookup) {
	c.startSearch(&search{lookup: l.id, key: l.key, branches: make([]branch, searchBranches)})
}

// searchPlace starts a search, by way of a peer of a ring that this one is not, or may
// not be, a member of, for those between whom it would stand there.
func (c *Core) searchPlace(why place, via *identity.Contact) {
	c.startSearch(&search{own: why, key: c.self.Point, branches: []branch{{candidates: []*identity.Contact{via}}}})
}

// startSearch starts s, unless too many are under way.
func (c *Core) startSearch(s *search) {
	if len(c.searches) >= maxSearches {
		return
	}
	c.searched++
	s.number = c.searched
	c.searches = append(c.searches, s)
	c.goOn(s)
}

// goOn has every branch of s ask, and ends s where none has anybody left to ask.
func (c *Core) goOn(s *search) {
	busy := false
	for i := range s.branches {
		b := &s.branches[i]
		if !b.asking && s.queries < searchBudget {
			c.askNext(s, i)
		}
		busy = busy || b.asking
	}
	if busy {
		return
	}
	c.dropSearch(s)
	if s.own == forJoin {
		c.joinAgain()
	}
}

// askNext has branch i of s ask its nearest candidate.
func (c *Core) askNext(s *search, i int) {
	b := &s.branches[i]
	if len(b.trail) >= searchSteps {
		b.candidates, b.trail = nil, nil
	}
	var next *identity.Contact
	for next == nil && len(b.candidates) > 0 {
		next, b.candidates = b.candidates[0], b.candidates[1:]
		if slices.Contains(s.claimed, next.ID) || c.lost.recent(next.ID, c.now) {
			next = nil
		}
	}
	if next == nil { // of the table even one that was just lost will do, where there is no other
		next, b.trail = c.firstContact(s), nil
	}
	if next == nil {
		return
	}
	s.claimed = append(s.claimed, next.ID)
	s.queries++
	b.asking = c.askFor(next, request{purpose: forSearch, slot: int16(i), version: s.number, offered: c.searchOffer(s)})
}

// firstContact returns the peer of the table nearest to the key that no branch has
// asked, or nil. A search for the own place has none but the one that it began with.
func (c *Core) firstContact(s *search) (first *identity.Contact) {
	if s.own != 0 {
		return nil
	}
	c.settle()
	for _, round := range [...]bool{true, false} { // those in doubt at last
		c.outward(s.key, func(e *entry, _ uint64) bool {
			if e.sound() == round && !slices.Contains(s.claimed, e.contact.ID) {
				first = e.contact
			}
			return first == nil
		})
		if first != nil {
			return first
		}
	}
	return nil
}

// searchOffer returns whom a question of s names as known: where this peer looks for
// itself, those whom it expects.
func (c *Core) searchOffer(s *search) []*identity.Contact {
	if s.own != forMerge {
		return nil
	}
	offer := []*identity.Contact{c.self}
	for _, list := range [...][]*identity.Contact{c.successors, c.predecessors} {
		offer = append(offer, list[:min(len(list), 2)]...)
	}
	return offer
}

// searchOf returns the search that r is a question of, or nil if it is over.
func (c *Core) searchOf(r *request) *search {
	for _, s := range c.searches {
		if s.number == r.version && int(r.slot) < len(s.branches) {
			return s
		}
	}
	return nil
}

// onFurther takes in whom a peer named that a search asked.
func (c *Core) onFurther(from *identity.Contact, r *request, m *Message) {
	s := c.searchOf(r)
	if s == nil {
		return
	}
	b := &s.branches[r.slot]
	b.asking = false
	b.trail = append(b.trail, from.ID)
	peers := m.named(r.offered)
	switch {
	case s.own != 0 && m.Exact:
		c.foundPlace(s, peers)
		return
	case m.Owns && s.own == 0:
		c.endSearch(s, from, b.trail)
		return
	}
	for _, peer := range peers {
		c.addCandidate(s, b, peer)
	}
	if m.Exact && len(peers) > 0 && len(b.candidates) > 1 { // it knows who the owner is: that one proves it
		if i := slices.IndexFunc(b.candidates, func(x *identity.Contact) bool { return same(x, peers[0]) }); i > 0 {
			b.candidates[0], b.candidates[i] = b.candidates[i], b.candidates[0]
		}
	}
	c.goOn(s)
}

// addCandidate puts a peer in its place among those that a branch may ask.
func (c *Core) addCandidate(s *search, b *branch, peer *identity.Contact) {
	if same(peer, c.self) || slices.Contains(s.claimed, peer.ID) || holds(b.candidates, peer) {
		return
	}
	key := spanOf(s.key)
	distance := spanOf(peer.Point).distance(key)
	i := 0
	for i < len(b.candidates) && !distance.less(spanOf(b.candidates[i].Point).distance(key)) {
		i++
	}
	b.candidates = slices.Insert(b.candidates, i, peer)
	b.candidates = b.candidates[:min(len(b.candidates), searchNear)]
}

// passesOver reports whether r is a question that is not worth repeating: a search for
// a lookup has others to ask, and the turn of one that was lost comes again.
func (c *Core) passesOver(r *request) bool {
	switch r.purpose {
	case forRemembered:
		return c.mode == Full && !same(c.join.seed, r.to)
	case forSearch:
		s := c.searchOf(r)
		return s == nil || s.own == 0
	}
	return false
}

// notFurther goes on where a peer that was asked does not answer, or is no member.
func (c *Core) notFurther(r *request) {
	if s := c.searchOf(r); s != nil {
		s.branches[r.slot].asking = false
		c.goOn(s)
	}
}

// endSearch ends a search and its lookup, whose owner answered.
func (c *Core) endSearch(s *search, owner *identity.Contact, trail []identity.ID) {
	c.dropSearch(s)
	i := slices.IndexFunc(c.own, func(l lookup) bool { return l.id == s.lookup })
	if i < 0 {
		return
	}
	l := &c.own[i]
	trail = append([]identity.ID{c.self.ID}, trail...)
	c.doneOwn(i, &Message{Kind: Found, Peer: owner, Key: l.key, Trail: trail})
}

// foundPlace ends a search for this peer's own place: of those who stand there the
// first is before it.
func (c *Core) foundPlace(s *search, peers []*identity.Contact) {
	c.dropSearch(s)
	var others []*identity.Contact
	for _, peer := range peers {
		if !same(peer, c.self) {
			others = append(others, peer)
		}
	}
	switch {
	case len(others) == 0 && s.own == forJoin:
		c.joinAgain() // nobody is there but who this peer was
	case len(others) == 0:
	case s.own == forJoin:
		c.joinBetween(others[0], others[min(1, len(others)-1)])
	default:
		c.merge(others[0], others[min(1, len(others)-1)])
	}
}

// merge has heard between whom this peer would stand on a ring that it may not be a
// member of. It comes nearer to the one that would follow, and the other, too, has
// a nearer successor now. Where that ring is small they take this peer in, and all
// of it come to know. Where it is this peer's own, both know it.
func (c *Core) merge(before, after *identity.Contact) {
	if c.mode != Full {
		return
	}
	c.approach(after)
	for _, peer := range [...]*identity.Contact{after, before} {
		if !c.neighbour(peer) {
			c.send(c.meet(peer), Message{Kind: Notify})
		}
	}
}

// neighbour reports whether peer is next to this one on its ring: so that it knows.
func (c *Core) neighbour(peer *identity.Contact) bool {
	return len(c.successors) > 0 && same(c.successors[0], peer) || len(c.predecessors) > 0 && same(c.predecessors[0], peer)
}

func (c *Core) dropSearch(s *search) {
	c.searches = slices.DeleteFunc(c.searches, func(x *search) bool { return x == s })
}

// tickSearches begins a search for each lookup that goes unanswered for too long.
func (c *Core) tickSearches() {
	for i := range c.own {
		l := &c.own[i]
		if !l.searched && c.config.LookupTimeout-(l.deadline-c.now) >= searchAfter {
			l.searched = true
			c.beginSearch(l)
		}
	}
}
