package scenario

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"cicada/sim"
)

// What a step says of itself is read as the same step.
func TestStepsReadBack(t *testing.T) {
	steps := []sim.Step{
		{At: time.Second, Fault: sim.Partition{Shares: []float64{50, 0.25}, For: time.Minute}},
		{At: 0, Fault: sim.OneWay{Share: 0.125, For: 1500 * time.Millisecond}},
		{At: 2, Fault: sim.Links{Share: 1e-5, Loss: 0.5, Delay: time.Second, For: time.Minute}},
		{At: 3, Fault: sim.Links{Share: 1, For: time.Hour}},
		{At: 4, Fault: sim.Uplinks{Share: 0.5, Rate: 1, Queue: 2, For: 3}},
		{At: 5, Fault: sim.Weather{For: 6, Network: sim.Network{Loss: 0.1, Duplicate: 0.2, Jitter: 7, Flat: 8}}},
		{At: 6, Fault: sim.Pause{Share: 0.1, For: 1, Every: 2, During: 3}},
		{At: 7, Fault: sim.Crash{Share: 0.1, Back: 2, Forget: true}},
		{At: 8, Fault: sim.Leaving{Share: 0.1}},
		{At: 9, Fault: sim.Growth{To: 10, For: 11}},
		{At: 10, Fault: sim.Burst{Broadcasts: 2}},
	}
	for seed := range uint64(100) {
		steps = append(steps, sim.Chaos(seed, 0).Steps...)
	}
	for _, want := range steps {
		got, err := Parse(want.String())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", want, got, err)
		}
	}
	if got, err := Parse("at: 10, uplink: 5, for: 1s"); err != nil || got.At != 10*time.Second || got.Fault.(sim.Uplinks).Share != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

// What says more of a step is known where a step is.
func TestAsidesAreAll(t *testing.T) {
	read := make(map[string]bool)
	for _, fault := range kinds {
		fault(&fields{read: read})
	}
	for key := range read {
		if kinds[key] == nil != slices.Contains(asides, key) {
			t.Errorf("%s is in one of kinds and asides, and in one alone", key)
		}
	}
}

// Every mistake is named, with its line.
func TestMistakes(t *testing.T) {
	for _, x := range []struct {
		text, want string
		line       int
	}{
		{"at: 1s", "a step does one of burst, crash, grow,", 1},
		{"at: 1s\ncrsh: 0.1", `unknown step "crsh", did you mean "crash"?; a step does one of burst, crash, grow,`, 2},
		{"frobnicate: 3\nat: 1s", `unknown step "frobnicate"; a step does one of burst,`, 1},
		{"pause: 0.1\nevry: 1s", `unknown key "evry" of pause, did you mean "every"?`, 2},
		{"at: 10s,\ncrash: 0.1", `at: want a time, like 10s, not "10s,": no comma belongs at the end of a line`, 1},
		{"crash: 0.1\nleave: 0.1", "a step does one thing: crash or leave", 2},
		{"crash: 0.1\nat: soon", `at: want a time, like 10s, not "soon"`, 2},
		{"crash: 0.1\nfor: 1s", `unknown key "for" of crash`, 2},
		{"crash: half", `crash: want a number, not "half"`, 1},
		{"crash: NaN", "crash: want a number", 1},
		{"crash: 1.5", "crash 1.5: want a share above 0", 1},
		{"crash: 0.1\nforget: perhaps", "forget: want true or false", 2},
		{"at: 1s\ncrash: [1, 2]", "crash: want one value", 2},
		{"at: 1s\ncrash:", "crash: want one value", 2},
		{"grow: 1.5\nfor: 1s", "grow: want a whole number", 1},
		{"partition: 50-50\nfor: 1s", "partition: want shares, like 50/50", 1},
		{"partition: 50/50", "partition: say for how long", 1},
		{"at: -1s\ncrash: 0.1", "a time is negative", 1},
		{"at: 1s\nat: 2s\ncrash: 0.1", `"at" stands twice`, 2},
		{"- 1", "want a step", 1},
	} {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(x.text), &node); err != nil {
			t.Fatal(err)
		}
		_, err := Step(node.Content[0])
		var at *LineError
		if !errors.As(err, &at) || at.Line != x.line || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q: got %v, want %s in line %d", x.text, err, x.want, x.line)
		}
	}
	if _, err := Parse("{at: 1s"); err == nil {
		t.Error("half a step was read")
	}
}
