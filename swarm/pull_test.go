package swarm

import (
	"testing"
	"time"

	"cicada/routing"
	"cicada/trace"
	"cicada/wire"
)

// A broadcast reaches one peer alone, as where all others were left out: they pull
// it from each other, once. One that has just joined is not told of what was before.
func TestBroadcastIsPulled(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(12, classic())
		pass(routing.BroadcastYoung)
		newcomer := w.add(classic())
		if err := newcomer.Join(t.Context(), w.peers[0].Address().String()); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		old := w.peers[:12]
		origin := old[5]
		id := trace.MessageID{77}
		link := w.stranger(1).greet(t, old[0])
		say(t, link, wire.FrameControl, castTo(t, old[0], origin.config.Key, id))
		pass(4 * time.Second)
		if got := old[3].received(origin.id); got != 0 {
			t.Fatalf("got %d before anybody told of it, want none", got)
		}
		pass(16 * time.Second)
		for i, p := range old[1:] {
			if got := p.received(origin.id); got != 1 && p != origin {
				t.Errorf("peer %d: got %d, want one", i+1, got)
			}
		}
		if got := newcomer.received(origin.id); got != 0 {
			t.Errorf("the newcomer got %d, want none", got)
		}
		before := old[0].Status().Counters.Broadcasts
		pass(time.Minute)
		if got := old[0].Status().Counters.Broadcasts; got != before {
			t.Errorf("sent %d more when all had it", got-before)
		}
	})
}
