package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// Anybody on the way of a lookup can answer it, and anybody who is asked can say that a
// key is his. What nobody can do is stand nearer behind the key than he does, or speak
// for another. So:
//
//   - Who stands at the very point that was asked for is found, whoever said so.
//   - Of all who claim a key themselves the nearest behind it owns it; no liar can
//     disprove that, only hide it. So a claim is weighed by asking those around.
//   - The claimant names its neighbours. Where they stand further apart than this
//     peer's own do, some were left out (as in the density test of Castro and others,
//     "Secure routing for structured peer-to-peer overlay networks", 2002). Where they do
//     not, a good part of them is honest, and some of them, drawn at random, are asked:
//     they know those whom the claimant left out.
//   - Where that does not come out even, or where it is a peer that is looked for and
//     said not to be there, it takes many branches, each from a first contact of its own,
//     that end at the same claimant.

// A verdict is what a search has found out about who owns its key.
type verdict struct {
	owner    *identity.Contact // who claims the key itself: of all so far the nearest behind it
	trail    []identity.ID     // by which it was found
	since    time.Duration     // when it claimed the key
	denier   *identity.Contact // nearest behind it of those who were said to own it, are there, and deny it
	denied   []identity.ID     // by which that one was found
	words    []testimony       // what others said
	seeks    bool              // a peer is looked for that stands at the key
	found    bool              // it is owner
	said     bool              // somebody was said to own the key who is yet to say so
	doubtful bool              // witnesses are not enough
}

// A testimony is who owns the key, as a peer says that must know.
type testimony struct {
	owner identity.ID
	chain bool // it ended a branch of its own
}

const (
	claimNames   = 16              // neighbours that a claimant is to name
	enoughWords  = 3               // of witnesses who agree, where there is no doubt
	chainWords   = 2               // of those who know, that end a branch
	enoughChains = 6               // branches that end at the claimant, where there is
	fewChains    = 3               // where there is no time, or nobody left, for more
	seekChains   = 32              // where somebody is said not to be there
	sparseness   = 7               // quarters of a usual gap that the claimant's neighbours may be apart
	listSpare    = 30              // no honest list reaches twice as far as it does on average and so many gaps on top, as one takes them to be that has two or three neighbours to go by
	weighMost    = 3 * time.Second // for a claim; then what is known has to do
	leastNames   = claimNames / 2
)

// reached reports whether enough is known. Who denies that a key is his is its owner all the
// same, if enough branches say so: hostile peers would have their keys looked for in vain.
func (v *verdict) reached() bool {
	if v.found {
		return true
	}
	witnesses, chains := v.agree(v.owner)
	_, others := v.agree(v.denier)
	switch {
	case others >= enoughChains && others > chains && !v.seeks:
		v.owner, v.trail = v.denier, v.denied
		return true
	case v.owner == nil:
		return false
	case v.seeks:
		return chains >= seekChains
	case v.doubtful:
		return chains >= enoughChains
	}
	return witnesses >= enoughWords
}

// enough reports whether what is known will do where there is no time for more, or
// nobody left to ask: for a key the nearest who claims it, or who denies it though some
// branches say so; and some branches, too, where nobody is said to be there.
func (v *verdict) enough() bool {
	if v.found {
		return true
	}
	if _, chains := v.agree(v.denier); v.owner == nil && chains >= fewChains {
		v.owner, v.trail = v.denier, v.denied
	}
	_, chains := v.agree(v.owner)
	return v.owner != nil && (!v.seeks || chains >= fewChains)
}

// agree returns how many witnesses, and how many branches, say that a peer owns the key.
func (v *verdict) agree(peer *identity.Contact) (witnesses, chains int) {
	for _, w := range v.words {
		switch {
		case peer == nil || w.owner != peer.ID:
		case w.chain:
			chains++
		default:
			witnesses++
		}
	}
	return witnesses, chains
}

// weighWord takes in what a peer answered that a search for a lookup asked.
func (c *Core) weighWord(s *search, b *branch, from *identity.Contact, m *Message, peers []*identity.Contact) {
	v := &s.verdict
	if s.surveys() && (m.Owns || m.Exact) && c.canKnow(from, s.key) {
		s.sight(peers)
	}
	switch {
	case from.Point == s.key:
		v.owner, v.trail, v.found = from, slices.Clone(b.trail), true
	case (m.Owns || m.Exact) && !c.canKnow(from, s.key):
		v.said = v.said && !b.owner
		s.begin(b) // it lies, and so may those it names
	case m.Owns:
		c.weighClaim(s, b, from, peers)
	case m.Exact && len(peers) > 0:
		first := slices.MinFunc(peers, func(a, b *identity.Contact) int { return byDistanceBehind(s.key, a, b) })
		s.note(b, first.ID)
		c.suspectOwner(s, b, first)
		if !b.witnesses {
			c.addCandidates(s, b, peers)
		}
	default:
		if b.owner && (v.denier == nil || nearerBehind(s.key, from, v.denier)) {
			v.denier, v.denied = from, slices.Clone(b.trail)
			if v.owner == nil {
				v.since = c.now
			}
		}
		v.said = v.said && !b.owner
		if v.owner != nil {
			for _, peer := range peers {
				if nearerBehind(s.key, peer, v.owner) {
					c.suspectOwner(s, b, peer)
				}
			}
		}
		if !b.witnesses {
			c.addCandidates(s, b, peers)
		}
	}
}

// canKnow reports whether a peer is near enough to a key to have its owner in a list, as
// far apart as this peer's own neighbours stand.
func (c *Core) canKnow(peer *identity.Contact, key identity.Point) bool {
	if c.mode != Full || len(c.successors) == 0 || len(c.predecessors) == 0 {
		return true // there are few
	}
	distance := spanOf(peer.Point).distance(spanOf(key))[0]
	return distance>>8 <= c.gap()*uint64(2*c.config.Successors+listSpare)
}

// gap returns how far neighbours are apart on average, as in the lists, in 256ths.
func (c *Core) gap() uint64 {
	across := c.clockwise(c.successors[len(c.successors)-1], false)[0]>>8 + c.clockwise(c.predecessors[len(c.predecessors)-1], true)[0]>>8
	return across / uint64(len(c.successors)+len(c.predecessors))
}

// note takes in whom a peer of a branch says to be the owner. Of witnesses one is asked after the
// other until one agrees; another branch ends with the second of those who know.
func (s *search) note(b *branch, owner identity.ID) {
	if b.witnesses {
		if s.verdict.owner != nil && owner == s.verdict.owner.ID {
			b.candidates = nil
		}
		s.verdict.words = append(s.verdict.words, testimony{owner: owner})
		return
	}
	if b.owners = append(b.owners, owner); len(b.owners) == chainWords {
		s.begin(b)
	}
}

// begin has a branch begin anew, from another first contact.
func (s *search) begin(b *branch) {
	if len(b.trail) > 0 {
		s.ended++
	}
	for i, owner := range b.owners {
		if !slices.Contains(b.owners[:i], owner) {
			s.verdict.words = append(s.verdict.words, testimony{owner, true})
		}
	}
	b.candidates, b.trail, b.used, b.owners = nil, nil, nil, nil
}

// nearerBehind reports whether a stands nearer behind a key than b.
func nearerBehind(key identity.Point, a, b *identity.Contact) bool {
	k := spanOf(key)
	return spanOf(a.Point).minus(k).less(spanOf(b.Point).minus(k))
}

// byDistanceBehind orders peers by how far behind a key they stand.
func byDistanceBehind(key identity.Point, a, b *identity.Contact) int {
	switch {
	case nearerBehind(key, a, b):
		return -1
	case nearerBehind(key, b, a):
		return 1
	}
	return 0
}

// suspectOwner has a peer asked whether it owns the key, unless somebody nearer does.
func (c *Core) suspectOwner(s *search, b *branch, peer *identity.Contact) {
	v := &s.verdict
	if v.owner != nil {
		if !nearerBehind(s.key, peer, v.owner) || slices.Contains(s.claimed, peer.ID) || c.lost.recent(peer.ID, c.now) {
			return
		}
	}
	c.addCandidate(s, b, candidate{peer: peer, depth: uint8(len(b.trail)), owner: true, by: uint8(max(len(b.trail), 1) - 1)})
}

// weighClaim takes in that a peer says that it owns the key, and whom it named around it.
func (c *Core) weighClaim(s *search, b *branch, from *identity.Contact, peers []*identity.Contact) {
	v := &s.verdict
	if v.owner != nil {
		if !nearerBehind(s.key, from, v.owner) {
			return
		}
		v.doubtful = true
	}
	v.owner, v.trail, v.since = from, slices.Clone(b.trail), c.now
	if !v.seeks && !c.dense(s.key, peers) {
		v.doubtful = true
	}
	for i := range c.table { // who is known to be nearer is to say so
		if e := &c.table[i]; e.sound() && nearerBehind(s.key, e.contact, from) {
			c.suspectOwner(s, b, e.contact)
		}
	}
	if v.doubtful || v.seeks {
		return
	}
	c.random.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	for k := range enoughWords {
		w := branch{witnesses: true, trail: slices.Clone(b.trail)}
		for i := range peers {
			if peer := peers[(i+k*len(peers)/enoughWords)%len(peers)]; !same(peer, from) && !same(peer, c.self) {
				w.candidates = append(w.candidates, candidate{peer: peer})
			}
		}
		s.branches = append(s.branches, w)
	}
}

// dense reports whether peers, those from a key on and before them the one before it,
// stand about as close together as this one's neighbours do.
func (c *Core) dense(key identity.Point, peers []*identity.Contact) bool {
	if c.mode != Full || len(c.successors) == 0 || len(c.predecessors) == 0 {
		return true // it knows all
	}
	if n := len(peers); n < leastNames {
		return n >= min(leastNames, len(c.successors)) // too few to tell, where lists are short
	}
	first, last := peers[0], peers[len(peers)-1]
	across := spanOf(last.Point).minus(spanOf(first.Point))[0] >> 8
	return across <= c.gap()*uint64(len(peers)-1)*sparseness/4
}

// believed reports whether a lookup may end with whom an answer names: who stands at
// the key itself, or whoever owns it as far as this peer knows of all who are there.
func (c *Core) believed(l *lookup, peer *identity.Contact) bool {
	switch {
	case c.config.Lookups == FirstAnswer || peer.Point == l.key:
		return true
	case c.mode == Small:
		return same(c.memberBehind(l.key), peer)
	}
	all := func(*identity.Contact) bool { return true }
	if owner := c.wideOwner(l.key, all); owner != nil {
		return same(owner, peer)
	}
	return same(c.listedOwner(l.key, all), peer)
}

// memberBehind returns the first member of a small ring at or behind a key.
func (c *Core) memberBehind(key identity.Point) *identity.Contact {
	first := c.self
	for _, peer := range c.members {
		if nearerBehind(key, peer, first) {
			first = peer
		}
	}
	return first
}

// doneOwn ends own lookup i with its answer, or has that weighed.
func (c *Core) doneOwn(i int, m *Message) {
	l := &c.own[i]
	c.dueSet = false
	switch {
	case c.believed(l, m.Peer):
		ended := *l
		c.own = slices.Delete(c.own, i, i+1)
		c.done(ended, m, 0)
		return
	case l.said != nil && same(l.said, m.Peer):
		return
	}
	if s := c.searchFor(l.id); s != nil {
		c.alsoSaid(s, m.Peer)
		return
	}
	l.said, l.saidTrail, l.attemptAt = m.Peer, m.Trail, c.now+stuckPause
	c.beginSearch(l)
}

// weighing reports whether l needs no further attempt now: a search for it is under way, or
// will be, and has not yet found that who was said to own the key does not say so itself.
func (c *Core) weighing(l *lookup) bool {
	s := c.searchFor(l.id)
	switch {
	case c.config.Lookups == Searched:
		return s != nil || !l.searched
	case s == nil:
		return l.said != nil
	}
	return s.verdict.owner != nil || s.verdict.said
}

// endOwn ends own lookup i, whose time is over: with what a search for it has found out
// so far, unless that is hardly more than one's word that somebody is not there.
func (c *Core) endOwn(i int) {
	l := c.own[i]
	if s := c.searchFor(l.id); s != nil && s.verdict.enough() {
		c.conclude(i, s)
		return
	}
	c.own = slices.Delete(c.own, i, i+1)
	c.fail(l, ErrNoAnswer)
}
