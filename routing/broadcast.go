package routing

import (
	"fmt"
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

const (
	maxParts        = 64                     // intervals of one broadcast that a peer answers for
	maxLinkParts    = 4                      // of them, from one link
	maxSilent       = wire.MaxSilent         // silent peers that a child is told of
	childTakes      = 200 * time.Millisecond // least time for a child to take its interval
	childFirst      = 500 * time.Millisecond // that time, as long as nothing was measured
	childSilence    = 3 * time.Second        // a child that is not heard of for so long is dead
	childGone       = time.Second            // the same, if no link to it is open either
	childRemind     = time.Second            // a child that has not taken its interval by then is asked once more, if it can be heard of
	childTime       = 9 * time.Second        // a child that is not done by then is not waited for, at the origin
	childHop        = 200 * time.Millisecond // as much less with every hop
	childHops       = 5                      // but no further: longer than childUnknowable it is in any case
	partAlive       = time.Second            // how often a child that is not done says so
	childLook       = 100 * time.Millisecond // how often the ring is asked who is in an interval, or alive
	childUnknowable = 5 * time.Second        // then nobody is; less than programs wait for the count
	partEnd         = 30 * time.Second       // a part that is not done by then is ended as it is
)

// A BroadcastMessage is a broadcast between two peers: data for the receiver
// and for every peer behind Start, clockwise, before Limit.
type BroadcastMessage struct {
	Message   trace.MessageID
	Body      []byte // what the origin signed
	Signature []byte
	Start     identity.Point // zero: the receiver's own point
	Limit     identity.Point
	Silent    []identity.Point // peers in between that did not answer the sender
	Hops      int              // links crossed, the one it came by included
	Age       time.Duration    // of one that was pulled: how long others have had it. It has no interval
}

// A BroadcastOutgoing is a broadcast to send to a child.
type BroadcastOutgoing struct {
	To        *identity.Contact
	Broadcast BroadcastMessage
}

// A BroadcastAnswer is for the peer that a broadcast came from: that this peer
// answers for the interval up to Limit, repeated while that lasts, and, if Done,
// what became of it.
type BroadcastAnswer struct {
	To      identity.ID
	Message trace.MessageID
	Limit   identity.Point
	Done    bool
	Outcome
}

// An Outcome is what it took to spread a broadcast in an interval.
type Outcome struct {
	Reached  uint64 // peers that have it now and had it not before
	Messages uint64 // how often it was sent, answers not counted
}

// A BroadcastArrival is a broadcast that came and is to be verified.
type BroadcastArrival struct {
	Offer     Offer
	Body      []byte
	Signature []byte
	From      identity.ID // the last hop
	Hops      int
}

// A BroadcastResult is the end of an own broadcast. Reached counts the other peers
// that have it. It is exact unless peers died while they spread it, or said
// nothing, or were at work, for seconds; then some may have it uncounted. And
// whoever brings it to a peer first gets the credit for it: a stranger that wins
// that race against the tree makes the count too small.
type BroadcastResult struct {
	Message trace.MessageID
	Outcome
}

// A broadcast is one signed body at this peer.
type broadcast struct {
	offer     Offer
	link      *link // that brought it first; Core.own at the origin
	verdict   verdict
	origin    identity.ID
	body      *buffer // nil while nothing is left to do, unless it is kept for others
	signature int     // where in body the signature begins
	hops      int
	counted   bool  // a part of it counts this peer itself
	covered   cover // what parts hold
	parts     []*part
	dead      []*identity.Contact // children that did not answer, so far
	began     time.Duration       // when it came; earlier if it was pulled
	expires   time.Duration
	tag       Tag
	pulled    bool // it came so, not by the tree
	witnesses []witness
	rounds    int           // how often others are still to be told of it,
	tellAt    time.Duration // next then
	age       node[broadcast]
	shelf     node[broadcast]
	closed    node[broadcast]
	rejected  node[broadcast]
}

// A part is an interval for which this peer answers to one previous hop.
type part struct {
	broadcast *broadcast
	link      *link          // to be told; Core.own at the origin
	start     identity.Point // as in BroadcastMessage
	limit     identity.Point
	silent    []identity.Point
	outcome   Outcome // of what is done so far
	open      int     // children that owe an answer
	done      bool
	ends      time.Duration
	// unknowable is when the ring is not asked any more; 0: it was not yet.
	unknowable time.Duration
	children   []*child
	timer      timer // says that this peer still works on it
}

// Broadcast sends signed bytes to every peer. It ends with a Result. Body and
// signature are copied. Errors: ErrLimit, ErrInvalid.
func (c *Core) Broadcast(now time.Duration, message trace.MessageID, body, signature []byte) error {
	if len(body)+len(signature) > wire.MaxBroadcast {
		return fmt.Errorf("%w: broadcast of %d bytes, where %d is most", ErrInvalid, len(body)+len(signature), wire.MaxBroadcast)
	}
	offer := Offer{message, c.broadcastDigest(message, body, signature)}
	if c.broadcasts[offer] != nil {
		return fmt.Errorf("%w: broadcast %s was sent already", ErrInvalid, message)
	}
	b := c.newBroadcast(now, c.own, offer, body, signature)
	if b == nil {
		return ErrLimit
	}
	self := c.ring.Self()
	b.verdict, b.origin, b.counted = accepted, self.ID, true
	b.covered = cover{{}} // all round
	c.know(now, b)
	p := c.newPart(now, b, c.own, &BroadcastMessage{Limit: self.Point})
	c.spread(now, p, span{})
	c.broadcastEvent(trace.BroadcastSent, b, identity.ID{}, len(p.children))
	c.finish(p)
	return nil
}

func (c *Core) broadcastDigest(message trace.MessageID, body, signature []byte) uint64 {
	return c.digest.bytes(c.digest.bytes(c.digest.bytes(0, message[:]), body), signature)
}

func (c *Core) newBroadcast(now time.Duration, l *link, offer Offer, body, signature []byte) *broadcast {
	if !c.admitBroadcast(l) || !c.admitBytes(l, len(body)+len(signature), forAll) {
		return nil
	}
	b := &broadcast{offer: offer, link: l, began: now, expires: now + c.config.RememberArrivals}
	l.broadcasts++
	c.broadcasts[offer] = b
	c.broadcastAge.push(b)
	c.keepBody(b, body, signature)
	return b
}

// admitBroadcast makes room for one more broadcast of l: first goes what was
// rejected, whoever brought it, then what of l has nothing left to do. What links
// brought leaves a share for this peer's own.
func (c *Core) admitBroadcast(l *link) bool {
	most := c.config.MaxBroadcasts
	if l != c.own {
		most -= most / reserve
	}
	over := func() bool { return l.broadcasts >= most-len(c.broadcasts) }
	for _, list := range [...]*list[broadcast]{&c.rejectedCasts, &l.closed} {
		for over() && list.first != nil {
			c.forgetBroadcast(list.first)
		}
	}
	return !over()
}

func (c *Core) keepBody(b *broadcast, body, signature []byte) {
	b.body = c.pool.take(len(body) + len(signature))
	b.signature = copy(b.body.bytes, body)
	copy(b.body.bytes[b.signature:], signature)
	b.link.bytes += cap(b.body.bytes)
}

// shut lets go of the body of a broadcast that has nothing left to do, or keeps it
// for those that lack it.
func (c *Core) shut(b *broadcast) {
	b.link.closed.push(b)
	if b.body == nil || b.shelf.listed {
		return
	}
	b.link.bytes -= cap(b.body.bytes)
	if b.verdict != accepted || !c.shelve(b) {
		c.pool.drop(b.body)
		b.body = nil
	}
}

func (c *Core) forgetBroadcast(b *broadcast) {
	for _, p := range b.parts {
		c.stop(p)
	}
	c.shut(b)
	c.unshelve(b, true)
	if c.tags[b.tag] == b {
		delete(c.tags, b.tag)
	}
	b.link.closed.remove(b)
	c.rejectedCasts.remove(b)
	b.link.broadcasts--
	c.broadcastAge.remove(b)
	delete(c.broadcasts, b.offer)
}

// stop ends a part with what is known of it.
func (c *Core) stop(p *part) {
	c.timers.clear(&p.timer)
	for _, x := range p.children {
		c.timers.clear(&x.timer)
	}
	p.open = 0
	c.finish(p)
}

// BroadcastIn takes a broadcast that came over the link from a peer. m is only
// read, and only during the call. The first time it is offered to be verified.
func (c *Core) BroadcastIn(now time.Duration, from identity.ID, m BroadcastMessage) {
	l := c.links.use(from)
	if l == nil || len(m.Body)+len(m.Signature) > wire.MaxBroadcast || m.Hops < 0 {
		return
	}
	l.hear()
	offer := Offer{m.Message, c.broadcastDigest(m.Message, m.Body, m.Signature)}
	b := c.broadcasts[offer]
	fresh := b == nil
	if fresh {
		if b = c.newBroadcast(now, l, offer, m.Body, m.Signature); b == nil {
			return
		}
		b.hops = m.Hops
		c.offerBroadcast(b, from)
	}
	if b.verdict == rejected {
		c.report(&part{broadcast: b, link: l, limit: m.Limit, done: true})
		return
	}
	for _, p := range b.parts {
		if p.link == l && p.limit == m.Limit { // said again: so is the answer
			c.report(p)
			return
		}
	}
	if !b.room(l) || b.body == nil && !c.admitBytes(b.link, len(m.Body)+len(m.Signature), forAll) {
		return
	}
	if b.body == nil {
		c.keepBody(b, m.Body, m.Signature)
	}
	p := c.newPart(now, b, l, &m)
	if !b.counted {
		b.counted, p.outcome.Reached = true, 1
	}
	c.report(p)
	if b.verdict == accepted {
		c.extend(now, p)
	}
}

// offerBroadcast has the driver verify b.
func (c *Core) offerBroadcast(b *broadcast, from identity.ID) {
	held := c.hold(b.body)
	c.ready.BroadcastArrivals = append(c.ready.BroadcastArrivals, BroadcastArrival{
		Offer: b.offer, Body: held[:b.signature:b.signature], Signature: held[b.signature:], From: from, Hops: b.hops,
	})
}

// room reports whether l may bring one more part. One that is done gives way: of
// l's own if l has as many as it may, else anybody's. If it is said again, it is
// answered anew, and counts nobody twice.
func (b *broadcast) room(l *link) bool {
	for _, of := range [...]struct {
		most int
		in   func(*part) bool
	}{
		{maxLinkParts, func(p *part) bool { return p.link == l }},
		{maxParts, func(*part) bool { return true }},
	} {
		n, done := 0, -1
		for i, p := range b.parts {
			if of.in(p) {
				n++
				if done < 0 && p.done {
					done = i
				}
			}
		}
		if n >= of.most {
			if done < 0 {
				return false
			}
			b.parts = slices.Delete(b.parts, done, done+1)
		}
	}
	return true
}

func (c *Core) newPart(now time.Duration, b *broadcast, l *link, m *BroadcastMessage) *part {
	p := &part{broadcast: b, link: l, start: m.Start, limit: m.Limit, ends: now + partEnd}
	p.silent = slices.Clone(m.Silent[:min(len(m.Silent), maxSilent)])
	p.timer.owner = p
	b.parts = append(b.parts, p)
	b.link.closed.remove(b)
	c.unshelve(b, false)
	c.timers.set(&p.timer, now+partAlive)
	return p
}

// report tells the previous hop how far a part is.
func (c *Core) report(p *part) {
	if p.link == c.own {
		return
	}
	answer := BroadcastAnswer{To: p.link.id, Message: p.broadcast.offer.Message, Limit: p.limit}
	if p.done {
		answer.Done, answer.Outcome = true, p.outcome
	}
	c.ready.BroadcastAnswers = append(c.ready.BroadcastAnswers, answer)
}

// BroadcastAccepted says that an offered broadcast is origin's, and spreads it.
// It reports whether to deliver it: if not, the origin signed two under one
// message ID, or it was forgotten meanwhile, and it goes no further.
func (c *Core) BroadcastAccepted(now time.Duration, o Offer, origin identity.ID) bool {
	b := c.broadcasts[o]
	if b == nil || b.verdict != offering {
		return false
	}
	for other := c.broadcastAge.first; other != nil; other = other.age.next {
		if other.offer.Message == o.Message && other.origin == origin && other.verdict == accepted {
			c.BroadcastRejected(o)
			return false
		}
	}
	b.verdict, b.origin = accepted, origin
	c.know(now, b)
	for _, p := range b.parts {
		c.extend(now, p)
	}
	if len(b.parts) == 0 {
		c.shut(b)
	}
	return true
}

// BroadcastRejected says that an offered broadcast is not what its origin
// signed. It goes no further; the true one still can. Whoever brought it is told
// that nobody has it from here, so that it does not wait.
func (c *Core) BroadcastRejected(o Offer) {
	b := c.broadcasts[o]
	if b == nil || b.verdict != offering {
		return
	}
	b.verdict = rejected
	for _, p := range b.parts {
		c.timers.clear(&p.timer)
		p.done, p.outcome = true, Outcome{}
		c.report(p)
	}
	b.parts = nil
	c.rejectedCasts.push(b)
	c.shut(b)
}

// BroadcastPostponed says that nobody had the time to verify an offered
// broadcast. It is forgotten, and offered again when it comes again: whom it
// came from asks once more where it hears nothing. It does nothing once the
// offer was answered otherwise.
func (c *Core) BroadcastPostponed(o Offer) {
	if b := c.broadcasts[o]; b != nil && b.verdict == offering {
		c.forgetBroadcast(b)
	}
}

// expire says that this peer still works on p, or ends it.
func (p *part) expire(c *Core, now time.Duration) {
	if now >= p.ends {
		c.stop(p)
		return
	}
	c.report(p)
	c.timers.set(&p.timer, now+partAlive)
}

// finish reports p once no child owes an answer.
func (c *Core) finish(p *part) {
	b := p.broadcast
	if p.open > 0 || p.done || b.verdict != accepted {
		return
	}
	p.done = true
	c.timers.clear(&p.timer)
	p.children = nil
	c.report(p)
	if p.link == c.own {
		c.ready.BroadcastResults = append(c.ready.BroadcastResults, BroadcastResult{b.offer.Message, p.outcome})
		c.broadcastEvent(trace.BroadcastDone, b, identity.ID{}, int(p.outcome.Reached))
	}
	for _, other := range b.parts {
		if !other.done {
			return
		}
	}
	c.shut(b)
}
