package main

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"cicada/chord"
	"cicada/chord/chordtest"
	"cicada/identity"
)

// near reports whether got differs from want by no more than a part of it.
func near(got, want, part float64) bool { return math.Abs(got-want) <= part*want }

// One place takes N/(2r) draws, and a little more: victims whose neighbours are close cost more
// than those with distant ones save, which makes it (N-1)/(2r-1) on average.
func TestDrawsForAPlaceAreLinear(t *testing.T) {
	for _, successors := range []int{4, 8, 16} {
		for _, n := range []int{500, 1000, 2000, 4000, 8000} {
			c := drawCost(n, successors, 20, 500, rand.New(rand.NewPCG(1, uint64(n))))
			want := float64(n-1) / float64(2*successors-1)
			if !near(c.one.mean, want, 0.05) {
				t.Errorf("N = %d, r = %d: got %.1f draws on average, want %.1f", n, successors, c.one.mean, want)
			}
			if excess := c.one.mean / c.expected(); excess < 1 || excess > 1.2 {
				t.Errorf("N = %d, r = %d: got %.2f times N/(2r) = %.1f", n, successors, excess, c.expected())
			}
		}
	}
}

// All places take as many times more peers as there are.
func TestDrawsForAllPlacesAreLinear(t *testing.T) {
	for _, n := range []int{500, 2000, 8000} {
		c := drawCost(n, 16, 20, 500, rand.New(rand.NewPCG(1, uint64(n))))
		// The narrower gap decides; half of all are below ln 2/(2N).
		if want := 16 * float64(n) / (math.Ln2 / 2); !near(c.all.p50, want, 0.1) {
			t.Errorf("N = %d: got %.0f draws for half of all victims, want %.0f", n, c.all.p50, want)
		}
	}
}

func TestDrawnTogetherIsAsDrawnOneByOne(t *testing.T) {
	const n, successors = 64, 3
	random := rand.New(rand.NewPCG(1, 1))
	var together, single []float64
	for range 4000 {
		r, victim := newRing(n, random), random.IntN(n)
		before, behind := r.gaps(victim)
		together = append(together, untilSurrounded(before.part(), behind.part(), successors, random))
		draws := 0.0
		for left, right := 0, 0; left < successors || right < successors; draws++ {
			point := random.Uint64()
			if before.holds(point) {
				left++
			}
			if behind.holds(point) {
				right++
			}
		}
		single = append(single, draws)
	}
	got, want := spreadOf(together), spreadOf(single)
	if !near(got.p50, want.p50, 0.08) || !near(got.p90, want.p90, 0.12) {
		t.Errorf("got half of all within %.0f and nine in ten within %.0f, want %.0f and %.0f", got.p50, got.p90, want.p50, want.p90)
	}
}

// Where two gaps are the whole ring, one point in each takes three draws on average.
func TestSurroundingTakesNoDrawForNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var draws []float64
	for range 10_000 {
		draws = append(draws, untilSurrounded(0.5, 0.5, 1, random))
	}
	if got := spreadOf(draws).mean; !near(got, 3, 0.03) {
		t.Errorf("got %.2f draws on average, want 3", got)
	}
}

// Points of IDs, by identity.PointOf, are as good as drawn ones.
func TestPointsOfIDsAreUniform(t *testing.T) {
	const n, successors = 1000, 16
	random := rand.New(rand.NewPCG(1, 1))
	point := func() uint64 {
		var id identity.ID
		binary.LittleEndian.PutUint64(id[:], random.Uint64())
		p, err := identity.PointOf(id, 0)
		if err != nil {
			t.Fatal(err)
		}
		return binary.BigEndian.Uint64(p[:])
	}
	var draws []float64
	for range 20 {
		r := newRing(n, random)
		for range 200 {
			draws = append(draws, float64(untilInside(r.places(random.IntN(n), successors), point)))
		}
	}
	if got, want := spreadOf(draws).mean, float64(n-1)/(2*successors-1); !near(got, want, 0.05) {
		t.Errorf("got %.1f IDs on average, want %.1f", got, want)
	}
}

// The places are those that a peer of package chord has in its lists.
func TestPlacesAreThoseOfTheRing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	contacts := chordtest.Contacts(100, random)
	var r ring
	for _, c := range contacts {
		r = append(r, first64(c))
	}
	for _, victim := range []int{0, 50, 99} {
		core := chord.New(contacts[victim], chord.Config{}, random)
		chordtest.NewPerfect(contacts).Restore(0, victim, core)
		successors, predecessors := core.Successors(), core.Predecessors()
		if len(successors) != usualSuccessors || len(predecessors) != usualSuccessors {
			t.Fatalf("a peer has %d successors and %d predecessors, want %d of each", len(successors), len(predecessors), usualSuccessors)
		}
		last := usualSuccessors - 1
		if got, want := r.places(victim, usualSuccessors), (arc{first64(predecessors[last]), first64(successors[last])}); got != want {
			t.Errorf("victim %d: places %x, want %x", victim, got, want)
		}
		before, behind := r.gaps(victim)
		at := first64(contacts[victim])
		if want := (arc{first64(predecessors[0]), at}); before != want {
			t.Errorf("victim %d: gap before it %x, want %x", victim, before, want)
		}
		if want := (arc{at, first64(successors[0])}); behind != want {
			t.Errorf("victim %d: gap behind it %x, want %x", victim, behind, want)
		}
	}
}

func first64(c *identity.Contact) uint64 { return binary.BigEndian.Uint64(c.Point[:]) }

func TestArc(t *testing.T) {
	const top = math.MaxUint64
	cases := []struct {
		name  string
		arc   arc
		point uint64
		want  bool
	}{
		{"inside", arc{10, 20}, 15, true},
		{"its begin", arc{10, 20}, 10, false},
		{"its end", arc{10, 20}, 20, false},
		{"before", arc{10, 20}, 9, false},
		{"behind", arc{10, 20}, 21, false},
		{"over zero", arc{top - 5, 5}, 0, true},
		{"over zero, before", arc{top - 5, 5}, top, true},
		{"over zero, behind", arc{top - 5, 5}, 6, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := c.arc.holds(c.point); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if got := (arc{3 << 62, 1 << 62}).part(); got != 0.5 {
		t.Errorf("got %v of the ring, want 0.5", got)
	}
}
