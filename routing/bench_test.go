package routing

import (
	"encoding/binary"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// A path is three cores in a row, driven by hand without a network: what they
// cost, and nothing else.
type path struct {
	now                   time.Duration
	origin, relay, target *Core
	ids                   [3]identity.ID
	points                [3]identity.Point
	payload               []byte
	count                 uint64
	answer                []byte
}

func newPath(t testing.TB, size int) *path {
	w := newWorld(t, 1, 3, full, Config{})
	p := &path{payload: make([]byte, size), answer: make([]byte, 100)}
	cores := [3]**Core{&p.origin, &p.relay, &p.target}
	for i, at := range [3]byte{0, 10, 20} {
		w.peers[i].contact.Point = identity.Point{at}
		p.ids[i], p.points[i] = w.peers[i].contact.ID, w.peers[i].contact.Point
	}
	w.peers[0].ring.table = w.peers[0].ring.table[:1]
	w.peers[1].ring.table = w.peers[1].ring.table[:1]
	w.peers[2].ring.table = nil
	for i, c := range cores {
		*c = New(w.peers[i].ring, Config{}, w.random)
	}
	return p
}

func (p *path) message() (m trace.MessageID) {
	p.count++
	p.now += 10 * time.Microsecond
	binary.BigEndian.PutUint64(m[:], p.count*0x9e3779b97f4a7c15)
	return m
}

// forward takes one envelope through the relay and acknowledges it.
func (p *path) forward(e wire.Envelope) {
	m := p.message()
	copy(e[16:32], m[:])
	p.relay.Envelope(p.now, p.ids[0], e)
	out := p.relay.Ready().Envelopes
	if len(out) != 1 || out[0].To != p.ids[2] {
		panic("not forwarded")
	}
	p.relay.Ack(p.now, p.ids[2], m, 0)
}

func (p *path) envelope() wire.Envelope {
	h := wire.EnvelopeHeader{TTL: 10, Kind: wire.EnvelopeMessage, Target: p.points[2]}
	e, err := wire.NewEnvelope(h, p.payload)
	if err != nil {
		panic(err)
	}
	return e
}

// send sends a message over the relay, and carries its receipt back. buffer
// plays the links, which copy.
func (p *path) send(buffer []byte) {
	m := p.message()
	if _, err := p.origin.Send(p.now, Sending{Message: m, Target: p.points[2], Kind: wire.EnvelopeMessage, Payload: p.payload, Routed: true}); err != nil {
		panic(err)
	}
	e := onLink(buffer, &p.origin.Ready().Envelopes[0])
	p.relay.Envelope(p.now, p.ids[0], e)
	p.origin.Ack(p.now, p.ids[1], m, 0)
	e = onLink(buffer, &p.relay.Ready().Envelopes[0])
	p.target.Envelope(p.now, p.ids[1], e)
	p.relay.Ack(p.now, p.ids[2], m, 0)
	offer := p.target.Ready().Arrivals[0].Offer
	p.target.Accepted(p.now, offer, p.ids[0])
	if err := p.target.Reply(p.now, offer, Replying{Kind: wire.EnvelopeReceipt, Payload: p.answer, Target: p.points[0]}); err != nil {
		panic(err)
	}
	e = onLink(buffer, &p.target.Ready().Envelopes[0])
	p.relay.Envelope(p.now, p.ids[2], e)
	p.target.Ack(p.now, p.ids[1], m, 0)
	e = onLink(buffer, &p.relay.Ready().Envelopes[0])
	p.origin.Envelope(p.now, p.ids[1], e)
	p.relay.Ack(p.now, p.ids[0], m, 0)
	if r := p.origin.Ready().Receipts; len(r) != 1 || !p.origin.Done(p.now, r[0].Offer, p.ids[2], 2) {
		panic("no receipt")
	}
}

func onLink(buffer []byte, o *Outgoing) wire.Envelope {
	buffer = append(buffer[:0], o.Header[:]...)
	return append(buffer, o.Payload...)
}

// Forwarding and acknowledging takes no memory once the lists are warm.
func TestForwardAllocates(t *testing.T) {
	p := newPath(t, 1024)
	e := p.envelope()
	for range 9_000 {
		p.forward(e)
	}
	if got := testing.AllocsPerRun(2000, func() { p.forward(e) }); got != 0 {
		t.Errorf("got %v allocations to forward, want 0", got)
	}
}

// Nor does sending and taking the receipt, all three peers together.
func TestSendAllocates(t *testing.T) {
	p := newPath(t, 1024)
	buffer := make([]byte, 0, 2048)
	for range 9_000 {
		p.send(buffer)
	}
	if got := testing.AllocsPerRun(2000, func() { p.send(buffer) }); got != 0 {
		t.Errorf("got %v allocations to send and take the receipt, want 0", got)
	}
}

func BenchmarkForward(b *testing.B) {
	p := newPath(b, 1024)
	e := p.envelope()
	b.ReportAllocs()
	for b.Loop() {
		p.forward(e)
	}
}

func BenchmarkSendReceipt(b *testing.B) {
	p := newPath(b, 1024)
	buffer := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		p.send(buffer)
	}
}

func BenchmarkDigest(b *testing.B) {
	p := newPath(b, 1024)
	e := p.envelope()
	b.SetBytes(int64(len(p.payload)))
	for b.Loop() {
		p.relay.digest.sealed(e, e.Payload())
	}
}
