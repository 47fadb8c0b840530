package sim

import (
	"flag"
	"reflect"
	"testing"
	"time"

	"cicada/chord"
)

// cicada sim --chaos --events 1e9 -j 2 is the whole of what this is a slice of.
var chaosSeeds = flag.Uint64("chaos-seeds", 40, "how many seeds TestChaos runs; a quarter of them with -short")

// A seed draws the same run each time, another seed another, and of many there are
// all faults.
func TestChaosDraws(t *testing.T) {
	if !reflect.DeepEqual(Chaos(5, 0), Chaos(5, 0)) {
		t.Error("one seed, two runs")
	}
	kinds := map[reflect.Type]bool{}
	sizes := map[int]bool{}
	for seed := range uint64(300) {
		c := Chaos(seed, 0)
		if err := c.Validate(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if c.IdealWithin < 30*time.Second || c.IdealWithin > 90*time.Second {
			t.Errorf("seed %d: the ring has %v", seed, c.IdealWithin)
		}
		sizes[c.Peers] = true
		for _, s := range c.Steps {
			kinds[reflect.TypeOf(s.Fault)] = true
		}
	}
	if len(kinds) != 9 || len(sizes) < 50 || Chaos(1, 77).Peers != 77 {
		t.Errorf("%d kinds of faults, %d sizes", len(kinds), len(sizes))
	}
}

// mended are seeds that found something, which was mended since.
var mended = []uint64{43, 156, 205, 336, 548, 591, 596, 616, 1058, 1156, 1558, 1966, 2342, 3104, 3531}

// The ring survives what seeds draw: the first ones, and those that it once did not.
func TestChaos(t *testing.T) {
	n := *chaosSeeds
	if testing.Short() {
		n /= 4
	}
	events := uint64(0)
	for seed := range n + uint64(len(mended)) {
		if seed >= n {
			seed = mended[seed-n]
		}
		r := simulate(t, Chaos(seed, 0))
		if events += r.Events; r.Violations > 0 {
			t.Errorf("cicada sim --chaos --seed %d: %s", seed, r.FirstViolation)
		}
	}
	t.Logf("%d events", events)
}

// A member whose whole list is dead, cut off or stands still is more than a ring is
// asked to survive; and so is one that fell asleep when it knew nobody.
func TestBereaved(t *testing.T) {
	for _, test := range []struct {
		name   string
		gone   int // of the four that follow
		all    bool
		happen func(w *World, i int32)
	}{
		{"crashed", 4, true, (*World).crash},
		{"all but one", 3, false, (*World).crash},
		{"standing still", 4, true, func(w *World, i int32) { w.nodes[i].resumeAt = w.now + 5*time.Second }},
	} {
		w := perfect(Config{Peers: 60, Seed: 1, Ring: chord.Config{Successors: 4}})
		for _, peer := range w.nodes[9].ring.Successors()[:test.gone] {
			test.happen(w, w.number(peer.ID))
		}
		if w.bereaved(); w.watch.bereft != test.all {
			t.Errorf("%s: bereft %v", test.name, w.watch.bereft)
		}
	}
	w := perfect(Config{Peers: 60, Seed: 1, Ring: chord.Config{Successors: 4}})
	Pause{Share: 0.9, For: 5 * time.Second}.begin(w)
	if !w.watch.bereft {
		t.Error("nearly all stand still, and nothing is noted")
	}
	w = perfect(Config{Peers: 60, Seed: 1})
	n := &w.nodes[9]
	n.ring = chord.New(n.contact, w.config.Ring, n.random)
	w.unlist(9, "away")
	if w.wake(9); !w.watch.bereft {
		t.Error("one is back that knows nobody, and nothing is noted")
	}
}
