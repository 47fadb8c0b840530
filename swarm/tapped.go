package swarm

import (
	"slices"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/swarm/internal/codec"
	"cicada/swarm/internal/tap"
	"cicada/wire"
)

// This file lets a test, or the demonstration, make a peer hostile: what its state
// machines hear and say goes through a tap.Tap. A peer of a program has none, and
// pays a comparison for that.

func init() {
	tap.Set = func(peer any, create func(routing.Ring) tap.Tap) { peer.(*Peer).interpose(create) }
}

// A tapped is what stands between a peer and its links. Peer.mu guards it.
type tapped struct {
	tap.Tap
	beatAt time.Duration
	late   []held
}

// held is what is to be sent at a later time.
type held struct {
	at time.Duration
	to *identity.Contact // nil: whoever is meant by the message
	m  tap.Message
}

// interpose puts a tap between this peer and its links, or takes it away.
func (p *Peer) interpose(create func(routing.Ring) tap.Tap) {
	p.mu.Lock()
	defer p.settleAndUnlock()
	if p.tapped = nil; create != nil {
		p.tapped = &tapped{Tap: create(p.ring), beatAt: p.now() + tap.Beat}
	}
}

// next is when a tap has something to do.
func (x *tapped) next() time.Duration {
	next := x.beatAt
	for i := range x.late {
		next = min(next, x.late[i].at)
	}
	return next
}

// tickTap does what is due. It is called with mu held, as all below is.
func (p *Peer) tickTap(now time.Duration) {
	x := p.tapped
	if now >= x.beatAt {
		x.beatAt = now + tap.Beat
		x.Tick(now)
		p.carryOut()
	}
	due := slices.Clone(x.late)
	x.late = slices.DeleteFunc(x.late, func(h held) bool { return now >= h.at })
	for _, h := range due {
		if now >= h.at {
			p.put(h.to, &h.m)
		}
	}
}

// hears reports whether the state machines are to have what came.
func (p *Peer) hears(m tap.Message) bool {
	pass := p.tapped.Hear(p.now(), m)
	p.carryOut()
	return pass
}

// hearsRing is hears for a message of the ring. m is a copy, so that those of peers
// without a tap take no memory.
func (p *Peer) hearsRing(from identity.ID, m chord.Message) bool {
	return p.hears(tap.Message{Link: from, Ring: &m})
}

// says has the tap look at what the state machines want to send, and sends what it leaves.
func (p *Peer) says(to *identity.Contact, m tap.Message) {
	if p.tapped.Say(p.now(), &m) {
		p.later(to, m)
	}
	p.carryOut()
}

// carryOut sends what the tap wants sent on its own account.
func (p *Peer) carryOut() {
	for _, m := range p.tapped.Take() {
		p.later(nil, m)
	}
}

func (p *Peer) later(to *identity.Contact, m tap.Message) {
	if m.After <= 0 {
		p.put(to, &m)
		return
	}
	p.tapped.late = append(p.tapped.late, held{p.now() + m.After, to, m})
}

// divert has the tap send what the routing wants sent, and reports whether that was anything.
func (p *Peer) divert(ready *routing.Ready) bool {
	for i := range ready.Envelopes {
		o := &ready.Envelopes[i]
		p.says(o.Contact, tap.Message{Link: o.To, Envelope: slices.Concat(o.Header[:], o.Payload)})
	}
	for i := range ready.Acks {
		p.says(nil, tap.Message{Link: ready.Acks[i].To, Ack: &ready.Acks[i]})
	}
	for i := range ready.Refusals {
		p.says(nil, tap.Message{Link: ready.Refusals[i].To, Refusal: &ready.Refusals[i]})
	}
	some := len(ready.Envelopes)+len(ready.Acks)+len(ready.Refusals) > 0
	ready.Envelopes, ready.Acks, ready.Refusals = nil, nil, nil
	return some
}

// put sends a message to a peer: to, where that is known, else who is meant by it.
func (p *Peer) put(to *identity.Contact, m *tap.Message) {
	if to == nil {
		to = p.contactOf(m.Link)
	}
	kind, body := wire.FrameEnvelope, []byte(m.Envelope)
	switch {
	case m.Ring != nil:
		if to != nil {
			p.sendRing(to, codec.EncodeRing(*m.Ring))
		}
		return
	case m.Envelope != nil:
		p.counters.Envelopes++
	case m.Ack != nil:
		kind, body = wire.FrameAck, wire.AppendAck(nil, m.Ack.Message, m.Ack.Copy)
	case m.Refusal != nil:
		r := m.Refusal
		kind, body = wire.FrameRefusal, wire.AppendRefusal(nil, wire.Refusal{Message: r.Message, Copy: r.Copy, Reason: r.Reason})
	}
	if !p.sendBack(m.Link, kind, nil, body) && to != nil {
		p.sendTo(to, kind, nil, body)
	}
}

// contactOf returns how to reach a peer, if this one knows.
func (p *Peer) contactOf(id identity.ID) *identity.Contact {
	if n := p.greeted[id]; n != nil && n.contact != nil {
		return n.contact
	}
	for peer := range p.ring.Each {
		if peer.ID == id {
			return peer
		}
	}
	return nil
}
