package routing

import (
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// While a large payload leaves slowly, nobody else is tried for it, as long as the
// line is not too slow; a small one goes another way as ever.
func TestProgress(t *testing.T) {
	for _, x := range []struct {
		name string
		size int
		told time.Duration // how long the first hop is said to take more
		from time.Duration // when another is tried, at the earliest and the latest
		to   time.Duration
	}{
		{"small", large / 2, 20 * time.Second, 0, time.Second},
		{"large", 400_000, 20 * time.Second, never, never},
		{"large, stalled at once", 400_000, 0, 0, time.Second},
		{"large, too slow", large + 1, 20 * time.Second, stalled, 3 * stalled},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t, 8, 30, classic, Config{})
			from, to := w.peers[0], w.peers[15]
			for _, p := range w.peers[1:] {
				p.dead = true
			}
			message, _ := from.send(to, string(make([]byte, x.size)), Sending{Routed: true, Deadline: time.Hour})
			first := from.core.entries.first(key{message, 0}).try[0].link.id
			for w.now < 20*time.Second {
				if w.now < x.told {
					from.core.Progress(w.now, first)
				}
				w.run(50 * time.Millisecond)
			}
			second, tries := never, 0
			for _, e := range w.events {
				if e.Kind == trace.CopySent && e.Message == message {
					if tries++; tries == 2 {
						second = e.At
					}
				}
			}
			if second < x.from || second > x.to {
				t.Errorf("another first hop was tried at %v, want from %v to %v", second, x.from, x.to)
			}
		})
	}
}

// A copy that a hop took and then gave back is under way again: its payload is not
// merely kept, and lasts as long as the next hop's slow line needs.
func TestGivenBackOverSlowLine(t *testing.T) {
	const size = 100 << 10
	w := newWorld(t, 5, 30, classic, Config{})
	c, message := w.peers[0].core, trace.MessageID{1}
	e, err := wire.NewEnvelope(wire.EnvelopeHeader{
		TTL: wire.MaxTTL, Kind: wire.EnvelopeMessage, Message: message, Target: w.peers[15].contact.Point,
	}, make([]byte, size))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Second
	c.Envelope(now, w.peers[3].contact.ID, e)
	taker := next(t, c, size)
	c.Ack(now, taker, message, 0)
	c.Refusal(now, taker, message, 0, wire.ReasonStuck)
	slow := next(t, c, size)
	for range 300 {
		now += 20 * time.Millisecond
		c.Progress(now, slow)
		c.Tick(now)
	}
	c.Refusal(now, slow, message, 0, wire.ReasonStuck)
	next(t, c, size)
}

// next returns the hop that the one envelope to be sent goes to.
func next(t *testing.T, c *Core, size int) identity.ID {
	t.Helper()
	r := c.Ready()
	if len(r.Envelopes) != 1 || len(r.Envelopes[0].Payload) != size {
		t.Fatalf("got %d envelopes to send, want one with %d bytes", len(r.Envelopes), size)
	}
	return r.Envelopes[0].To
}
