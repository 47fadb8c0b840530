package swarm

import (
	"bytes"
	"errors"
	"time"

	"cicada/identity"
	"cicada/routing"
	"cicada/seal"
	"cicada/trace"
	"cicada/wire"
)

// copiesWait is how long a receipt is held back for further copies of its
// message, so that it can tell how many came.
const copiesWait = 50 * time.Millisecond

// maxHeld bounds the receipts held back.
const maxHeld = 256

// A heldReceipt waits for the further copies of a message that was delivered.
type heldReceipt struct {
	offer  routing.Offer
	handle seal.Handle
	origin identity.ID
	point  identity.Point // of the origin
	report report
	copies int    // announced by the origin
	tally  *tally // of the message as the program has it, or nil
	until  time.Duration
}

// inlineOpen is the largest payload that is opened under the lock.
const inlineOpen = 64 << 10

// arrive opens a message for this peer: at once where that is quick.
func (p *Peer) arrive(a *routing.Arrival) {
	if a.Envelope.Kind() == wire.EnvelopeMessage && len(a.Envelope) <= inlineOpen {
		opened, err := p.sealer.Open(nil, a.Envelope, a.From)
		if !errors.Is(err, seal.ErrPending) {
			p.placed(a, opened, err)
			return
		}
		// The answer that completes the session is often a job already, and this one comes behind it.
	}
	if p.busyFor(a.From, len(a.Envelope)) {
		p.route.Postponed(a.Offer)
		return
	}
	arrival := *a
	arrival.Envelope = bytes.Clone(a.Envelope)
	p.jobs.put(a.From, len(a.Envelope), func() { p.openLater(&arrival) })
}

// placed goes on with what was opened, at once where the origin's point is known.
// It may be forgotten though the session is not.
func (p *Peer) placed(a *routing.Arrival, opened seal.Opened, err error) {
	var point identity.Point
	known := true
	if !opened.Origin.IsZero() {
		point, known = p.points.Known(opened.Origin)
	}
	if known {
		p.opened(a, opened, point, err)
		return
	}
	p.placeLater(a, opened, err)
}

// placeLater has the loop go on with what was opened. It is a function of its own
// as what it keeps for that takes memory.
func (p *Peer) placeLater(a *routing.Arrival, opened seal.Opened, err error) {
	arrival := *a
	arrival.Envelope = bytes.Clone(a.Envelope)
	// What was opened cannot be opened again: it is not dropped.
	p.jobs.put(a.From, len(a.Envelope), func() { p.place(&arrival, opened, err) })
}

// openLater opens what takes long, without mu: a first message, or a large one.
func (p *Peer) openLater(a *routing.Arrival) {
	opened, err := p.sealer.Open(nil, a.Envelope, a.From)
	p.place(a, opened, err)
}

// place goes on with what was opened when it knows where the origin stands. It is
// called without mu.
func (p *Peer) place(a *routing.Arrival, opened seal.Opened, err error) {
	var point identity.Point
	if !opened.Origin.IsZero() {
		var unpaid error // an origin must have paid for its place, like anybody
		if point, unpaid = p.pointsFor(a.From).PointOf(opened.Origin); err == nil {
			err = unpaid
		}
	}
	var contact *identity.Contact
	if c, bad := parseContent(opened.Data); err == nil && bad == nil && c.record != nil {
		contact, _ = p.book.Verify(*c.record)
	}
	p.mu.Lock()
	defer p.settleAndUnlock()
	if contact != nil && contact.ID == opened.Origin {
		p.ring.Learn(contact)
	}
	p.opened(a, opened, point, err)
}

// pointsFor returns where to look up points for what came by a link: what that takes
// counts against the link. It is called without mu.
func (p *Peer) pointsFor(link identity.ID) points {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.greeted[link]; n != nil {
		return n.points
	}
	return p.points
}

// opened delivers a message whose seal opened, and answers it as is due. The
// origin stands at point.
func (p *Peer) opened(a *routing.Arrival, o seal.Opened, point identity.Point, err error) {
	if err != nil {
		p.notOpened(a, o, point, err)
		return
	}
	now := p.now()
	p.emit(trace.Event{Kind: trace.Opened, Message: a.Offer.Message, Other: o.Origin})
	c, err := parseContent(o.Data)
	if err != nil { // sealed by the origin itself: nobody else is to blame
		p.route.Rejected(a.Offer)
		return
	}
	if !p.route.Accepted(now, a.Offer, o.Origin) {
		return // accepted before: the routing has answered again
	}
	held := heldReceipt{offer: a.Offer, handle: o.Handle, origin: o.Origin, point: point, copies: c.copies, until: now + copiesWait}
	hops, _ := crossed(a.Hops, a.From, o.Origin)
	if c.copies > 1 {
		held.tally = &tally{done: make(chan struct{})}
	}
	held.report = report{status: p.deliver(a, o.Origin, point, c, held.tally), hops: uint8(min(hops, 255))}
	if a.Envelope.Kind() == wire.EnvelopeFirst {
		held.report.record = &p.ring.Self().Record
	}
	if c.copies > 1 && len(p.receipts) < maxHeld && !p.complete(&held) {
		p.receipts = append(p.receipts, held)
		return
	}
	p.acknowledge(&held)
}

// deliver gives a message to the program and returns what to tell its origin.
func (p *Peer) deliver(a *routing.Arrival, origin identity.ID, point identity.Point, c content, t *tally) status {
	if p.config.Allow != nil && !p.config.Allow(origin) {
		p.counters.Refused++
		p.emit(trace.Event{Kind: trace.Refused, Message: a.Offer.Message, Other: origin, Reason: "not allowed"})
		return statusRefused
	}
	m := Message{ID: a.Offer.Message, From: origin, Data: c.data, tally: t}
	m.Hops, m.Path = crossed(a.Hops, a.From, origin)
	if known := p.contact(origin, point); known != nil && len(known.Addresses) > 0 {
		m.Address = known.Addresses[0]
	}
	if !p.inbox.put(m) {
		p.counters.Refused++
		p.emit(trace.Event{Kind: trace.Refused, Message: a.Offer.Message, Other: origin, Reason: "inbox full"})
		return statusInboxFull
	}
	p.counters.Delivered++
	p.emit(trace.Event{Kind: trace.Delivered, Message: a.Offer.Message, Other: origin, Hops: m.Hops})
	return statusDelivered
}

// crossed says how many links something crossed that counts hops itself, and that
// one peer made and a neighbour handed over. The count is the neighbour's word;
// that one link was enough is believed only where the neighbour made it.
func crossed(hops int, neighbour, maker identity.ID) (int, Path) {
	if neighbour == maker {
		return 1, Direct
	}
	return max(hops, 2), Routed
}

// contact returns what is known of a peer, which stands at point, or nil.
func (p *Peer) contact(id identity.ID, point identity.Point) *identity.Contact {
	if n := p.greeted[id]; n != nil && n.contact != nil {
		return n.contact
	}
	return p.ring.Known(point)
}

// notOpened answers a message that cannot be delivered as it came, where the
// sealer has an answer.
func (p *Peer) notOpened(a *routing.Arrival, o seal.Opened, point identity.Point, err error) {
	switch o.Fate(err) {
	case seal.Wait:
		p.route.Postponed(a.Offer)
		return
	case seal.Replace:
		p.route.Outdated(a.Offer, o.Origin)
	default:
		p.route.Rejected(a.Offer)
	}
	if errors.Is(err, seal.ErrKeys) {
		p.discord(a, o.Origin, err)
		if len(o.Reply.Payload) == 0 {
			return
		}
	} else if len(o.Reply.Payload) == 0 {
		p.emit(trace.Event{Kind: trace.Refused, Message: a.Offer.Message, Other: a.From, Reason: err.Error()})
		return
	}
	p.reply(a.Offer, routing.Replying{Kind: o.Reply.Kind, Counter: o.Reply.Counter, Payload: o.Reply.Payload, Target: point})
}

// complete fills in how many copies came, and reports whether all did.
func (p *Peer) complete(h *heldReceipt) bool {
	arrived, differing := p.route.Copies(h.offer)
	h.report.copies, h.report.differing = uint8(min(arrived, 255)), uint8(min(differing, 255))
	return arrived+differing >= h.copies
}

// settleReceipts sends the held receipts that are complete or have waited long enough.
func (p *Peer) settleReceipts() {
	if len(p.receipts) == 0 {
		return
	}
	now := p.now()
	kept := p.receipts[:0]
	for i := range p.receipts {
		if h := p.receipts[i]; p.complete(&h) || now >= h.until {
			p.acknowledge(&h)
		} else {
			kept = append(kept, h)
		}
	}
	clear(p.receipts[len(kept):])
	p.receipts = kept
}

// count fills in how many copies came, for good, and tells the program.
func (p *Peer) count(h *heldReceipt) {
	p.complete(h)
	if h.tally != nil {
		h.tally.arrived, h.tally.differing = int(h.report.copies), int(h.report.differing)
		close(h.tally.done)
	}
}

// acknowledge seals a receipt and sends it.
func (p *Peer) acknowledge(h *heldReceipt) {
	p.count(h)
	body := appendReport(p.scratch[:0], h.report)
	p.scratch = reusable(body)
	sealed, err := p.sealer.Answer(p.sealed[:0], h.handle, h.point, body)
	if err != nil {
		p.config.Logger.Debug("no receipt", "peer", h.origin.Short(), "err", err)
		return
	}
	p.sealed = reusable(sealed.Payload)
	p.reply(h.offer, routing.Replying{
		Kind: sealed.Kind, Counter: sealed.Counter, Payload: sealed.Payload, Target: h.point, Duplicates: h.copies > 1,
	})
}

func (p *Peer) reply(o routing.Offer, r routing.Replying) {
	if err := p.route.Reply(p.now(), o, r); err != nil {
		p.config.Logger.Debug("not answered", "message", o.Message.String(), "err", err)
	}
}
