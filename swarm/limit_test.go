package swarm

import (
	"context"
	"errors"
	"testing"
	"time"

	"cicada/trace"
)

// The largest message arrives, cold and warm; one byte more is refused with the limit named.
func TestLargestMessage(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(2, classic())
		from, to := w.peers[0], w.peers[1]
		for range 2 {
			if _, err := from.Send(t.Context(), to.ID(), make([]byte, MaxMessage), SendOptions{}); err != nil {
				t.Fatal(err)
			}
			if m, err := to.Receive(t.Context()); err != nil || len(m.Data) != MaxMessage {
				t.Fatalf("got %d bytes, %v; want %d", len(m.Data), err, MaxMessage)
			}
		}
		if _, err := from.Send(t.Context(), to.ID(), make([]byte, MaxMessage+1), SendOptions{}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v, want ErrTooLarge", err)
		}
		if _, err := from.Broadcast(t.Context(), make([]byte, MaxMessage+1)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("broadcast: got %v, want ErrTooLarge", err)
		}
		if wrong := notIdeal(w.peers); wrong != "" {
			t.Error(wrong)
		}
	})
}

// Whoever listens to events hears of the first message after that.
func TestEventsBeginAtOnce(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(2, classic())
		p := w.peers[0]
		p.mu.Lock()
		p.config.Trace = nil
		p.mu.Unlock()
		pass(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		events := p.Events(ctx)
		if _, err := p.Send(t.Context(), w.peers[1].ID(), nil, SendOptions{}); err != nil {
			t.Fatal(err)
		}
		sent := false
		for e := range events {
			sent = sent || e.Kind == trace.CopySent
		}
		if !sent {
			t.Error("no event tells of the copy that was sent")
		}
	})
}

// After Close every call says so.
func TestClosedPeer(t *testing.T) {
	p := listen(t, Config{Address: "127.0.0.1:0"})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	_, sent := p.Send(t.Context(), p.ID(), nil, SendOptions{})
	_, broadcast := p.Broadcast(t.Context(), nil)
	_, _, lookedUp := p.LookupKey(t.Context(), p.Point())
	_, received := p.Receive(t.Context())
	joined := p.Join(t.Context(), "127.0.0.1:1")
	for what, err := range map[string]error{"send": sent, "broadcast": broadcast, "lookup": lookedUp, "receive": received, "join": joined} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", what, err)
		}
	}
}
