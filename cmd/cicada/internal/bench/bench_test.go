package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What is measured is what was declared: each metric once, with a value that can
// be one, and nothing else.
func TestEveryMetricIsMeasuredOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for some seconds")
	}
	var only []string
	want := make(map[string]bool)
	for _, m := range Metrics() {
		if !strings.HasPrefix(m.Name, "kill25m") { // takes up to ten seconds
			only = append(only, m.Name)
			want[m.Name] = true
		}
	}
	var notes []string
	err := Run(t.Context(), Config{Peers: 16, Only: only, Duration: 20 * time.Millisecond}, func(r Result) {
		if !want[r.Metric] {
			t.Errorf("%s: measured twice, or never asked for", r.Metric)
		}
		delete(want, r.Metric)
		if r.Value < 0 && !strings.HasPrefix(r.Metric, "rss_per_node") { // a heap may shrink
			t.Errorf("%s: got %v", r.Metric, r.Value)
		}
	}, func(format string, arguments ...any) { notes = append(notes, fmt.Sprintf(format, arguments...)) })
	if err != nil {
		t.Fatal(err)
	}
	for name := range want {
		t.Errorf("%s: not measured; notes: %q", name, notes)
	}
}

func TestOnlyWhatIsAskedForIsMeasured(t *testing.T) {
	var got []string
	err := Run(t.Context(), Config{Peers: 3, Only: []string{"lookup_ok", "bcast_reach"}, Duration: time.Millisecond},
		func(r Result) { got = append(got, fmt.Sprintf("%s %s %d %v", r.System, r.Metric, r.N, r.Value)) },
		func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(got, ", "), "cicada lookup_ok 3 1, cicada bcast_reach 3 1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestConfigsThatMakeNoSense(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		want   string // in the error; empty: none
	}{
		{"as it is", Config{Peers: 64}, ""},
		{"alone", Config{Peers: 1}, "--peers 1"},
		{"too many", Config{Peers: 501}, "--peers 501"},
		{"back in time", Config{Peers: 2, Duration: -1}, "negative"},
		{"a beginning", Config{Peers: 2, Only: []string{"unicast"}}, ""},
		{"no metric", Config{Peers: 2, Only: []string{"lookup", "speed"}}, "--only speed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := fmt.Sprint(test.config.Validate())
			if test.want == "" && got != "<nil>" || !strings.Contains(got, test.want) {
				t.Errorf("got %s, want %q in it", got, test.want)
			}
		})
	}
}

func TestGoalsThatAreMissed(t *testing.T) {
	const after = "s (-1: not within 40 s)"
	for _, test := range []struct {
		name   string
		metric Metric
		value  float64
		want   bool
	}{
		{"no goal", Metric{}, 1e9, false},
		{"just met", Metric{Goal: "30"}, 30, false},
		{"too slow", Metric{Goal: "30"}, 30.1, true},
		{"enough", Metric{Goal: atLeast + "0.999"}, 1, false},
		{"too few", Metric{Goal: atLeast + "1"}, .99, true},
		{"never", Metric{Unit: after, Goal: "1"}, -1, true},
		{"soon", Metric{Unit: after, Goal: "1"}, .5, false},
		{"a heap that shrank", Metric{Unit: "KiB", Goal: "512"}, -3, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.metric.Missed(test.value); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestPercentile(t *testing.T) {
	d := []time.Duration{5000, 1000, 3000, 2000, 4000}
	for _, test := range []struct {
		p    float64
		want float64
	}{{0, 1}, {.5, 3}, {.99, 4}, {1, 5}} {
		if got := percentile(d, test.p); got != test.want {
			t.Errorf("percentile %v: got %v, want %v", test.p, got, test.want)
		}
	}
	if got := percentile(nil, .5); got != 0 {
		t.Errorf("of nothing: got %v, want 0", got)
	}
}
