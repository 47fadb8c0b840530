// Package scenario reads the steps of a simulation as people write them: one flow of
// YAML each, of which sim.Step.String is the other direction.
//
//	{at: 10s, partition: 50/50, for: 30s}
//
// Begin reading at kinds, which lists what a step can be.
package scenario

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"cicada/cmd/cicada/internal/near"
	"cicada/sim"
)

// A LineError is a mistake in a step, and the line of it.
type LineError struct {
	Line int
	Err  error
}

// Error says what is wrong, without the line.
func (e *LineError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// kinds are what a step can be: the key that says so, and what makes a fault of
// that and of the keys beside it.
var kinds = map[string]func(f *fields) sim.Fault{
	"partition": func(f *fields) sim.Fault {
		return sim.Partition{Shares: f.shares("partition"), For: f.time("for")}
	},
	"one-way": func(f *fields) sim.Fault { return sim.OneWay{Share: f.number("one-way"), For: f.time("for")} },
	"links": func(f *fields) sim.Fault {
		return sim.Links{Share: f.number("links"), Loss: f.number("loss"), Delay: f.time("delay"), For: f.time("for")}
	},
	"uplink": func(f *fields) sim.Fault {
		u := sim.Uplinks{Rate: f.whole("uplink"), Share: 1, Queue: f.whole("queue"), For: f.time("for")}
		if f.has("share") {
			u.Share = f.number("share")
		}
		return u
	},
	"weather": func(f *fields) sim.Fault {
		return sim.Weather{For: f.time("weather"), Network: sim.Network{
			Loss: f.number("loss"), Duplicate: f.number("duplicate"), Jitter: f.time("jitter"), Flat: f.time("flat")}}
	},
	"pause": func(f *fields) sim.Fault {
		return sim.Pause{Share: f.number("pause"), For: f.time("for"), Every: f.time("every"), During: f.time("during")}
	},
	"crash": func(f *fields) sim.Fault {
		return sim.Crash{Share: f.number("crash"), Back: f.time("back"), Forget: f.yes("forget")}
	},
	"leave": func(f *fields) sim.Fault { return sim.Leaving{Share: f.number("leave")} },
	"grow":  func(f *fields) sim.Fault { return sim.Growth{To: f.whole("grow"), For: f.time("for")} },
	"burst": func(f *fields) sim.Fault {
		return sim.Burst{Sends: f.whole("burst"), Broadcasts: f.whole("broadcasts")}
	},
}

// asides are the keys that say more of what a step does. None of them is one of kinds.
var asides = []string{"at", "for", "loss", "delay", "share", "queue", "duplicate", "jitter", "flat", "every", "during", "back", "forget", "broadcasts"}

// Parse reads one step from text, with or without braces around it.
func Parse(text string) (sim.Step, error) {
	if trimmed := strings.TrimSpace(text); !strings.HasPrefix(trimmed, "{") {
		text = "{" + trimmed + "}"
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return sim.Step{}, fmt.Errorf("want a step, like {at: 10s, crash: 0.1}: %w", err)
	}
	return Step(document.Content[0])
}

// Step reads one step. Errors are of type *LineError.
func Step(node *yaml.Node) (sim.Step, error) {
	fail := func(line int, format string, arguments ...any) (sim.Step, error) {
		return sim.Step{}, &LineError{line, fmt.Errorf(format, arguments...)}
	}
	if node.Kind != yaml.MappingNode {
		return fail(node.Line, "want a step, like {at: 10s, crash: 0.1}")
	}
	f := &fields{values: make(map[string]*yaml.Node), read: make(map[string]bool)}
	kind := ""
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case f.values[key.Value] != nil:
			return fail(key.Line, "%.100q stands twice", key.Value)
		case kinds[key.Value] != nil && kind != "":
			return fail(key.Line, "a step does one thing: %s or %s", kind, key.Value)
		case kinds[key.Value] != nil:
			kind = key.Value
		}
		f.values[key.Value] = value
	}
	if kind == "" {
		return fail(noKind(node))
	}
	step := sim.Step{At: f.time("at"), Fault: kinds[kind](f)}
	for i := 0; i < len(node.Content); i += 2 {
		if key := node.Content[i]; !f.read[key.Value] {
			return fail(key.Line, "unknown key %.100q of %s%s", key.Value, kind, near.Question(key.Value, slices.Sorted(maps.Keys(f.read))))
		}
	}
	if f.wrong != nil {
		return sim.Step{}, f.wrong
	}
	if err := step.Validate(); err != nil {
		return fail(node.Line, "%s", strings.TrimPrefix(err.Error(), "sim: "))
	}
	return step, nil
}

// noKind says what is wrong with a step that does nothing which is known.
func noKind(node *yaml.Node) (line int, format, what, known string) {
	all := slices.Sorted(maps.Keys(kinds))
	for i := 0; i < len(node.Content); i += 2 {
		if key := node.Content[i]; !slices.Contains(asides, key.Value) {
			what = fmt.Sprintf("unknown step %.100q%s; ", key.Value, near.Question(key.Value, all))
			return key.Line, "%sa step does one of %s", what, strings.Join(all, ", ")
		}
	}
	return node.Line, "%sa step does one of %s", "", strings.Join(all, ", ")
}

// fields are the values of a step. The first that is wrong is kept.
type fields struct {
	values map[string]*yaml.Node
	read   map[string]bool
	wrong  error
}

func (f *fields) has(key string) bool { return f.values[key] != nil }

// text returns a value, and whether it is there.
func (f *fields) text(key string) (string, bool) {
	f.read[key] = true
	value := f.values[key]
	if value == nil {
		return "", false
	}
	if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
		f.fail(key, errors.New("want one value"))
		return "", false
	}
	return value.Value, true
}

func (f *fields) fail(key string, err error) {
	if f.wrong == nil {
		f.wrong = &LineError{f.values[key].Line, fmt.Errorf("%s: %w", key, err)}
	}
}

// value reads a value; a missing one is zero.
func value[T any](f *fields, key, want string, parse func(string) (T, error)) (x T) {
	text, ok := f.text(key)
	if !ok {
		return x
	}
	x, err := parse(text)
	if err != nil {
		f.fail(key, fmt.Errorf("want %s, not %.100q%s", want, text, CommaHint(text)))
	}
	return x
}

func (f *fields) time(key string) time.Duration {
	return value(f, key, "a time, like 10s", func(text string) (time.Duration, error) {
		if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
			return time.Duration(seconds) * time.Second, nil
		}
		return time.ParseDuration(text)
	})
}

func (f *fields) number(key string) float64 {
	return value(f, key, "a number", parseNumber)
}

func parseNumber(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
		err = strconv.ErrRange
	}
	return x, err
}

func (f *fields) whole(key string) int { return value(f, key, "a whole number", strconv.Atoi) }

func (f *fields) yes(key string) bool { return value(f, key, "true or false", strconv.ParseBool) }

// shares reads 50/50.
func (f *fields) shares(key string) []float64 {
	return value(f, key, "shares, like 50/50", Shares)
}

// Shares reads the shares of a partition, like 50/50.
func Shares(text string) (shares []float64, err error) {
	for part := range strings.SplitSeq(text, "/") {
		x, err := parseNumber(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		shares = append(shares, x)
	}
	return shares, nil
}
