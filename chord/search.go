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
// gets past those who lie or are dead (Baumgart and Mies, "S/Kademlia", 2007). Whom
// they find to be the owner is not believed at once: see verdict.go.
type search struct {
	number   uint64
	lookup   trace.MessageID // that it is for
	key      identity.Point
	aim      aim
	slot     int        // forFinger: its number
	seen     []sighting // forFinger, forList: whom those who must know named, nearest first
	branches []branch
	claimed  []identity.ID // asked by a branch, and no other's any more
	queries  int
	budget   int // of them
	ended    int // branches that began anew
	verdict  verdict
}

// A branch of a search goes on from one peer of the table, and when that leads
// nowhere from the next. One of witnesses has no more than those.
type branch struct {
	candidates []candidate
	trail      []identity.ID // who was asked, from the first contact on
	used       []uint8       // how many of those that each of them named were asked
	owners     []identity.ID // whom those of them who must know said to own the key
	witnesses  bool
	asking     bool
	owner      bool // who is being asked is said to be the owner
}

// A candidate is a peer that a branch may ask.
type candidate struct {
	peer  *identity.Contact
	depth uint8 // how many peers led to it
	by    uint8 // which of the trail named it
	owner bool  // as the owner
}

// An aim says what a search is for.
type aim uint8

const (
	forLookup aim = iota
	forFinger     // who stands in a slot of the finger table
	forList       // who stands behind this peer
	forJoin       // this peer's own place, to join a ring
	forMerge      // the same, to find out whether there is another ring
)

// ownPlace reports whether s is for this peer's own place: the first who knows it ends it.
func (s *search) ownPlace() bool { return s.aim == forJoin || s.aim == forMerge }

const (
	maxSearches    = 64
	searchBranches = 2
	mostBranches   = 8   // where that is not enough
	searchBudget   = 128 // questions
	searchSteps    = 8   // of them, one after the other from a first contact
	searchNear     = 16  // candidates of a branch
	searchCount    = 4   // peers that an answer is to name
)

// searchAfter is how long a lookup may go unanswered before it is searched for, too.
const searchAfter = 2 * attemptLeast

// beginSearch starts a search for a lookup, and reports whether it does: there may be
// too many.
func (c *Core) beginSearch(l *lookup) bool {
	s := &search{lookup: l.id, key: l.key, branches: make([]branch, searchBranches)}
	s.verdict.seeks = l.seeks
	if l.said != nil {
		s.verdict.said = true
		s.branches[0].candidates = []candidate{{peer: l.said, owner: true}}
	}
	if len(c.searches) >= maxSearches {
		return false
	}
	l.searched = true
	c.startSearch(s)
	return true
}

// searchPlace starts a search, by way of a peer of a ring that this one is not, or may
// not be, a member of, for those between whom it would stand there.
func (c *Core) searchPlace(why aim, via *identity.Contact) {
	c.startSearch(&search{aim: why, key: c.self.Point, branches: []branch{{candidates: []candidate{{peer: via}}}}})
}

// surveys reports whether s is for all who stand behind its key.
func (s *search) surveys() bool { return s.aim == forFinger || s.aim == forList }

// startSearch starts s, unless too many are under way.
func (c *Core) startSearch(s *search) {
	if len(c.searches) >= maxSearches {
		return
	}
	c.searched++
	s.number, s.budget = c.searched, searchBudget
	c.searches = append(c.searches, s)
	c.goOn(s)
}

// goOn has every branch of s ask, and ends s where that is enough, or where none has
// anybody left to ask.
func (c *Core) goOn(s *search) {
	if !s.ownPlace() && s.verdict.reached() && !c.disputed(s) {
		c.endSearch(s)
		return
	}
	for {
		busy := false
		s.branchOut()
		for i := range s.branches {
			if b := &s.branches[i]; !b.asking && s.queries < s.budget && s.wants(b) {
				c.askNext(s, i)
			}
			busy = busy || s.branches[i].asking
		}
		if busy || len(c.requests) >= maxSearched && s.queries < s.budget {
			return // in the latter case tickSearches goes on
		}
		if s.ownPlace() || s.verdict.doubtful || s.queries >= s.budget {
			break
		}
		s.verdict.doubtful = true // nobody is left to agree: the other branches may know
	}
	c.endSearch(s)
}

// disputed reports whether somebody is still to be asked who is said to own the key instead.
func (c *Core) disputed(s *search) bool {
	return !s.verdict.found && slices.ContainsFunc(s.branches, func(b branch) bool {
		return b.asking && b.owner || slices.ContainsFunc(b.candidates, func(x candidate) bool {
			return x.owner && !slices.Contains(s.claimed, x.peer.ID) && !c.lost.recent(x.peer.ID, c.now)
		})
	})
}

// branchOut has more branches go on where some ended and that was not enough.
func (s *search) branchOut() {
	v := &s.verdict
	if s.ownPlace() || v.owner != nil && !v.doubtful && !v.seeks {
		return
	}
	own := 0
	for i := range s.branches {
		if !s.branches[i].witnesses {
			own++
		}
	}
	first := searchBranches
	if s.surveys() {
		first = 1
	}
	for ; own < min(first+s.ended, mostBranches); own++ {
		s.branches = append(s.branches, branch{})
	}
}

// wants reports whether a branch is of use now: where somebody claims the key, and
// witnesses do not contradict, the others rest.
func (s *search) wants(b *branch) bool {
	v := &s.verdict
	if s.ownPlace() || v.doubtful || v.seeks || v.owner == nil && !v.said {
		return true
	}
	return b.witnesses || slices.ContainsFunc(b.candidates, func(x candidate) bool { return x.owner })
}

// askNext has branch i of s ask its best candidate.
func (c *Core) askNext(s *search, i int) {
	b := &s.branches[i]
	if len(b.trail) >= searchSteps && !b.witnesses {
		s.begin(b)
	}
	next := c.nextOf(s, b)
	if next.peer == nil && !b.witnesses { // of the table even one that was just lost will do, where there is no other
		s.begin(b)
		next = candidate{peer: c.firstContact(s)}
	}
	if next.peer == nil {
		return
	}
	asked := c.askFor(next.peer, request{purpose: forSearch, slot: int16(i), version: s.number, offered: c.searchOffer(s), whole: next.owner || s.surveys() && s.queries == 0})
	if !asked {
		b.candidates = slices.Insert(b.candidates, 0, next)
		return
	}
	s.claimed = append(s.claimed, next.peer.ID)
	s.queries++
	b.asking, b.owner = true, next.owner
	if int(next.by) < len(b.used) {
		b.used[next.by]++
	}
}

// nextOf takes out which candidate of b is to be asked: who is said to be the owner; of
// the others whoever is fewest steps away, where each that its namer had before it counts
// as one, and of these the nearest to the key. So nobody who names his friends, who name
// theirs, has a branch to himself.
func (c *Core) nextOf(s *search, b *branch) (next candidate) {
	b.candidates = slices.DeleteFunc(b.candidates, func(x candidate) bool {
		return slices.Contains(s.claimed, x.peer.ID) || c.lost.recent(x.peer.ID, c.now)
	})
	best, least := -1, 0
	for i, x := range b.candidates {
		cost := int(x.depth)
		if int(x.by) < len(b.used) {
			cost += int(b.used[x.by])
		}
		if x.owner {
			cost = -1
		}
		if best < 0 || cost < least {
			best, least = i, cost
		}
	}
	if best < 0 {
		return candidate{}
	}
	next = b.candidates[best]
	b.candidates = slices.Delete(b.candidates, best, best+1)
	return next
}

// firstContact returns the peer of the table nearest to the key that no branch has
// asked, or nil. A search for the own place has none but the one that it began with.
func (c *Core) firstContact(s *search) (first *identity.Contact) {
	if s.ownPlace() {
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
	switch s.aim {
	case forFinger:
		return c.surveyOffer(s)
	case forList:
		return c.successors
	case forMerge:
	default:
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

// searchFor returns the search for a lookup, or nil.
func (c *Core) searchFor(lookup trace.MessageID) *search {
	for _, s := range c.searches {
		if s.aim == forLookup && s.lookup == lookup {
			return s
		}
	}
	return nil
}

// alsoSaid has a search look at one more peer that is said to own its key.
func (c *Core) alsoSaid(s *search, peer *identity.Contact) {
	s.claimed = slices.DeleteFunc(s.claimed, func(id identity.ID) bool { return id == peer.ID }) // by now it may own it
	s.budget = min(s.budget+2*enoughWords, 2*searchBudget)
	c.suspectOwner(s, &s.branches[0], peer)
	c.goOn(s)
}

// onFurther takes in whom a peer named that a search asked.
func (c *Core) onFurther(from *identity.Contact, r *request, m *Message) {
	s := c.searchOf(r)
	if s == nil {
		return
	}
	b := &s.branches[r.slot]
	b.asking = false
	b.trail, b.used = append(b.trail, from.ID), append(b.used, 0)
	peers := m.named(r.offered)
	if s.ownPlace() {
		if m.Exact {
			c.foundPlace(s, peers)
			return
		}
		c.addCandidates(s, b, peers)
	} else {
		c.weighWord(s, b, from, m, peers)
	}
	c.goOn(s)
}

// addCandidates adds those whom the last of a branch's trail named.
func (c *Core) addCandidates(s *search, b *branch, peers []*identity.Contact) {
	for _, peer := range peers {
		c.addCandidate(s, b, candidate{peer: peer, depth: uint8(len(b.trail)), by: uint8(max(len(b.trail), 1) - 1)})
	}
}

// addCandidate puts x in its place among those that a branch may ask, which are the
// nearest to the key.
func (c *Core) addCandidate(s *search, b *branch, x candidate) {
	if same(x.peer, c.self) || slices.Contains(s.claimed, x.peer.ID) {
		return
	}
	if i := slices.IndexFunc(b.candidates, func(old candidate) bool { return same(old.peer, x.peer) }); i >= 0 {
		b.candidates[i].owner = b.candidates[i].owner || x.owner
		return
	}
	key := spanOf(s.key)
	distance := spanOf(x.peer.Point).distance(key)
	i := 0
	for i < len(b.candidates) && !distance.less(spanOf(b.candidates[i].peer.Point).distance(key)) {
		i++
	}
	b.candidates = slices.Insert(b.candidates, i, x)
	if n := len(b.candidates); n > searchNear {
		worst := n - 1
		for worst > 0 && b.candidates[worst].owner {
			worst--
		}
		b.candidates = slices.Delete(b.candidates, worst, worst+1)
	}
}

// passesOver reports whether r is a question that is not worth repeating: a search for
// a lookup has others to ask, but for the owner, and the turn of one that was lost comes again.
func (c *Core) passesOver(r *request) bool {
	switch r.purpose {
	case forRemembered:
		return c.mode == Full && !same(c.join.seed, r.to)
	case forSearch:
		s := c.searchOf(r)
		return s == nil || !s.ownPlace() && !r.whole
	}
	return false
}

// notFurther goes on where a peer that was asked does not answer, or is no member.
func (c *Core) notFurther(r *request) {
	if s := c.searchOf(r); s != nil {
		b := &s.branches[r.slot]
		b.asking = false
		s.verdict.said = s.verdict.said && !b.owner // somebody named it who did not know yet, or lied
		c.goOn(s)
	}
}

// endSearch ends a search and, where it came to one, its lookup.
func (c *Core) endSearch(s *search) {
	c.dropSearch(s)
	switch s.aim {
	case forFinger:
		c.surveyed(s)
		return
	case forList:
		c.lookedBehind(s)
		return
	}
	i := slices.IndexFunc(c.own, func(l lookup) bool { return l.id == s.lookup })
	switch {
	case s.aim == forJoin:
		c.joinAgain()
	case s.ownPlace() || i < 0:
	case s.verdict.enough(), s.verdict.owner != nil: // nobody is left to ask
		c.conclude(i, s)
	default: // nobody answered, not even who was said to be the owner
		l := &c.own[i]
		if l.said != nil || c.config.Lookups == Searched {
			l.said, l.attemptAt = nil, c.now+l.pause
			c.dueSet = false
		}
	}
}

// conclude ends own lookup i with what a search for it came to.
func (c *Core) conclude(i int, s *search) {
	l, v := c.own[i], &s.verdict
	m := Message{Kind: Found, Peer: v.owner, Key: l.key, Trail: append([]identity.ID{c.self.ID}, v.trail...)}
	if l.said != nil && same(v.owner, l.said) {
		m.Trail = l.saidTrail
	}
	c.own = slices.Delete(c.own, i, i+1)
	c.dueSet = false
	c.done(l, &m, s.queries)
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
	case len(others) == 0 && s.aim == forJoin:
		c.joinAgain() // nobody is there but who this peer was
	case len(others) == 0:
	case s.aim == forJoin:
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

// tickSearches begins a search for each lookup that goes unanswered for too long, or
// whose answer is still to be weighed, and goes on with those that could ask nobody.
func (c *Core) tickSearches() {
	for i := 0; i < len(c.own); i++ { // a search may end at once, and its lookup with it
		l := &c.own[i]
		if !l.searched && (l.said != nil || c.config.LookupTimeout-(l.deadline-c.now) >= searchAfter) {
			c.beginSearch(l)
		}
	}
	for _, s := range slices.Clone(c.searches) {
		if v := &s.verdict; c.now-v.since >= weighMost && v.enough() {
			c.endSearch(s)
		} else if !slices.ContainsFunc(s.branches, func(b branch) bool { return b.asking }) {
			c.goOn(s)
		}
	}
}
