package model

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"cicada/identity"
)

// longest is the most that After and Before return.
const longest = 64

// A Ring is all peers of a ring, by place: a number that counts clockwise from
// point 0. It does not change once made.
type Ring struct {
	peers []*identity.Contact
	words []uint64 // the first of each point
	// As many as a list can hold follow once more at the end, so that lists are
	// pieces of these two and take no memory of their own.
	clockwise, back []*identity.Contact
	first           []int32 // by the leading bits of a point: the place of the first peer that has these or more
	shift           int     // what is left of a first word but for these bits
}

// NewRing returns the ring of peers, which are in the order of their points.
func NewRing(peers []*identity.Contact) *Ring {
	lead := min(bits.Len(uint(len(peers))), 24) // so that about one peer shares its leading bits with one other
	r := &Ring{peers: peers, words: make([]uint64, len(peers)), clockwise: make([]*identity.Contact, len(peers)+longest), back: make([]*identity.Contact, len(peers)+longest),
		first: make([]int32, 1<<lead+1), shift: 64 - lead}
	for i := range r.clockwise {
		if len(peers) > 0 {
			r.clockwise[i], r.back[i] = peers[i%len(peers)], peers[len(peers)-1-i%len(peers)]
		}
	}
	for i, peer := range peers {
		r.words[i] = binary.BigEndian.Uint64(peer.Point[:])
	}
	place := 0
	for i := range r.first {
		for place < len(peers) && r.lead(peers[place].Point) < i {
			place++
		}
		r.first[i] = int32(place)
	}
	return r
}

func (r *Ring) lead(point identity.Point) int {
	return int(binary.BigEndian.Uint64(point[:]) >> r.shift)
}

// All returns the first words of all points, and the peers, both in order. They are
// not to be changed.
func (r *Ring) All() ([]uint64, []*identity.Contact) { return r.words, r.peers }

// Len returns how many peers there are.
func (r *Ring) Len() int { return len(r.peers) }

// At returns the peer at a place, which may be negative or go round once more.
func (r *Ring) At(place int) *identity.Contact {
	return r.peers[(place+len(r.peers))%len(r.peers)]
}

// From returns the place of the first peer at point or clockwise from it, which
// is Len where that is the one at place 0.
func (r *Ring) From(point identity.Point) int {
	lead := r.lead(point)
	from, to := int(r.first[lead]), int(r.first[lead+1])
	i, _ := slices.BinarySearchFunc(r.peers[from:to], point, func(peer *identity.Contact, point identity.Point) int {
		return bytes.Compare(peer.Point[:], point[:])
	})
	return from + i
}

// After returns n peers clockwise from the one at a place, that without. It is not
// to be changed; nor may n exceed 63.
func (r *Ring) After(place, n int) []*identity.Contact {
	i := place + 1
	return r.clockwise[i : i+n : i+n]
}

// Before is After the other way round.
func (r *Ring) Before(place, n int) []*identity.Contact {
	i := len(r.peers) - place
	return r.back[i : i+n : i+n]
}
