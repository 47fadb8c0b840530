package chord

import (
	"testing"
	"time"
)

// Well within the reach of a list nothing is left to go, at its end a little, and from
// there on it takes a hop more each time that the distance is as many times as long as
// fingers have for a base.
func TestBeyondGrowsWithTheDistance(t *testing.T) {
	c := full()
	c.config.FingerBase = 16
	c.typical = uint32((100 * time.Millisecond).Microseconds())
	c.reach = 1 << 40
	hop := uint64(progress) * uint64(c.typical)
	for _, test := range []struct {
		distance    uint64
		least, most uint64 // in hundredths of a hop
	}{
		{0, 0, 0}, {c.reach / 2, 0, 0}, {c.reach, 10, 20}, {c.reach * 13 / 10, 22, 28},
		{c.reach * 13 / 10 * 16, 120, 130}, {c.reach * 13 / 10 * 256, 220, 230},
	} {
		if got := 100 * c.beyond(test.distance) / hop; got < test.least || got > test.most {
			t.Errorf("at %.2f of the reach: got %d hundredths of a hop, want %d to %d",
				float64(test.distance)/float64(c.reach), got, test.least, test.most)
		}
	}
	for last, d := uint64(0), uint64(1); d < 1<<60; d += d/16 + 1 {
		if got := c.beyond(d); got < last {
			t.Fatalf("at %d it is %d, and %d nearer by", d, got, last)
		} else {
			last = got
		}
	}
}

// A core without reach or round trips has distances all the same.
func TestBeyondOfWhoKnowsNothing(t *testing.T) {
	c := full()
	c.reach, c.typical = 1, 0
	if got := c.beyond(1 << 63); got != 0 {
		t.Errorf("without a round trip it takes %d, want 0", got)
	}
}
