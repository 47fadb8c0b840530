package lab

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/sim"
	"cicada/trace"
)

// hops counts lookups by how many links the question crossed, from 0 on; the last
// place has those of so many and more.
type hops [12]int

func (h *hops) add(n int) { h[min(n, len(h)-1)]++ }

func (h *hops) plus(o *hops) (sum hops) {
	for i := range sum {
		sum[i] = h[i] + o[i]
	}
	return sum
}

func (h *hops) total() (n int) {
	for _, count := range h {
		n += count
	}
	return n
}

func (h *hops) mean() float64 {
	sum := 0
	for n, count := range h {
		sum += n * count
	}
	return float64(sum) / float64(h.total())
}

// The ring of the textbooks, where lookups take up to six hops: with the default one
// most of 128 peers know each other.
var textbook = chord.Config{Successors: 3, FingerBase: 2, TableBudget: -1}

const (
	swarmSize = 128
	questions = 3000
	replays   = 24
)

// TestHopsAreThoseOfTheSimulator has 128 peers with sockets and keys form a ring
// and look each other up, and the simulator form it again, of the same points that
// join at the same times, and do the same. The question is whether the hops could be
// of one distribution.
//
// Lookups of one ring are independent draws, but rings are not alike: which fingers are
// out of date when all have joined is a matter of chance, in the simulator by its seed. So
// the real ring is one draw more beside replays simulated ones, of as many lookups
// each: chi-square of its histogram against that of all the others together is compared
// with what each of the simulated has against the others. See overdispersed.
//
// In the simulator all links take equally long, as those on loopback do, but for noise:
// where the machine is busy, a peer measures round trips of 0.3 to 100 ms, and prefers next hops
// that seem nearer. That makes about 0.01 hops, and 0.03 in the simulator; so some of the
// replays have up to 2 or 20 ms more on each message.
//
// With p below 1e-6 the test fails: it runs thousands of times, on busy machines, too, and is
// not to fail by chance; one finger less, or one hop counted twice, has p below 1e-40.
func TestHopsAreThoseOfTheSimulator(t *testing.T) {
	if testing.Short() {
		t.Skip("128 peers with a thousand handshakes take ten seconds, and minutes with the race detector on a busy machine")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	measured, joins := lookUpForReal(ctx, t)
	simulated := simulate(ctx, t, joins)
	var all hops
	for _, h := range simulated {
		all = all.plus(&h)
	}
	t.Logf("real:      mean %.3f, %d", measured.mean(), measured)
	t.Logf("simulated: mean %.3f, %d", all.mean(), all)
	const never = 1e-6
	x, cells, spread := overdispersed(measured, simulated)
	if p := chiSquareTail(x/spread, cells-1); p < never {
		t.Errorf("chi-square is %.1f / %.2f with %d degrees of freedom, p = %.2g: not the same distribution", x, spread, cells-1, p)
	} else {
		t.Logf("chi-square %.1f / %.2f, %d degrees of freedom, p = %.3g", x, spread, cells-1, p)
	}
	// Student's t of one draw more: with 23 degrees of freedom it is beyond 6.6 once in a million times.
	const limit = 6.6
	means, deviation := meansOf(simulated)
	if off := (measured.mean() - means) / (deviation * math.Sqrt(1+1/float64(replays))); math.Abs(off) > limit {
		t.Errorf("the mean is %.3f, of those simulated %.3f ± %.3f: %.1f deviations, want at most %.1f", measured.mean(), means, deviation, off, limit)
	} else {
		t.Logf("means of those simulated: %.3f ± %.3f; the real one is %.2f deviations off", means, deviation, off)
	}
}

// lookUpForReal returns the hops of lookups between random peers of a real ring, and
// how that came about.
func lookUpForReal(ctx context.Context, t *testing.T) (*hops, []sim.Join) {
	t.Helper()
	l := New(Config{Ring: textbook})
	defer l.Close(ctx)
	began := time.Now()
	var joins []sim.Join
	seen := make(map[identity.Point]bool)
	err := l.Grow(ctx, swarmSize, func(int) { // one joins at a time, so nor is this called by two
		at := time.Since(began)
		for _, p := range l.Peers() {
			if !seen[p.Point()] {
				seen[p.Point()] = true
				joins = append(joins, sim.Join{Point: p.Point(), At: at})
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.AwaitIdeal(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("all had joined after %v, the ring was ideal after %v", joins[len(joins)-1].At, time.Since(began))
	var result hops
	var mu sync.Mutex // guards result
	var running sync.WaitGroup
	places := make(chan struct{}, 4)
	peers := l.Peers()
	for range questions {
		from, to := peers[rand.IntN(len(peers))], peers[rand.IntN(len(peers))]
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			_, trail, err := from.Lookup(ctx, to.ID())
			if err != nil || trail[0] != from.ID() || trail[len(trail)-1] != to.ID() {
				t.Errorf("lookup of %s by %s: by way of %d peers, %v", to.ID().Short(), from.ID().Short(), len(trail), err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			result.add(len(trail) - 1)
		})
	}
	running.Wait()
	t.Logf("all was looked up after %v", time.Since(began))
	return &result, joins
}

// simulate does what lookUpForReal does, in as many simulated rings as there are replays.
func simulate(ctx context.Context, t *testing.T, joins []sim.Join) []hops {
	t.Helper()
	simulated := make([]hops, replays)
	for i := range simulated {
		h := &simulated[i]
		result, err := sim.Run(ctx, sim.Config{
			Peers: len(joins), Joins: joins, Start: sim.Joined, Seed: rand.Uint64(), Ring: textbook,
			IDLookups: questions, Duration: 5 * time.Second, Trace: lookupsDone{h},
			Network: sim.Network{Flat: time.Millisecond, Jitter: []time.Duration{0, 2 * time.Millisecond, 20 * time.Millisecond}[i%3]},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if result.IDFailed > 0 || h.total() != questions || math.Abs(result.HopsMean-h.mean()) > 1e-9 {
			t.Errorf("seed %d: %d lookups failed, %d ended by the trace; their mean is %.3f hops, and %.3f by the trace",
				result.Seed, result.IDFailed, h.total(), result.HopsMean, h.mean())
		}
	}
	return simulated
}

// lookupsDone is a trace.Sink that counts the hops of lookups.
type lookupsDone struct{ *hops }

// Enabled reports that events are wanted.
func (lookupsDone) Enabled() bool { return true }

// Emit takes in an event.
func (s lookupsDone) Emit(e trace.Event) {
	if e.Kind == trace.LookupDone {
		s.add(e.Hops)
	}
}

// overdispersed returns chi-square of one histogram against all others together,
// into how many cells it was sorted for that, and by how much more
// the others differ from each other than lookups of one ring would: their mean chi-square
// over its degrees of freedom, at least 1. Chi-square is to be divided by that
// (McCullagh and Nelder, Generalized Linear Models, 4.5).
func overdispersed(one *hops, others []hops) (x float64, cells int, spread float64) {
	var all hops
	for _, h := range others {
		all = all.plus(&h)
	}
	x, cells = chiSquare(one, &all)
	for i := range others {
		var rest hops
		for k := range rest {
			rest[k] = all[k] - others[i][k]
		}
		y, n := chiSquare(&others[i], &rest)
		spread += y / float64(n-1) / float64(len(others))
	}
	return x, cells, max(spread, 1)
}

// chiSquare returns Pearson's statistic for whether two histograms are of one
// distribution, and how many cells there are: those at both ends are put together until at least
// five are to be expected in each.
func chiSquare(a, b *hops) (x float64, cells int) {
	const least = 5
	sum := a.plus(b)
	share := float64(a.total()) / float64(sum.total())
	enough := float64(least) / min(share, 1-share)
	low, high := 0, len(sum)-1
	for ; low < high && float64(sum[low]) < enough; low++ {
		sum[low+1] += sum[low]
	}
	for ; high > low && float64(sum[high]) < enough; high-- {
		sum[high-1] += sum[high]
	}
	for k := low; k <= high; k++ {
		seen := 0
		for i, count := range a {
			if min(max(i, low), high) == k {
				seen += count
			}
		}
		n := float64(sum[k])
		off := float64(seen) - n*share
		x += off * off / (n * share * (1 - share))
	}
	return x, high - low + 1
}

// chiSquareTail returns how likely chi-square is at least x (Abramowitz and Stegun, 26.4.4 and 26.4.5).
func chiSquareTail(x float64, freedom int) float64 {
	y := x / 2
	tail, term, a := math.Exp(-y), math.Exp(-y), 1.0
	if freedom%2 == 1 {
		tail, term, a = math.Erfc(math.Sqrt(y)), math.Exp(-y)/math.Sqrt(math.Pi*y), 0.5
	}
	for ; a < float64(freedom)/2; a++ {
		term *= y / a
		tail += term
	}
	return tail
}

// meansOf returns the mean and the standard deviation of the mean hops of rings.
func meansOf(rings []hops) (mean, deviation float64) {
	for _, h := range rings {
		mean += h.mean() / float64(len(rings))
	}
	for _, h := range rings {
		deviation += (h.mean() - mean) * (h.mean() - mean) / float64(len(rings)-1)
	}
	return mean, math.Sqrt(deviation)
}

// What printed tables have.
func TestChiSquare(t *testing.T) {
	for _, x := range []struct {
		value   float64
		freedom int
		want    float64
	}{{3.841, 1, 0.05}, {10.828, 1, 0.001}, {5.991, 2, 0.05}, {16.266, 3, 0.001}, {11.070, 5, 0.05}, {20.515, 5, 0.001}, {18.307, 10, 0.05}, {29.588, 10, 0.001}} {
		if got := chiSquareTail(x.value, x.freedom); math.Abs(got-x.want) > 0.01*x.want {
			t.Errorf("%v with %d degrees of freedom: got %.5f, want %v", x.value, x.freedom, got, x.want)
		}
	}
	// Two tables of 2 by 3, by hand: expected are 15 and 15, 30 and 30, 5 and 5; the second has cells to put together.
	for _, h := range [][2]hops{{{10, 35, 5}, {20, 25, 5}}, {{1, 9, 35, 3, 2}, {0, 20, 25, 4, 1}}} {
		want := 2*25/15. + 2*25/30.
		if got, cells := chiSquare(&h[0], &h[1]); cells != 3 || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: got %v of %d cells, want %v of 3", fmt.Sprint(h), got, cells, want)
		}
	}
}
