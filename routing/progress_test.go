package routing

import (
	"testing"
	"time"

	"cicada/trace"
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
		{"large", 200_000, 20 * time.Second, never, never},
		{"large, stalled at once", 200_000, 0, 0, time.Second},
		{"large, too slow", large + 1, 20 * time.Second, stalled, 2 * stalled},
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
