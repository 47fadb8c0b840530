package swarm

import (
	"testing"
	"time"

	"cicada/trace"
)

// Two peers dial each other, one after the other, so that one of the two links is
// given up: whichever that is, they go on over the other without a word.
func TestSecondLink(t *testing.T) {
	for _, x := range []struct{ first, second int }{{0, 1}, {1, 0}} {
		inWorld(t, lan, func(t *testing.T, w *world) {
			w.add(classic())
			w.add(classic())
			a, b := w.peers[x.first], w.peers[x.second]
			if err := a.Join(t.Context(), b.Address().String()); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				id, err := b.Resolve(t.Context(), a.Address().String())
				if err != nil || id != a.ID() {
					t.Fatalf("got %v, %v, want %v", id.Short(), err, a.ID().Short())
				}
				b.mu.Lock()
				clear(b.answered) // so that it is dialled again
				b.mu.Unlock()
				for _, way := range [][2]*Peer{{a, b}, {b, a}} {
					if _, err := way[0].Send(t.Context(), way[1].ID(), []byte("still there?"), SendOptions{}); err != nil {
						t.Error(err)
					}
				}
				pass(100 * time.Millisecond)
			}
			for _, r := range w.records {
				for _, e := range r.Events() {
					if e.Kind == trace.Violation || e.Kind == trace.RingDead || e.Kind == trace.RingSuspect {
						t.Errorf("%s: %s %s: %s", e.Peer.Short(), e.Kind, e.Other.Short(), e.Reason)
					}
				}
			}
		})
	}
}
