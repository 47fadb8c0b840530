package swarm

import (
	"testing"
	"testing/synctest"

	"cicada/identity"
)

// slowPoints knows no point by heart, and works one out only when it is let.
type slowPoints struct {
	points
	asked chan identity.ID
	let   chan struct{}
}

func (s *slowPoints) Known(identity.ID) (identity.Point, bool) { return identity.Point{}, false }

func (s *slowPoints) PointOf(id identity.ID) (identity.Point, error) {
	s.asked <- id
	<-s.let
	return s.points.PointOf(id)
}

// slowDown has a peer work out points by s.
func (p *Peer) slowDown(s points) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.points = s
	for _, n := range p.greeted {
		n.points = s
	}
}

// Where an origin stands takes long to work out in a swarm with a difficulty. Until
// that is done, nothing else of the peer waits: neither for a first message, nor
// for one under a session, nor for a broadcast.
func TestPointsAreWorkedOutWithoutTheLock(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(2, classic())
		from, to := w.peers[0], w.peers[1]
		slow := &slowPoints{points: to.points, asked: make(chan identity.ID), let: make(chan struct{})}
		to.slowDown(slow)
		send := func() error {
			_, err := from.Send(t.Context(), to.ID(), []byte("x"), SendOptions{})
			return err
		}
		cast := func() error {
			_, err := from.Broadcast(t.Context(), []byte("x"))
			return err
		}
		for i, say := range []func() error{send, send, cast} {
			done := make(chan error, 1)
			go func() { done <- say() }()
			for said := false; !said; {
				select {
				case id := <-slow.asked:
					if id != from.ID() {
						t.Errorf("%d: asked for %s, want %s", i, id.Short(), from.ID().Short())
					}
					synctest.Wait()
					if to.mu.TryLock() {
						to.mu.Unlock()
					} else {
						t.Errorf("%d: the lock is held", i)
					}
					slow.let <- struct{}{}
				case err := <-done:
					if err != nil {
						t.Errorf("%d: %v", i, err)
					}
					said = true
				}
			}
			if m, ok, _ := to.inbox.pop(); !ok || m.From != from.ID() {
				t.Errorf("%d: got %+v, %v; want a message", i, m, ok)
			}
		}
	})
}
