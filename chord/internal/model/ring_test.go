package model

import (
	"math/rand/v2"
	"slices"
	"testing"

	"cicada/identity"
)

// TestFromIsTheFirstFromThere compares From with a look at every peer, where
// points are spread evenly and where they crowd.
func TestFromIsTheFirstFromThere(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for size := range 80 {
		points := make([]identity.Point, size)
		for i := range points {
			points[i] = point(random)
			if size%2 == 0 {
				points[i][0] &= 1
			}
		}
		slices.SortFunc(points, func(a, b identity.Point) int { return slices.Compare(a[:], b[:]) })
		var peers []*identity.Contact
		for _, p := range points {
			peers = append(peers, &identity.Contact{Point: p})
		}
		ring := NewRing(peers)
		for try := range 200 {
			target := point(random)
			if try%4 == 0 && size > 0 {
				target = points[random.IntN(size)]
			}
			target[0] &= byte(random.IntN(256))
			want := slices.IndexFunc(points, func(p identity.Point) bool { return slices.Compare(p[:], target[:]) >= 0 })
			if want < 0 {
				want = size
			}
			if got := ring.From(target); got != want {
				t.Fatalf("%d peers: got place %d, want %d", size, got, want)
			}
		}
	}
}

func point(random *rand.Rand) (p identity.Point) {
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	return p
}
