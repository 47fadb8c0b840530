package swarm

import (
	"bytes"
	"errors"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/seal"
	"cicada/trace"
	"cicada/wire"
)

// A sending is a message of this peer on its way. Its fields but done and timer
// are guarded by Peer.mu. Its life:
//
//	begin ─▶ warm: launch ─▶ the routing ─▶ receipt ─▶ replied ─▶ finish
//	      ─▶ cold, the first to its target: handshake ─▶ the routing ─▶ …
//	      ─▶ cold, a later one: waits until that handshake is over
//
// A target that asks for it ("again", "unknown session") gets the message sealed
// anew. Where the routing finds no path, the target is looked up, and the same
// sealed bytes are sent again: a target that had them already knows them by their
// seal and does not deliver them twice.
type sending struct {
	id      trace.MessageID
	target  identity.ID
	point   identity.Point
	data    []byte
	options SendOptions
	started time.Time
	course  seal.Course
	ask     bool        // the next seal only asks whether the target restarted
	sealed  seal.Sealed // last; its payload is this sending's own memory
	paths   int         // copies that left by different first hops
	routed  bool        // the routing has it
	found   bool        // a lookup found the target where no round had reached it
	absent  int         // lookups that found another peer in the target's place
	handed  bool        // the target itself took a copy: it may have delivered it

	done  chan outcome // capacity 1
	timer *time.Timer
}

// An outcome is how a send ended.
type outcome struct {
	receipt Receipt
	err     error
}

// A handshake is under way with a target; the messages in waiting go on when it is over.
type handshake struct {
	leader  trace.MessageID // the message that it is part of
	waiting []*sending
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
	m.done, m.timer, m.sealed.Payload = s.done, s.timer, s.sealed.Payload[:0]
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
	h := p.handshakes[s.target]
	switch {
	case h != nil:
		h.waiting = append(h.waiting, s)
		p.mu.Unlock()
		return s, nil
	case p.sealer.Warmth(s.target) == seal.Warm:
		defer p.settleAndUnlock()
		p.launch(s)
		return s, nil
	}
	p.handshakes[s.target] = &handshake{leader: id}
	p.mu.Unlock()
	p.shakeHands(s, id)
	return s, nil
}

// launch seals s under its session and gives it to the routing. It is called
// with mu held. What goes wrong ends s.
func (p *Peer) launch(s *sending) {
	c := appendContent(p.scratch[:0], p.announced(s), nil, s.data)
	p.scratch = reusable(c)
	sealed, err := p.sealer.Seal(s.sealed.Payload[:0], s.target, s.point, s.id, c)
	if err == nil {
		err = p.dispatch(s, sealed)
	}
	if err != nil {
		p.finish(s, outcome{err: sendError(err)})
	}
}

// announced is how many copies the target is told to expect: those that there is
// a first hop for, since it holds the receipt back for them.
func (p *Peer) announced(s *sending) int {
	if s.options.Duplicates == 0 {
		return 1
	}
	return max(p.route.Paths(s.point, s.options.Duplicates+1), 1)
}

// shakeHands seals a message as the first to its target, which takes long, and
// sends it, if it is still to be sent. It is called without mu.
func (p *Peer) shakeHands(s *sending, id trace.MessageID) {
	p.mu.Lock()
	if p.sending[id] != s {
		p.mu.Unlock()
		return // finish has let those go on that wait
	}
	target, point := s.target, s.point
	c := appendContent(nil, p.announced(s), p.ring.Self(), s.data)
	ask := s.ask
	s.ask = false
	p.mu.Unlock()
	var sealed seal.Sealed
	var err error
	if ask {
		sealed, err = p.sealer.Ask(nil, target, id)
	} else {
		sealed, err = p.sealer.Seal(nil, target, point, id, c)
	}
	p.mu.Lock()
	defer p.settleAndUnlock()
	if p.sending[id] != s {
		return
	}
	if err == nil {
		err = p.dispatch(s, sealed)
	}
	if err != nil {
		p.finish(s, outcome{err: sendError(err)})
	}
}

// shakeHandsLater has the loop do so.
func (p *Peer) shakeHandsLater(s *sending) {
	id := s.id
	if p.handshakes[s.target] == nil {
		p.handshakes[s.target] = &handshake{leader: id}
	}
	if !p.soon(func() { p.shakeHands(s, id) }) {
		p.finish(s, outcome{err: ErrBusy})
	}
}

// dispatch gives a message that was sealed, anew or for the first time, to the routing.
func (p *Peer) dispatch(s *sending, sealed seal.Sealed) error {
	s.sealed = sealed
	s.course.Sealed(sealed, time.Now())
	if s.routed {
		return p.route.Resend(p.now(), s.id, sealed.Kind, sealed.Counter, sealed.Payload)
	}
	return p.carry(s)
}

// carry has the routing carry the sealed bytes of s.
func (p *Peer) carry(s *sending) (err error) {
	now := p.now()
	s.routed = true
	s.paths, err = p.route.Send(now, routing.Sending{
		Message: s.id, Target: s.point, Kind: s.sealed.Kind, Counter: s.sealed.Counter, Payload: s.sealed.Payload,
		Duplicates: s.options.Duplicates, Routed: s.options.Routed, Found: s.found && !s.options.Routed, Deadline: now + time.Hour,
	})
	return err
}

// sendError turns what lower layers refuse a send with into this package's terms.
func sendError(err error) error {
	switch {
	case errors.Is(err, routing.ErrLimit), errors.Is(err, seal.ErrBusy), errors.Is(err, seal.ErrPending):
		return ErrBusy
	case errors.Is(err, seal.ErrTooLarge):
		return ErrTooLarge
	}
	return err
}

// finish ends s and, if a handshake was its doing, lets those go on that wait for it.
func (p *Peer) finish(s *sending, o outcome) {
	delete(p.sending, s.id)
	p.route.Cancel(s.id)
	o.receipt.ID = s.id
	o.receipt.Paths = s.paths
	id, target := s.id, s.target
	s.data, s.sealed.Payload = nil, reusable(s.sealed.Payload)
	if o.err == nil {
		p.counters.Sent++
	} else {
		p.counters.Failed++
		p.emit(trace.Event{Kind: trace.SendFailed, Message: id, Other: target, Reason: o.err.Error()})
	}
	s.done <- o // s may be in use again from here on
	if h := p.handshakes[target]; h != nil && h.leader == id {
		p.goOn(target)
	}
}

// goOn lets those sends go on that wait for a handshake with target: all, where
// there is a session now, else one, with a handshake of its own.
func (p *Peer) goOn(target identity.ID) {
	h := p.handshakes[target]
	if h == nil {
		return
	}
	delete(p.handshakes, target)
	for i, s := range h.waiting {
		if s.target != target || p.sending[s.id] != s {
			continue // ended meanwhile
		}
		if p.sealer.Warmth(target) != seal.Warm {
			p.handshakes[target] = &handshake{leader: s.id, waiting: h.waiting[i+1:]}
			p.shakeHandsLater(s)
			return
		}
		p.launch(s)
	}
}

// receipt opens what may be the target's answer to a message of this peer.
func (p *Peer) receipt(r *routing.Receipt) {
	s := p.sending[r.Message]
	if s == nil {
		return
	}
	if r.Envelope.Kind() == wire.EnvelopeReceipt {
		reply, err := p.sealer.OpenReply(p.scratch[:0], r.Envelope, s.target, s.sealed.Session)
		p.replied(s, r.Offer, r.From, reply, err)
		return
	}
	e, offer, from, target, session := bytes.Clone(r.Envelope), r.Offer, r.From, s.target, s.sealed.Session
	if !p.soon(func() { p.openReply(e, offer, from, target, session) }) {
		p.route.ReceiptPostponed(r.Offer)
	}
}

// openReply opens an answer that takes long, without mu.
func (p *Peer) openReply(e wire.Envelope, offer routing.Offer, from, target identity.ID, session uint64) {
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
	if s := p.sending[e.Message()]; s != nil {
		p.replied(s, offer, from, reply, err)
	}
}

// replied carries out what the target said about s; from handed it over.
func (p *Peer) replied(s *sending, offer routing.Offer, from identity.ID, reply seal.Reply, err error) {
	if err != nil {
		return // forged, or too late: the true answer may still come
	}
	switch s.course.Next(reply) {
	case seal.Finish:
		report, err := parseReport(reply.Receipt)
		if err != nil {
			return // a target that seals rubbish is as good as silent
		}
		o := report.outcome(from == s.target, time.Since(s.started))
		p.route.Done(p.now(), offer, s.target, o.receipt.Hops)
		p.finish(s, o)
	case seal.Desist:
		p.finish(s, outcome{err: keysError(reply.Discord)})
	case seal.GiveUp:
		p.finish(s, outcome{err: ErrOutcomeUnknown})
	case seal.Enquire:
		s.ask = true
		p.shakeHandsLater(s)
	case seal.Reseal:
		if p.sealer.Warmth(s.target) != seal.Warm {
			p.shakeHandsLater(s)
			return
		}
		target := s.target
		p.launch(s)
		p.goOn(target)
	}
}

// outcome turns a report into how the send ended. A target that says that the
// message came over one link is believed where its answer did so too.
func (r report) outcome(direct bool, elapsed time.Duration) outcome {
	o := outcome{receipt: Receipt{
		Hops: int(r.hops), Copies: int(r.copies), Differing: int(r.differing), Path: Direct, Elapsed: elapsed,
	}}
	if !direct || r.hops > 1 {
		o.receipt.Hops, o.receipt.Path = max(o.receipt.Hops, 2), Routed
	}
	switch r.status {
	case statusDelivered:
	case statusInboxFull:
		o.err = ErrInboxFull
	default:
		o.err = ErrRefused
	}
	return o
}

// sendFailed looks a target up where the routing found no way to it, to tell a
// peer that is not there from one that is hard to reach. The latter is tried until
// the caller's time is up.
func (p *Peer) sendFailed(f routing.Failure) {
	s := p.sending[f.Message]
	if s == nil {
		return
	}
	s.routed = false
	id := s.id
	p.lookups[p.ring.Seek(p.now(), s.point)] = func(a chord.Answer) {
		if p.sending[id] == s {
			p.sendLookedUp(s, a)
		}
	}
}

// lookupsToBeSure is how many lookups have to miss a peer before it is not
// there: while the ring mends, one may miss a peer that is.
const lookupsToBeSure = 2

// sendLookedUp goes on with a send whose target was looked up.
func (p *Peer) sendLookedUp(s *sending, a chord.Answer) {
	switch {
	case errors.Is(a.Err, chord.ErrNotMember):
		p.finish(s, outcome{err: ErrNoAnswer})
		return
	case a.Err != nil:
	case a.Owner.ID == s.target:
		p.ring.Learn(a.Owner)
		s.found = true
	case a.Owner.ID == p.id && s.paths > 0 && len(p.ring.Successors()) == 0:
		// Alone, but not when the message left: this peer knows nothing of the others.
	default:
		if s.absent++; s.absent < lookupsToBeSure {
			break
		}
		err := &TargetError{Target: s.target, Nearest: a.Owner, Err: ErrNoSuchPeer}
		if s.handed { // it has gone since, and took the receipt along
			err = &TargetError{Target: s.target, Err: ErrOutcomeUnknown}
		}
		p.finish(s, outcome{err: err})
		return
	}
	if err := p.carry(s); err != nil {
		p.finish(s, outcome{err: sendError(err)})
	}
}
