package hostile_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing/adversary"
	"cicada/swarm"
	"cicada/swarm/hostile"
	"cicada/transport/memory"
)

// lan is a network in memory.
func lan() *memory.Network { return memory.New(memory.Config{Latency: 5 * time.Millisecond}) }

// gather returns peers that are one swarm of the textbooks, in memory.
func gather(t *testing.T, network *memory.Network, n int) (peers []*swarm.Peer) {
	for i := range n {
		p := listen(t, network, byte(i+1))
		if peers = append(peers, p); i > 0 {
			if err := p.Join(t.Context(), peers[0].Address().String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	<-time.After(time.Minute)
	return peers
}

// listen starts the peer of a number, which is who it is in every run.
func listen(t *testing.T, network *memory.Network, number byte) *swarm.Peer {
	host := netip.AddrFrom4([4]byte{10, 0, 0, number})
	p, err := swarm.Listen(t.Context(), swarm.Config{
		Address: netip.AddrPortFrom(host, swarm.DefaultPort).String(), Network: network.Host(host), Ring: chord.Classic(),
		Key: identity.KeyFromSeed([32]byte{number}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// all returns what makes every one of a gang behave so.
func all(behaviour string) func(int) adversary.Behaviour {
	return func(int) adversary.Behaviour { return adversary.Named(behaviour) }
}

// exchange has every good peer send to every other at once, and returns how many
// messages arrived. None may arrive twice or as something else.
func exchange(t *testing.T, good []*swarm.Peer, options swarm.SendOptions) (arrived int) {
	var under sync.WaitGroup
	for _, from := range good {
		for _, to := range good {
			if from != to {
				under.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
					defer cancel()
					if _, err := from.Send(ctx, to.ID(), fmt.Appendf(nil, "from %s to %s", from.ID(), to.ID()), options); err != nil {
						t.Errorf("%s to %s: %v", from.ID().Short(), to.ID().Short(), err)
					}
				})
			}
		}
	}
	under.Wait()
	<-time.After(10 * time.Second) // what is replayed and delayed
	for _, to := range good {
		seen := make(map[string]bool)
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			m, err := to.Receive(ctx)
			cancel()
			if err != nil {
				break
			}
			want := fmt.Sprintf("from %s to %s", m.From, to.ID())
			if string(m.Data) != want || seen[want] {
				t.Errorf("%s got %q from %s; had it before: %v", to.ID().Short(), m.Data, m.From.Short(), seen[want])
			}
			seen[want] = true
			arrived++
		}
	}
	return arrived
}

// A quarter of sixteen real peers is hostile, in each of the ways that there are: the
// others get each message of each other once, as it was sent, with copies and without.
// A single one may take a direct link where no round comes through; the keys are the
// same in every run, since who has hostile neighbours alone is cut off from copies.
func TestEveryBehaviour(t *testing.T) {
	for _, behaviour := range adversary.Names() {
		t.Run(behaviour, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				peers := gather(t, lan(), 16)
				foes, good := peers[:4], peers[4:]
				band := hostile.Turn(foes, all(behaviour))
				for _, duplicates := range []int{0, 2} {
					const want = 12 * 11
					if got := exchange(t, good, swarm.SendOptions{Duplicates: duplicates}); got != want {
						t.Errorf("%d duplicates: %d messages arrived, want %d", duplicates, got, want)
					}
				}
				t.Logf("%d envelopes dropped, %d changed", band.Dropped(), band.Changed())
			})
		})
	}
}

// Foes that were recalled pass on what they are handed.
func TestRecall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peers := gather(t, lan(), 16)
		band := hostile.Turn(peers[:4], func(i int) adversary.Behaviour {
			return adversary.Named([]string{"drop", "corrupt"}[i%2])
		})
		exchange(t, peers[4:], swarm.SendOptions{Duplicates: 2})
		dropped, changed := band.Dropped(), band.Changed()
		if dropped == 0 || changed == 0 {
			t.Errorf("%d envelopes dropped, %d changed; want some of both", dropped, changed)
		}
		band.Recall()
		exchange(t, peers[4:], swarm.SendOptions{Duplicates: 2})
		if band.Dropped() > dropped || band.Changed() > changed {
			t.Errorf("recalled: %d more dropped, %d more changed", band.Dropped()-dropped, band.Changed()-changed)
		}
	})
}
