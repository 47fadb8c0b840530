package sim

import (
	"context"
	"slices"
	"testing"
	"time"

	"cicada/chord"
	"cicada/trace"
)

// everyFault returns steps with every fault there is, all within ten seconds.
func everyFault() []Step {
	const second = time.Second
	return []Step{
		{0, Uplinks{Share: 0.5, Rate: 20_000, For: 9 * second}},
		{1 * second, Links{Share: 0.05, Loss: 0.5, Delay: second / 10, For: 3 * second}},
		{1 * second, Weather{Network: Network{Loss: 0.1, Duplicate: 0.1, Jitter: second / 5}, For: 3 * second}},
		{2 * second, Partition{Shares: []float64{2, 1}, For: 4 * second}},
		{3 * second, Growth{To: 70, For: 2 * second}},
		{3 * second, Pause{Share: 0.1, For: second, Every: 2 * second, During: 5 * second}},
		{4 * second, Crash{Share: 0.1, Back: 2 * second}},
		{4 * second, Crash{Share: 0.1, Back: 3 * second, Forget: true}},
		{5 * second, Leaving{Share: 0.1}},
		{6 * second, OneWay{Share: 0.2, For: 2 * second}},
		{9 * second, Burst{Sends: 20, Broadcasts: 1}},
	}
}

// perfect returns a world of a perfect ring, at rest.
func perfect(config Config) *World {
	w := newWorld(config.filled())
	contacts := newContacts(w.random, config.Peers)
	_ = w.restore(context.Background(), contacts)
	return w
}

// pass lets time pass.
func (w *World) pass(t *testing.T, d time.Duration) {
	t.Helper()
	if err := w.run(t.Context(), w.now+d); err != nil {
		t.Fatal(err)
	}
}

// Nothing gets from one side of a partition to the other: each side becomes a ring of
// its own, and afterwards they grow into one again.
func TestPartition(t *testing.T) {
	w := perfect(Config{Peers: 80, Seed: 2})
	Partition{Shares: []float64{1, 1}, For: 30 * time.Second}.begin(w)
	c := w.cuts[0]
	w.pass(t, 20*time.Second)
	sizes := []int{0, 0}
	for _, i := range w.alive {
		sizes[c.group(i)]++
		if next := w.nodes[i].ring.Successors()[0]; c.group(w.number(next.ID)) != c.group(i) {
			t.Errorf("peer %d has a successor on the other side", i)
		}
	}
	if slices.Min(sizes) < 25 {
		t.Errorf("the sides have %v peers, want about as many", sizes)
	}
	w.check()
	if w.watch.violations+w.watch.assumption > 0 {
		t.Errorf("%d violations on one side, %s; %d broken assumptions", w.watch.violations, w.watch.first, w.watch.assumption)
	}
	for range 120 {
		if w.pass(t, time.Second); len(w.cuts) == 0 && w.ideal() {
			break
		}
	}
	if w.check(); !w.ideal() || w.watch.violations > 0 || w.watch.apart {
		t.Errorf("two minutes later the ring is not one again: %d violations, %s", w.watch.violations, w.watch.first)
	}
	if h := w.watch.heal; h.from != 30*time.Second || h.heads == never || h.ideal < h.heads {
		t.Errorf("healing was measured as %+v", h)
	}
}

// What is sent into the inside of a one-way cut arrives, what is sent out does not.
func TestOneWay(t *testing.T) {
	w := perfect(Config{Peers: 200, Seed: 1})
	OneWay{Share: 0.25, For: time.Second}.begin(w)
	inside := 0
	for from := range int32(200) {
		c := w.hindrances[0].(*cut)
		if c.group(from) == 0 {
			inside++
		}
		for to := range int32(200) {
			_, lost := w.hindered(from, to, 100, new(draw))
			if want := c.group(from) == 0 && c.group(to) == 1; lost != want {
				t.Fatalf("from group %d to %d: lost %v", c.group(from), c.group(to), lost)
			}
		}
	}
	if inside < 30 || inside > 70 {
		t.Errorf("%d of 200 are inside, want a quarter", inside)
	}
	if w.pass(t, 2*time.Second); len(w.hindrances) > 0 || w.watch.unsure != 0 {
		t.Error("it was not over in time")
	}
}

// A share of all links is worse one way, always the same, and not the other.
func TestLinks(t *testing.T) {
	w := perfect(Config{Peers: 100, Seed: 1})
	Links{Share: 0.1, Loss: 0.5, Delay: time.Second, For: time.Minute}.begin(w)
	bad, lost, both := 0, 0, 0
	worse := func(from, to int32, d *draw) (bool, bool) {
		later, lost := w.hindered(from, to, 100, d)
		return lost || later == time.Second, lost
	}
	for from := range int32(100) {
		for to := range from {
			d := draw(mix(uint64(from)<<32 | uint64(to)))
			there, gone := worse(from, to, &d)
			back, _ := worse(to, from, &d)
			if again, _ := worse(from, to, &d); again != there {
				t.Fatal("a link is worse one time and not the next")
			}
			if there {
				bad++
			}
			if gone {
				lost++
			}
			if there && back {
				both++
			}
		}
	}
	if bad < 400 || bad > 600 || both > 100 || lost < bad/3 || lost > 2*bad/3 {
		t.Errorf("of 4950 links %d are worse, and %d both ways; %d messages were lost on them", bad, both, lost)
	}
}

// On a narrow line messages wait for each other, and what is too much is dropped.
func TestUplinks(t *testing.T) {
	w := perfect(Config{Peers: 2, Seed: 1})
	Uplinks{Share: 1, Rate: 1000, Queue: 2000, For: time.Minute}.begin(w)
	send := func(size int, want time.Duration, dropped bool) {
		t.Helper()
		if later, lost := w.hindered(0, 1, size, new(draw)); lost != dropped || later != want {
			t.Errorf("%d bytes: %v later, lost %v, want %v, %v", size, later, lost, want, dropped)
		}
	}
	send(500, time.Second/2, false)
	send(1000, 3*time.Second/2, false)
	send(600, 0, true)
	send(500, 2*time.Second, false)
	send(1, 0, true)
	w.now += 5 * time.Second
	send(100, time.Second/10, false)
	if later, lost := w.hindered(1, 0, 1000, new(draw)); later != time.Second || lost {
		t.Error("one peer's line is another's")
	}
}

// Weather changes for a time; then it is what it was.
func TestWeather(t *testing.T) {
	w := perfect(Config{Peers: 10, Seed: 1, Network: Network{Loss: 0.25}})
	Weather{Network: Network{Loss: 1}, For: 2 * time.Second}.begin(w)
	w.pass(t, time.Second)
	sent := w.queueOfMessages()
	w.nodes[0].ring.Lookup(w.now, w.nodes[5].contact.Point)
	w.settle(0)
	if w.queueOfMessages() != sent {
		t.Error("a message is under way where all get lost")
	}
	Weather{Network: Network{Jitter: time.Second}, For: 2 * time.Second}.begin(w) // while the other lasts
	w.pass(t, 1500*time.Millisecond)
	if w.network.Jitter != time.Second {
		t.Error("the end of the first weather ended the second")
	}
	w.pass(t, time.Second)
	if w.network != w.config.Network {
		t.Errorf("afterwards it is %+v", w.network)
	}
}

// queueOfMessages returns how many messages are under way.
func (w *World) queueOfMessages() int { return len(w.parcels.all) - len(w.parcels.free) }

// A peer that stands still says nothing, and then handles all that has come; others
// do not forget it.
func TestPause(t *testing.T) {
	events := &trace.Recorder{Size: 1 << 20, Keep: true}
	w := perfect(Config{Peers: 40, Seed: 3, Trace: events})
	w.pass(t, 10*time.Second)
	Pause{Share: 1.0 / 40, For: 6 * time.Second}.begin(w)
	still := int32(slices.IndexFunc(w.nodes, func(n node) bool { return n.resumeAt > w.now }))
	id := w.nodes[still].contact.ID
	w.nodes[still].route = nil
	w.pass(t, 10*time.Second)
	at := map[bool]int{} // what it said at the instant when it went on, and while it stood still
	for _, e := range events.Events() {
		if e.Peer == id && e.Kind == trace.RingSent && e.At > 10*time.Second && e.At <= 16*time.Second {
			at[e.At == 16*time.Second]++
		}
	}
	if at[false] > 0 || at[true] < 4 {
		t.Errorf("it said %d things while it stood still, and %d right afterwards, want none and some", at[false], at[true])
	}
	if w.pass(t, time.Minute); !w.ideal() || w.evicted() > 0 {
		t.Errorf("a minute later %d peers are forgotten", w.evicted())
	}
}

// Timers that another one took the place of are not kept over a pause.
func TestPauseKeepsOneTimer(t *testing.T) {
	w := perfect(Config{Peers: 2, Seed: 3})
	n := &w.nodes[0]
	n.resumeAt, n.tickAt = time.Second, 10
	for _, at := range []time.Duration{10, 20, 30} {
		w.postpone(event{at: at, slot: timer})
	}
	count := 0
	for w.queue.next() <= time.Second {
		if e := w.queue.pop(); e.at == time.Second {
			count++
		}
	}
	if count != 1 || n.tickAt != time.Second {
		t.Errorf("%d timers at the end of the pause, the right one at %v", count, n.tickAt)
	}
}

// Again and again some stand still: nobody is lost for good.
func TestPausesEvictNobody(t *testing.T) {
	r := simulate(t, Config{Peers: 100, Seed: 4, Duration: time.Minute, IdealWithin: time.Minute,
		Steps: []Step{{5 * time.Second, Pause{Share: 0.1, For: 5 * time.Second, Every: 10 * time.Second, During: 40 * time.Second}}}})
	if r.Evicted > 0 || r.Violations > 0 || r.QuietAfter < 0 {
		t.Errorf("%d evicted, %d violations: %s", r.Evicted, r.Violations, r.FirstViolation)
	}
}

// Peers that crashed are back after their time: one sort with all it knew, the other
// through peers that it remembers.
func TestCrashAndBack(t *testing.T) {
	for _, forget := range []bool{false, true} {
		events := &trace.Recorder{Size: 1 << 20, Keep: true}
		w := perfect(Config{Peers: 60, Seed: 5, Trace: events})
		Crash{Share: 0.1, Back: 20 * time.Second, Forget: forget}.begin(w)
		if len(w.alive) != 54 || w.watch.heal.number != 1 {
			t.Errorf("%d peers are left of 60 without six", len(w.alive))
		}
		w.pass(t, 10*time.Second)
		if right, all := w.heads(); right != all || all != 54 {
			t.Errorf("%d of %d successors are right while six are gone", right, all)
		}
		w.pass(t, time.Minute)
		if len(w.alive) != 60 || len(w.nodes) != 60 || !w.ideal() {
			t.Errorf("%d peers, %d ever; ideal %v", len(w.alive), len(w.nodes), w.ideal())
		}
		joins := 0
		for _, e := range events.Events() {
			if e.Kind == trace.RingMode && e.Reason == chord.Joining.String() {
				joins++
			}
		}
		if forget && joins != 6 || !forget && joins > 0 {
			t.Errorf("forget %v: %d joined", forget, joins)
		}
	}
}

// Who starts again joins through those it remembers, not through anybody.
func TestRememberedPeersAreSeeds(t *testing.T) {
	w := perfect(Config{Peers: 100, Seed: 6})
	known := w.remembered(7)
	if len(known) != rememberedPeers {
		t.Fatalf("it remembers %d", len(known))
	}
	w.crash(7)
	w.crash(w.number(known[0].ID))
	w.restart(7, known)
	if w.nodes[7].seed.ID != known[1].ID {
		t.Error("as the first that it remembers is dead it should ask the second")
	}
	if w.pass(t, 5*time.Second); w.nodes[7].seed.ID != known[1].ID || w.nodes[7].ring.Mode() == chord.Joining {
		t.Error("it should have joined through that")
	}
}

// Who leaves in order hands over: its neighbours are right sooner than after a crash.
func TestLeaving(t *testing.T) {
	events := &trace.Recorder{Size: 1 << 20, Keep: true}
	steps := func(f Fault) Config {
		return Config{Peers: 100, Seed: 7, Steps: []Step{{time.Second, f}}, Duration: 30 * time.Second, Trace: events}
	}
	left := simulate(t, steps(Leaving{Share: 0.05}))
	reasons := map[string]int{}
	for _, e := range events.Events() {
		if e.Kind == trace.PeerDown {
			reasons[e.Reason]++
		}
	}
	if left.Peers != 95 || reasons["left"] != 5 || len(reasons) != 1 {
		t.Errorf("%d peers, %v", left.Peers, reasons)
	}
	if crashed := simulate(t, steps(Crash{Share: 0.05})); left.HeadsAfter > 1 || crashed.HeadsAfter <= left.HeadsAfter {
		t.Errorf("right after %v s where five left, and %v where five crashed", left.HeadsAfter, crashed.HeadsAfter)
	}
}

// A flash crowd: peers become more within a time.
func TestGrowth(t *testing.T) {
	w := perfect(Config{Peers: 20, Seed: 8})
	Growth{To: 90, For: 10 * time.Second}.begin(w)
	for _, want := range []int{56, 90} {
		if w.pass(t, 5*time.Second); len(w.alive) != want {
			t.Errorf("%d peers at %v, want %d", len(w.alive), w.now, want)
		}
	}
	r := simulate(t, Config{Peers: 20, Seed: 8, Duration: 20 * time.Second, IdealWithin: time.Minute,
		Steps: []Step{{5 * time.Second, Growth{To: 90, For: 10 * time.Second}}}})
	if r.Peers != 90 || r.QuietAfter < 0 || r.Violations > 0 {
		t.Errorf("%d peers, ideal after %v s; %s", r.Peers, r.QuietAfter, r.FirstViolation)
	}
}

// What is asked right after the kill is counted apart.
func TestBurst(t *testing.T) {
	r := simulate(t, Config{Peers: 150, Seed: 9, Kill: 0.3, SendsAfterKill: 200, BroadcastsAfterKill: 2, Sends: 10, Duration: 30 * time.Second})
	if r.BurstSends < 199 || r.BurstDelivered != r.BurstSends || r.BurstDeliveredIn1s > r.BurstDeliveredIn5s || r.BurstDeliveredIn5s < 190 || r.BurstDeliveredIn1s < 100 {
		t.Errorf("of %d sent at once %d arrived, %d within a second, %d within five", r.BurstSends, r.BurstDelivered, r.BurstDeliveredIn1s, r.BurstDeliveredIn5s)
	}
	if r.BurstBroadcasts != 2 || r.BurstCoverageLeast < 0.9 || r.Sends > 10 || r.Broadcasts > 0 {
		t.Errorf("%d broadcasts reached %v at least; %d sends and %d broadcasts of the other sort", r.BurstBroadcasts, r.BurstCoverageLeast, r.Sends, r.Broadcasts)
	}
}
