package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

// A ring is the points of its peers, in order: the first 64 bits of each, which is
// enough to tell 100 000 apart.
//
// They are uniform, and so are the attacker's, because a point is a SHA-256, of the ID
// or of what argon2id made of it (identity.PointOf): nobody knows of a way to have it
// fall in one part of the ring rather than in another, but to try.
type ring []uint64

func newRing(n int, random *rand.Rand) ring {
	r := make(ring, n)
	for i := range r {
		r[i] = random.Uint64()
	}
	slices.Sort(r)
	return r
}

// at returns the point of peer i, counted on around the ring.
func (r ring) at(i int) uint64 { return r[(i+len(r))%len(r)] }

// An arc is what lies between two points, clockwise and without them.
type arc struct{ from, to uint64 }

func (a arc) holds(point uint64) bool { return point != a.from && point-a.from < a.to-a.from }

// part returns which part of the ring it is.
func (a arc) part() float64 { return float64(a.to-a.from) / (1 << 64) }

// places returns the arc in which a newcomer becomes one of the victim's nearest
// neighbours, of which it has successors on each side.
func (r ring) places(victim, successors int) arc {
	return arc{r.at(victim - successors), r.at(victim + successors)}
}

// gaps returns what is free before the victim, and behind it.
func (r ring) gaps(victim int) (before, behind arc) {
	return arc{r.at(victim - 1), r.at(victim)}, arc{r.at(victim), r.at(victim + 1)}
}

// untilInside returns how many points are drawn until one lies in a.
func untilInside(a arc, draw func() uint64) int {
	for draws := 1; ; draws++ {
		if a.holds(draw()) {
			return draws
		}
	}
}

// untilSurrounded returns how many points are drawn until successors of them lie in
// each of two gaps, given as parts of the ring. These are millions, so those that lie
// elsewhere are drawn together: how many come before one that does not is geometric.
func untilSurrounded(before, behind float64, successors int, random *rand.Rand) float64 {
	both := before + behind
	draws := 0.0
	for left, right := successors, successors; left > 0 || right > 0; {
		draws += 1 + math.Floor(math.Log1p(-random.Float64())/math.Log1p(-both))
		if random.Float64()*both < before {
			left--
		} else {
			right--
		}
	}
	return draws
}

// A cost is how many IDs an attacker makes until it stands where it wants, on rings of n.
type cost struct {
	n, successors int
	one           spread // until one of the victim's neighbours is its own
	all           spread // until all are
}

// expected returns N/(2r).
func (c cost) expected() float64 { return float64(c.n) / float64(2*c.successors) }

// drawCost draws for that many victims on each of that many rings.
func drawCost(n, successors, rings, victims int, random *rand.Rand) cost {
	var one, all []float64
	for range rings {
		r := newRing(n, random)
		for range victims {
			victim := random.IntN(n)
			one = append(one, float64(untilInside(r.places(victim, successors), random.Uint64)))
			before, behind := r.gaps(victim)
			all = append(all, untilSurrounded(before.part(), behind.part(), successors, random))
		}
	}
	return cost{n, successors, spreadOf(one), spreadOf(all)}
}

// A spread says how values lie.
type spread struct{ mean, p50, p90 float64 }

// spreadOf sorts values.
func spreadOf(values []float64) spread {
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return spread{sum / float64(len(values)), values[len(values)/2], values[len(values)*9/10]}
}
