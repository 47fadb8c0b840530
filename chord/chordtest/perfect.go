package chordtest

import (
	"encoding/binary"
	"time"

	"cicada/chord"
	"cicada/chord/internal/model"
	"cicada/identity"
)

// A Perfect is a perfect ring that has been quiet for long, in which cores can
// be put in their places one by one: their lists and fingers are right, they know
// that their neighbours' are, and do what they do as seldom as they ever do, each
// at times of its own. Nothing is sent, and nothing reported, by being put there.
// Cores share no memory that changes, so that calls may be made side by side.
type Perfect struct {
	// RoundTrip, if set, returns how long peer a waits for an answer of b: what it
	// has measured. It decides how soon silence is noticed. Without it nothing was measured.
	RoundTrip func(a, b *identity.Contact) time.Duration
	// Met is how many peers each remembers beyond those of its lists and fingers,
	// about, and 256 at most. Now and then it asks one of them whether it is of
	// another ring. From one on it asks as often; NewPerfect sets 8, to save memory.
	Met int
	// Stay is how long peers stay, as each of them has measured; 0: none was seen to go.
	Stay time.Duration

	ring *model.Ring
}

// NewPerfect returns the ring of contacts, which must be in the order of their
// points, no two at one point. It keeps the slice.
func NewPerfect(contacts []*identity.Contact) *Perfect {
	for i, c := range contacts[min(1, len(contacts)):] {
		if byPoint(contacts[i], c) >= 0 {
			panic("chordtest: contacts that are not in the order of their points")
		}
	}
	return &Perfect{Met: 8, ring: model.NewRing(contacts)}
}

// Restore puts the core of contact i, which must be new, in its place. All cores
// must be of the same configuration. With fewer than 2r+2 contacts it is in small
// mode, else in full mode.
func (p *Perfect) Restore(now time.Duration, i int, core *chord.Core) {
	rest := model.Rest{Ring: p.ring, Place: i, Met: p.Met, Stay: p.Stay, Version: version}
	if p.RoundTrip != nil {
		rest.RoundTrip = func(peer *identity.Contact) time.Duration { return p.RoundTrip(core.Self(), peer) }
	}
	core.Restore(now, model.Place{Rest: &rest})
}

// version returns the version of a peer's lists. Neighbours must agree on it, and
// after a restart it is to be another, so it is as good as random.
func version(peer *identity.Contact) uint64 {
	return uint64(binary.BigEndian.Uint32(peer.Point[:])) | 1
}
