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
		more bool          // others are tried within 20 s
	}{
		{"small", large / 2, 20 * time.Second, true},
		{"large", 200_000, 20 * time.Second, false},
		{"large, stalled at once", 200_000, 0, true},
		{"large, too slow", large + 1, 20 * time.Second, true},
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
			if tries := w.count(trace.CopySent, message); (tries > 1) != x.more {
				t.Errorf("got %d first hops, want more than one: %v", tries, x.more)
			}
		})
	}
}
