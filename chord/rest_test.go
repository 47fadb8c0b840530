package chord

import (
	"math/rand/v2"
	"testing"
	"time"

	"cicada/chord/internal/model"
	"cicada/identity"
)

// atRest returns peer 100 of ten, at rest from the beginning of time.
func atRest(seed uint64, roundTrip time.Duration) *Core {
	rest := model.Rest{Ring: model.NewRing(contacts(10, 30, 50, 70, 90, 100, 120, 140, 160, 180)), Place: 5,
		Version: func(peer *identity.Contact) uint64 { return uint64(peer.Point[0]) }}
	if roundTrip > 0 {
		rest.RoundTrip = func(*identity.Contact) time.Duration { return roundTrip }
	}
	c := New(at(100), Config{Successors: 3, FingerBase: 2, TableBudget: -1}, rand.New(rand.NewPCG(1, seed)))
	c.Restore(0, model.Place{Rest: &rest})
	return c
}

// TestRestIsBetweenOtherThings looks for what a core at rest does next, and when:
// at any time of the interval, and at once only by chance.
func TestRestIsBetweenOtherThings(t *testing.T) {
	var parts [6]int // of the interval in which the successor is asked
	for seed := range uint64(600) {
		c := atRest(seed, 0)
		if r := c.Ready(); len(r.Messages)+len(r.Events)+len(r.Answers) > 0 {
			t.Fatalf("got %v to do", r)
		}
		next := c.probeAt(0, c.successors, c.probeInterval())
		parts[min(max(next/(3*time.Second/6), 0), 5)]++
		if next < 0 || next > 3*time.Second || c.stabilizeAt > 24*time.Second || c.fingers.next > 240*time.Second {
			t.Fatalf("got the next question after %v, stabilisation after %v, finger after %v", next, c.stabilizeAt, c.fingers.next)
		}
	}
	if c := atRest(1, 0); c.probeAt(1, c.predecessors, c.probeInterval()) < 3*time.Second {
		t.Error("the predecessor is asked before it asks")
	}
	for _, n := range parts {
		if n < 60 || n > 140 {
			t.Errorf("got %v questions by sixth of the interval, want about 100 in each", parts)
		}
	}
}

// TestRestKnowsRoundTrips gives a core at rest the round trips it would have measured.
func TestRestKnowsRoundTrips(t *testing.T) {
	if got := atRest(1, 0).rto(at(120)); got != joinRTO {
		t.Errorf("without: got %v, want %v", got, joinRTO)
	}
	if got := atRest(1, 400*time.Millisecond).rto(at(120)); got != 400*time.Millisecond {
		t.Errorf("with: got %v, want 400ms", got)
	}
}

// TestResidualIsWhatIsLeft compares the waits of those who come at any instant
// with the mean that the theory of renewal gives: (mean² + variance) / 2·mean.
func TestResidualIsWhatIsLeft(t *testing.T) {
	c := atRest(1, 0)
	sum := time.Duration(0)
	const tries = 20_000
	for range tries {
		sum += c.residual(12 * time.Second)
	}
	if got := sum / tries; got < 6400*time.Millisecond || got > 6600*time.Millisecond {
		t.Errorf("got %v on average, want 6.5s", got)
	}
}
