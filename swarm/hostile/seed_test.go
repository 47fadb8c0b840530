package hostile_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"cicada/routing/adversary"
	"cicada/swarm"
	"cicada/swarm/hostile"
)

// clockwise returns peers in the order of the ring.
func clockwise(peers []*swarm.Peer) []*swarm.Peer {
	return slices.SortedFunc(slices.Values(peers), func(a, b *swarm.Peer) int {
		x, y := a.Point(), b.Point()
		return bytes.Compare(x[:], y[:])
	})
}

// A newcomer knows one hostile peer and no other, every fourth peer is of its gang, and
// all the same it gets its place between the right neighbours and talks to those who
// are good. Only a seed that takes its time keeps it out: so that one is given two.
func TestHostileSeed(t *testing.T) {
	for _, behaviour := range adversary.Names() {
		t.Run(behaviour, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := lan()
				ring := clockwise(gather(t, network, 16))
				var foes, good []*swarm.Peer
				for i, p := range ring {
					if i%4 == 0 {
						foes = append(foes, p)
					} else {
						good = append(good, p)
					}
				}
				hostile.Turn(foes, all(behaviour))
				seeds := []string{foes[0].Address().String()}
				if behaviour == "lag" {
					seeds = append(seeds, good[0].Address().String())
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				comer := listen(t, network, 17)
				if err := comer.Join(ctx, seeds...); err != nil {
					t.Fatal(err)
				}
				<-time.After(time.Minute)
				ring = clockwise(append(ring, comer))
				i, s := slices.Index(ring, comer), comer.Status()
				next, before := ring[(i+1)%len(ring)].ID(), ring[(i+len(ring)-1)%len(ring)].ID()
				if s.Successors[0].ID != next || s.Predecessors[0].ID != before {
					t.Errorf("it has neighbours %s and %s, want %s and %s",
						s.Predecessors[0].ID.Short(), s.Successors[0].ID.Short(), before.Short(), next.Short())
				}
				good = append(good[:4:4], comer)
				if got, want := exchange(t, good, swarm.SendOptions{Duplicates: 2}), len(good)*(len(good)-1); got != want {
					t.Errorf("%d messages arrived, want %d", got, want)
				}
			})
		})
	}
}
