package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"cicada/identity"
	"cicada/routing"
	"cicada/trace"
	"cicada/wire"
	"cicada/wire/wirepb"
)

// broadcastAge is how far a broadcast's time may be off.
const broadcastAge = 2 * time.Minute

// Broadcast sends data to every other peer of the swarm and returns when all
// that could be reached have it. It is signed, so that receivers know its
// origin, and not sealed: every peer can read it. A peer whose program does not
// allow this one, or has keys for the two of them (Config.Keys), or does not empty its inbox, passes it on and counts as well.
//
// Peers that it does not reach, because others on the way pass nothing on, get it
// from their neighbours some seconds later, if these have it. Neither those peers
// nor what that took is counted in Reached. Who joins later is owed nothing.
//
// Without a deadline in ctx it waits Config.SendTimeout. Errors match
// ErrTooLarge, ErrBusy, ErrNoAnswer (some may have it), ErrClosed, or are ctx's.
func (p *Peer) Broadcast(ctx context.Context, data []byte) (Reached, error) {
	if len(data) > wire.MaxMessage {
		return Reached{}, fmt.Errorf("%w: broadcast of %d bytes, at most %d", ErrTooLarge, len(data), MaxMessage)
	}
	if ctx.Err() != nil {
		return Reached{}, fmt.Errorf("swarm: broadcast: %w", p.whyEnded(ctx))
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout(ctx))
	defer cancel()
	id, done, err := p.beginBroadcast(data)
	if err != nil {
		return Reached{}, fmt.Errorf("swarm: broadcast: %w", sendError(err))
	}
	select {
	case reached := <-done:
		return reached, nil
	case <-ctx.Done():
		err = p.whyEnded(ctx)
	case <-p.ended:
		err = ErrClosed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.broadcasts, id)
	return Reached{ID: id}, fmt.Errorf("swarm: broadcast: %w", err)
}

// beginBroadcast signs data and gives it to the routing.
func (p *Peer) beginBroadcast(data []byte) (trace.MessageID, chan Reached, error) {
	p.mu.Lock()
	id := p.newMessageID()
	p.mu.Unlock()
	body, err := wire.MarshalBroadcastBody(&wirepb.BroadcastBody{
		Origin: p.id[:], Message: id[:], Time: uint64(time.Now().UnixNano()), Data: data,
	})
	if err != nil {
		return id, nil, err
	}
	signature := p.config.Key.Sign(identity.PurposeBroadcast, body)
	p.mu.Lock()
	defer p.settleAndUnlock()
	if p.isClosed() {
		return id, nil, ErrClosed
	}
	done := make(chan Reached, 1)
	p.broadcasts[id] = done
	if err := p.route.Broadcast(p.now(), id, body, signature); err != nil {
		delete(p.broadcasts, id)
		return id, nil, err
	}
	return id, done, nil
}

// endBroadcast ends a broadcast of this peer.
func (p *Peer) endBroadcast(r routing.BroadcastResult) {
	if done := p.broadcasts[r.Message]; done != nil {
		delete(p.broadcasts, r.Message)
		done <- Reached{ID: r.Message, Peers: int(r.Reached), Messages: int(r.Messages)}
	}
}

// hearBroadcast has the loop verify a broadcast and pass it on.
func (p *Peer) hearBroadcast(c *routing.BroadcastArrival) {
	size := len(c.Body) + len(c.Signature)
	if p.busyFor(c.From, size) {
		p.route.BroadcastPostponed(c.Offer) // its parent hears no more and sends it again
		return
	}
	cast := *c
	cast.Body, cast.Signature = bytes.Clone(c.Body), bytes.Clone(c.Signature)
	p.jobs.put(c.From, size, func() { p.verifyBroadcast(&cast) })
}

// verifyBroadcast spreads a broadcast that its origin signed, once, and delivers
// it where this peer's own program wants it. It is called without mu.
func (p *Peer) verifyBroadcast(c *routing.BroadcastArrival) {
	body, origin, point, err := p.checkBroadcast(c)
	p.mu.Lock()
	defer p.settleAndUnlock()
	if _, wait := p.pairing.decide(origin); err == nil && len(wait) > 0 {
		p.route.BroadcastPostponed(c.Offer) // when it comes again it will be known
		return
	}
	if err == nil {
		switch p.heard.add(c.From, origin, c.Offer.Message, time.Unix(0, int64(body.GetTime())), time.Now()) {
		case crowded: // the link's fault, not the broadcast's: another may bring it
			p.counters.Dropped++
			p.route.BroadcastPostponed(c.Offer)
			return
		case stale:
			err = errors.New("heard before, or too long ago to know")
		}
	}
	if err != nil {
		p.emit(trace.Event{Kind: trace.Refused, Message: c.Offer.Message, Other: c.From, Reason: "broadcast: " + err.Error()})
		p.route.BroadcastRejected(c.Offer)
		return
	}
	if p.route.BroadcastAccepted(p.now(), c.Offer, origin) {
		p.deliverBroadcast(c, body, origin, point)
	}
}

// deliverBroadcast gives a broadcast to the program, where it wants it. Whether it
// does is nobody else's concern: the broadcast spreads either way.
func (p *Peer) deliverBroadcast(c *routing.BroadcastArrival, body *wirepb.BroadcastBody, origin identity.ID, point identity.Point) {
	m := Message{ID: c.Offer.Message, From: origin, Data: body.GetData(), Broadcast: true}
	m.Hops, m.Path = crossed(c.Hops, c.From, origin)
	if known := p.contact(origin, point); known != nil && len(known.Addresses) > 0 {
		m.Address = known.Addresses[0]
	}
	reason := ""
	switch {
	case p.config.Allow != nil && !p.config.Allow(origin):
		reason = "not allowed"
	case p.hasKeys(origin):
		reason = "keys: a broadcast is under none"
	case !p.inbox.put(m):
		reason = "inbox full"
	}
	if reason != "" {
		p.counters.Refused++
		p.emit(trace.Event{Kind: trace.Refused, Message: m.ID, Other: origin, Reason: reason})
		return
	}
	p.counters.Delivered++
	p.emit(trace.Event{Kind: trace.BroadcastDelivered, Message: m.ID, Other: origin, Hops: m.Hops})
}

// checkBroadcast verifies what can be verified without knowing what came before.
func (p *Peer) checkBroadcast(c *routing.BroadcastArrival) (body *wirepb.BroadcastBody, origin identity.ID, point identity.Point, err error) {
	if body, err = wire.UnmarshalBroadcastBody(c.Body); err != nil {
		return nil, origin, point, err
	}
	origin = identity.ID(body.GetOrigin())
	age := time.Since(time.Unix(0, int64(body.GetTime())))
	switch {
	case age > broadcastAge || age < -broadcastAge:
		return nil, origin, point, fmt.Errorf("its time is %v off", age.Round(time.Second))
	case trace.MessageID(body.GetMessage()) != c.Offer.Message:
		return nil, origin, point, errors.New("signed under another name")
	case !origin.Verify(identity.PurposeBroadcast, c.Body, c.Signature):
		return nil, origin, point, errors.New("not signed by its origin")
	}
	point, err = p.pointsFor(c.From).PointOf(origin)
	return body, origin, point, err
}

// sendBroadcast sends a broadcast to a child in the tree.
func (p *Peer) sendBroadcast(o *routing.BroadcastOutgoing) {
	p.counters.Broadcasts++
	b := &o.Broadcast
	m := &wirepb.Broadcast{Body: b.Body, Signature: b.Signature, Limit: b.Limit[:], Hops: uint32(b.Hops)}
	if !b.Start.IsZero() {
		m.Start = b.Start[:]
	}
	for i := range b.Silent {
		m.Silent = append(m.Silent, b.Silent[i][:]...)
	}
	if !p.sendRing(o.To, &wirepb.Control{Body: &wirepb.Control_Broadcast{Broadcast: m}}) {
		p.route.Clogged(p.now(), o.To.ID)
	}
}

// sendCastAnswer tells a broadcast's parent in the tree how its interval stands.
func (p *Peer) sendCastAnswer(a routing.BroadcastAnswer) {
	c := &wirepb.Control{}
	if a.Done {
		c.Body = &wirepb.Control_BroadcastDone{BroadcastDone: &wirepb.BroadcastDone{
			Message: a.Message[:], Limit: a.Limit[:], Reached: a.Reached, Messages: a.Messages,
		}}
	} else {
		c.Body = &wirepb.Control_BroadcastTaken{BroadcastTaken: &wirepb.BroadcastTaken{Message: a.Message[:], Limit: a.Limit[:]}}
	}
	p.sendControlBack(a.To, c)
}
