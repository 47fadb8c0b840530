package lab

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"cicada/chord"
)

func TestARingIsIdealUntilAPeerDiesAndAgainAfterIt(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*Lab, []*Peer) error
	}{{"killed", (*Lab).Kill}, {"silenced", (*Lab).Silence}} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			ring := chord.Classic()
			ring.StabilizeMin, ring.StabilizeMax, ring.ProbeInterval = 50*time.Millisecond, 200*time.Millisecond, 100*time.Millisecond
			l := New(Config{Ring: ring, Mortal: true})
			defer l.Close(ctx)
			if err := l.Grow(ctx, 10, nil); err != nil {
				t.Fatal(err)
			}
			if err := l.AwaitIdeal(ctx); err != nil {
				t.Fatal(err)
			}
			victim := l.Peers()[3]
			if err := test.end(l, []*Peer{victim}); err != nil {
				t.Fatal(err)
			}
			var imperfect *Imperfection
			if err := l.Ideal(); !errors.As(err, &imperfect) || imperfect.Got != victim.ID() {
				t.Errorf("at once after the death: got %v, want a list that still has %s", err, victim.ID().Short())
			}
			if err := l.AwaitIdeal(ctx); err != nil {
				t.Error(err)
			}
			if got := len(l.Peers()); got != 9 {
				t.Errorf("got %d living peers, want 9", got)
			}
		})
	}
}

func TestKeysFollowTheSeed(t *testing.T) {
	ring := func(seed uint64) (ids []string) {
		l := New(Config{Keys: rand.New(rand.NewPCG(seed, 0))})
		defer l.Close(t.Context())
		if err := l.Grow(t.Context(), 3, nil); err != nil {
			t.Fatal(err)
		}
		for _, p := range l.Peers() {
			ids = append(ids, p.ID().String())
		}
		return ids
	}
	a, b, c := ring(1), ring(1), ring(2)
	if a[0] != b[0] || a[1] != b[1] || a[2] != b[2] || a[0] == c[0] {
		t.Errorf("got %v and %v from one seed, %v from another", a, b, c)
	}
}

func TestOnlyMortalPeersCanBeKilled(t *testing.T) {
	l := New(Config{})
	defer l.Close(t.Context())
	if err := l.Kill(nil); err == nil {
		t.Error("killing in a lab without mortals: got no error")
	}
}
