package swarm

import (
	"testing"
	"time"

	"cicada/trace"
	"cicada/wire"
)

// A stranger hands over what others made, as if it had crossed one link: it came
// through the stranger, and so over two at least.
func TestWhatAStrangerBringsIsNotDirect(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(3, classic())
		from, to := w.peers[1], w.peers[2]
		pass(3 * time.Minute) // until then, keys that may be older are challenged
		link := w.stranger(1).greet(t, to)
		say(t, link, wire.FrameEnvelope, sealFirst(t, from, to, 1, "pay"))
		say(t, link, wire.FrameControl, castTo(t, to, from.config.Key, trace.MessageID{5}))
		for range 2 {
			m, err := to.Receive(t.Context())
			if err != nil || m.From != from.id || m.Path != Routed || m.Hops != 2 {
				t.Errorf("got %+v, %v; want it routed, over 2 links", m, err)
			}
		}
		if _, err := from.Send(t.Context(), to.ID(), nil, SendOptions{}); err != nil {
			t.Fatal(err)
		}
		if m, err := to.Receive(t.Context()); err != nil || m.Path != Direct || m.Hops != 1 {
			t.Errorf("got %+v, %v; want it direct", m, err)
		}
	})
}

// A receipt says direct only where the target itself handed it over.
func TestReceiptIsDirectOnlyFromTheTarget(t *testing.T) {
	for _, c := range []struct {
		name   string
		said   uint8
		direct bool
		hops   int
		path   Path
	}{
		{"one link, from the target", 1, true, 1, Direct},
		{"one link, from another", 1, false, 2, Routed},
		{"two links, from the target", 2, true, 2, Routed},
		{"three links, from another", 3, false, 3, Routed},
	} {
		got := report{hops: c.said}.outcome(c.direct, 0).receipt
		if got.Hops != c.hops || got.Path != c.path {
			t.Errorf("%s: got %d hops, %s; want %d, %s", c.name, got.Hops, got.Path, c.hops, c.path)
		}
	}
}
