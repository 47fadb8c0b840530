package swarm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/transport/memory"
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

// While a large message leaves over slow lines, for much longer than an answer may
// take, the neighbours behind them are not taken for dead, and it is not sent again.
func TestSlowLine(t *testing.T) {
	for _, x := range []struct {
		name           string
		bytesPerSecond int
		peers          int
		routed         bool
	}{
		{"512 kbit/s", 64 << 10, 4, false},
		{"128 kbit/s", 16 << 10, 4, false},
		{"512 kbit/s, over a relay", 64 << 10, 10, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			inWorld(t, memory.Config{Latency: 20 * time.Millisecond, Bandwidth: x.bytesPerSecond, Buffer: 16 << 10}, func(t *testing.T, w *world) {
				w.grow(x.peers, classic())
				from, to := w.peers[0], w.peers[1]
				if x.routed {
					to = w.far(from)
				}
				w.clear()
				hops := 0
				for range 2 { // cold and warm
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
					receipt, err := from.Send(ctx, to.ID(), make([]byte, MaxMessage), SendOptions{Routed: x.routed})
					if err != nil {
						t.Error(err)
					}
					hops += receipt.Hops
					cancel()
				}
				deaths, crossed := w.largeCrossed()
				if len(deaths) > 0 {
					t.Errorf("living peers were taken for dead: %v", deaths)
				}
				if crossed != hops {
					t.Errorf("the two messages crossed %d links, want as many as they took: %d", crossed, hops)
				}
			})
		})
	}
}

// far returns a peer that messages from this one have to be forwarded to.
func (w *world) far(from *Peer) *Peer {
	w.t.Helper()
	for _, to := range w.peers {
		if to == from {
			continue
		}
		if r, err := from.Send(w.t.Context(), to.ID(), nil, SendOptions{Routed: true}); err == nil && r.Hops > 1 {
			return to
		}
	}
	w.t.Fatal("everybody is one hop away")
	return nil
}

// largeCrossed returns the deaths that were recorded, and how often a message of
// the largest size crossed a link.
func (w *world) largeCrossed() (deaths []string, crossed int) {
	for i, r := range w.records {
		for _, e := range r.Events() {
			switch {
			case e.Kind == trace.RingDead:
				deaths = append(deaths, w.peers[i].id.Short()+": "+e.Other.Short()+": "+e.Reason)
			case e.Size >= MaxMessage && (e.Kind == trace.CopySent || e.Kind == trace.CopyForwarded):
				crossed++
			}
		}
	}
	return deaths, crossed
}

// What cannot be sent is told in one sentence, and can be told apart.
func TestSendThatMakesNoSense(t *testing.T) {
	p := listen(t, Config{Address: "127.0.0.1:0"})
	for _, c := range []struct {
		name       string
		target     identity.ID
		duplicates int
		want       error
		text       string
	}{
		{"nobody", identity.ID{}, 0, identity.ErrID, "swarm: no target: the zero ID is nobody's"},
		{"too many copies", p.ID(), MaxDuplicates + 1, ErrDuplicates, "64, want 0 to 63"},
		{"fewer than one copy", p.ID(), -1, ErrDuplicates, "-1, want 0 to 63"},
	} {
		_, err := p.Send(t.Context(), c.target, nil, SendOptions{Duplicates: c.duplicates})
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.text)
		}
	}
}
