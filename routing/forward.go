package routing

import (
	"math"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// Envelope takes an envelope that came over the link from a peer. e is only
// read, and only during the call. What is not well-formed is dropped.
func (c *Core) Envelope(now time.Duration, from identity.ID, e wire.Envelope) {
	if _, err := wire.ParseEnvelope(e); err != nil {
		return
	}
	k := key{trace.MessageID(e.Message()), e.Copy()}
	l := c.links.use(from)
	if l == nil {
		c.refuse(from, k, wire.ReasonLimit)
		return
	}
	l.hear()
	sealed := c.digest.sealed(e, e.Payload())
	switch {
	case e.Kind() == wire.EnvelopeUnknown && c.sends[k.message] != nil:
		c.receive(now, l, k, e, sealed) // who makes one cannot know the origin's point
	case e.Target() != c.ring.Self().Point:
		c.relay(now, l, k, e, sealed)
	case answers(e.Kind()):
		c.receive(now, l, k, e, sealed)
	default:
		c.arrive(now, l, k, e, sealed)
	}
}

// relay takes over a copy for somebody else.
func (c *Core) relay(now time.Duration, l *link, k key, e wire.Envelope, sealed uint64) {
	digest := c.digest.round(sealed, e)
	variants := 0
	for x := c.entries.first(k); x != nil; x = x.following() {
		if x.digest == digest {
			c.again(l, x)
			return
		}
		if x.from == l {
			variants++
		}
	}
	switch {
	case e.TTL() == 0:
		c.refuse(l.id, k, wire.ReasonTTL)
		return
	case !answers(e.Kind()) && !passes(e, &c.ring.Self().Point):
		c.refuse(l.id, k, wire.ReasonColour)
		return
	}
	if variants >= maxVariants || !c.admit(l, len(e.Payload())) {
		c.refuse(l.id, k, wire.ReasonLimit)
		return
	}
	payload := c.pool.keep(e.Payload())
	x := c.enter(now, l, e[:wire.EnvelopeHeaderSize], payload, cap(payload.bytes))
	x.digest = digest
	if x.back {
		x.reverse = c.turnBack(now, l, k, e)
	}
	if !c.handOn(now, x) {
		c.giveUp(now, x)
		return
	}
	c.ack(l.id, k)
}

// again answers a copy that is known already. One that failed fails again: its
// next chance is another round, which has another nonce.
func (c *Core) again(l *link, x *entry) {
	if x.state == failed {
		c.refuse(l.id, x.key, wire.ReasonStuck)
		return
	}
	c.ack(l.id, x.key)
}

// turnBack finds where the message that a receipt answers came from: the copy
// of that number and round that was handed to the receipt's last hop. That the
// receipt is here also proves that this hop took the message.
func (c *Core) turnBack(now time.Duration, l *link, k key, e wire.Envelope) *link {
	var found *entry
	for x := c.entries.first(k); x != nil; x = x.following() {
		if x.back || x.from == c.own || x.envelope().Nonce() != e.Nonce() {
			continue
		}
		if t := x.tried(l.id); t != nil {
			c.accept(now, x, t)
			c.release(x)
			return x.from
		}
		found = x
	}
	if found == nil {
		return nil
	}
	return found.from
}

// handOn hands x to the best peer that was not tried, and reports whether there is one.
func (c *Core) handOn(now time.Duration, x *entry) bool {
	if x.tries == maxTries || x.payload == nil {
		return false
	}
	l, contact := c.choose(now, x)
	if l == nil {
		return false
	}
	x.state = waiting
	x.try[x.tries] = try{link: l, at: now}
	x.tries++
	if x.send != nil {
		x.send.hops = append(x.send.hops, l.id)
	}
	c.timers.set(&x.timer, now+c.rto(l, len(x.payload.bytes), x.tries-1))
	c.ready.Envelopes = append(c.ready.Envelopes, Outgoing{
		To: l.id, Contact: contact, Header: x.header, Payload: c.hold(x.payload),
	})
	out := wire.Envelope(c.ready.Envelopes[len(c.ready.Envelopes)-1].Header[:])
	out.SetTTL(out.TTL() - 1)
	out.SetHops(uint8(min(int(out.Hops())+1, math.MaxUint8))) // others' word: 255 stays
	c.forwarded(x, l.id, out)
	return true
}

// choose picks the next peer for x: the way back, the target itself, the
// nearest to it. Of two passes, the first leaves out peers that are suspect or
// that an earlier round of an own send began with, the second takes them too. See
// instead for first hops that lost own copies before.
func (c *Core) choose(now time.Duration, x *entry) (*link, *identity.Contact) {
	if l := x.reverse; l != nil {
		x.reverse = nil
		if x.tried(l.id) == nil && l != c.own {
			return c.links.reach(l.id), nil
		}
	}
	target := x.envelope().Target()
	c.pick.entry, c.pick.now = x, now
	for _, strict := range [...]bool{true, false} {
		c.pick.strict = strict
		contact := c.ring.Find(target)
		if contact == nil && !x.ring {
			contact = c.ring.Known(target)
		}
		if contact == nil || !c.eligible(contact) {
			contact = c.ring.Toward(target, c.eligible)
		}
		if contact != nil {
			contact = c.instead(x, contact)
			return c.reach(contact), contact
		}
	}
	return nil, nil
}

// A pick is what eligible asks about. It lives in the core so that no closure
// has to be made for each hop.
type pick struct {
	core   *Core
	entry  *entry
	now    time.Duration
	strict bool
	// unblamed leaves out who is shunned, too.
	unblamed bool
}

// eligible reports whether a peer may be the next hop.
func (p *pick) eligible(contact *identity.Contact) bool {
	x := p.entry
	if contact.ID == x.from.id || x.tried(contact.ID) != nil || !passes(x.envelope(), &contact.Point) {
		return false
	}
	if x.send != nil && !x.send.free(contact.ID, p.strict) {
		return false
	}
	if p.unblamed && p.core.links.shuns(p.now, contact.ID) {
		return false
	}
	if !p.strict {
		return true
	}
	return !p.core.links.suspects(p.now, contact.ID) && (x.avoid == nil || x.avoid.id != contact.ID)
}

// Ack takes the acknowledgement of a copy: from is responsible for it now.
func (c *Core) Ack(now time.Duration, from identity.ID, message trace.MessageID, number uint8) {
	c.links.hear(from)
	for x := c.entries.first(key{message, number}); x != nil; x = x.following() {
		if t := x.tried(from); t != nil && t.answer == silent {
			c.accept(now, x, t)
			return
		}
	}
}

// accept notes that t's peer has x.
func (c *Core) accept(now time.Duration, x *entry, t *try) {
	if t.answer == silent {
		t.answer = acked
		if x.payload == nil || len(x.payload.bytes) <= large {
			c.measure(t.link, now-t.at)
		}
		c.expectMore(now, x, now-t.at)
	}
	if x.state == waiting {
		c.conclude(x, taken)
	}
}

// Refusal takes the refusal of a copy: from will not, or cannot, bring it
// nearer, also where it acknowledged it before.
func (c *Core) Refusal(now time.Duration, from identity.ID, message trace.MessageID, number uint8, reason wire.Reason) {
	c.links.hear(from)
	c.NoRoom(now, from, message, number, reason)
}

// NoRoom reports that a copy cannot be sent to a peer, as too much waits for it
// already. It is as good as a refusal, but no sign of life.
func (c *Core) NoRoom(now time.Duration, from identity.ID, message trace.MessageID, number uint8, reason wire.Reason) {
	for x := c.entries.first(key{message, number}); x != nil; x = x.following() {
		t := x.tried(from)
		if t == nil || t.answer == refused || x.state == failed {
			continue
		}
		last := t == &x.try[x.tries-1]
		t.answer = refused
		c.retried(x, from, reason.String())
		// Another peer may have it, or may still answer.
		if !x.answered(acked) && (last || x.state == taken) {
			c.goOn(now, x)
		}
		return
	}
}

// goOn tries the next peer for x, and gives up where there is none.
func (c *Core) goOn(now time.Duration, x *entry) {
	c.timers.clear(&x.timer)
	x.from.finished.remove(x)
	c.kept.remove(x) // its payload is needed again, not kept in case
	x.from.kept.remove(x)
	if !c.handOn(now, x) {
		c.giveUp(now, x)
	}
}

// giveUp ends x: nobody takes it. The previous hop is told, and tries another.
func (c *Core) giveUp(now time.Duration, x *entry) {
	c.dropped(x, wire.ReasonStuck.String())
	c.conclude(x, failed)
	if x.from != c.own {
		c.refuse(x.from.id, x.key, wire.ReasonStuck)
		return
	}
	if s := x.send; s != nil && s.round == x.round {
		c.copyFailed(now, s)
	}
}

// Unreachable reports that a peer could not be dialled, or that the link to it
// broke: what it did not acknowledge goes elsewhere at once.
func (c *Core) Unreachable(now time.Duration, id identity.ID) {
	if l := c.links.byID[id]; l != nil {
		c.links.miss(now, l)
	}
	for _, t := range c.waitsFor(id) {
		switch owner := t.owner.(type) {
		case *entry:
			c.retried(owner, id, "unreachable")
			c.goOn(now, owner)
		case *child:
			c.childUnreachable(now, owner, childDead)
		}
	}
}

// Clogged reports that the link to a peer has no room for a broadcast just now.
// The peer lives: others get its interval, and it is asked once more.
func (c *Core) Clogged(now time.Duration, id identity.ID) {
	for _, t := range c.waitsFor(id) {
		if x, ok := t.owner.(*child); ok {
			x.clogged = true
			c.childUnreachable(now, x, childLate)
		}
	}
}

// waitsFor returns the timers of what a peer is to acknowledge.
func (c *Core) waitsFor(id identity.ID) (waits []*timer) {
	for _, t := range c.timers.heap {
		switch owner := t.owner.(type) {
		case *entry:
			if owner.try[owner.tries-1].link.id == id {
				waits = append(waits, t)
			}
		case *child:
			if owner.link.id == id && owner.contact != nil {
				waits = append(waits, t)
			}
		}
	}
	return waits
}

// Progress reports that what was queued for a peer is leaving slowly. A large
// payload that it is to acknowledge may not have reached it, so that waiting for
// that begins anew, and with it the round; a small one is better sent another way.
// A peer that is slower than slowest gains no more time by that.
func (c *Core) Progress(now time.Duration, id identity.ID) {
	for _, t := range c.waitsFor(id) {
		switch owner := t.owner.(type) {
		case *entry:
			last := &owner.try[owner.tries-1]
			size := len(owner.payload.bytes) // what waits has its payload
			c.postpone(t, last.at, now+stalled, size)
			if s := owner.send; s != nil && s.timer.place != 0 {
				c.postpone(&s.timer, s.begun, min(now+stalled+s.patience(c), s.deadline), size)
			}
		case *child:
			size := len(owner.part.broadcast.body.bytes)
			c.postpone(t, owner.sent, now+stalled, size)
		}
	}
}

// moreHops is how many hops as slow as the first a large message may have before it.
const moreHops = 4

// expectMore gives the round of x more time where its first hop took long: the
// hops behind that may be as slow.
func (c *Core) expectMore(now time.Duration, x *entry, took time.Duration) {
	if s := x.send; s != nil && s.timer.place != 0 && x.payload != nil {
		c.postpone(&s.timer, now, min(now+moreHops*took, s.deadline), len(x.payload.bytes))
	}
}

const (
	large   = 64 << 10        // bytes of a payload that is worth waiting for
	stalled = 4 * time.Second // without progress, as where packets are lost
	slowest = 16              // bytes a millisecond: 128 kbit/s
)

// postpone sets t to at, unless it is later anyway, if size is worth it and as long
// as a line that is not too slow would need from began on.
func (c *Core) postpone(t *timer, began, at time.Duration, size int) {
	at = min(at, began+stalled+time.Duration(size/slowest)*time.Millisecond)
	if size > large && at > t.at {
		c.timers.set(t, at)
	}
}

func (c *Core) ack(to identity.ID, k key) {
	c.ready.Acks = append(c.ready.Acks, Ack{To: to, Message: k.message, Copy: k.copy})
}

func (c *Core) refuse(to identity.ID, k key, reason wire.Reason) {
	c.ready.Refusals = append(c.ready.Refusals, Refusal{To: to, Message: k.message, Copy: k.copy, Reason: reason})
}
