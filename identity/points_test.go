package identity_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cicada/identity"
)

func newPoints(t testing.TB, c identity.PointsConfig) *identity.Points {
	t.Helper()
	points, err := identity.NewPoints(c)
	if err != nil {
		t.Fatal(err)
	}
	return points
}

func TestPointsAgreesWithPointOf(t *testing.T) {
	valid, refused := difficultKeys(t, 3)
	keys := append(append(valid, refused...), testKey(1), testKey(2))
	for _, difficulty := range []uint8{0, 1} {
		points := newPoints(t, identity.PointsConfig{Difficulty: difficulty})
		for time := range 2 { // first computed, then remembered
			for _, key := range keys {
				known, ok := points.Known(key.ID())
				got, err := points.PointOf(key.ID())
				want, wantErr := identity.PointOf(key.ID(), difficulty)
				if got != want || !errors.Is(err, wantErr) {
					t.Errorf("difficulty %d: got %s, %v, want %s, %v", difficulty, got, err, want, wantErr)
				}
				if wantKnown := wantErr == nil && (time > 0 || difficulty == 0); ok != wantKnown || ok && known != want {
					t.Errorf("difficulty %d, time %d: got %s known %v, want %s, %v", difficulty, time, known, ok, want, wantKnown)
				}
			}
		}
	}
}

func TestZeroPointsHasNoDifficulty(t *testing.T) {
	id := testKey(1).ID()
	want, _ := identity.PointOf(id, 0)
	if got, err := new(identity.Points).PointOf(id); err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestPointsRefusesBadConfig(t *testing.T) {
	for _, c := range []identity.PointsConfig{{Difficulty: identity.MaxDifficulty + 1}, {Capacity: -1}, {Rate: -1}, {Burst: -1}} {
		if _, err := identity.NewPoints(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

// A stranger who sends one unknown ID after another is held to the rate; what is
// known already is answered all the while, and so is rubbish.
func TestPointsLimitsUnknownIDs(t *testing.T) {
	valid, refused := difficultKeys(t, 3)
	synctest.Test(t, func(t *testing.T) {
		points := newPoints(t, identity.PointsConfig{Difficulty: 1, Rate: 2, Burst: 3})
		expect := func(key identity.PrivateKey, want error) {
			t.Helper()
			if _, err := points.PointOf(key.ID()); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", key.ID().Short(), err, want)
			}
		}
		expect(valid[0], nil)
		expect(refused[0], identity.ErrDifficulty)
		expect(valid[1], nil)
		expect(valid[2], identity.ErrRate)
		expect(valid[2], identity.ErrRate) // asking again does not help
		expect(valid[0], nil)
		expect(refused[0], identity.ErrDifficulty)
		expect(testKey(1), identity.ErrDifficulty) // fails the cheap test

		<-time.After(499 * time.Millisecond)
		expect(valid[2], identity.ErrRate)
		<-time.After(time.Millisecond)
		expect(valid[2], nil) // one half second, one run

		<-time.After(time.Hour) // a long quiet time gives no more than the burst
		expect(refused[1], identity.ErrDifficulty)
		expect(refused[2], identity.ErrDifficulty)
	})
}

func TestPointsBurstIsBounded(t *testing.T) {
	valid, refused := difficultKeys(t, 2)
	synctest.Test(t, func(t *testing.T) {
		points := newPoints(t, identity.PointsConfig{Difficulty: 1, Rate: 1, Burst: 2})
		<-time.After(time.Hour)
		for i, key := range append(valid, refused...) {
			_, err := points.PointOf(key.ID())
			if got, want := errors.Is(err, identity.ErrRate), i >= 2; got != want {
				t.Errorf("unknown ID %d: got %v, want ErrRate: %v", i, err, want)
			}
		}
	})
}

// With room for two valid IDs, the one not asked for longest is forgotten: the
// only way to see that is that it counts as unknown again.
func TestPointsForgetsTheLeastUsed(t *testing.T) {
	valid, refused := difficultKeys(t, 4)
	synctest.Test(t, func(t *testing.T) {
		points := newPoints(t, identity.PointsConfig{Difficulty: 1, Capacity: 2, Rate: 1, Burst: 7})
		for _, key := range []identity.PrivateKey{valid[0], valid[1], valid[0], valid[2]} { // 3 runs; valid[1] goes
			if _, err := points.PointOf(key.ID()); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range refused { // 4 runs, none left; a flood of refused IDs drives out no valid one
			if _, err := points.PointOf(key.ID()); !errors.Is(err, identity.ErrDifficulty) {
				t.Fatalf("got %v, want ErrDifficulty", err)
			}
		}
		for i, want := range []error{nil, identity.ErrRate, nil} {
			if _, err := points.PointOf(valid[i].ID()); !errors.Is(err, want) {
				t.Errorf("valid ID %d: got %v, want %v", i, err, want)
			}
		}
		if _, err := points.PointOf(refused[0].ID()); !errors.Is(err, identity.ErrRate) {
			t.Errorf("the first refused ID: got %v, want ErrRate, as it was forgotten", err)
		}
		if _, err := points.PointOf(refused[3].ID()); !errors.Is(err, identity.ErrDifficulty) {
			t.Errorf("the last refused ID: got %v, want ErrDifficulty", err)
		}
	})
}

// Many that ask for one unknown ID at once cost one run in the end, and all get the answer.
func TestPointsAskedAtOnce(t *testing.T) {
	valid, _ := difficultKeys(t, 2)
	points := newPoints(t, identity.PointsConfig{Difficulty: 1, Rate: 1, Burst: 16})
	want, _ := identity.PointOf(valid[0].ID(), 1)
	var askers sync.WaitGroup
	for range 16 {
		askers.Go(func() {
			if got, err := points.PointOf(valid[0].ID()); err != nil || got != want {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		})
	}
	askers.Wait()
	if _, err := points.PointOf(valid[1].ID()); err != nil {
		t.Errorf("the next unknown ID: got %v, want its point", err)
	}
}
