package swarm

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"cicada/wire"
)

// A message is there with its first copy, and says later how many came: as many as
// its receipt says, or as many as came in time, or before the peer was closed.
func TestMessageCountsItsCopies(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(6, classic())
		from, to := w.peers[1], w.peers[4]
		for _, duplicates := range []int{0, 3} {
			receipt, err := from.Send(t.Context(), to.ID(), []byte("x"), SendOptions{Duplicates: duplicates})
			if err != nil {
				t.Fatal(err)
			}
			m, err := to.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			copies, differing, err := m.Copies(t.Context())
			if copies != max(receipt.Copies, 1) || copies != max(receipt.Paths, 1) || differing != 0 || err != nil {
				t.Errorf("%d duplicates: got %d copies, %d differing, %v, want the %d that were sent", duplicates, copies, differing, err, receipt.Paths)
			}
		}

		s := w.stranger(1)
		link := s.dial(t, to)
		if err := link.Queue(wire.FrameHello, nil, hello(t, s.key)); err != nil {
			t.Fatal(err)
		}
		arrive := func(copies int, text string, changed ...byte) Message {
			kept := sealFirst(t, from, to, copies, text)
			for _, c := range append([]byte{0}, changed...) {
				envelope := bytes.Clone(kept)
				envelope[len(envelope)-1] ^= c
				if err := link.Queue(wire.FrameEnvelope, nil, envelope); err != nil {
					t.Fatal(err)
				}
			}
			link.Flush()
			m, err := to.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		pass(3 * time.Minute)
		m := arrive(3, "one of three, and two that were changed", 1, 2)
		if copies, differing, err := m.Copies(t.Context()); copies != 1 || differing != 2 || err != nil {
			t.Errorf("got %d copies, %d differing, %v, want 1 and 2", copies, differing, err)
		}
		pass(time.Second)
		m = arrive(2, "one of two")
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := m.Copies(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that the counting is not waited for", err)
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
		if copies, differing, err := m.Copies(t.Context()); copies != 1 || differing != 0 || err != nil {
			t.Errorf("closed: got %d copies, %d differing, %v, want 1 and 0", copies, differing, err)
		}
	})
}
