package swarm

import (
	"errors"
	"runtime"
	"slices"
	"time"

	"cicada/identity"
	"cicada/routing"
	"cicada/swarm/internal/codec"
	"cicada/swarm/internal/tap"
	"cicada/trace"
	"cicada/transport"
	"cicada/wire"
)

// This file is where the state machines meet the world. Frames of one read are
// stepped one by one, each under the lock, and settled together when the read ends
// (handler.Read); every other call into them settles before it unlocks. To settle
// is to carry out what the state machines want.
// What takes longer than a few microseconds becomes a job for the peer's loop.

// sweepInterval is how often the sealer forgets what nobody uses.
const sweepInterval = 10 * time.Second

// loop does what is due by time, and the jobs, until the peer is closed.
func (p *Peer) loop() {
	defer p.loops.Done()
	defer p.timer.Stop()
	for {
		select {
		case do := <-p.urgent:
			do()
			continue
		default:
		}
		select {
		case <-p.ended:
			return
		case do := <-p.urgent:
			do()
			continue
		case <-p.jobs.ready:
			if do := p.jobs.take(); do != nil {
				do()
			}
		case <-p.timer.C:
			if p.tick() {
				p.sealer.Sweep()
			}
		}
	}
}

// tick does what is due, and reports whether the sealer is due to be swept.
func (p *Peer) tick() (sweep bool) {
	p.mu.Lock()
	defer p.settleAndUnlock()
	now := p.now()
	p.armed = never
	if sweep = now >= p.sweepAt; sweep {
		p.sweepAt = now + sweepInterval
	}
	if now >= p.ring.Next() {
		p.ring.Tick(now)
	}
	if now >= p.route.Next() {
		p.route.Tick(now)
	}
	if p.tapped != nil {
		p.tickTap(now)
	}
	p.settle()
	p.settleOwed()
	return sweep
}

// never is when nothing is due.
const never = time.Duration(1<<63 - 1)

// next is when something is due.
func (p *Peer) next() time.Duration {
	next := min(p.ring.Next(), p.route.Next(), p.sweepAt)
	if len(p.owed) > 0 {
		next = min(next, p.owedAt)
	}
	if p.tapped != nil {
		next = min(next, p.tapped.next())
	}
	for i := range p.receipts {
		next = min(next, p.receipts[i].until)
	}
	return next
}

// settleAndUnlock carries out what the state machines want, releases mu, and
// sends what was queued.
func (p *Peer) settleAndUnlock() {
	p.settle()
	var few [8]transport.Link
	dirty := append(few[:0], p.dirty...)
	clear(p.dirty)
	p.dirty = p.dirty[:0]
	p.forgetOwed(dirty)
	if next := p.next(); next < p.armed {
		p.armed = next
		p.timer.Reset(max(next-p.now(), 0)) // wakes nobody until then
	}
	crowd := len(p.sending) > 1
	p.mu.Unlock()
	if crowd {
		runtime.Gosched() // others are about to send as well: one write serves them all
	}
	for _, link := range dirty {
		link.Flush()
	}
}

// settle carries out what the state machines want, until they want nothing more.
func (p *Peer) settle() {
	p.settleTracing()
	for again := true; again; {
		again = p.settleRing()
		again = p.settleRoute() || again
		p.settleReceipts()
	}
	p.keepNeighbours()
}

// settleTracing has the state machines make events while somebody listens.
func (p *Peer) settleTracing() {
	if on := p.tracing(); on != p.traced {
		p.traced = on
		p.ring.SetTrace(on)
		p.route.SetTrace(on)
	}
}

// settleRing carries out one Ready of the ring and reports whether there was any.
func (p *Peer) settleRing() bool {
	ready := p.ring.Ready()
	for i := range ready.Events {
		p.emit(ready.Events[i])
	}
	for i := range ready.Messages {
		m := &ready.Messages[i]
		if p.tapped != nil {
			p.says(m.To, tap.Message{Link: m.To.ID, Ring: &m.Message})
			continue
		}
		p.sendRing(m.To, codec.EncodeRing(m.Message))
	}
	for _, a := range ready.Answers {
		p.answerLookup(a)
	}
	if ready.Joined || ready.JoinFail != nil {
		p.endJoin(ready.JoinFail)
	}
	return len(ready.Messages)+len(ready.Events)+len(ready.Answers) > 0
}

// settleRoute carries out one Ready of the routing and reports whether there was any.
func (p *Peer) settleRoute() bool {
	ready := p.route.Ready()
	diverted := p.tapped != nil && p.divert(&ready)
	for i := range ready.Events {
		p.emit(ready.Events[i])
	}
	// Receipts first: an answer among them completes the session of the message behind it.
	for i := range ready.Receipts {
		p.receipt(&ready.Receipts[i])
	}
	for i := range ready.Arrivals {
		p.arrive(&ready.Arrivals[i])
	}
	for i := range ready.BroadcastArrivals {
		p.hearBroadcast(&ready.BroadcastArrivals[i])
	}
	for i := range ready.Envelopes {
		p.sendEnvelope(&ready.Envelopes[i])
	}
	for i := range ready.Acks {
		p.acks.add(p, ready.Acks[i])
	}
	p.acks.send(p)
	for _, r := range ready.Refusals {
		body := wire.AppendRefusal(nil, wire.Refusal{Message: r.Message, Copy: r.Copy, Reason: r.Reason})
		p.sendBack(r.To, wire.FrameRefusal, nil, body)
	}
	for i := range ready.Broadcasts {
		p.sendBroadcast(&ready.Broadcasts[i])
	}
	for _, a := range ready.BroadcastAnswers {
		p.sendCastAnswer(a)
	}
	for i := range ready.BroadcastTags {
		p.sendCastTags(&ready.BroadcastTags[i])
	}
	for i := range ready.BroadcastGifts {
		p.giveBroadcast(&ready.BroadcastGifts[i])
	}
	for _, r := range ready.BroadcastResults {
		p.endBroadcast(r)
	}
	for _, f := range ready.Failures {
		p.sendFailed(f)
	}
	for _, id := range ready.Doubtful {
		p.ring.Doubt(p.now(), id)
	}
	return diverted || !idle(&ready)
}

// idle reports whether a Ready of the routing asks for nothing.
func idle(r *routing.Ready) bool {
	return len(r.Envelopes)+len(r.Acks)+len(r.Refusals)+len(r.Arrivals)+len(r.Receipts)+len(r.Failures) == 0 &&
		len(r.Broadcasts)+len(r.BroadcastAnswers)+len(r.BroadcastArrivals)+len(r.BroadcastResults)+
			len(r.BroadcastTags)+len(r.BroadcastGifts)+len(r.Events)+len(r.Doubtful) == 0
}

// sendEnvelope sends an envelope to the next hop.
func (p *Peer) sendEnvelope(o *routing.Outgoing) {
	p.counters.Envelopes++
	if o.Contact != nil {
		if !p.sendTo(o.Contact, wire.FrameEnvelope, o.Header[:], o.Payload) {
			e := wire.Envelope(o.Header[:])
			p.route.NoRoom(p.now(), o.To, trace.MessageID(e.Message()), e.Copy(), wire.ReasonLimit)
		}
		return
	}
	if !p.sendBack(o.To, wire.FrameEnvelope, o.Header[:], o.Payload) {
		p.route.Unreachable(p.now(), o.To)
	}
}

// sendTo queues a frame for a peer that may be dialled for it. It reports false
// where too much waits for that peer already, which is slow, then, not dead.
func (p *Peer) sendTo(to *identity.Contact, kind wire.FrameKind, head, body []byte) bool {
	link, err := p.links.Send(to, kind, head, body)
	switch {
	case errors.Is(err, transport.ErrBacklog):
		return false
	case err != nil:
		p.config.Logger.Debug("not sent", "peer", to.ID.Short(), "frame", kind.String(), "err", err)
		p.unreachable(to.ID)
		return true
	}
	p.touch(link)
	return true
}

// sendBack queues a frame for a peer that a link exists to, and reports whether there is one.
func (p *Peer) sendBack(to identity.ID, kind wire.FrameKind, head, body []byte) bool {
	n := p.greeted[to]
	if n == nil {
		return false
	}
	link := n.link
	if link.Queue(kind, head, body) != nil {
		// Of two links it may be the one that was given up, which is not known here yet.
		link = p.links.Link(to)
		if link == nil || link == n.link || link.Queue(kind, head, body) != nil {
			return false
		}
	}
	p.touch(link)
	return true
}

// touch notes that link is to be flushed.
func (p *Peer) touch(link transport.Link) {
	if link == nil {
		return // being dialled; it flushes itself
	}
	for _, l := range p.dirty {
		if l == link {
			return
		}
	}
	p.dirty = append(p.dirty, link)
}

// unreachable tells both state machines that a peer cannot be reached.
func (p *Peer) unreachable(id identity.ID) {
	now := p.now()
	p.ring.Unreachable(now, id)
	p.route.Unreachable(now, id)
}

// keepNeighbours exempts the links to both neighbours on the ring from closing when idle.
func (p *Peer) keepNeighbours() {
	var keep [2]identity.ID
	if list := p.ring.Successors(); len(list) > 0 {
		keep[0] = list[0].ID
	}
	if c := p.ring.Predecessor(); c != nil {
		keep[1] = c.ID
	}
	if keep != p.kept {
		p.kept = keep
		p.links.Keep(keep[:])
	}
}

// An ackBatch gathers acknowledgements, so that those to one peer share a frame.
type ackBatch struct {
	to   identity.ID
	body []byte
}

func (b *ackBatch) add(p *Peer, a routing.Ack) {
	if a.To != b.to || len(b.body) >= wire.MaxAck {
		b.send(p)
		b.to = a.To
	}
	b.body = wire.AppendAck(b.body, a.Message, a.Copy)
}

// send queues the acknowledgements without a write of their own: most often a
// receipt or another message goes the same way in a moment and takes them along.
func (b *ackBatch) send(p *Peer) {
	if len(b.body) == 0 {
		return
	}
	n := p.greeted[b.to]
	if n != nil && n.link.Queue(wire.FrameAck, nil, b.body) == nil && !slices.Contains(p.owed, n.link) {
		if len(p.owed) == 0 {
			p.owedAt = p.now() + ackWait
		}
		p.owed = append(p.owed, n.link)
	}
	b.body = b.body[:0]
}

// ackWait is how long acknowledgements wait for something to go with: much less
// than the 75 ms after which a neighbour tries another peer.
const ackWait = 20 * time.Millisecond

// forgetOwed notes that what waited on these links is about to be sent.
func (p *Peer) forgetOwed(sent []transport.Link) {
	if len(p.owed) == 0 || len(sent) == 0 {
		return
	}
	p.owed = slices.DeleteFunc(p.owed, func(l transport.Link) bool { return slices.Contains(sent, l) })
}

// settleOwed sends the acknowledgements that have waited long enough.
func (p *Peer) settleOwed() {
	if len(p.owed) == 0 || p.now() < p.owedAt {
		return
	}
	for _, link := range p.owed {
		p.touch(link)
	}
	clear(p.owed)
	p.owed = p.owed[:0]
}
