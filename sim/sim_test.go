package sim

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
)

// simulate runs a small swarm; what is left out of config is small, too.
func simulate(t *testing.T, config Config) *Result {
	t.Helper()
	if config.Duration == 0 {
		config.Duration = 10 * time.Second
	}
	r, err := Run(t.Context(), config, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The same seed gives the same run, event by event, whatever happens in it; another
// seed gives another.
func TestSameSeedSameTrace(t *testing.T) {
	config := Config{
		Peers: 60, Seed: 7, Start: Joined, Lookups: 100, IDLookups: 100, Sends: 100, Broadcasts: 2, Duplicates: 2,
		Session: 20 * time.Second, Leave: 0.5, Kill: 0.2, SendsAfterKill: 20, BroadcastsAfterKill: 1,
		Network: Network{Loss: 0.02, Duplicate: 0.02, Jitter: 10 * time.Millisecond}, IdealWithin: 10 * time.Minute, Steps: everyFault(),
	}
	first, second := simulate(t, config), simulate(t, config)
	for _, r := range []*Result{first, second} {
		r.EventsPerSecond, r.BytesPerPeer = 0, 0 // of the real machine
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("got\n%+v and\n%+v of the same seed", first, second)
	}
	config.Seed = 8
	if other := simulate(t, config); other.TraceHash == first.TraceHash {
		t.Error("another seed gave the same trace")
	}
}

// Fetching what the next events need changes nothing.
func TestLookingAhead(t *testing.T) {
	hash := func(blind bool) uint64 {
		w := newWorld(Config{Peers: 300, Seed: 3, Ring: chord.Config{TableBudget: -1}}.filled())
		_ = w.restore(t.Context(), newContacts(w.random, 300))
		w.spread(600, 20*time.Second, w.lookUpKey)
		w.at(5*time.Second, func() { Crash{Share: 0.3}.begin(w) })
		w.at(6*time.Second, func() { w.join(w.spawn(newContact(w.random))) })
		for w.now < 20*time.Second {
			if blind {
				w.warmed = 1
			}
			w.step()
		}
		return w.hash
	}
	if seeing, blind := hash(false), hash(true); seeing != blind {
		t.Errorf("the trace is %x with looking ahead, and %x without", seeing, blind)
	}
}

// A healthy ring answers everything rightly, whether it was made perfect or joined,
// and no invariant is broken.
func TestHealthyRing(t *testing.T) {
	for _, config := range []Config{
		{Peers: 1, Lookups: 10, IDLookups: 10},
		{Peers: 2, Lookups: 20, IDLookups: 20, Sends: 20, Broadcasts: 1},
		{Peers: 200, Lookups: 200, IDLookups: 200, Sends: 200, Broadcasts: 2},
		{Peers: 40, Start: Joined, Lookups: 50, IDLookups: 50, Sends: 50, Broadcasts: 2},
		{Peers: 40, Start: Joined, Lookups: 50, IDLookups: 50, Sends: 50, Broadcasts: 2, Ring: chord.Classic()},
	} {
		r := simulate(t, config)
		if r.Right != config.Lookups || r.IDRight != config.IDLookups || r.Wrong+r.Failed+r.IDWrong+r.IDFailed != 0 {
			t.Errorf("%d peers: got %+v, want every lookup right", config.Peers, r)
		}
		if r.Delivered != config.Sends || r.DeliveredTwice != 0 {
			t.Errorf("%d peers: %d of %d messages delivered, %d twice", config.Peers, r.Delivered, config.Sends, r.DeliveredTwice)
		}
		if config.Broadcasts > 0 && (r.Broadcasts != config.Broadcasts || r.CoverageLeast != 1) {
			t.Errorf("%d peers: %d broadcasts reached %v at least, want all", config.Peers, r.Broadcasts, r.CoverageLeast)
		}
		if r.Violations+r.AssumptionBroken != 0 || r.RulesBroken != 0 {
			t.Errorf("%d peers: %d violations (%s), %d broken assumptions, %d rules broken", config.Peers, r.Violations, r.FirstViolation, r.AssumptionBroken, r.RulesBroken)
		}
	}
}

// The number of hops is that of the reference: half of log2 N for the ring of the
// textbooks, and about two for a thousand peers with wide fingers.
func TestHops(t *testing.T) {
	for _, x := range []struct {
		ring  chord.Config
		most  float64
		table int
	}{{chord.Config{TableBudget: -1}, 2.0, 140}, {chord.Classic(), 3.5, 25}} {
		r := simulate(t, Config{Peers: 1000, Ring: x.ring, IDLookups: 3000})
		if r.HopsMean > x.most || r.HopsMean < x.most-1 || r.TableMax > x.table {
			t.Errorf("%+v: got %.2f hops with tables of %d, want at most %.2f with %d", x.ring, r.HopsMean, r.TableMax, x.most, x.table)
		}
	}
}

// Peers that may spend something on it know all others, also while some come and go:
// everybody is one hop away, and what that takes is far below the budget.
func TestOneHop(t *testing.T) {
	r := simulate(t, Config{Peers: 400, Session: time.Hour, IDLookups: 500, Sends: 200, Duration: 2 * time.Minute})
	if r.HopsMean > 1.02 || r.IDWrong+r.IDFailed > 0 || r.Delivered != r.Sends || r.StretchP50 > 1.01 {
		t.Errorf("got %.3f hops, stretch %.2f, %d wrong, %d failed, %d of %d delivered", r.HopsMean, r.StretchP50, r.IDWrong, r.IDFailed, r.Delivered, r.Sends)
	}
	if r.TableStale > 0.02 || r.TableMissing > 0.02 {
		t.Errorf("%.3f of the tables are gone, and %.3f missing there", r.TableStale, r.TableMissing)
	}
	if r.Upkeep > 400 || r.RulesBroken > 0 || r.Violations > 0 {
		t.Errorf("got %.0f B/s, %d rules broken, %d violations", r.Upkeep, r.RulesBroken, r.Violations)
	}
}

// A third of all peers dies at one instant: the ring is ideal again, what is sent
// between survivors arrives, and nothing is delivered twice.
func TestAThirdDies(t *testing.T) {
	r := simulate(t, Config{Peers: 150, Sends: 500, Lookups: 500, Kill: 1.0 / 3, Duration: time.Minute})
	if r.Peers != 100 || r.IdealAfter <= 0 || r.IdealAfter > 40 {
		t.Errorf("%d peers are left, ideal after %v s, want 100, within 40 s", r.Peers, r.IdealAfter)
	}
	if r.Delivered != r.Sends || r.Sends < 300 || r.DeliveredTwice > 0 {
		t.Errorf("%d of %d delivered, %d twice", r.Delivered, r.Sends, r.DeliveredTwice)
	}
	if r.Wrong > 0 || r.Violations > 0 {
		t.Errorf("%d wrong lookups, %d violations: %s", r.Wrong, r.Violations, r.FirstViolation)
	}
}

// Peers come and go, and messages get lost: lookups are right all the same.
func TestChurn(t *testing.T) {
	r := simulate(t, Config{Peers: 100, Session: 84 * time.Second, Lookups: 1000, IDLookups: 500, Duration: time.Minute, Network: Network{Loss: 0.01}})
	if r.Wrong > 1 || r.Failed > 1 || r.Lookups < 900 || r.Violations > 0 {
		t.Errorf("%d wrong, %d failed of %d lookups, %d violations: %s", r.Wrong, r.Failed, r.Lookups, r.Violations, r.FirstViolation)
	}
}

// What a peer once owned counts for lookups of that time, and not for later ones.
func TestClaims(t *testing.T) {
	w := newWorld(Config{Peers: 2, Seed: 1}.filled())
	contact := newContact(w.random)
	contact.Point = [32]byte{100}
	i := w.spawn(contact)
	w.claimed(i, claim{from: 0, after: [32]byte{50}, owns: true})
	w.now = time.Second
	w.claimed(i, claim{from: w.now, after: [32]byte{80}, owns: true})
	for _, x := range []struct {
		key   byte
		since time.Duration
		want  bool
	}{
		{90, 2 * time.Second, true}, {60, 2 * time.Second, false},
		{60, time.Second, true}, {60, 500 * time.Millisecond, true}, // it ended at that instant, or later
		{40, 0, false}, {100, 2 * time.Second, true}, {101, 0, false},
	} {
		if got := w.owned(i, [32]byte{x.key}, x.since); got != x.want {
			t.Errorf("key %d since %v: got %v, want %v", x.key, x.since, got, x.want)
		}
	}
}

func TestValidate(t *testing.T) {
	good := Config{Peers: 10}
	if err := good.Validate(); err != nil {
		t.Errorf("got %v for %+v", err, good)
	}
	for _, x := range []struct {
		bad  Config
		want string
	}{
		{Config{}, "0 peers"}, {Config{Peers: MaxPeers + 1}, "peers"}, {Config{Peers: 1, Start: "there"}, `start "there"`},
		{Config{Peers: 1, Duration: -1}, "negative"}, {Config{Peers: 1, Lookups: -1}, "negative"}, {Config{Peers: 1, Sends: 1}, "two peers"},
		{Config{Peers: 1, Kill: 1.5}, "kill 1.5"}, {Config{Peers: 1, Network: Network{Loss: -1}}, "loss -1"},
		{Config{Peers: 1, Ring: chord.Config{FingerBase: 3}}, "finger base"},
		{Config{Peers: 1, Seal: "wax"}, `seal "wax"`}, {Config{Peers: 1, Sessions: "short"}, `sessions "short"`}, {Config{Peers: 1, Leave: 2}, "leave 2"},
		{Config{Peers: 9, SendsAfterKill: 1}, "nobody is killed"}, {Config{Peers: 9, IdealWithin: -1}, "negative"},
		{Config{Peers: 1, Joins: joins(0)}, `start ""`}, {Config{Peers: 1, Start: Joined, Joins: joins(0, 1)}, "2 joins"},
		{Config{Peers: 2, Start: Joined, Joins: joins(1, 0)}, "join 2 is at 0s"},
		{Config{Peers: 2, Start: Joined, Joins: slices.Repeat(joins(0), 2)}, "join 2 is at the point of another"},
		{with(nil), "does nothing"}, {with(Partition{Shares: []float64{1}, For: 1}), "two groups"},
		{with(Partition{Shares: []float64{1, 0}, For: 1}), "more than 0"}, {with(Partition{Shares: []float64{1, 1}}), "for how long"},
		{with(Partition{Shares: []float64{1, 1}, For: time.Hour}), "is not over after 1m0s"}, {with(OneWay{Share: 2, For: 1}), "one-way 2"},
		{with(Links{Share: 0.1, Loss: -1, For: 1}), "loss -1"}, {with(Links{Share: 0.1, Delay: -1, For: 1}), "negative"},
		{with(Uplinks{Share: 1, For: 1}), "0 bytes a second"}, {with(Uplinks{Share: 1, Rate: 1, Queue: -1, For: 1}), "queue of -1"},
		{with(Weather{Network: Network{Loss: 2}, For: 1}), "loss 2"}, {with(Pause{Share: 0.1, For: 1, Every: 1}), "again and again"},
		{with(Pause{Share: 0.1, For: 1, Every: 1, During: 10 * time.Second}), "too often"}, {with(Pause{For: 1}), "pause 0"},
		{with(Crash{Share: 0.1, Forget: true}), "only who is back"}, {with(Crash{Share: 0.1, Back: -1}), "negative"},
		{with(Leaving{}), "leave 0"}, {with(Growth{For: 1}), "grow to 0"}, {with(Burst{}), "sends or broadcasts"},
	} {
		if _, err := Run(t.Context(), x.bad, nil); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: got %v, want …%s…", x.bad, err, x.want)
		}
	}
}

// events keeps all that it is told.
type events []trace.Event

// Enabled reports that events are wanted.
func (*events) Enabled() bool { return true }

// Emit takes in an event.
func (l *events) Emit(e trace.Event) { *l = append(*l, e) }

// joins returns peers that join after so many seconds, at places of their own.
func joins(seconds ...int) []Join {
	list := make([]Join, len(seconds))
	for i, s := range seconds {
		list[i] = Join{Point: identity.Point{byte(37 * i), 1}, At: time.Duration(s) * time.Second}
	}
	return list
}

// A swarm that formed elsewhere forms again: the same points, at the same times.
func TestJoinsAreReplayed(t *testing.T) {
	want := joins(0, 1, 1, 3, 20)
	for i := range want {
		want[i].At += 7 * time.Millisecond
	}
	var told events
	simulate(t, Config{Peers: len(want), Seed: 1, Start: Joined, Joins: want, Duration: time.Second, Trace: &told})
	var got []Join
	for _, e := range told {
		if e.Kind == trace.PeerUp {
			got = append(got, Join{Point: e.Key, At: e.At})
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("joined: got %v, want %v", got, want)
	}
}

// with returns a run with one step.
func with(f Fault) Config { return Config{Peers: 9, Steps: []Step{{Fault: f}}} }

// A run ends soon after its context.
func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	_, err := Run(ctx, Config{Peers: 300, Start: Joined, Duration: 24 * time.Hour}, func(string, time.Duration, uint64) {
		told++
		cancel()
	})
	if !errors.Is(err, context.Canceled) || told != 1 {
		t.Errorf("got %v after %d reports of progress, want the end after one", err, told)
	}
}

// Half of all pairs of peers are within 63 ms of each other, and distances are the
// same both ways.
func TestDelays(t *testing.T) {
	w := newWorld(Config{Peers: 2, Seed: 3}.filled())
	for range 400 {
		w.spawn(newContact(w.random))
	}
	var delays sample
	for a := range int32(400) {
		for b := range a {
			if w.direct(a, b) != w.direct(b, a) {
				t.Fatal("one way is longer")
			}
			delays.add(millis(w.direct(a, b)))
		}
	}
	if half := delays.quantile(0.5); half < 58 || half > 68 {
		t.Errorf("half of all are within %.0f ms, want 63", half)
	}
}

// What is told of a peer is of those that were there: of a broadcast before half of all
// died, each got one message, and the others' bytes before are theirs.
func TestFiguresAreOfThoseThatLived(t *testing.T) {
	r := simulate(t, Config{Peers: 50, Seed: 1, Duration: 20 * time.Second, Broadcasts: 1, Ring: chord.Config{TableBudget: -1},
		Steps: []Step{{19 * time.Second, Crash{Share: 0.8}}}})
	if r.MessagesPerPeer != 1 || r.Coverage != 1 {
		t.Errorf("a broadcast took %v messages a peer, and reached %v", r.MessagesPerPeer, r.Coverage)
	}
	quiet := simulate(t, Config{Peers: 50, Seed: 1, Duration: 20 * time.Second, Broadcasts: 1, Ring: chord.Config{TableBudget: -1}})
	if r.Upkeep > 1.5*quiet.Upkeep {
		t.Errorf("upkeep is %.0f B/s, and %.0f where nobody died in the last second", r.Upkeep, quiet.Upkeep)
	}
}
