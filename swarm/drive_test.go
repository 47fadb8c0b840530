package swarm

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"cicada/trace"
	"cicada/wire"
)

// A hop that does not acknowledge a message is asked by the ring whether it lives,
// long before it is its turn.
func TestSilentHopIsAskedAtOnce(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(16, classic())
		pass(2 * time.Minute)
		from := w.peers[0]
		to := w.far(from)
		w.clear()
		receipt, err := from.Send(t.Context(), to.ID(), nil, SendOptions{Routed: true})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(w.peers, func(p *Peer) bool {
			events := w.events(receipt.ID)[from.id]
			return slices.ContainsFunc(events, func(e trace.Event) bool { return e.Kind == trace.CopySent && e.Other == p.id })
		})
		w.clear()
		w.net.Pause(hostAddress(i + 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := from.Send(ctx, to.ID(), nil, SendOptions{Routed: true}); err != nil {
			t.Errorf("no other way was found: %v", err)
		}
		<-ctx.Done()
		asked := func(e trace.Event) bool {
			return e.Kind == trace.RingSent && e.Name == "ping" && e.Other == w.peers[i].id
		}
		if !slices.ContainsFunc(w.records[0].Events(), asked) {
			t.Error("within a second the ring did not ask the hop that was silent")
		}
	})
}

// An acknowledgement that nothing goes along with leaves by itself, in time for the
// previous hop.
func TestLoneAcknowledgementLeaves(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(3, classic())
		pass(time.Minute)
		s := w.stranger(1)
		link := s.greet(t, w.peers[0])
		pass(10 * time.Second)
		header := wire.AppendEnvelopeHeader(nil, wire.EnvelopeHeader{
			TTL: 5, Kind: wire.EnvelopeFirst, Message: [16]byte{1}, Target: w.peers[0].Point(),
		})
		say(t, link, wire.FrameEnvelope, append(header, bytes.Repeat([]byte{1}, 200)...)) // opens for nobody
		pass(2*lan.Latency + ackWait + 5*time.Millisecond)
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Contains(s.heard, wire.FrameAck) {
			t.Errorf("got %v, want an ack among them", s.heard)
		}
	})
}
