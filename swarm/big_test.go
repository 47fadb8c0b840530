package swarm

import (
	"context"
	"sync"
	"testing"
	"time"
)

// Sixty peers of the default ring join, eight at a time: through small mode and
// out of it, into one ideal ring.
func TestManyJoinAtOnce(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		const peers, atOnce = 60, 8
		for range peers {
			w.add(Config{})
		}
		began := time.Now()
		slots := make(chan struct{}, atOnce)
		var joins sync.WaitGroup
		for _, p := range w.peers[1:] {
			slots <- struct{}{}
			joins.Add(1)
			go func() {
				defer joins.Done()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := p.Join(ctx, w.peers[0].Address().String()); err != nil {
					t.Error(err)
				}
				<-slots
			}()
		}
		joins.Wait()
		t.Logf("joined after %v", time.Since(began))
		t.Logf("ideal %v later", w.awaitIdeal(w.peers, time.Minute))
	})
}
