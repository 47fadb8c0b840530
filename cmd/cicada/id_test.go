package main

import (
	"testing"
	"time"
)

func TestProgressOfAPuzzle(t *testing.T) {
	for _, x := range []struct {
		name     string
		tries    uint64
		expected float64
		took     time.Duration
		want     string
	}{
		{"before the first try", 0, 16384, 0, "0 tries of about 16384"},
		{"soon", 1000, 16384, time.Second, "1000 tries of about 16384, 1000 a second, on average 17 s more"},
		{"longer than expected", 32768, 16384, 32 * time.Second, "32768 tries of about 16384, 1024 a second, on average 16 s more"},
		{"minutes", 1000, 600_000, time.Second, "1000 tries of about 600000, 1000 a second, on average 10 min more"},
		{"hours", 1000, 36_000_000, time.Second, "1000 tries of about 36000000, 1000 a second, on average 10 h more"},
		{"days", 1000, 1 << 38, time.Second, "1000 tries of about 274877906944, 1000 a second, on average 3181 days more"},
	} {
		if got := progressOf(x.tries, x.expected, x.took); got != x.want {
			t.Errorf("%s: got %q, want %q", x.name, got, x.want)
		}
	}
}
