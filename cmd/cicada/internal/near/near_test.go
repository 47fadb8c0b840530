package near

import (
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	known := []string{"burst", "crash", "grow", "leave", "links", "lookup_p50", "lookup_p99", "lookup_ok", "lookup_msgs", "one-way"}
	for _, x := range []struct {
		word string
		want []string
	}{
		{"crsh", []string{"crash"}},
		{"carsh", []string{"crash"}},
		{"craash", []string{"crash"}},
		{"linkz", []string{"links"}},
		{"oneway", []string{"one-way"}},
		{"lokup_p99", []string{"lookup_p99", "lookup_p50"}},
		{"p99", []string{"lookup_p99"}},
		{"frobnicate", nil},
		{"x", nil},
		{"", nil},
	} {
		if got := Words(x.word, known); !slices.Equal(got, x.want) {
			t.Errorf("%q: got %q, want %q", x.word, got, x.want)
		}
	}
}

func TestQuestion(t *testing.T) {
	if got := Question("bark", []string{"park", "bar"}); got != `, did you mean "park" or "bar"?` {
		t.Errorf("got %s", got)
	}
	if got := Question("bark", nil); got != "" {
		t.Errorf("got %s", got)
	}
}
