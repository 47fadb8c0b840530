package scenario

import "testing"

func TestStrayComma(t *testing.T) {
	for _, x := range []struct {
		text string
		want int
	}{
		{"peers: 40\nsteps:\n  - {at: 10s, crash: 0.1}\n", 0},
		{"steps: [{at: 10s,\n crash: 0.1}, # one, two: three\n {at: 1s}]\n", 0},
		{"partition: a, b\n", 0},
		{"steps:\n  - at: 10s, crash: 0.1\n", 2},
		{"steps:\n  - {at: 10s, crash: 0.1},\n", 2},
		{"peers: 40, seed: 3\r\n", 1},
		{"seed: 1\npeers: 40,   # many\n", 2},
		{"", 0},
	} {
		if got := StrayComma(x.text); got != x.want {
			t.Errorf("%q: got line %d, want %d", x.text, got, x.want)
		}
	}
}
