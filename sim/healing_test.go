package sim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cicada/trace"
)

// Successors that are dead are not right, and a peer that nobody has is evicted.
func TestHeadsAndEvicted(t *testing.T) {
	w := perfect(Config{Peers: 50, Seed: 1})
	if right, all := w.heads(); right != 50 || all != 50 || w.evicted() != 0 {
		t.Errorf("of a perfect ring %d of %d are right, %d evicted", right, all, w.evicted())
	}
	w.crash(11)
	if right, all := w.heads(); right != 48 || all != 49 {
		t.Errorf("after a crash %d of %d are right, want all but one", right, all)
	}
	w.pass(t, 30*time.Second)
	i := w.spawn(newContact(w.random))
	w.nodes[i].ring.Start(w.now) // a ring of its own
	if w.evicted() == 0 {
		t.Error("nobody knows the last, and it is not evicted")
	}
	w.nodes[i].resumeAt = never
	before := w.evicted()
	if w.nodes[i].resumeAt = 0; w.evicted() != before+1 {
		t.Error("who stands still counts")
	}
}

// A ring that is not ideal in time is a violation, unless a crash took all that
// somebody knew.
func TestIdealWithin(t *testing.T) {
	config := Config{Peers: 100, Seed: 2, Duration: 10 * time.Second, IdealWithin: time.Second, Steps: []Step{{9 * time.Second, Crash{Share: 0.2}}}}
	if r := simulate(t, config); r.Violations != 1 || r.QuietAfter != -1 || !strings.Contains(r.FirstViolation, "1s after the last fault") {
		t.Errorf("got %d violations, %q", r.Violations, r.FirstViolation)
	}
	config.IdealWithin = 2 * time.Minute
	if r := simulate(t, config); r.Violations != 0 || r.QuietAfter <= 1 || r.IdealAfter <= r.QuietAfter || r.IdealAfter < r.HeadsAfter {
		t.Errorf("got %d violations, ideal %v s after the end, %v after the crash", r.Violations, r.QuietAfter, r.IdealAfter)
	}
	config.IdealWithin, config.Steps[0].Fault = time.Second, Crash{Share: 0.9}
	config.Ring.Successors = 4
	if r := simulate(t, config); r.Violations != 0 || r.QuietAfter != -1 || r.AssumptionBroken == 0 {
		t.Errorf("where members lost all: %d violations, %+v", r.Violations, r)
	}
}

// A ring that never comes about is an error, or a violation where it had to be ideal.
func TestNeverARing(t *testing.T) {
	config := Config{Peers: 3, Start: Joined, Network: Network{Loss: 1}}
	if _, err := Run(t.Context(), config, nil); err == nil || !strings.Contains(err.Error(), "not ideal after 30m") {
		t.Errorf("got %v", err)
	}
	config.IdealWithin = time.Minute
	if r := simulate(t, config); r.Violations != 1 || !strings.Contains(r.FirstViolation, "not ideal after 30m") {
		t.Errorf("got %d violations, %s", r.Violations, r.FirstViolation)
	}
}

// A peer that wants to be ticked for ever does not hold up time, and is found; one
// that is due while messages that waited for it come is none.
func TestSpinning(t *testing.T) {
	w := perfect(Config{Peers: 2, Seed: 1})
	w.now = time.Second
	for range 2 * spinLimit {
		if w.again(1) != w.now {
			t.Fatal("who was not ticked has to wait")
		}
	}
	for k := range spinLimit {
		if w.again(1) != w.now {
			t.Fatalf("it has to wait after %d times", k)
		}
		w.tick(1)
	}
	for range 2 {
		if w.again(1) != w.now+spinPause || w.watch.violations != 1 {
			t.Errorf("it goes on at %v, %d violations", w.again(1), w.watch.violations)
		}
	}
	w.now++
	if w.tick(1); w.again(1) != w.now {
		t.Error("it is not forgiven later")
	}
}

// A run can end at its first violation.
func TestStopAtViolation(t *testing.T) {
	w := perfect(Config{Peers: 5, StopAtViolation: true})
	w.violated("something")
	r := runner{World: w}
	if err := r.until(t.Context(), time.Second); err != errFound {
		t.Errorf("got %v", err)
	}
}

// The times that peers stay have the median that was asked for.
func TestSessions(t *testing.T) {
	for _, d := range []Distribution{Exponential, Pareto, Fixed} {
		w := newWorld(Config{Peers: 1, Seed: 1, Session: time.Minute, Sessions: d}.filled())
		var times []time.Duration
		for range 20_000 {
			times = append(times, w.session())
		}
		slices.Sort(times)
		least, median, most := times[0], times[10_000], times[19_999]
		if median < 58*time.Second || median > 62*time.Second {
			t.Errorf("%s: the median is %v", d, median)
		}
		switch {
		case d == Exponential && (least > time.Second || most < 5*time.Minute || most > time.Hour),
			d == Pareto && (least < 30*time.Second || most < 10*time.Hour),
			d == Fixed && (least != most):
			t.Errorf("%s: from %v to %v", d, least, most)
		}
	}
}

// Of those whose time is over a share leaves in order, the rest crashes.
func TestLeaveShare(t *testing.T) {
	for _, leave := range []float64{0, 0.5, 1} {
		events := &trace.Recorder{Size: 1 << 20, Keep: true}
		simulate(t, Config{Peers: 60, Seed: 1, Session: 30 * time.Second, Sessions: Fixed, Leave: leave, Duration: 25 * time.Second, Trace: events})
		left, crashed := 0, 0
		for _, e := range events.Events() {
			if e.Kind == trace.PeerDown && e.Reason == "left" {
				left++
			} else if e.Kind == trace.PeerDown {
				crashed++
			}
		}
		part := float64(left) / float64(left+crashed)
		if left+crashed < 40 || part < leave-0.2 || part > leave+0.2 {
			t.Errorf("leave %v: %d left, %d crashed", leave, left, crashed)
		}
	}
}

// A trace has the peers and virtual times, and the run is the same with and without.
func TestTrace(t *testing.T) {
	config := Config{Peers: 50, Seed: 3, Sends: 20, Broadcasts: 1, Lookups: 10}
	without := simulate(t, config)
	events := &trace.Recorder{Size: 1 << 20, Keep: true}
	config.Trace = events
	if traced := simulate(t, config); traced.TraceHash != without.TraceHash {
		t.Error("a trace changes the run")
	}
	kinds := map[trace.Kind]int{}
	last := time.Duration(0)
	for _, e := range events.Events() {
		kinds[e.Kind]++
		if e.Peer.IsZero() || e.At < last {
			t.Fatalf("%v after %v", e, last)
		}
		last = e.At
	}
	for kind, want := range map[trace.Kind]int{trace.PeerUp: 50, trace.Delivered: without.Delivered, trace.BroadcastDelivered: 49, trace.LookupDone: 10} {
		if kinds[kind] < want {
			t.Errorf("%d times %s, want %d", kinds[kind], kind, want)
		}
	}
	if kinds[trace.RingSent] < 100 || kinds[trace.CopySent] < 20 {
		t.Errorf("got %v", kinds)
	}
}

// A message that cannot be delivered is in the trace, with whom it was for.
func TestTraceOfFailures(t *testing.T) {
	events := &trace.Recorder{Size: 1 << 20, Keep: true}
	simulate(t, Config{Peers: 40, Seed: 3, Sends: 40, Trace: events, Duration: 40 * time.Second,
		Steps: []Step{{0, Partition{Shares: []float64{1, 1}, For: 39 * time.Second}}}})
	failed := 0
	for _, e := range events.Events() {
		if e.Kind == trace.SendFailed {
			failed++
			if e.Other.IsZero() || e.Other == e.Peer || e.Message.IsZero() {
				t.Errorf("got %v", e)
			}
		}
	}
	if failed < 5 {
		t.Errorf("%d messages failed through a cut", failed)
	}
}

// What is measured of memory is what state machines have.
func TestBytesPerPeer(t *testing.T) {
	if r := simulate(t, Config{Peers: 999, Duration: time.Second}); r.BytesPerPeer != 0 {
		t.Errorf("%d bytes for each of 999 peers, which nobody can measure", r.BytesPerPeer)
	}
	if r := simulate(t, Config{Peers: 1000, Duration: time.Second}); r.BytesPerPeer < 3000 || r.BytesPerPeer > 100_000 || r.Messages <= 0 {
		t.Errorf("%d bytes, %v messages a second", r.BytesPerPeer, r.Messages)
	}
}

// Restarted peers join while others still take them for what they were: no violation.
func TestEarlierLives(t *testing.T) {
	w := perfect(Config{Peers: 60, Seed: 1})
	known := w.remembered(3)
	w.crash(3)
	w.restart(3, known)
	if w.check(); w.watch.violations > 0 {
		t.Error(w.watch.first)
	}
	w.nodes[3].lives = 1
	if w.check(); w.watch.violations == 0 {
		t.Error("a joiner in a list that never was there is no violation")
	}
}
