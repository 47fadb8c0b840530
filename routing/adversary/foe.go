package adversary

import (
	"math/rand/v2"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/wire"
)

// A Message is what crosses a link to or from a foe. One of Envelope, Ack, Refusal
// and Ring is set.
type Message struct {
	Link     identity.ID // who is at the other end
	Envelope wire.Envelope
	Ack      *routing.Ack
	Refusal  *routing.Refusal
	Ring     *chord.Message
	After    time.Duration // of what is sent: how long it is held back
}

// A Behaviour is what a foe does. What it is handed it does not keep or change in
// place: others may hold the same bytes.
type Behaviour interface {
	// Hear is told what came, and reports whether the foe's own state machines are
	// to have it.
	Hear(f *Foe, in Message) bool
	// Say is told what these want to send, and reports whether it is to be sent, as
	// it has left it.
	Say(f *Foe, out *Message) bool
	// Tick is called every Beat.
	Tick(f *Foe)
}

// Beat is how often a foe is ticked.
const Beat = time.Second

// A Foe is a hostile peer: what stands between its state machines and its links.
type Foe struct {
	Self *identity.Contact
	Gang *Gang
	Ring routing.Ring // what its own state machine knows; the caller keeps it up to date

	behaviour Behaviour
	random    *rand.Rand
	now       time.Duration
	out       []Message
	reborn    bool
}

// New returns a foe that behaves so. It draws only from random.
func New(self *identity.Contact, gang *Gang, behaviour Behaviour, random *rand.Rand) *Foe {
	return &Foe{Self: self, Gang: gang, behaviour: behaviour, random: random}
}

// Hear takes what came over a link, and reports whether the peer's own state machines
// are to have it. What the foe says to it is in Take.
func (f *Foe) Hear(now time.Duration, in Message) bool {
	f.now = now
	return f.behaviour.Hear(f, in)
}

// Say takes what the peer's own state machines want to send, and may change it. It
// reports whether it is to be sent.
func (f *Foe) Say(now time.Duration, out *Message) bool {
	f.now = now
	return f.behaviour.Say(f, out)
}

// Tick is to be called every Beat.
func (f *Foe) Tick(now time.Duration) {
	f.now = now
	f.behaviour.Tick(f)
}

// Take returns what the foe sends on its own account, and whether it dies now and is
// born again under the same key, knowing nothing.
func (f *Foe) Take() (out []Message, reborn bool) {
	out, reborn = f.out, f.reborn
	f.out, f.reborn = nil, false
	return out, reborn
}

func (f *Foe) send(m Message) { f.out = append(f.out, m) }

// relayed reports whether m is an envelope that is not for f itself.
func (f *Foe) relayed(m Message) bool {
	return m.Envelope != nil && m.Envelope.Target() != f.Self.Point
}

// ack tells the hop before that f is responsible for a copy now, after a while.
func (f *Foe) ack(in Message, after time.Duration) {
	f.send(Message{Link: in.Link, After: after, Ack: &routing.Ack{To: in.Link, Message: in.Envelope.Message(), Copy: in.Envelope.Copy()}})
}

// forward hands a copy of an envelope to a peer as a hop does, after a while.
func (f *Foe) forward(in Message, to identity.ID, after time.Duration) {
	e := clone(in.Envelope)
	if e.TTL() == 0 {
		return
	}
	e.SetTTL(e.TTL() - 1)
	e.SetHops(e.Hops() + 1)
	f.send(Message{Link: to, After: after, Envelope: e})
}

func clone(e wire.Envelope) wire.Envelope { return append(wire.Envelope(nil), e...) }

// isAnswer reports whether an envelope travels back to an origin.
func isAnswer(e wire.Envelope) bool {
	return e.Kind() != wire.EnvelopeFirst && e.Kind() != wire.EnvelopeMessage
}

// honest does nothing that a good peer does not. Behaviours embed it.
type honest struct{}

// Hear passes everything.
func (honest) Hear(*Foe, Message) bool { return true }

// Say passes everything.
func (honest) Say(*Foe, *Message) bool { return true }

// Tick does nothing.
func (honest) Tick(*Foe) {}
