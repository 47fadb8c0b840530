package chordtest

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"cicada/identity"
)

// Contact returns a peer whose point begins with the byte n and is zero
// otherwise, so that points can be read as small numbers.
func Contact(n byte) *identity.Contact { return At(identity.Point{n}) }

// At returns a peer at point. Its ID is made from the point, backwards, which
// keeps a mix-up of the two from passing unseen.
func At(point identity.Point) *identity.Contact {
	c := &identity.Contact{Point: point, Sequence: 1}
	for i, b := range point {
		c.ID[len(c.ID)-1-i] = ^b
	}
	copy(c.Fingerprint[:], point[:])
	c.Fingerprint[len(c.Fingerprint)-1] = 1 // not that of none, where the point is 0
	return c
}

// Contacts returns n peers at random points, clockwise from point 0.
func Contacts(n int, random *rand.Rand) []*identity.Contact {
	list := make([]*identity.Contact, n)
	for i := range list {
		list[i] = At(Point(random))
	}
	slices.SortFunc(list, byPoint)
	return list
}

// Point returns a random point.
func Point(random *rand.Rand) (p identity.Point) {
	for i := 0; i < len(p); i += 8 {
		binary.BigEndian.PutUint64(p[i:], random.Uint64())
	}
	return p
}

func byPoint(a, b *identity.Contact) int {
	return comparePoints(a.Point, b.Point)
}

func comparePoints(a, b identity.Point) int {
	return bytes.Compare(a[:], b[:])
}
