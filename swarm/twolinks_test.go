package swarm

import (
	"errors"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/transport"
	"cicada/wire"
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

// A link that was given up for another is no reason to lose an answer.
func TestAnswersTakeTheLinkThatStays(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(2, classic())
		a, b := w.peers[0], w.peers[1]
		a.mu.Lock()
		a.greeted[b.ID()].link = givenUp{a.greeted[b.ID()].link}
		a.mu.Unlock()
		if _, err := b.Send(t.Context(), a.ID(), []byte("well?"), SendOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// givenUp is a link that takes nothing more.
type givenUp struct{ transport.Link }

func (givenUp) Queue(wire.FrameKind, []byte, []byte) error { return transport.ErrClosed }

// A target that took a message and is gone before its receipt came may have
// delivered it: nobody says that there is no such peer.
func TestATargetThatTookTheMessageIsGone(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(3, classic())
		from, to := w.peers[0], w.peers[1]
		slow := &slowPoints{points: to.points, asked: make(chan identity.ID), let: make(chan struct{})}
		to.slowDown(slow) // so that it takes a while to open what it took
		s, err := from.begin(sending{target: to.ID(), point: to.Point(), data: []byte("last words?")}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		<-slow.asked
		pass(time.Second)
		w.net.Kill(hostAddress(2))
		close(slow.let)
		if o := <-s.done; !errors.Is(o.err, ErrOutcomeUnknown) {
			t.Errorf("got %v, want that nobody knows", o.err)
		}
	})
}
