package swarm

import (
	"context"
	"testing"
	"time"
)

// Lone peers that all join through each other at the same time, as after a power
// cut, become one ring: somebody has to stay for the others to come to.
func TestAllJoinEachOther(t *testing.T) {
	for _, n := range []int{2, 3} {
		inWorld(t, lan, func(t *testing.T, w *world) {
			for range n {
				w.add(classic())
			}
			began := time.Now()
			joined := make(chan error)
			for i, p := range w.peers {
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					joined <- p.Join(ctx, w.peers[(i+1)%n].Address().String(), w.peers[(i+n-1)%n].Address().String())
				}()
			}
			for range n {
				if err := <-joined; err != nil {
					t.Error(err)
				}
			}
			t.Logf("%d joined after %v", n, time.Since(began))
			t.Logf("ideal %v later", w.awaitIdeal(w.peers, 20*time.Second))
		})
	}
}
