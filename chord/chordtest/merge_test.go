package chordtest

import (
	"math/rand/v2"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
)

// Two rings of any size, small or full, become one where a single member of one is
// told of a member of the other: nearly always at the first attempt. A driver that
// goes on looking makes a second one.
func TestTwoRingsBecomeOne(t *testing.T) {
	const largest, seeds = 8, 5
	twice := 0
	for seed := range uint64(seeds) {
		for a := 1; a <= largest; a++ {
			for b := 1; b <= largest; b++ {
				random := rand.New(rand.NewPCG(seed, uint64(a*100+b)))
				n := NewNet(NetConfig{Seed: seed, Chord: chord.Config{Successors: 2, FingerBase: 2, TableBudget: -1}})
				contacts := Contacts(a+b, random)
				random.Shuffle(len(contacts), func(i, j int) { contacts[i], contacts[j] = contacts[j], contacts[i] })
				one, other := growRing(n, contacts[:a]), growRing(n, contacts[a:])
				ideal := func() bool { return len(Ideal(n.Cores(), 2)) == 0 }
				from, to := one[random.IntN(a)], other[random.IntN(b)]
				n.Join(from, to.Contact)
				if n.RunUntil(30*time.Second, ideal) {
					continue
				}
				twice++
				n.Join(from, to.Contact)
				if !n.RunUntil(30*time.Second, ideal) {
					t.Errorf("seed %d, rings of %d and %d: %v", seed, a, b, Ideal(n.Cores(), 2))
				}
			}
		}
	}
	if most := seeds * largest * largest / 50; twice > most {
		t.Errorf("%d pairs needed a second attempt, want at most %d of %d", twice, most, seeds*largest*largest)
	}
}

// growRing makes a ring of its own, and lets it come to rest.
func growRing(n *Net, contacts []*identity.Contact) (ring []*Peer) {
	for _, contact := range contacts {
		p := n.Add(contact)
		if len(ring) == 0 {
			n.Start(p)
		} else {
			n.Join(p, ring[0].Contact)
		}
		n.Run(2 * time.Second)
		ring = append(ring, p)
	}
	n.Run(10 * time.Second)
	return ring
}
