// Package hostile makes running peers hostile, for tests and for the demonstration:
// real peers with real links and seals do what package routing/adversary says.
//
// It is no part of any program: a test of the house lets only tests and the demo
// import it. A peer is turned after it has joined, and can be made good again.
//
// Begin reading at [Turn].
package hostile

import (
	crand "crypto/rand"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"cicada/identity"
	"cicada/routing"
	"cicada/routing/adversary"
	"cicada/swarm"
	"cicada/swarm/internal/tap"
)

// A Band is peers that were turned.
type Band struct {
	peers            []*swarm.Peer
	dropped, changed atomic.Int64
}

// Turn makes peers a gang, the i-th of which behaves as behaviour(i) says, until
// Recall. Three things that foes of a simulation do real ones do not: none dies and is
// born again, they know of each other alone, and a peer made up for a lie has no record, so that who is told of it
// closes the link.
func Turn(peers []*swarm.Peer, behaviour func(i int) adversary.Behaviour) *Band {
	b := &Band{peers: slices.Clone(peers)}
	var members []*identity.Contact
	for _, p := range peers {
		members = append(members, p.Contact())
	}
	gang := adversary.NewGang(members, members)
	for i, p := range peers {
		var seed [32]byte
		crand.Read(seed[:]) // which never fails
		foe := adversary.New(members[i], gang, behaviour(i), rand.New(rand.NewChaCha8(seed)))
		tap.Set(p, func(ring routing.Ring) tap.Tap {
			foe.Ring = ring
			return &front{foe, b}
		})
	}
	return b
}

// Recall makes them good peers again.
func (b *Band) Recall() {
	for _, p := range b.peers {
		tap.Set(p, nil)
	}
}

// Dropped returns how many envelopes for others they kept to themselves.
func (b *Band) Dropped() int { return int(b.dropped.Load()) }

// Changed returns how many envelopes of others they sent on as something else.
func (b *Band) Changed() int { return int(b.changed.Load()) }

// A front is a foe in front of its peer.
type front struct {
	foe  *adversary.Foe
	band *Band
}

// Hear has the foe look at what came.
func (f *front) Hear(now time.Duration, in tap.Message) bool {
	pass := f.foe.Hear(now, adversary.Message(in))
	if !pass && in.Envelope != nil {
		f.band.dropped.Add(1)
	}
	return pass
}

// Say has the foe look at what its peer wants to send.
func (f *front) Say(now time.Duration, out *tap.Message) bool {
	m := adversary.Message(*out)
	pass := f.foe.Say(now, &m)
	if out.Envelope != nil && !slices.Equal(m.Envelope, out.Envelope) {
		f.band.changed.Add(1)
	}
	*out = tap.Message(m)
	return pass
}

// Tick passes it on.
func (f *front) Tick(now time.Duration) { f.foe.Tick(now) }

// Take returns what the foe says.
func (f *front) Take() []tap.Message {
	said, _ := f.foe.Take()
	out := make([]tap.Message, len(said))
	for i := range said {
		out[i] = tap.Message(said[i])
	}
	return out
}
