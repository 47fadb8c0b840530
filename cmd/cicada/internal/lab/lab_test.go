package lab

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cicada/chord"
)

// Whatever became of its peers, a lab that is closed leaves nothing running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
			var imperfect *Imperfection // of one that is silent nobody can know yet
			if err := l.Ideal(); test.name == "silenced" && (!errors.As(err, &imperfect) || imperfect.Got != victim.ID()) {
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

func TestOnlyMortalPeersCanBeKilled(t *testing.T) {
	l := New(Config{})
	defer l.Close(t.Context())
	if err := l.Kill(nil); err == nil {
		t.Error("killing in a lab without mortals: got no error")
	}
}
