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
	maxOffering     = 16 // sealed bytes under one message ID that the driver is to open
	maxLinkOffering = 4  // of them, from one link
	maxAccepted     = 64 // origins of which something opened under one message ID
	maxUseless      = 8  // sealed bytes that are known only to not open them again
	maxReplies      = 16 // times that one answer is sent
)

// An arrival is a message ID under which something came for this peer.
type arrival struct {
	message  trace.MessageID
	link     *link // that brought the first; Core.gone once that was forgotten
	variants []variant
	expires  time.Duration
	age      node[arrival]
	settled  node[arrival] // in one of its link's lists
	rejected node[arrival]
	junk     node[arrival]
}

// A variant is one sequence of sealed bytes under a message ID. The true one,
// forgeries, and the true one sealed again each are one.
type variant struct {
	digest  uint64
	link    *link // that brought the first copy of it
	first   bool  // of kind EnvelopeFirst or EnvelopeKeyedFirst
	verdict verdict
	origin  identity.ID // once it is proven
	copies  [4]uint64   // numbers of the copies that came, a bit each
	way     way         // the latest round's first copy
	replies int

	answer *buffer // nil: not answered yet
	charge int
	reply  Replying
}

type verdict uint8

const (
	offering verdict = iota
	accepted
	rejected
	outdated // the origin was asked to seal anew
)

// A way is where an answer is to go back.
type way struct {
	link   *link
	number uint8
	nonce  [16]byte
}

// A Replying is the answer to a message that arrived. Payload is copied.
type Replying struct {
	Kind       wire.EnvelopeKind // EnvelopeAnswer, EnvelopeReceipt, EnvelopeUnknown or EnvelopeKeyRefusal
	Counter    uint64
	Payload    []byte         // sealed, at most wire.MaxPayload
	Target     identity.Point // of the origin
	Duplicates bool           // also by a route of its own: there were several copies
}

// arrive takes a copy whose target is this peer.
func (c *Core) arrive(now time.Duration, l *link, k key, e wire.Envelope, sealed uint64) {
	a := c.arrivals[k.message]
	if a == nil {
		if a = c.newArrival(now, l, k.message); a == nil {
			c.refuse(l.id, k, wire.ReasonLimit)
			return
		}
	}
	v := a.find(sealed)
	if v == nil {
		if !a.room(l) || !c.admitBytes(l, len(e), forSelf) {
			c.refuse(l.id, k, wire.ReasonLimit)
			c.judged(a)
			return
		}
		c.offer(a, l, k, e, sealed)
		v = a.find(sealed)
	}
	c.ack(l.id, k)
	c.arrived(k, l.id, e)
	v.copies[k.copy>>6] |= 1 << (k.copy & 63)
	if w := (way{l, k.copy, e.Nonce()}); v.way.link == nil || v.way.nonce != w.nonce {
		// A round that was not answered yet: the origin has no receipt.
		v.way = w
		if v.answer != nil {
			c.answer(now, a, v)
		}
	}
}

func (a *arrival) find(digest uint64) *variant {
	for i := range a.variants {
		if a.variants[i].digest == digest {
			return &a.variants[i]
		}
	}
	return nil
}

// room reports whether l may bring one more variant. What was opened already does
// not count, or a hop that swallows a copy could keep the true one out for good
// with a few forgeries. Only origins of their own do: forgetting what they
// delivered would deliver it twice.
func (a *arrival) room(l *link) bool {
	all, mine, opened := 0, 0, 0
	for i := range a.variants {
		switch v := &a.variants[i]; {
		case v.verdict == accepted && !a.useless(v):
			opened++
		case v.verdict == offering && v.link == l:
			mine++
			fallthrough
		case v.verdict == offering:
			all++
		}
	}
	return mine < maxLinkOffering && all < maxOffering && opened < maxAccepted
}

// useless reports whether v can be forgotten: if it comes again it is opened once
// more, and answered as it was.
func (a *arrival) useless(v *variant) bool {
	switch v.verdict {
	case offering:
		return false
	case accepted:
		return a.opened(v.origin) != v // the same under another seal
	}
	return true
}

// shed forgets useless variants, the oldest first, until there are few. The
// latest stay for as long as the driver may want to answer them.
func (c *Core) shed(a *arrival) {
	n := 0
	for i := len(a.variants) - 1; i >= 0; i-- {
		if v := &a.variants[i]; a.useless(v) {
			if n++; n >= maxUseless {
				c.dropAnswer(a, v)
				a.variants = slices.Delete(a.variants, i, i+1)
			}
		}
	}
}

func (c *Core) dropAnswer(a *arrival, v *variant) {
	if v.answer == nil {
		return
	}
	a.link.bytes -= v.charge
	c.pool.drop(v.answer)
	v.answer, v.charge = nil, 0
}

// offer gives new sealed bytes to the driver, also where others under this
// message ID opened before: a relay that knows the ID could otherwise send a
// message of its own under it and so keep the true one out.
func (c *Core) offer(a *arrival, l *link, k key, e wire.Envelope, sealed uint64) {
	c.unsettle(a)
	c.shed(a)
	a.variants = append(a.variants, variant{digest: sealed, link: l, first: e.Kind() == wire.EnvelopeFirst || e.Kind() == wire.EnvelopeKeyedFirst})
	b := c.pool.keep(e)
	c.ready.Arrivals = append(c.ready.Arrivals, Arrival{
		Offer: Offer{k.message, sealed}, Envelope: c.hold(b), From: l.id,
		Copy: k.copy, Hops: int(e.Hops()), First: len(a.variants) == 1,
	})
	c.pool.drop(b)
}

// variant returns what an offer names, or nil if it is forgotten.
func (c *Core) variant(o Offer) (*arrival, *variant) {
	a := c.arrivals[o.Message]
	if a == nil {
		return nil, nil
	}
	return a, a.find(o.digest)
}

// Accepted says that an offered seal opened and is origin's. It reports whether
// the message is to be delivered: if not, it was accepted before, sealed
// otherwise, and its answer is sent again.
func (c *Core) Accepted(now time.Duration, o Offer, origin identity.ID) bool {
	a, v := c.variant(o)
	if v == nil || v.verdict != offering {
		return false
	}
	before := a.opened(origin)
	v.verdict, v.origin = accepted, origin
	c.judged(a)
	if before == nil {
		return true
	}
	if before.answer != nil {
		before.way, before.replies = v.way, min(before.replies, maxReplies-1)
		c.answer(now, a, before)
	}
	return false
}

// opened returns what opened as origin's, or nil.
func (a *arrival) opened(origin identity.ID) *variant {
	for i := range a.variants {
		if v := &a.variants[i]; v.verdict == accepted && v.origin == origin {
			return v
		}
	}
	return nil
}

// Rejected says that an offered seal did not open, or that the message is not
// to be delivered. It may still be answered.
func (c *Core) Rejected(o Offer) {
	if a, v := c.variant(o); v != nil && v.verdict == offering {
		v.verdict = rejected
		c.judged(a)
	}
}

// Outdated says that an offered seal is one that its origin is asked to replace:
// origin's, if it opened, or nobody knows whose, if its session is gone. Neither
// is a copy that somebody changed.
func (c *Core) Outdated(o Offer, origin identity.ID) {
	if a, v := c.variant(o); v != nil && v.verdict == offering {
		v.verdict, v.origin = outdated, origin
		c.judged(a)
	}
}

// replaced reports whether the variant at place i is an earlier seal of what came
// from origin. Where its session is gone, that is so if a first message followed:
// the origin makes one only when it has forgotten the session, too.
func (a *arrival) replaced(i int, origin identity.ID) bool {
	switch v := &a.variants[i]; {
	case v.verdict != outdated:
		return false
	case !v.origin.IsZero():
		return v.origin == origin
	}
	return slices.ContainsFunc(a.variants[i:], func(w variant) bool {
		return w.first && w.origin == origin && (w.verdict == accepted || w.verdict == outdated)
	})
}

// Postponed says that an offered seal cannot be opened yet, or that nobody had
// the time to look. The same bytes are offered again when the next copy of them
// comes, at the latest in the origin's next round. It does nothing once the
// offer was answered otherwise.
func (c *Core) Postponed(o Offer) {
	if a, v := c.variant(o); v != nil && v.verdict == offering {
		c.dropAnswer(a, v)
		a.variants = slices.DeleteFunc(a.variants, func(v variant) bool { return v.digest == o.digest })
		c.judged(a)
	}
}

// Copies returns, of a message that was accepted, how many copies arrived so
// far, and how many came under its ID with other content. The same message under
// an earlier seal is neither.
func (c *Core) Copies(o Offer) (arrived, differing int) {
	a, v := c.variant(o)
	if v == nil {
		return 0, 0
	}
	var same [4]uint64
	for i := range a.variants {
		w := &a.variants[i]
		if a.replaced(i, v.origin) {
			continue
		}
		ours := w == v || w.verdict == accepted && w.origin == v.origin && v.verdict == accepted
		for j, set := range w.copies {
			if ours {
				same[j] |= set
			} else {
				differing += ones(set)
			}
		}
	}
	for _, set := range same {
		arrived += ones(set)
	}
	return arrived, differing
}

// Reply answers a message that was offered, accepted or not. The answer goes
// back the way of the first copy; it is remembered and sent again where the
// message comes again in another round. Errors: ErrLimit, ErrInvalid.
func (c *Core) Reply(now time.Duration, o Offer, r Replying) error {
	a, v := c.variant(o)
	switch {
	case v == nil:
		return fmt.Errorf("%w: message %s is not known here any more", ErrInvalid, o.Message)
	case !answers(r.Kind):
		return fmt.Errorf("%w: an answer cannot be of kind %s", ErrInvalid, r.Kind)
	case len(r.Payload) > wire.MaxPayload:
		return fmt.Errorf("%w: payload of %d bytes, where %d is most", ErrInvalid, len(r.Payload), wire.MaxPayload)
	case !c.admitBytes(a.link, len(r.Payload), forSelf):
		return ErrLimit
	}
	c.dropAnswer(a, v)
	v.reply = r
	v.reply.Payload = nil
	v.answer = c.pool.keep(r.Payload)
	v.charge = cap(v.answer.bytes)
	a.link.bytes += v.charge // what this peer itself sends must not hold up answers
	c.answer(now, a, v)
	return nil
}

// answer sends v's answer: back the way of the copy, and, where there were
// duplicates, by a route of its own, which has another nonce, so that no hop
// takes it for the first.
func (c *Core) answer(now time.Duration, a *arrival, v *variant) {
	if v.replies >= maxReplies {
		return
	}
	v.replies++
	c.replied(a.message, v)
	c.depart(now, a.message, v, v.way, nil)
	if v.reply.Duplicates && v.answer != nil { // room for a link may have cost v
		c.depart(now, a.message, v, way{number: v.way.number + 1, nonce: c.nonce()}, v.way.link)
	}
}

// depart sends one answer, back over w's link if there is one.
func (c *Core) depart(now time.Duration, message trace.MessageID, v *variant, w way, avoid *link) {
	if !c.admitEntry(c.own) {
		return // the next round asks again
	}
	var header [wire.EnvelopeHeaderSize]byte
	wire.AppendEnvelopeHeader(header[:0], wire.EnvelopeHeader{
		TTL: wire.MaxTTL, Kind: v.reply.Kind, Counter: v.reply.Counter, Copy: w.number,
		Message: message, Nonce: w.nonce, Target: v.reply.Target,
	})
	v.answer.holders++
	x := c.enter(now, c.own, header[:], v.answer, 0)
	x.reverse, x.avoid = w.link, avoid
	if !c.handOn(now, x) {
		c.giveUp(now, x)
	}
}
