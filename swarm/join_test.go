package swarm

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A seed whose name means nothing yet does not keep a peer from joining through
// another, and is looked up again until it means something.
func TestJoinLooksNamesUpAgain(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(2, classic())
		seed := w.peers[0].Address()
		unknown := errors.New("no such host")
		var tries atomic.Int32
		for _, seeds := range [][]string{{"nowhere.example:7000", seed.String()}, {"later.example:49610"}} {
			p := w.add(classic())
			p.lookupHost = func(_ context.Context, name string) ([]netip.Addr, error) {
				if tries.Add(1) > 3 && name == "later.example" {
					return []netip.Addr{seed.Addr()}, nil
				}
				return nil, unknown
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			if err := p.Join(ctx, seeds...); err != nil {
				t.Error(err)
			}
			cancel()
		}
		p := w.add(classic())
		p.lookupHost = func(context.Context, string) ([]netip.Addr, error) { return nil, unknown }
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := p.Join(ctx, "nowhere.example:7000"); !errors.Is(err, ErrNoAnswer) || !errors.Is(err, unknown) {
			t.Errorf("got %v, want ErrNoAnswer and why", err)
		}
	})
}

// What can never be an address is an error at once, however good the other seeds are.
func TestJoinRefusesWhatIsNoAddress(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(1, classic())
		p := w.add(classic())
		for _, text := range []string{"seed.example", "seed.example:http", "seed.example:0", ":7000", ""} {
			began := time.Now()
			err := p.Join(t.Context(), w.peers[0].Address().String(), text)
			if err == nil || !strings.Contains(err.Error(), text) || time.Since(began) > 0 {
				t.Errorf("%q: got %v after %v, want an error that names it at once", text, err, time.Since(began))
			}
		}
	})
}
