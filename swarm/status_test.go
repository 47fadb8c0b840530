package swarm

import (
	"context"
	"testing"
	"time"

	"cicada/identity"
)

func TestStatusTellsWherePeersStandAndWhatTheyDid(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a := listen(t, Config{Address: "127.0.0.1:0"})
	b := listen(t, Config{Address: "127.0.0.1:0"})
	if s := a.Status(); len(s.Successors)+len(s.Links) != 0 || s.Address != a.Address() {
		t.Errorf("alone: got %d successors, %d links, address %v, want none, none, %v", len(s.Successors), len(s.Links), s.Address, a.Address())
	}
	if err := b.Join(ctx, a.Address().String()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Send(ctx, a.ID(), []byte("one"), SendOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Send(ctx, b.ID(), []byte("to itself"), SendOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Broadcast(ctx, []byte("all")); err != nil {
		t.Fatal(err)
	}
	stranger := identity.KeyFromSeed([32]byte{1})
	if _, err := b.Send(ctx, stranger.ID(), []byte("nobody"), SendOptions{}); err == nil {
		t.Error("sending to a stranger: got no error")
	}
	s := b.Status()
	if len(s.Successors) != 1 || s.Successors[0].ID != a.ID() || len(s.Predecessors) != 1 {
		t.Errorf("got successors %v, predecessors %v, want %s alone in both", s.Successors, s.Predecessors, a.ID().Short())
	}
	if len(s.Links) != 1 || s.Links[0].Peer != a.ID() || !s.Links[0].Dialled {
		t.Errorf("got links %+v, want one dialled to %s", s.Links, a.ID().Short())
	}
	if s.Reachable || !a.Status().Reachable {
		t.Error("want that the one that was dialled knows that it can be, and the other does not")
	}
	if got := s.Counters; got.Sent != 2 || got.Failed != 1 || got.Delivered != 2 || got.Envelopes == 0 || got.Broadcasts != 0 {
		t.Errorf("got %+v, want 2 sent, 1 failed, 2 delivered, some envelopes, no casts", got)
	}
	if got := a.Status().Counters; got.Delivered != 1 || got.Broadcasts != 1 {
		t.Errorf("got %+v, want 1 delivered, 1 cast", got)
	}
}
