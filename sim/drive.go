package sim

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"cicada/chord"
	"cicada/chord/chordtest"
	"cicada/identity"
	"cicada/routing"
	"cicada/trace"
	"cicada/wire"
)

// What the parts of a message take on a link, beside what chordtest.Size says of
// those of the ring: record layer and frame header share a frame's 22 bytes.
const (
	frameSize   = 22 + 8
	ackSize     = 17 // several share a frame
	castSize    = frameSize + 150
	receiptSize = 64
)

// settleRing carries out one Ready of the ring and reports whether there was any.
func (w *World) settleRing(i int32) bool {
	n := &w.nodes[i]
	if !n.ring.Pending() {
		return false
	}
	r := n.ring.Ready()
	for k := range r.Messages {
		m := &r.Messages[k]
		asked := w.isLoad(i, m)
		w.send(i, m.To.ID, chordtest.Size(&m.Message), label{sort: ringMessage, load: asked}, &m.Message)
	}
	for k := range r.Events {
		w.event(i, &r.Events[k])
	}
	for k := range r.Answers {
		w.answered(i, &r.Answers[k])
	}
	switch {
	case r.Joined:
		w.joined(i)
	case r.JoinFail != nil:
		w.joinAgain(i)
	}
	return len(r.Messages)+len(r.Answers) > 0
}

// settleRoute carries out one Ready of the routing and reports whether there was any.
func (w *World) settleRoute(i int32) bool {
	n := &w.nodes[i]
	r := n.route.Ready()
	for k := range r.Receipts {
		w.receipt(i, &r.Receipts[k])
	}
	for k := range r.Arrivals {
		w.arrive(i, &r.Arrivals[k])
	}
	for k := range r.BroadcastArrivals {
		w.hearBroadcast(i, &r.BroadcastArrivals[k])
	}
	for k := range r.Envelopes {
		o := &r.Envelopes[k]
		e := append(append(make([]byte, 0, len(o.Header)+len(o.Payload)), o.Header[:]...), o.Payload...)
		w.send(i, o.To, frameSize+len(e), label{sort: envelope, bytes: e}, nil)
	}
	for _, a := range r.Acks {
		w.send(i, a.To, ackSize, label{sort: acknowledgement, message: a.Message, copy: a.Copy}, nil)
	}
	for _, f := range r.Refusals {
		w.send(i, f.To, frameSize+ackSize+1, label{sort: refusal, message: f.Message, copy: f.Copy, reason: f.Reason}, nil)
	}
	for k := range r.Broadcasts {
		b := &r.Broadcasts[k]
		w.count.casts++
		m := b.Broadcast
		m.Body, m.Signature = append([]byte(nil), m.Body...), append([]byte(nil), m.Signature...)
		w.send(i, b.To.ID, castSize+len(m.Body), label{sort: cast, cast: &m}, nil)
	}
	for _, a := range r.BroadcastAnswers {
		w.send(i, a.To, castSize, label{sort: castAnswer, message: a.Message, limit: a.Limit, done: a.Done, outcome: a.Outcome}, nil)
	}
	for k := range r.BroadcastTags {
		w.sendTags(i, &r.BroadcastTags[k])
	}
	for k := range r.BroadcastGifts {
		w.count.casts++
		g := &r.BroadcastGifts[k]
		m := g.Broadcast
		m.Body, m.Signature = append([]byte(nil), m.Body...), append([]byte(nil), m.Signature...)
		w.send(i, g.To, castSize+len(m.Body), label{sort: castGiven, cast: &m}, nil)
	}
	for _, f := range r.Failures {
		e := trace.Event{Kind: trace.SendFailed, Message: f.Message, Reason: "no receipt"}
		if s := w.load.sends[f.Message]; s != nil {
			e.Other = w.nodes[s.to].contact.ID
		}
		w.tell(i, e)
		if n.secret != nil {
			delete(n.secret.letters, f.Message)
		}
		if s := w.load.sends[f.Message]; s != nil && !w.rescue(f.Message, s) {
			if errors.Is(f.Err, routing.ErrStuck) {
				s.of.stuck++
			}
			w.sendFailed(f.Message)
		}
	}
	for k := range r.Events {
		w.tell(i, r.Events[k])
	}
	for _, id := range r.Doubtful {
		n.ring.Doubt(w.now, id)
	}
	return len(r.Envelopes)+len(r.Acks)+len(r.Refusals)+len(r.Arrivals)+len(r.Receipts)+len(r.Broadcasts)+
		len(r.BroadcastAnswers)+len(r.BroadcastArrivals)+len(r.Doubtful) > 0
}

// The sorts of parcels by which peers pull what the tree of a broadcast left out.
const (
	castTold sort = castAnswer + 1 + iota
	castPull
	castGiven
)

// sendTags sends what peers tell each other of broadcasts.
func (w *World) sendTags(i int32, t *routing.BroadcastTags) {
	l := label{sort: castTold}
	if t.Pull {
		l.sort = castPull
	}
	for _, tag := range t.Tags {
		l.bytes = append(l.bytes, tag[:]...)
	}
	w.send(i, t.To, frameSize+len(l.bytes), l, nil)
}

// deliverPull hands one of them to a peer.
func (w *World) deliverPull(route *routing.Core, from identity.ID, p *parcel) {
	var tags []routing.Tag
	for b := p.bytes; len(b) > 0; b = b[len(tags[0]):] {
		tags = append(tags, routing.Tag(b))
	}
	switch p.sort {
	case castTold:
		route.BroadcastTold(w.now, from, tags)
	case castPull:
		route.BroadcastPull(w.now, from, tags)
	case castGiven:
		route.BroadcastGiven(w.now, from, identity.ID(p.cast.Body[:32]), *p.cast)
	}
}

// arrive opens a message for a peer, takes it, and answers it.
func (w *World) arrive(i int32, a *routing.Arrival) {
	n := &w.nodes[i]
	if n.secret != nil {
		w.open(i, a)
		return
	}
	origin, whole := w.standsFor(a.Envelope, false)
	if !whole {
		n.route.Rejected(a.Offer)
		w.tell(i, trace.Event{Kind: trace.Refused, Message: a.Offer.Message, Other: a.From, Reason: "not as it was sealed"})
		return
	}
	if w.take(i, a, origin) {
		w.reply(i, a, routing.Replying{Kind: wire.EnvelopeReceipt, Payload: w.letterOf(n.contact.ID, a.Offer.Message, true), Target: w.pointOf(origin)})
	}
}

// take takes a message that opened, and reports whether it is new.
func (w *World) take(i int32, a *routing.Arrival, origin identity.ID) bool {
	if !w.nodes[i].route.Accepted(w.now, a.Offer, origin) {
		return false
	}
	hops := a.Hops
	if a.From == origin {
		hops = 1
	}
	w.delivered(a.Offer.Message, origin, hops)
	w.tell(i, trace.Event{Kind: trace.Delivered, Message: a.Offer.Message, Other: origin, Hops: hops})
	return true
}

// reply answers a message.
func (w *World) reply(i int32, a *routing.Arrival, reply routing.Replying) {
	reply.Duplicates = w.config.Duplicates > 0
	_ = w.nodes[i].route.Reply(w.now, a.Offer, reply) // forgotten meanwhile: the origin asks again
}

// receipt opens an answer to a message of this peer.
func (w *World) receipt(i int32, r *routing.Receipt) {
	n := &w.nodes[i]
	if n.secret != nil {
		w.openReceipt(i, r)
		return
	}
	target, whole := w.standsFor(r.Envelope, true)
	if whole && n.route.Done(w.now, r.Offer, target, r.Hops) {
		w.receipted(r.Message)
	}
}

// hearBroadcast takes a broadcast and has it passed on.
func (w *World) hearBroadcast(i int32, b *routing.BroadcastArrival) {
	origin := identity.ID(b.Body[:32])
	if !w.isSigned(b, origin) {
		w.tell(i, trace.Event{Kind: trace.Refused, Message: b.Offer.Message, Other: b.From, Reason: "broadcast: not signed by its origin"})
		w.nodes[i].route.BroadcastRejected(b.Offer)
		return
	}
	if w.nodes[i].route.BroadcastAccepted(w.now, b.Offer, origin) {
		w.heardBroadcast(i, b.Offer.Message, b.Hops)
		w.tell(i, trace.Event{Kind: trace.BroadcastDelivered, Message: b.Offer.Message, Other: origin, Hops: b.Hops})
	}
}

// messageID draws an ID from the world's generator.
func (w *World) messageID() (id trace.MessageID) {
	binary.LittleEndian.PutUint64(id[:8], w.random.Uint64())
	binary.LittleEndian.PutUint64(id[8:], w.random.Uint64())
	return id
}

// How a peer that could not join tries again, as a driver does.
const (
	joinPause = 250 * time.Millisecond
	joinLimit = 10 * time.Second // of one attempt
)

// join has a peer join, through those it remembers and then through any other,
// until it is a member.
func (w *World) join(i int32) {
	w.nodes[i].joinAt = w.now
	w.tryJoin(i)
	w.settle(i)
}

func (w *World) tryJoin(i int32) {
	n := &w.nodes[i]
	n.joinAt = never
	if len(w.alive) == 1 {
		n.ring.Start(w.now)
		return
	}
	// Programs dial all that they remember at once, and join through who answers.
	n.seeds = slices.DeleteFunc(slices.Clone(n.seeds), func(seed *identity.Contact) bool { return !w.reaches(i, seed.ID) })
	if len(n.seeds) > 0 {
		n.seed, n.seeds = n.seeds[0], n.seeds[1:]
		n.ring.Join(w.now, n.seed)
		n.joinAt = w.now + joinLimit
		return
	}
	for {
		k := w.alive[w.random.IntN(len(w.alive))]
		if k != i {
			n.seed = w.nodes[k].contact
			break
		}
	}
	n.ring.Join(w.now, n.seed)
	n.joinAt = w.now + joinLimit
}

func (w *World) joinAgain(i int32) {
	n := &w.nodes[i]
	if n.ring.Mode() == chord.Joining {
		n.joinAt = w.now + joinPause
	}
}

func (w *World) joined(i int32) { w.nodes[i].joinAt = never }

func (w *World) event(i int32, e *trace.Event) {
	if e.Kind == trace.Violation {
		w.count.violations++
	}
	if e.Kind == trace.RingDead && e.Reason != "left" {
		w.blame(i, e.Other)
	}
	if w.config.Trace != nil {
		w.tell(i, *e)
	}
}

// tracing reports whether anybody wants events.
func (w *World) tracing() bool { return trace.Enabled(w.config.Trace) }

// tell hands an event to who wants it.
func (w *World) tell(i int32, e trace.Event) {
	if w.config.Trace == nil {
		return
	}
	e.At, e.Peer = w.now, w.nodes[i].contact.ID
	w.config.Trace.Emit(e)
}
