package swarm

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// A broadcast that no program wants spreads all the same, at once, and every peer
// that has it counts. Events tell delivered from refused.
func TestBroadcastSpreadsWhereNoProgramWantsIt(t *testing.T) {
	var denied atomic.Pointer[identity.ID]
	allow := func(id identity.ID) bool { d := denied.Load(); return d == nil || *d != id }
	for _, test := range []struct {
		reason string
		config Config
	}{
		{"inbox full", Config{Ring: classic().Ring, InboxMessages: 1}},
		{"not allowed", Config{Ring: classic().Ring, Allow: allow}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			inWorld(t, lan, func(t *testing.T, w *world) {
				denied.Store(nil)
				w.grow(12, test.config)
				from, others := w.peers[0], len(w.peers)-1
				w.clear()
				for _, want := range []int{others, 0} { // the first is wanted, and fills the inboxes
					began := time.Now()
					reached, err := from.Broadcast(t.Context(), []byte("to all"))
					if took := time.Since(began); err != nil || reached.Peers != others || took > time.Second {
						t.Errorf("got %+v, %v after %v; want all %d at once", reached, err, took, others)
					}
					delivered, refused := 0, 0
					for _, events := range w.events(reached.ID) {
						for _, e := range events {
							switch {
							case e.Kind == trace.BroadcastDelivered:
								delivered++
							case e.Kind == trace.Refused && e.Reason == test.reason:
								refused++
							}
						}
					}
					if delivered != want || refused != others-want {
						t.Errorf("events tell of %d delivered and %d refused, want %d and %d", delivered, refused, want, others-want)
					}
					denied.Store(&from.id)
				}
			})
		})
	}
}

// With a context that has ended nothing is sent.
func TestBroadcastWithContextThatHasEnded(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(2, classic())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.peers[0].Broadcast(ctx, []byte("too late")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		pass(time.Second)
		if got := w.peers[1].received(w.peers[0].id); got != 0 {
			t.Errorf("got %d broadcasts, want none", got)
		}
	})
}
