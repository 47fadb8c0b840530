package routing

import (
	"math/rand/v2"
	"testing"

	"cicada/identity"
)

// Whatever is covered in whatever order: each distance is in one gap, the first time
// it is covered, and in none later.
func TestCover(t *testing.T) {
	const n = 32 // distances that differ in their last byte
	random := rand.New(rand.NewPCG(1, 1))
	at := func(i int) identity.Point { return identity.Point{31: byte(i)} }
	for range 2000 {
		var v cover
		var covered [n]bool
		for range 8 {
			from := random.IntN(n)
			s, end := span{from: at(from)}, n
			if to := random.IntN(n + 1); to > from {
				s.to, end = at(to), to
			}
			gaps := v.add(s)
			for i := range n {
				times := 0
				for _, g := range gaps {
					if g.holds(at(i)) {
						times++
					}
				}
				want := 0
				if i >= from && i < end && !covered[i] {
					want = 1
				}
				if times != want {
					t.Fatalf("%v: distance %d is in %d gaps, want %d", s, i, times, want)
				}
			}
			for i := from; i < end; i++ {
				covered[i] = true
			}
			for i := range n {
				if v.holds(at(i)) != covered[i] {
					t.Fatalf("distance %d is covered: %v", i, !covered[i])
				}
			}
			for i := 1; i < len(v); i++ {
				if v[i-1].ends(v[i].from) || v[i-1].to == v[i].from {
					t.Fatalf("%v: spans touch or are not in order", v)
				}
			}
		}
	}
}
