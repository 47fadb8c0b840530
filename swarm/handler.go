package swarm

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/swarm/internal/codec"
	"cicada/swarm/internal/tap"
	"cicada/trace"
	"cicada/transport"
	"cicada/wire"
	"cicada/wire/wirepb"
)

// handler is the side of a Peer that its links see: it turns frames into calls
// of the state machines. Decoding and verifying happen before the lock is taken.
type handler Peer

// agent is what a peer says it runs, for people.
const agent = "cicada"

// Up greets the peer at the other end with this peer's record.
func (h *handler) Up(link transport.Link) {
	p := (*Peer)(h)
	id := link.Peer()
	select {
	case <-p.started:
	case <-p.ended: // the peer did not come up
		link.Close(wire.CodeLeaving, "")
		return
	}
	if p.config.Allow != nil && !p.config.Allow(id) {
		link.Close(wire.CodeRefused, "not allowed here")
		return
	}
	p.mu.Lock()
	defer p.settleAndUnlock()
	n := &neighbour{link: link, hello: make(chan struct{}), book: p.book.of(id)}
	n.points = n.book.points
	if old := p.greeted[id]; old != nil { // who waits for the hello does not care on which link it comes
		n.contact, n.hello, n.book, n.points = old.contact, old.hello, old.book, old.points
	}
	p.greeted[id] = n
	p.pairing.linked(link)
	p.route.Up(id)
	p.emit(trace.Event{Kind: trace.LinkUp, Other: id, Address: link.Remote().String()})
	self := p.ring.Self()
	hello, err := wire.MarshalHello(&wirepb.Hello{Version: wire.Version, Agent: agent,
		Record: &wirepb.Record{Body: self.Record.Body, Signature: self.Record.Signature}})
	if err == nil {
		err = link.Queue(wire.FrameHello, nil, hello)
	}
	if err != nil {
		p.config.Logger.Debug("no hello", "peer", id.Short(), "err", err)
	}
	p.touch(link)
}

// Down forgets a link. Where it broke, rather than ended, its peer may be gone.
func (h *handler) Down(link transport.Link, err error) {
	p := (*Peer)(h)
	id := link.Peer()
	p.mu.Lock()
	defer p.settleAndUnlock()
	n := p.greeted[id]
	if n == nil || n.link != link {
		return // not allowed, or replaced by another link
	}
	if other := p.links.Link(id); other != nil && !p.isClosed() {
		n.link = other // of two the other one stayed; what its peer said holds for both
		return
	}
	delete(p.greeted, id)
	p.route.Down(id)
	if n.contact == nil {
		close(n.hello) // nobody will greet on it any more
	}
	p.emit(trace.Event{Kind: trace.LinkDown, Other: id, Reason: fmt.Sprint(err)})
	if p.isClosed() {
		return // its own doing
	}
	var closed *transport.CloseError
	if !errors.As(err, &closed) {
		closed = &transport.CloseError{}
	}
	switch closed.Code {
	case wire.CodeIdle, wire.CodeReplaced:
		return
	case wire.CodeProtocol, wire.CodeVersion, wire.CodeRecord, wire.CodeLimit:
		if !closed.Remote {
			p.emit(trace.Event{Kind: trace.Violation, Other: id, Address: link.Remote().String(), Reason: closed.Reason})
			p.config.Logger.Debug("rule broken", "peer", id.Short(), "err", err)
		}
	}
	p.unreachable(id)
}

// Unreachable passes on that a peer could not be dialled.
func (h *handler) Unreachable(id identity.ID, err error) {
	p := (*Peer)(h)
	p.config.Logger.Debug("unreachable", "peer", id.Short(), "err", err)
	p.mu.Lock()
	defer p.settleAndUnlock()
	p.unreachable(id)
}

// Refused reports a connection that never became a link.
func (h *handler) Refused(remote netip.AddrPort, err error) {
	p := (*Peer)(h)
	select {
	case <-p.started:
	case <-p.ended:
		return
	}
	p.mu.Lock()
	defer p.settleAndUnlock()
	p.emit(trace.Event{Kind: trace.LinkRefused, Address: remote.String(), Reason: err.Error()})
}

// Frame hands one frame to whom it concerns. What breaks a rule closes the link.
func (h *handler) Frame(link transport.Link, kind wire.FrameKind, body []byte) {
	p := (*Peer)(h)
	var err error
	switch kind {
	case wire.FrameEnvelope:
		err = p.envelopeFrame(link, body)
	case wire.FrameAck:
		err = p.ackFrame(link, body)
	case wire.FrameRefusal:
		err = p.refusalFrame(link, body)
	case wire.FrameControl:
		err = p.controlFrame(link, body)
	case wire.FrameHello:
		err = p.helloFrame(link, body)
	default:
		err = &wire.Error{Code: wire.CodeProtocol, Reason: "a " + kind.String() + " frame has no place here"}
	}
	if err != nil {
		p.violation(link, err)
	}
}

// hearEvery is how often the ring is told that a peer lives that sends all the
// time: much more often than it asks.
const hearEvery = 25 * time.Millisecond

// Read carries out what the frames of one read led to.
func (h *handler) Read(link transport.Link) {
	p := (*Peer)(h)
	p.mu.Lock()
	if n, now := p.greeted[link.Peer()], p.now(); n != nil && n.contact != nil && now >= n.heard+hearEvery {
		n.heard = now
		p.ring.Hear(now, n.contact) // also in the midst of a large frame
	}
	p.settleAndUnlock()
}

// Wrote notes that a peer, or the line to it, is slow, not dead: what it is to
// answer may not have reached it yet.
func (h *handler) Wrote(link transport.Link) {
	p := (*Peer)(h)
	p.mu.Lock()
	defer p.settleAndUnlock()
	n, now := p.greeted[link.Peer()], p.now()
	if n == nil || n.contact == nil || now < n.wrote+hearEvery {
		return
	}
	n.wrote = now
	p.ring.Hear(now, n.contact)
	p.route.Progress(now, n.contact.ID)
}

// violation closes a link whose other end broke a rule.
func (p *Peer) violation(link transport.Link, err error) {
	code := wire.CodeProtocol
	var broken *wire.Error
	switch {
	case errors.Is(err, identity.ErrRate):
		return // too much to check at present, whoever's doing that is: not said is not broken
	case errors.As(err, &broken):
		code = broken.Code
	case errors.Is(err, identity.ErrRecord):
		code = wire.CodeRecord
	}
	link.Close(code, err.Error()) // Down reports it
}

var errNoHello = &wire.Error{Code: wire.CodeProtocol, Reason: "the second frame must be a hello"}

// neighbour returns who is at the other end of link, once it has greeted. It is
// called with mu held.
func (p *Peer) neighbour(link transport.Link) (*neighbour, error) {
	n := p.greeted[link.Peer()]
	if n == nil || n.contact == nil {
		return nil, errNoHello
	}
	return n, nil
}

func (p *Peer) envelopeFrame(link transport.Link, body []byte) error {
	e, err := wire.ParseEnvelope(body)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.neighbour(link); err != nil {
		return err
	}
	if p.tapped != nil && !p.hears(tap.Message{Link: link.Peer(), Envelope: e}) {
		return nil
	}
	p.route.Envelope(p.now(), link.Peer(), e)
	return nil
}

func (p *Peer) ackFrame(link transport.Link, body []byte) error {
	acks, err := wire.ParseAck(body)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.neighbour(link); err != nil {
		return err
	}
	now := p.now()
	for i := range acks.Len() {
		message, number := acks.At(i)
		if p.tapped != nil && !p.hears(tap.Message{Link: link.Peer(), Ack: &routing.Ack{To: p.id, Message: message, Copy: number}}) {
			continue
		}
		if s := p.sending[message]; s != nil && s.target == link.Peer() {
			s.handed = true
		}
		p.route.Ack(now, link.Peer(), message, number)
	}
	return nil
}

func (p *Peer) refusalFrame(link transport.Link, body []byte) error {
	r, err := wire.ParseRefusal(body)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.neighbour(link); err != nil {
		return err
	}
	if p.tapped != nil && !p.hears(tap.Message{Link: link.Peer(), Refusal: &routing.Refusal{To: p.id, Message: r.Message, Copy: r.Copy, Reason: r.Reason}}) {
		return nil
	}
	p.route.Refusal(p.now(), link.Peer(), r.Message, r.Copy, r.Reason)
	return nil
}

// helloFrame learns where the peer at the other end stands and can be dialled.
func (p *Peer) helloFrame(link transport.Link, body []byte) error {
	hello, err := wire.UnmarshalHello(body)
	if err != nil {
		return err
	}
	p.mu.Lock()
	n := p.greeted[link.Peer()]
	p.mu.Unlock()
	if n == nil {
		return nil // the link is on its way down
	}
	r := hello.GetRecord()
	contact, err := n.book.Verify(identity.Record{Body: r.GetBody(), Signature: r.GetSignature()})
	if err != nil {
		return err
	}
	if contact.ID != link.Peer() {
		return &wire.Error{Code: wire.CodeRecord, Reason: "the hello's record is another peer's"}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n = p.greeted[link.Peer()]; n == nil || n.link != link {
		return nil // as above
	}
	if n.said == link { // each new record would keep the neighbours' lists changing
		return &wire.Error{Code: wire.CodeProtocol, Reason: "a second hello"}
	}
	if n.contact == nil {
		close(n.hello)
	}
	n.contact, n.said = contact, link
	p.reachable = p.reachable || !link.Dialled()
	p.ring.Learn(contact)
	return nil
}

// controlFrame hands a control message to the ring or to the broadcasts.
func (p *Peer) controlFrame(link transport.Link, body []byte) error {
	c, err := wire.UnmarshalControl(body)
	if err != nil {
		return err
	}
	if c.Body == nil {
		return nil // a kind of a later version
	}
	book, err := p.screen(link, c)
	if book == nil {
		return err
	}
	var message chord.Message
	var cast *wirepb.BroadcastBody
	if b := c.GetBroadcast(); b != nil {
		cast, err = wire.UnmarshalBroadcastBody(b.GetBody())
	} else if b := c.GetBroadcastGiven(); b != nil {
		cast, err = wire.UnmarshalBroadcastBody(b.GetBody())
	} else if message, err = codec.DecodeRing(c, book); errors.Is(err, codec.ErrNotRing) {
		message, err = chord.Message{}, nil
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.neighbour(link)
	if err != nil {
		return err
	}
	if message.Kind != 0 {
		if p.tapped != nil && !p.hearsRing(link.Peer(), message) {
			return nil
		}
		p.ring.Step(p.now(), n.contact, message)
		return nil
	}
	p.castControl(link.Peer(), c, cast)
	return nil
}

// castControl hands what concerns a broadcast to the routing.
func (p *Peer) castControl(from identity.ID, c *wirepb.Control, cast *wirepb.BroadcastBody) {
	now := p.now()
	switch body := c.GetBody().(type) {
	case *wirepb.Control_Broadcast:
		b := body.Broadcast
		m := routing.BroadcastMessage{
			Message: trace.MessageID(cast.GetMessage()), Body: b.GetBody(), Signature: b.GetSignature(),
			Limit: identity.Point(b.GetLimit()), Silent: castPoints(b.GetSilent()), Hops: int(b.GetHops()),
		}
		copy(m.Start[:], b.GetStart())
		p.route.BroadcastIn(now, from, m)
	case *wirepb.Control_BroadcastTaken:
		b := body.BroadcastTaken
		p.route.BroadcastTaken(now, from, trace.MessageID(b.GetMessage()), identity.Point(b.GetLimit()))
	case *wirepb.Control_BroadcastDone:
		b := body.BroadcastDone
		p.route.BroadcastDone(now, from, trace.MessageID(b.GetMessage()), identity.Point(b.GetLimit()), routing.Outcome{Reached: b.GetReached(), Messages: b.GetMessages()})
	default:
		p.pullControl(from, c, cast)
	}
}

// sendRing sends a message of the ring, or a broadcast. It reports false where too
// much waits for that peer already.
func (p *Peer) sendRing(to *identity.Contact, control *wirepb.Control) bool {
	body, err := wire.AppendControl(p.scratch[:0], control)
	if err != nil {
		p.config.Logger.Debug("not sent", "peer", to.ID.Short(), "err", err)
		return true
	}
	p.scratch = reusable(body)
	return p.sendTo(to, wire.FrameControl, nil, body)
}

// reusable returns b's memory for the next use, unless it is too much to keep.
func reusable(b []byte) []byte {
	const most = 64 << 10
	if cap(b) > most {
		return nil
	}
	return b[:0]
}
