package sim

import (
	"slices"
	"testing"
	"time"

	"cicada/chord"
)

// While a ring is no more than its base, of r+1 peers, six times as many join at once,
// anywhere or all in one gap, and die without a word; again and again, at whatever
// moment of their joining. No one of the base gives up another, and they are one ring
// again soon after the last has died.
func TestJoinStormAtTheBase(t *testing.T) {
	for _, test := range []struct {
		name   string
		gap    bool          // all in one place
		living time.Duration // of each wave
	}{
		{"die while they join", false, 80 * time.Millisecond},
		{"die as members", false, 3 * time.Second},
		{"in one gap, die while they join", true, 80 * time.Millisecond},
		{"in one gap, die as members", true, 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := perfect(Config{Peers: chord.Classic().Successors + 1, Seed: 12, Ring: chord.Classic()})
			base := slices.Clone(w.alive)
			joined := 0
			for range 10 {
				joined += w.storm(t, test.gap, test.living)
			}
			if members := test.living > time.Second; members != (joined > 0) {
				t.Errorf("%d became members: the story does not happen", joined)
			}
			took := w.becomesIdeal(t, time.Minute)
			if !slices.Equal(w.alive, base) {
				t.Errorf("there are %v, want the base, %v", w.alive, base)
			}
			if w.count.blames > 0 {
				t.Errorf("peers of the base gave up each other %d times", w.count.blames)
			}
			t.Logf("%d became members; ideal %v after the last died", joined, took)
		})
	}
}

// storm has peers join, lets them live for a while, and returns how many were members then.
func (w *World) storm(t *testing.T, gap bool, living time.Duration) (joined int) {
	t.Helper()
	var comers []int32
	before := w.nodes[w.alive[0]].contact.Point
	for range 6 * len(w.alive) {
		c := newContact(w.random)
		if gap {
			copy(c.Point[:6], before[:6])
		}
		comers = append(comers, w.spawn(c))
	}
	w.recruit("drop", comers) // no invariant is promised where all successors die at once
	for _, i := range comers {
		w.join(i)
	}
	w.pass(t, living)
	for _, i := range comers {
		if w.nodes[i].ring.Mode() != chord.Joining {
			joined++
		}
		w.crash(i)
	}
	w.pass(t, living)
	return joined
}
