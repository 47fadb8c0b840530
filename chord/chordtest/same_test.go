package chordtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"cicada/chord"
	"cicada/chord/internal/model"
	"cicada/identity"
)

// agree compares the checker with the plain one, finding by finding, and adds
// to found how many there were of each sort.
func agree(t *testing.T, cores []*chord.Core, successors int, found map[string]int) {
	t.Helper()
	compare := func(what string, got, want []Violation) {
		for _, v := range want {
			found[v.Invariant]++
		}
		if !slices.EqualFunc(got, want, func(a, b Violation) bool {
			return a.Invariant == b.Invariant && a.Text == b.Text && slices.Equal(a.Peers, b.Peers)
		}) {
			t.Fatalf("%s: got %v, want %v, of\n%s", what, got, want, drawn(cores))
		}
	}
	for _, rules := range []Rules{
		{Successors: successors, Base: true, Owners: true, Redundancy: true},
		{Successors: successors},
	} {
		compare("Check", Check(cores, rules), plainCheck(cores, rules))
	}
	compare("Ideal", Ideal(cores, successors), plainIdeal(cores, successors))
	if got, want := Principals(cores), plainPrincipals(cores); !slices.Equal(got, want) {
		t.Fatalf("Principals: got %v, want %v, of\n%s", got, want, drawn(cores))
	}
}

// drawn says where everybody stands and what they know of each other.
func drawn(cores []*chord.Core) (s string) {
	for _, c := range cores {
		after, owns := c.Owned()
		s += fmt.Sprintf("%v %v: after %v %v, successors %v, predecessors %v\n", briefly(c.Self().Point), c.Mode(), briefly(after), owns,
			briefly(contactPoints(c.Successors())...), briefly(contactPoints(c.Predecessors())...))
	}
	return s
}

// briefly shows points by their first and last byte.
func briefly(points ...identity.Point) (list []string) {
	for _, p := range points {
		list = append(list, fmt.Sprintf("%d.%d", p[0], p[len(p)-1]))
	}
	return list
}

// TestCheckIsThePlainCheck compares the two on rings at random, from healthy to senseless.
func TestCheckIsThePlainCheck(t *testing.T) {
	found := make(map[string]int)
	rings := 4_000
	if *long {
		rings *= 100
	}
	for seed := range uint64(rings) {
		random := rand.New(rand.NewPCG(seed, 9))
		agree(t, randomRing(random), 1+random.IntN(4), found)
	}
	t.Log(found)
	if len(found) != 11 {
		t.Errorf("got findings of %d sorts, want 11: all but I9, I10, and what follows from others", len(found))
	}
}

// randomRing returns up to ten peers of a small world whose points are far
// apart, side by side, and at both ends of the numbers.
func randomRing(random *rand.Rand) []*chord.Core {
	var places []identity.Point
	for i := range byte(6) {
		places = append(places, identity.Point{40 * i}, behind(identity.Point{40 * i}), identity.Point{40*i + 1})
	}
	last := identity.Point{}
	for i := range last {
		last[i] = 0xff
	}
	places = append(places, last)
	random.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
	peers := places[:1+random.IntN(10)]
	slices.SortFunc(peers, comparePoints)
	sense := random.IntN(4) // 0: none
	var cores []*chord.Core
	for i, point := range peers {
		c := chord.New(At(point), chord.Config{Successors: 4, FingerBase: 2, TableBudget: -1}, random)
		cores = append(cores, c)
		if sense < 3 {
			switch random.IntN(12) {
			case 0:
				continue // it joins
			case 1:
				c.Start(0) // small, alone, with every key
				continue
			}
		}
		place := model.Place{AlwaysFull: true}
		for j := range 1 + random.IntN(4) {
			place.Successors = append(place.Successors, At(neighbour(random, sense, peers, places, i+j+1)))
			place.Predecessors = append(place.Predecessors, At(neighbour(random, sense, peers, places, i-j-1)))
		}
		c.Restore(0, place)
	}
	random.Shuffle(len(cores), func(i, j int) { cores[i], cores[j] = cores[j], cores[i] })
	return cores
}

// neighbour returns the point of the peer at place i, or, the less sense there is the more often, of any other.
func neighbour(random *rand.Rand, sense int, peers, places []identity.Point, i int) identity.Point {
	switch {
	case sense == 3 || random.IntN(1+8*sense) > 0:
		return peers[(i+2*len(peers))%len(peers)]
	case random.IntN(2) == 0:
		return peers[random.IntN(len(peers))]
	}
	return places[random.IntN(len(places))]
}

// TestCheckIsThePlainCheckOnHistories compares them on what rings come to that
// are run, also by broken protocols.
func TestCheckIsThePlainCheckOnHistories(t *testing.T) {
	alterations := []alteration{
		func(_ *Run, _ *identity.Contact, m chord.Message) []chord.Message { return pass(m) },
		noList, noNotify, seenEarly,
	}
	found, states := make(map[string]int), 0
	for seed := range uint64(24) {
		alter := alterations[seed%4]
		History{Seed: seed, Steps: 150, Successors: 2 + int(seed%2), Peers: 1 + int(seed%8), Points: 16, Unrefused: true,
			Full: seed%3 == 0 && seed%8 > 3,
			Alter: func(h *Run, _, to *identity.Contact, m chord.Message) []chord.Message {
				if states++; states%5 == 0 {
					agree(t, h.cores(), h.history.Successors, found)
				}
				return alter(h, to, m)
			}}.Play()
	}
	t.Logf("%d messages, found %v", states, found)
}

// BenchmarkCheck looks at ten thousand peers: all well; one in ten dead, whom
// the others still believe in; and as many who join.
func BenchmarkCheck(b *testing.B) {
	n := NewNet(NetConfig{})
	n.Settle(Contacts(10_000, rand.New(rand.NewPCG(1, 1))))
	well := n.Cores()
	fewer, joining := []*chord.Core(nil), slices.Clone(well)
	for i, c := range well {
		if i%10 > 0 {
			fewer = append(fewer, c)
		} else {
			joining = append(joining, chord.New(At(behind(c.Self().Point)), chord.Config{TableBudget: -1}, rand.New(rand.NewPCG(1, 1))))
		}
	}
	rules := Rules{Successors: 16, Base: true, Owners: true, Redundancy: true}
	for _, test := range []struct {
		name  string
		cores []*chord.Core
	}{{"well", well}, {"dead", fewer}, {"joining", joining}} {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				Check(test.cores, rules)
			}
		})
	}
	b.Run("ideal", func(b *testing.B) {
		for b.Loop() {
			Ideal(well, 16)
		}
	})
}
