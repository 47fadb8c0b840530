package adversary

import (
	"slices"
	"time"

	"cicada/identity"
	"cicada/wire"
)

// Replay keeps what it passed on and sends it again, to the target and others, for as
// long as it lives; and it tells everybody old records of those it names.
type Replay struct {
	kept []wire.Envelope
}

// What a Replay keeps and sends again.
const (
	replayKept  = 64
	replayTimes = 4 // every Beat
)

// Hear keeps copies.
func (r *Replay) Hear(f *Foe, in Message) bool {
	if f.relayed(in) {
		if len(r.kept) == replayKept {
			r.kept = r.kept[1:]
		}
		r.kept = append(r.kept, clone(in.Envelope))
	}
	return true
}

// Say names old records.
func (r *Replay) Say(f *Foe, out *Message) bool {
	if out.Ring == nil || len(out.Ring.Hints) == 0 {
		return true
	}
	m := *out.Ring
	m.Hints = slices.Clone(m.Hints)
	for i, peer := range m.Hints {
		m.Hints[i] = former(peer)
	}
	out.Ring = &m
	return true
}

// former returns what may have been a peer's record before the present one. Its real
// one would be signed; here only its number and its addresses count.
func former(peer *identity.Contact) *identity.Contact {
	old := *peer
	if old.Sequence > 0 {
		old.Sequence--
	}
	old.Addresses = nil
	return &old
}

// Tick sends some of it again: straight to the target, where it is known, or by the
// way that it took.
func (r *Replay) Tick(f *Foe) {
	for range min(replayTimes, len(r.kept)) {
		e := r.kept[f.random.IntN(len(r.kept))]
		to := f.Ring.Find(e.Target())
		if to == nil {
			to = f.Ring.Toward(e.Target(), nil)
		}
		if to != nil {
			f.forward(Message{Envelope: e}, to.ID, 0)
		}
	}
}

// Churn dies and is born again under the same key, every so many Beats, and drops what
// it is handed meanwhile. Gangs do not do so all at once: that would be one crash.
type Churn struct {
	Drop
	Every int
}

// Tick ends a life.
func (c Churn) Tick(f *Foe) { f.reborn = f.random.IntN(c.Every) == 0 }

// Surround drops what it is handed. Its gang has the places next to the victim, the
// target of messages or, with Source, their origin: the caller puts it there, at the
// price of as many points tried as there are peers between two neighbours.
type Surround struct {
	Drop
	Source bool
}

// Oscillate is a good peer for a Period, to be thought well of, and then Bad for one,
// all the gang at the same times.
type Oscillate struct {
	Bad    Behaviour
	Period time.Duration
}

func (o Oscillate) now(f *Foe) Behaviour {
	if f.now/o.Period%2 == 0 {
		return honest{}
	}
	return o.Bad
}

// Hear does what the time wants.
func (o Oscillate) Hear(f *Foe, in Message) bool { return o.now(f).Hear(f, in) }

// Say does what the time wants.
func (o Oscillate) Say(f *Foe, out *Message) bool { return o.now(f).Say(f, out) }

// Tick does what the time wants.
func (o Oscillate) Tick(f *Foe) { o.now(f).Tick(f) }
