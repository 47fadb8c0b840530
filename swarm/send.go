package swarm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/swarm/internal/seal"
	"cicada/trace"
	"cicada/wire"
)

// MaxDuplicates is the most extra copies of a message.
const MaxDuplicates = 63

// A sending is a message of this peer on its way. Its fields but done and timer
// are guarded by Peer.mu.
type sending struct {
	id       trace.MessageID
	target   identity.ID
	point    identity.Point
	data     []byte
	options  SendOptions
	started  time.Time
	sealedAt time.Time // first
	session  uint64    // that it was last sealed under
	paths    int       // copies that left by different first hops
	under    bool      // the routing has it
	absent   int       // lookups that found another peer in the target's place

	done  chan outcome // capacity 1
	timer *time.Timer
}

// An outcome is how a send ended.
type outcome struct {
	receipt Receipt
	err     error
}

// Send sends data to target and returns when the target has acknowledged it. The
// message is sealed to the target: no peer in between can read or change it. It
// is delivered once, or not at all.
//
// Without a deadline in ctx it waits Config.SendTimeout. Errors are *TargetError
// and match ErrTooLarge, ErrNoSuchPeer, ErrNoAnswer (also where ctx's deadline
// passed), ErrRefused, ErrInboxFull, ErrOutcomeUnknown, ErrClosed, or ctx's own.
func (p *Peer) Send(ctx context.Context, target identity.ID, data []byte, options SendOptions) (Receipt, error) {
	receipt, err := p.send(ctx, target, data, options)
	if err != nil {
		var known *TargetError
		if !errors.As(err, &known) {
			err = &TargetError{Target: target, Err: err}
		}
	}
	return receipt, err
}

func (p *Peer) send(ctx context.Context, target identity.ID, data []byte, options SendOptions) (Receipt, error) {
	switch {
	case len(data) > wire.MaxMessage:
		return Receipt{}, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(data), wire.MaxMessage)
	case options.Duplicates < 0 || options.Duplicates > MaxDuplicates:
		return Receipt{}, fmt.Errorf("swarm: %d duplicates: want 0 to %d", options.Duplicates, MaxDuplicates)
	case target == p.id:
		return p.sendSelf(data)
	}
	point, err := p.points.PointOf(target)
	if err != nil {
		return Receipt{}, err
	}
	s, err := p.begin(sending{target: target, point: point, data: data, options: options}, p.timeout(ctx))
	if err != nil {
		return Receipt{}, err
	}
	return p.await(ctx, s)
}

// timeout is how long a call may take.
func (p *Peer) timeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return p.config.SendTimeout
}

// await returns how s ended, or ends it.
func (p *Peer) await(ctx context.Context, s *sending) (Receipt, error) {
	var err error
	select {
	case o := <-s.done:
		p.reuse(s)
		return o.receipt, o.err
	case <-s.timer.C:
		err = ErrNoAnswer
	case <-ctx.Done():
		err = ctx.Err()
		if errors.Is(err, context.DeadlineExceeded) {
			err = ErrNoAnswer
		}
	case <-p.ended:
		err = ErrClosed
	}
	p.mu.Lock()
	defer p.settleAndUnlock()
	if p.sending[s.id] == s {
		p.route.Cancel(s.id)
		p.finish(s, outcome{err: err})
	}
	o := <-s.done // what ended it first counts
	return o.receipt, o.err
}

// sendSelf delivers a message to this peer itself.
func (p *Peer) sendSelf(data []byte) (Receipt, error) {
	p.mu.Lock()
	defer p.settleAndUnlock()
	m := Message{ID: p.newMessageID(), From: p.id, Data: bytes.Clone(data), Path: Direct}
	if addresses := p.ring.Self().Addresses; len(addresses) > 0 {
		m.Address = addresses[0]
	}
	if !p.inbox.put(m) {
		p.counters.Failed++
		return Receipt{}, ErrInboxFull
	}
	p.counters.Sent++
	p.counters.Delivered++
	p.emit(trace.Event{Kind: trace.Delivered, Message: m.ID, Other: p.id})
	return Receipt{ID: m.ID, Copies: 1, Path: Direct}, nil
}

func (p *Peer) newMessageID() (m trace.MessageID) {
	binary.LittleEndian.PutUint64(m[:8], p.random.Uint64())
	binary.LittleEndian.PutUint64(m[8:], p.random.Uint64())
	return m
}

// newSending returns a sending made from m. It is called with mu held.
func (p *Peer) newSending(m sending, timeout time.Duration) *sending {
	m.id, m.started = p.newMessageID(), time.Now()
	n := len(p.spare)
	if n == 0 {
		s := &sending{done: make(chan outcome, 1), timer: time.NewTimer(timeout)}
		p.spare, n = append(p.spare, s), 1
	}
	s := p.spare[n-1]
	p.spare = p.spare[:n-1]
	m.done, m.timer = s.done, s.timer
	*s = m
	s.timer.Reset(timeout)
	return s
}

// maxSpare is how many sendings are kept for later use.
const maxSpare = 64

// reuse keeps a sending that ended in good order.
func (p *Peer) reuse(s *sending) {
	s.timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.spare) < maxSpare {
		p.spare = append(p.spare, s)
	}
}

// begin sends m, or has it wait until the handshake with its target, which
// another message began, is over: one handshake serves them all.
func (p *Peer) begin(m sending, timeout time.Duration) (*sending, error) {
	p.mu.Lock()
	if p.isClosed() {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	s := p.newSending(m, timeout)
	id := s.id
	p.sending[id] = s
	waiting, busy := p.opening[s.target]
	switch {
	case busy:
		p.opening[s.target] = append(waiting, s)
		p.mu.Unlock()
		return s, nil
	case p.sealer.Warmth(s.target) == seal.Warm:
		defer p.settleAndUnlock()
		return s, p.launch(s)
	}
	p.opening[s.target] = nil
	p.mu.Unlock()
	p.handshake(s, id)
	return s, nil
}

func (p *Peer) isClosed() bool {
	select {
	case <-p.ended:
		return true
	default:
		return p.leaving
	}
}

// launch seals s under its session and gives it to the routing. It is called
// with mu held. On error s is forgotten.
func (p *Peer) launch(s *sending) error {
	c := appendContent(p.scratch[:0], s.options.Duplicates+1, nil, s.data)
	p.scratch = reusable(c)
	sealed, err := p.sealer.Seal(p.sealed[:0], s.target, s.point, s.id, c)
	if err == nil {
		p.sealed = reusable(sealed.Payload)
		err = p.dispatch(s, sealed)
	}
	if err != nil {
		p.counters.Failed++
		delete(p.sending, s.id)
	}
	return err
}

// handshake seals s as a first message, which takes long, and sends it. It is
// called without mu. What goes wrong ends s.
func (p *Peer) handshake(s *sending, id trace.MessageID) {
	p.mu.Lock()
	target, point := s.target, s.point
	if p.sending[id] != s {
		defer p.settleAndUnlock()
		p.release(target)
		return
	}
	c := appendContent(nil, s.options.Duplicates+1, p.ring.Self(), s.data)
	p.mu.Unlock()
	sealed, err := p.sealer.Seal(nil, target, point, id, c)
	p.mu.Lock()
	defer p.settleAndUnlock()
	if p.sending[id] != s {
		p.release(target)
		return
	}
	if err == nil {
		err = p.dispatch(s, sealed)
	}
	if err != nil {
		p.finish(s, outcome{err: err})
	}
}

// dispatch gives a sealed message to the routing.
func (p *Peer) dispatch(s *sending, sealed seal.Sealed) (err error) {
	now := p.now()
	s.session = sealed.Session
	if s.sealedAt.IsZero() {
		s.sealedAt = time.Now()
	}
	if s.under {
		return p.route.Resend(now, s.id, sealed.Kind, sealed.Counter, sealed.Payload)
	}
	s.under = true
	s.paths, err = p.route.Send(now, routing.Sending{
		Message: s.id, Target: s.point, Kind: sealed.Kind, Counter: sealed.Counter, Payload: sealed.Payload,
		Duplicates: s.options.Duplicates, Routed: s.options.Routed, Deadline: now + time.Hour,
	})
	return err
}

// finish ends s and, if a handshake was its doing, lets those go on that wait for it.
func (p *Peer) finish(s *sending, o outcome) {
	delete(p.sending, s.id)
	o.receipt.ID = s.id
	o.receipt.Paths = s.paths
	target := s.target
	s.data = nil
	if o.err == nil {
		p.counters.Sent++
	} else {
		p.counters.Failed++
		p.emit(trace.Event{Kind: trace.SendFailed, Message: s.id, Other: target, Reason: o.err.Error()})
	}
	s.done <- o // s may be in use again from here on
	p.release(target)
}

// release lets those sends go on that wait for a handshake with target.
func (p *Peer) release(target identity.ID) {
	waiting, busy := p.opening[target]
	if !busy {
		return
	}
	delete(p.opening, target)
	for i, s := range waiting {
		if s.target != target || p.sending[s.id] != s {
			continue // ended meanwhile
		}
		if p.sealer.Warmth(target) != seal.Warm {
			p.opening[target] = waiting[i+1:]
			p.handshakeLater(s)
			return
		}
		if err := p.launch(s); err != nil {
			s.done <- outcome{err: err}
		}
	}
}

// receipt opens what may be the target's answer to a message of this peer.
func (p *Peer) receipt(r *routing.Receipt) {
	s := p.sending[r.Message]
	if s == nil {
		return
	}
	if r.Envelope.Kind() == wire.EnvelopeReceipt {
		reply, err := p.sealer.OpenReply(p.scratch[:0], r.Envelope, s.target, s.session)
		p.replied(s, r.Hops, reply, err)
		return
	}
	e, target, session, hops := bytes.Clone(r.Envelope), s.target, s.session, r.Hops
	p.later(func() { // dropped if too many wait: the next round brings another
		reply, err := p.sealer.OpenReply(nil, e, target, session)
		var contact *identity.Contact
		if report, bad := parseReport(reply.Receipt); err == nil && bad == nil && report.record != nil {
			contact, _ = p.book.Verify(*report.record)
		}
		p.mu.Lock()
		defer p.settleAndUnlock()
		if contact != nil && contact.ID == target {
			p.ring.Learn(contact)
		}
		if s := p.sending[trace.MessageID(wire.Envelope(e).Message())]; s != nil {
			p.replied(s, hops, reply, err)
		}
	})
}

// replied carries out what the target said about s.
func (p *Peer) replied(s *sending, hops int, reply seal.Reply, err error) {
	if err != nil {
		return // forged, or too late: the true answer may still come
	}
	switch {
	case reply.Status == seal.Received:
		report, err := parseReport(reply.Receipt)
		if err != nil {
			return // a target that seals rubbish is as good as silent
		}
		p.route.Done(p.now(), s.id, s.target, int(report.hops))
		p.finish(s, report.outcome(time.Since(s.started)))
	case !reply.Started.IsZero() && s.sealedAt.Before(reply.Started):
		p.route.Cancel(s.id)
		p.finish(s, outcome{err: ErrOutcomeUnknown})
	case p.sealer.Warmth(s.target) == seal.Warm:
		if err := p.launch(s); err != nil {
			s.done <- outcome{err: err}
		}
		p.release(s.target)
	default:
		if _, busy := p.opening[s.target]; !busy {
			p.opening[s.target] = nil
		}
		p.handshakeLater(s)
	}
}

// handshakeLater has the loop do a handshake.
func (p *Peer) handshakeLater(s *sending) {
	id := s.id
	if !p.later(func() { p.handshake(s, id) }) {
		p.route.Cancel(id)
		p.finish(s, outcome{err: ErrNoAnswer})
	}
}

// outcome turns a report into how the send ended.
func (r report) outcome(elapsed time.Duration) outcome {
	o := outcome{receipt: Receipt{
		Hops: int(r.hops), Copies: int(r.copies), Differing: int(r.differing), Path: pathOf(int(r.hops)), Elapsed: elapsed,
	}}
	switch r.status {
	case statusDelivered:
	case statusInboxFull:
		o.err = ErrInboxFull
	default:
		o.err = ErrRefused
	}
	return o
}

func pathOf(hops int) Path {
	if hops > 1 {
		return Routed
	}
	return Direct
}

// sendFailed looks a target up where the routing found no way to it, to tell a
// peer that is not there from one that is hard to reach. The latter is tried until
// the caller's time is up.
func (p *Peer) sendFailed(f routing.Failure) {
	s := p.sending[f.Message]
	if s == nil {
		return
	}
	s.under = false
	id := s.id
	p.lookup(s.point, func(a chord.Answer) {
		if p.sending[id] == s {
			p.sendLookedUp(s, a)
		}
	})
}

// sendLookedUp goes on with a send whose target was looked up.
func (p *Peer) sendLookedUp(s *sending, a chord.Answer) {
	switch {
	case errors.Is(a.Err, chord.ErrNotMember):
		p.finish(s, outcome{err: ErrNoAnswer})
		return
	case a.Err == nil && a.Owner.ID == s.target:
		p.ring.Learn(a.Owner)
	case a.Err == nil:
		if s.absent++; s.absent >= lookupsToBeSure {
			p.finish(s, outcome{err: &TargetError{Target: s.target, Nearest: a.Owner, Err: ErrNoSuchPeer}})
			return
		}
	}
	if p.sealer.Warmth(s.target) != seal.Warm {
		p.handshakeLater(s)
	} else if err := p.launch(s); err != nil {
		s.done <- outcome{err: err}
	}
}

// lookupsToBeSure is how many lookups have to miss a peer before it is not
// there: while the ring mends, one may miss a peer that is.
const lookupsToBeSure = 2
