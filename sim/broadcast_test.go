package sim

import (
	"flag"
	"fmt"
	"math/bits"
	"testing"
	"time"
)

var castPeers = flag.Int("cast-peers", 1000, "peers in the tests of broadcasts")
var castSeeds = flag.Uint64("cast-seeds", 1, "seeds of each of them")
var castFirst = flag.Uint64("cast-first", 0, "the first of them")

// A spread is what became of one broadcast.
type spread struct {
	living, reached int // the origin not counted
	messages        uint64
	depth           int
	took            time.Duration
}

// perPeer returns how often it was sent for each living peer.
func (s spread) perPeer() float64 { return float64(s.messages) / float64(s.living) }

// spreadAfterKill lets a share of a resting swarm die at one instant and a survivor
// broadcast at the same.
func spreadAfterKill(t *testing.T, config Config, share float64) spread {
	t.Helper()
	r := &runner{World: newWorld(config.filled())}
	if err := r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.until(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	for range int(share * float64(len(r.alive))) {
		r.crash(r.alive[r.random.IntN(len(r.alive))])
	}
	began, before := r.now, r.count.casts
	r.broadcast()
	var b *broadcast
	for _, b = range r.load.broadcasts {
	}
	if err := r.until(t.Context(), began+13*time.Second); err != nil {
		t.Fatal(err)
	}
	s := spread{living: len(r.alive) - 1, messages: r.count.casts - before, depth: b.depth, took: b.last - began}
	for _, i := range r.alive {
		if b.heard[i] {
			s.reached++
		}
	}
	return s
}

// Nobody is dead: one message a peer, and a tree that is no deeper than log2 of all,
// and one.
func TestBroadcastOfAHealthySwarm(t *testing.T) {
	for seed := *castFirst; seed < *castFirst+*castSeeds; seed++ {
		s := spreadAfterKill(t, Config{Peers: *castPeers, Seed: seed}, 0)
		t.Logf("seed %d: %d of %d, %.4f a peer, depth %d, %v", seed, s.reached, s.living, s.perPeer(), s.depth, s.took)
		if s.reached != s.living || s.perPeer() > 1.001 || s.depth > bits.Len(uint(*castPeers))+1 {
			t.Errorf("seed %d: got %+v", seed, s)
		}
	}
}

// A share of all dies unnoticed just before: all the living hear it, and hardly more
// is sent than once to each of the living and the dead.
func TestBroadcastAfterManyDeaths(t *testing.T) {
	for _, share := range []float64{0.05, 0.1, 0.2, 0.25, 0.5} {
		t.Run(fmt.Sprintf("%.0f %%", 100*share), func(t *testing.T) {
			most := 1.01 / (1 - share)
			if share > 0.25 { // it takes so long that parts are given up which are under way
				most = 1.3 / (1 - share)
			}
			for seed := *castFirst; seed < *castFirst+*castSeeds; seed++ {
				s := spreadAfterKill(t, Config{Peers: *castPeers, Seed: seed}, share)
				t.Logf("seed %d: %d of %d, %.4f a living peer (1/(1-f) is %.4f), depth %d, %v",
					seed, s.reached, s.living, s.perPeer(), 1/(1-share), s.depth, s.took)
				if s.reached != s.living || s.perPeer() > most {
					t.Errorf("seed %d: got %+v", seed, s)
				}
			}
		})
	}
}
