package routing

import (
	"crypto/sha256"
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// This file is for those that the tree of a broadcast left out, because somebody
// took an interval and passed nothing on. Each peer tells its neighbours on the
// ring, and a few others, which broadcasts it has, when the tree should be done, and
// each of them once. Who lacks one asks for it, one after the other of those that
// told of it, and gets it at most once from each.

const (
	tellAfter  = 5 * time.Second         // when a broadcast came by the tree
	tellSoon   = time.Second             // when it was pulled: its neighbours may lack it, too
	tellEvery  = 2500 * time.Millisecond // then again, to those that were not told
	tellRounds = 2
	tellBatch  = 500 * time.Millisecond // what is due so soon is told together
	tellBeside = 8                      // neighbours on each side who are told,
	tellLinked = 24                     // others that a link is open to,
	tellOthers = 4                      // and, where those are fewer, of the rest
	maxTold    = 64                     // peers that are told of a broadcast, and so may pull it
	maxWants   = 64                     // broadcasts that this peer asks for at a time
	maxTellers = 4                      // peers that it asks for one of them
	pullWait   = time.Second            // until the next one is asked
	maxPull    = 256 << 10              // bytes in answer to one question, unless one alone has more
)

// BroadcastYoung is how old a broadcast is when nobody tells of it any more, nor
// gives it: everybody remembers it for longer, so that none comes round again.
const BroadcastYoung = 30 * time.Second

// A Tag names a broadcast among the young ones. Only who makes broadcasts can make
// two with one tag, and harms but these.
type Tag [wire.TagSize]byte

// TagOf returns the tag of a broadcast.
func TagOf(origin identity.ID, message trace.MessageID) (t Tag) {
	sum := sha256.Sum256(append(origin[:], message[:]...))
	copy(t[:], sum[:])
	return t
}

// BroadcastTags name broadcasts to another peer: those that this one has or, if
// Pull, wants to be sent.
type BroadcastTags struct {
	To      identity.ID
	Contact *identity.Contact // nil: use the link that exists, if one does
	Pull    bool
	Tags    []Tag
}

// A BroadcastGiven is a broadcast for a peer that pulled it, over the link that exists.
type BroadcastGiven struct {
	To        identity.ID
	Broadcast BroadcastMessage
}

// A witness is a peer that was told of a broadcast, or told this one of it.
type witness struct {
	id    identity.ID
	given bool
}

// A want is a broadcast that others told of and that this peer lacks.
type want struct {
	tag     Tag
	link    *link // that told of it first
	tellers []identity.ID
	asked   int
	timer   timer
}

// A teller tells when it is time to.
type teller struct{}

// know notes that an accepted broadcast is to be told.
func (c *Core) know(now time.Duration, b *broadcast) {
	b.tag = TagOf(b.origin, b.offer.Message)
	c.tags[b.tag] = b
	if w := c.wants[b.tag]; w != nil {
		c.forgo(w)
	}
	after := tellAfter
	if b.pulled {
		after = tellSoon
	}
	b.rounds, b.tellAt = tellRounds, now+after
	c.tellNext()
}

// tellNext sets the timer for what is to be told next.
func (c *Core) tellNext() {
	next := never
	for b := c.broadcastAge.first; b != nil; b = b.age.next {
		if b.rounds > 0 {
			next = min(next, b.tellAt)
		}
	}
	c.timers.clear(&c.telling)
	for range c.ring.Each {
		if next != never {
			c.timers.set(&c.telling, next)
		}
		break
	}
}

func (teller) expire(c *Core, now time.Duration) {
	var due []*broadcast
	for b := c.broadcastAge.first; b != nil && len(due) < wire.MaxTags; b = b.age.next {
		if b.rounds == 0 || b.tellAt > now+tellBatch {
			continue
		}
		if b.rounds--; now >= b.began+BroadcastYoung {
			b.rounds = 0
			continue
		}
		b.tellAt = now + tellEvery
		due = append(due, b)
	}
	if len(due) > 0 {
		for _, contact := range c.audience(now) {
			c.tell(contact, due)
		}
	}
	c.tellNext()
}

// tell tells a peer of those broadcasts that it may not have.
func (c *Core) tell(contact *identity.Contact, due []*broadcast) {
	var tags []Tag
	for _, b := range due {
		if b.link.id != contact.ID && b.witness(contact.ID) == nil && len(b.witnesses) < maxTold {
			b.witnesses = append(b.witnesses, witness{id: contact.ID})
			tags = append(tags, b.tag)
		}
	}
	if len(tags) > 0 {
		c.ready.BroadcastTags = append(c.ready.BroadcastTags, BroadcastTags{To: contact.ID, Contact: contact, Tags: tags})
	}
}

func (b *broadcast) witness(id identity.ID) *witness {
	if i := slices.IndexFunc(b.witnesses, func(w witness) bool { return w.id == id }); i >= 0 {
		return &b.witnesses[i]
	}
	return nil
}

// audience returns whom to tell: the nearest on both sides, and some at random, most
// of which need no handshake.
func (c *Core) audience(now time.Duration) []*identity.Contact {
	var list, linked, others []*identity.Contact
	for _, side := range [...][]*identity.Contact{c.ring.Successors(), c.ring.Predecessors()} {
		for _, contact := range side[:min(len(side), tellBeside)] {
			if !slices.Contains(list, contact) {
				list = append(list, contact)
			}
		}
	}
	c.ring.Each(func(contact *identity.Contact) bool {
		switch {
		case slices.Contains(list, contact) || c.links.suspects(now, contact.ID):
		case c.open[contact.ID]:
			linked = append(linked, contact)
		default:
			others = append(others, contact)
		}
		return true
	})
	some := func(from []*identity.Contact, most int) {
		for ; most > 0 && len(from) > 0; most-- {
			i := c.random.IntN(len(from))
			list = append(list, from[i])
			from[i] = from[len(from)-1]
			from = from[:len(from)-1]
		}
	}
	some(linked, tellLinked)
	some(others, tellOthers-len(linked))
	return list
}

// BroadcastTold takes a neighbour's word that it has some broadcasts, and asks for
// those that this peer lacks.
func (c *Core) BroadcastTold(now time.Duration, from identity.ID, tags []Tag) {
	l := c.links.use(from)
	if l == nil {
		return
	}
	var ask []Tag
	for _, tag := range tags {
		if b := c.tags[tag]; b != nil {
			if b.witness(from) == nil && len(b.witnesses) < maxTold {
				b.witnesses = append(b.witnesses, witness{id: from, given: true})
			}
			continue
		}
		w := c.wants[tag]
		switch {
		case w != nil:
			if len(w.tellers) < maxTellers && !slices.Contains(w.tellers, from) {
				w.tellers = append(w.tellers, from)
			}
		case l.wants < maxWants-len(c.wants): // as many as are still free
			w = &want{tag: tag, link: l, tellers: []identity.ID{from}, asked: 1}
			w.timer.owner = w
			l.wants++
			c.wants[tag] = w
			c.timers.set(&w.timer, now+pullWait)
			ask = append(ask, tag)
		}
	}
	c.pull(from, ask)
}

func (c *Core) pull(from identity.ID, tags []Tag) {
	if len(tags) > 0 {
		c.ready.BroadcastTags = append(c.ready.BroadcastTags, BroadcastTags{To: from, Pull: true, Tags: tags})
	}
}

// expire asks the next one that told of a broadcast.
func (w *want) expire(c *Core, now time.Duration) {
	if w.asked == len(w.tellers) {
		c.forgo(w)
		return
	}
	w.asked++
	c.pull(w.tellers[w.asked-1], []Tag{w.tag})
	c.timers.set(&w.timer, now+pullWait)
}

func (c *Core) forgo(w *want) {
	c.timers.clear(&w.timer)
	w.link.wants--
	delete(c.wants, w.tag)
}

// BroadcastPull gives a peer what it asks for of what it was told, once.
func (c *Core) BroadcastPull(now time.Duration, from identity.ID, tags []Tag) {
	size := 0
	for _, tag := range tags {
		b := c.tags[tag]
		if b == nil || b.body == nil || now >= b.began+BroadcastYoung+tellEvery {
			continue
		}
		w := b.witness(from)
		if w == nil || w.given || size > 0 && size+len(b.body.bytes) > maxPull {
			continue
		}
		w.given = true
		size += len(b.body.bytes)
		held := c.hold(b.body)
		c.ready.BroadcastGifts = append(c.ready.BroadcastGifts, BroadcastGiven{To: from, Broadcast: BroadcastMessage{
			Message: b.offer.Message, Body: held[:b.signature:b.signature], Signature: held[b.signature:],
			Hops: b.next(), Age: max(now-b.began, 0),
		}})
	}
}

// BroadcastGiven takes a broadcast that this peer asked for. Origin is who is said
// to have made it. It is offered to be verified like one that came by the tree.
func (c *Core) BroadcastGiven(now time.Duration, from, origin identity.ID, m BroadcastMessage) {
	w := c.wants[TagOf(origin, m.Message)]
	l := c.links.use(from)
	if w == nil || l == nil || !slices.Contains(w.tellers[:w.asked], from) ||
		len(m.Body)+len(m.Signature) > wire.MaxBroadcast || m.Hops < 0 {
		return
	}
	l.hear()
	offer := Offer{m.Message, c.broadcastDigest(m.Message, m.Body, m.Signature)}
	if c.broadcasts[offer] != nil {
		return
	}
	b := c.newBroadcast(now, l, offer, m.Body, m.Signature)
	if b == nil {
		return
	}
	b.hops, b.pulled, b.began = m.Hops, true, now-min(max(m.Age, 0), BroadcastYoung)
	c.timers.set(&w.timer, now+pullWait)
	c.offerBroadcast(b, from)
}

// shelve keeps the body of a broadcast that is done for those that lack it, and
// reports whether there is room. A link may fill as much as is still free, and makes
// room at its own cost.
func (c *Core) shelve(b *broadcast) bool {
	l, size := b.link, cap(b.body.bytes)
	over := func() bool { return l.shelved+size > c.config.KeepBroadcasts-c.shelved }
	for x := c.shelf.first; x != nil && over(); {
		next := x.shelf.next
		if x.link == l {
			c.unshelve(x, true)
		}
		x = next
	}
	if over() {
		return false
	}
	c.shelf.push(b)
	l.shelved += size
	c.shelved += size
	return true
}

// unshelve keeps the body of b no longer for others, and drops it if it is of no
// other use.
func (c *Core) unshelve(b *broadcast, drop bool) {
	if !b.shelf.listed {
		return
	}
	c.shelf.remove(b)
	size := cap(b.body.bytes)
	b.link.shelved -= size
	c.shelved -= size
	if drop {
		c.pool.drop(b.body)
		b.body = nil
	} else {
		b.link.bytes += size
	}
}
