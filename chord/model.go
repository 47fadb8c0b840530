package chord

import (
	"math/rand/v2"
	"slices"
	"time"

	"cicada/chord/internal/model"
	"cicada/identity"
)

// Restore puts the peer at a place on a ring as if it had always been there. It
// is for the checkers and harnesses of package chordtest.
func (c *Core) Restore(now time.Duration, p model.Place) {
	c.advance(now)
	c.always, c.whole = p.AlwaysFull, p.Whole
	if p.Rest != nil {
		c.rest(p.Rest)
		return
	}
	if len(p.Successors) == 0 || len(p.Predecessors) == 0 {
		return
	}
	c.reset()
	c.setMode(Full)
	c.setSuccessors(p.Successors)
	c.setPredecessors(p.Predecessors)
	c.confirmed, c.accepted = true, true
	c.border = p.Predecessors[0]
	c.changed()
	c.settle()
}

// Clone returns a copy that shares nothing that changes, and draws from random.
func (c *Core) Clone(random *rand.Rand) *Core {
	d := *c
	d.random = random
	d.table, d.ways = slices.Clone(c.table), slices.Clone(c.ways)
	d.lost.peers = slices.Clone(c.lost.peers)
	d.requests = slices.Clone(c.requests)
	d.waiting = slices.Clone(c.waiting)
	d.own = slices.Clone(c.own)
	for i := range d.own {
		d.own[i].avoid = slices.Clone(d.own[i].avoid)
	}
	d.fingers.slots = slices.Clone(c.fingers.slots)
	d.searches = make([]*search, len(c.searches))
	for i, s := range c.searches {
		t := *s
		t.claimed, t.branches = slices.Clone(s.claimed), slices.Clone(s.branches)
		for k := range t.branches {
			t.branches[k].candidates = slices.Clone(s.branches[k].candidates)
			t.branches[k].trail = slices.Clone(s.branches[k].trail)
			t.branches[k].used = slices.Clone(s.branches[k].used)
			t.branches[k].owners = slices.Clone(s.branches[k].owners)
		}
		t.verdict.words, t.seen = slices.Clone(s.verdict.words), slices.Clone(s.seen)
		d.searches[i] = &t
	}
	d.hops = slices.Clone(c.hops)
	for i := range d.hops {
		d.hops[i].tried = slices.Clone(d.hops[i].tried)
		d.hops[i].sent = slices.Clone(d.hops[i].sent)
	}
	d.learned = c.learned.clone()
	d.wide = c.wide.clone()
	d.doubts, d.history = slices.Clone(c.doubts), slices.Clone(c.history)
	d.ended = slices.Clone(c.ended)
	r := c.outbox.ready
	r.Messages, r.Events, r.Answers = slices.Clone(r.Messages), slices.Clone(r.Events), slices.Clone(r.Answers)
	d.outbox = &Outbox{ready: r}
	return &d
}

// ReadState returns m, a State from this peer, with its lists as the core would
// read them, and whether it is one that the core waits for. It is for model checkers.
func (c *Core) ReadState(from *identity.Contact, m Message) (Message, bool) {
	i := c.awaited(from, &m)
	return m, i >= 0 && m.fault() == "" && m.read(c.requests[i].offered)
}

// AppendState appends all of the state that decides what the peer does next,
// but for times, versions, what was offered for versions to come, and round-trip
// times, and returns the longer slice.
// Equal states give equal bytes, and unequal ones unequal. It is for model checkers.
func (c *Core) AppendState(b []byte) []byte {
	b = append(b, byte(c.mode), flag(c.left), flag(c.accepted), flag(c.confirmed), flag(c.knownTo), byte(c.operation.purpose), byte(c.heed))
	b = append(b, c.border.Point[:8]...)
	for _, list := range [...][]*identity.Contact{c.successors, c.predecessors, c.members, {c.claimant.peer, c.early.peer},
		{c.join.before, c.join.after, c.join.seed}} {
		b = append(b, byte(len(list)))
		for _, peer := range list {
			b = appendPeer(b, peer)
		}
	}
	b = append(b, byte(len(c.requests)))
	for _, r := range c.requests {
		b = append(appendPeer(b, r.to), byte(r.purpose), r.tries, flag(r.busy))
	}
	b = append(b, byte(len(c.waiting)))
	for _, q := range c.waiting {
		b = appendPeer(b, q.from)
	}
	b = append(b, byte(len(c.lost.peers)))
	for _, p := range c.lost.peers {
		b = append(appendPeer(b, p.contact), flag(p.hearsay))
	}
	for i := range c.table {
		e := &c.table[i]
		if !e.sound() {
			b = append(appendPeer(b, e.contact), e.misses, flag(e.is(refused)))
		}
	}
	b = append(b, byte(len(c.hops)), byte(len(c.own)))
	for i := range c.hops {
		b = append(appendPeer(b, c.hops[i].next), flag(c.hops[i].parked), flag(c.hops[i].answer != nil), byte(len(c.hops[i].tried)))
		b = append(b, c.hops[i].key[:8]...)
	}
	b = append(b, byte(len(c.searches)))
	for _, s := range c.searches {
		b = append(b, s.key[:8]...)
		b = append(appendPeer(b, s.verdict.owner), byte(s.aim), byte(s.queries), flag(s.verdict.doubtful), byte(len(s.verdict.words)))
		for i := range s.branches {
			b = append(b, flag(s.branches[i].asking), byte(len(s.branches[i].candidates)), byte(len(s.branches[i].trail)))
		}
	}
	for i := range c.own {
		b = append(appendPeer(b, c.own[i].said), c.own[i].key[:8]...)
	}
	return b
}

func appendPeer(b []byte, peer *identity.Contact) []byte {
	if peer == nil {
		return append(b, 0)
	}
	return append(append(b, 1), peer.Point[:8]...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
