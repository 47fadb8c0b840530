package chordtest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
)

// grow starts a ring of size peers that all join through the first at once, and
// returns it with the time until the last had joined.
func grow(t *testing.T, config NetConfig, size int) (*Net, time.Duration) {
	t.Helper()
	n := NewNet(config)
	contacts := Contacts(size, rand.New(rand.NewPCG(1, uint64(size))))
	first := n.Add(contacts[0])
	n.Start(first)
	for _, c := range contacts[1:] {
		n.Join(n.Add(c), first.Contact)
	}
	if !n.RunUntil(time.Minute, func() bool {
		for _, p := range n.Live() {
			if p != first && !p.Joined {
				return false
			}
		}
		return true
	}) {
		t.Fatalf("%d peers: not all joined within a minute", size)
	}
	return n, n.Now()
}

// ideal runs n until all is right, and returns how long that took.
func ideal(t *testing.T, n *Net, successors int, limit time.Duration) time.Duration {
	t.Helper()
	begin := n.Now()
	for n.Now()-begin < limit {
		if len(Ideal(n.Cores(), successors)) == 0 {
			return n.Now() - begin
		}
		n.Run(100 * time.Millisecond)
	}
	t.Fatalf("not ideal after %v: %v", limit, Ideal(n.Cores(), successors)[0])
	return 0
}

// TestRingsGrowThroughAllSizes joins all peers at once, through the sizes where
// small mode ends, and asks every peer for every peer.
func TestRingsGrowThroughAllSizes(t *testing.T) {
	for _, size := range []int{1, 2, 3, 4, 5, 6, 7, 12, 36} {
		for _, r := range []int{2, 16} {
			n, joined := grow(t, NetConfig{Seed: 1, Chord: chord.Config{Successors: r, FingerBase: 2, TableBudget: -1}}, size)
			right := ideal(t, n, r, 2*time.Minute)
			t.Logf("%d peers, r=%d: joined after %v, ideal %v later", size, r, joined, right)
			for _, p := range n.Live() {
				for _, q := range n.Live() {
					n.Lookup(p, q.Contact.Point)
				}
			}
			n.Run(20 * time.Second)
			for _, p := range n.Live() {
				for _, a := range p.Answers {
					if a.Err != nil || a.Owner.Point != a.Key {
						t.Fatalf("%d peers: key %v: got %+v", size, a.Key, a)
					}
				}
				if got := len(p.Answers); got != size {
					t.Fatalf("%d peers: got %d answers", size, got)
				}
			}
		}
	}
}

// TestRestIsCheap bounds what a peer of a quiet ring sends.
func TestRestIsCheap(t *testing.T) {
	for _, test := range []struct {
		name   string
		config chord.Config
		r      int
		size   int
	}{{"two", chord.Config{TableBudget: -1}, 16, 2}, {"small", chord.Config{TableBudget: -1}, 16, 20}, {"full", chord.Config{TableBudget: -1}, 16, 40}, {"classic", chord.Classic(), 3, 40}} {
		n, _ := grow(t, NetConfig{Seed: 2, Chord: test.config}, test.size)
		ideal(t, n, test.r, 2*time.Minute)
		n.Run(2 * time.Minute)
		before := n.Bytes
		n.Run(2 * time.Minute)
		got := (n.Bytes - before) / 120 / test.size
		t.Logf("%s: %d B/s a peer", test.name, got)
		if got > 60 {
			t.Errorf("%s: got %d B/s a peer at rest, want at most 60", test.name, got)
		}
	}
}

// TestHalfDieWithoutAWord kills half of a ring at one instant.
func TestHalfDieWithoutAWord(t *testing.T) {
	n := NewNet(NetConfig{Seed: 3})
	contacts := Contacts(120, rand.New(rand.NewPCG(3, 3)))
	n.Settle(contacts)
	n.Run(30 * time.Second)
	random := rand.New(rand.NewPCG(3, 4))
	for _, i := range random.Perm(len(contacts))[:60] {
		n.Silence(n.Peer(contacts[i].ID))
	}
	t.Logf("ideal again after %v", ideal(t, n, 16, 5*time.Minute))
}

// TestLossIsNoDeath loses one message in twenty: the ring holds, and nobody stays dropped.
func TestLossIsNoDeath(t *testing.T) {
	for seed := range uint64(6) {
		n := NewNet(NetConfig{Seed: seed, Loss: 0.05, Chord: chord.Classic()})
		n.Settle(Contacts(30, rand.New(rand.NewPCG(seed, 4))))
		n.Run(3 * time.Minute)
		if bad := Check(n.Cores(), Rules{Successors: 3, Base: true}); len(bad) > 0 {
			t.Errorf("seed %d: got %v", seed, bad)
		}
		n.Lose(0)
		ideal(t, n, 3, time.Minute)
	}
}

// TestPausesAreNoDeaths stops one peer in ten for five seconds.
func TestPausesAreNoDeaths(t *testing.T) {
	dead := make(map[identity.ID]int)
	n := NewNet(NetConfig{Seed: 5, Chord: chord.Classic(), Event: func(e trace.Event) {
		if e.Kind == trace.RingDead {
			dead[e.Peer]++
		}
	}})
	n.Settle(Contacts(40, rand.New(rand.NewPCG(5, 5))))
	n.Run(30 * time.Second)
	live := n.Live()
	for i := 0; i < len(live); i += 10 {
		n.Pause(live[i], 5*time.Second)
	}
	clear(dead)
	n.Run(90 * time.Second)
	for i := 0; i < len(live); i += 10 {
		if got := dead[live[i].Contact.ID]; got > 0 {
			t.Errorf("who stood still took %d others for dead", got)
		}
	}
	ideal(t, n, 3, time.Minute)
}

// TestTornOffReturns takes one peer off the network for five seconds, in which
// it and the others lose each other: what they say meanwhile is lost, or arrives
// all at once afterwards. One ring must come of it, whatever the modes.
func TestTornOffReturns(t *testing.T) {
	for _, late := range []bool{false, true} {
		for seed := range uint64(6) {
			for _, size := range []int{2, 4, 8, 9, 12} {
				var n *Net
				var held identity.ID
				var until time.Duration
				n = NewNet(NetConfig{Seed: seed, Chord: chord.Classic(), Latency: func(a, b identity.ID) time.Duration {
					d := pairLatency(a, b)
					if late && (a == held || b == held) {
						d += max(until-n.Now(), 0)
					}
					return d
				}})
				contacts := Contacts(size, rand.New(rand.NewPCG(seed, 4)))
				n.Start(n.Add(contacts[0]))
				for _, c := range contacts[1:] {
					n.Join(n.Add(c), contacts[0])
					n.Run(100 * time.Millisecond)
				}
				n.Run(20 * time.Second)
				held, until = contacts[size/3].ID, n.Now()+5*time.Second
				for _, p := range n.Live() {
					n.Cut(p, n.Peer(held), !late && p.Contact.ID != held)
				}
				n.Run(5 * time.Second)
				for _, p := range n.Live() {
					n.Cut(p, n.Peer(held), false)
				}
				ideal(t, n, 3, 90*time.Second)
			}
		}
	}
}

// TestSameSeedSameRun plays a run with churn twice.
func TestSameSeedSameRun(t *testing.T) {
	play := func(seed uint64) string {
		h := sha256.New()
		n := NewNet(NetConfig{Seed: seed, Loss: 0.02, Chord: chord.Classic(), Event: func(e trace.Event) { fmt.Fprintln(h, e) }})
		contacts := Contacts(40, rand.New(rand.NewPCG(6, 6)))
		n.Settle(contacts[:30])
		for i, c := range contacts[30:] {
			n.Join(n.Add(c), contacts[i])
			n.Run(time.Second)
			n.Crash(n.Peer(contacts[i+10].ID))
			n.Lookup(n.Peer(contacts[i].ID), c.Point)
		}
		n.Run(time.Minute)
		return fmt.Sprintf("%x %d", h.Sum(nil), n.Messages)
	}
	if a, b := play(1), play(1); a != b {
		t.Errorf("the same seed: got %s and %s", a, b)
	}
	if a, b := play(1), play(2); a == b {
		t.Errorf("two seeds: got %s twice", a)
	}
}
