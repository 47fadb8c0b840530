// Package bench measures a swarm of many peers in this process, on loopback, and
// what the machine itself can do, so that ratios can be read. Metrics keep their
// names and units; their methods are those of the harnesses that other systems
// were measured with.
//
// It is no benchmark of single functions: those are beside the functions. Begin
// reading at Run; each group of metrics has a file of its own.
package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"cicada/cmd/cicada/internal/near"
)

// A Config says what to measure.
type Config struct {
	// Peers is how many peers the swarm has, at least 2.
	Peers int
	// Only names the metrics wanted, or beginnings of their names. Empty means all.
	Only []string
	// Duration is how long each measurement under load lasts; measurements at
	// rest take four times as long. Zero means 2 s.
	Duration time.Duration
	// Profiles is a folder that exists, into which a CPU profile of each
	// measurement is written, and of the heap at rest. Empty means none; profiling
	// makes what is measured a little slower.
	Profiles string
}

// A Result is one figure.
type Result struct {
	System string  `json:"system"` // "cicada", or "limits" for the machine itself
	N      int     `json:"n"`      // peers
	Metric string  `json:"metric"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
}

// A Metric is what can be measured.
type Metric struct {
	Name string
	Unit string
	Goal string // for 64 peers: at most so much, or at least where it begins with atLeast; empty: none
}

const (
	atLeast       = ">= "
	neverHappened = "-1: not within" // in the unit of times that may have no end
)

// Missed reports whether value is not up to the goal.
func (m Metric) Missed(value float64) bool {
	text, more := strings.CutPrefix(m.Goal, atLeast)
	goal, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil: // there is none
		return false
	case more:
		return value < goal
	case value < 0 && strings.Contains(m.Unit, neverHappened):
		return true
	}
	return value > goal
}

// A group is what is measured together.
type group struct {
	metrics []Metric
	measure func(context.Context, *bench) error
}

// groups are in the order in which they run: those at rest first.
func groups() []group {
	return []group{limitsGroup(), buildGroup(), lookupGroup(), unicastGroup(), broadcastGroup(), routedGroup(), killGroup()}
}

// Metrics returns all metrics in the order in which they are measured.
func Metrics() []Metric {
	var all []Metric
	for _, g := range groups() {
		all = append(all, g.metrics...)
	}
	return all
}

// Validate returns what is wrong with c, or nil.
func (c Config) Validate() error {
	if c.Peers < 2 || c.Peers > maxPeers {
		return fmt.Errorf("--peers %d: from 2 to %d can be measured", c.Peers, maxPeers)
	}
	if c.Duration < 0 {
		return fmt.Errorf("--duration %v is negative", c.Duration)
	}
	if c.Profiles != "" {
		if at, err := os.Stat(c.Profiles); err != nil || !at.IsDir() {
			return fmt.Errorf("--profiles %s: not a folder", c.Profiles)
		}
	}
	for _, only := range c.Only {
		if !slices.ContainsFunc(Names(), func(name string) bool { return strings.HasPrefix(name, only) }) {
			return fmt.Errorf("--only %.100s: no metric's name begins so%s; cicada bench --help lists them", only, near.Question(only, beginnings()))
		}
	}
	return nil
}

// Names returns the names of all metrics.
func Names() []string {
	all := make([]string, len(Metrics()))
	for i, m := range Metrics() {
		all[i] = m.Name
	}
	return all
}

// beginnings returns the first words of all names, and then the names: what may stand
// for a metric.
func beginnings() (all []string) {
	for _, name := range Names() {
		if first, _, _ := strings.Cut(name, "_"); !slices.Contains(all, first) {
			all = append(all, first)
		}
	}
	return append(all, Names()...)
}

const (
	maxPeers        = 500
	defaultDuration = 2 * time.Second
)

// bench is one run.
type bench struct {
	config  Config
	emit    func(Result)
	note    func(format string, arguments ...any)
	units   map[string]string
	mayEmit map[string]bool
	swarm   *crowd // the default configuration, shared by several groups; nil until needed
}

// Run measures and hands each figure to emit as soon as it is known. What cannot
// be measured on this machine, and progress, is told to note.
func Run(ctx context.Context, config Config, emit func(Result), note func(format string, arguments ...any)) error {
	if err := config.Validate(); err != nil {
		return err
	}
	if config.Duration == 0 {
		config.Duration = defaultDuration
	}
	b := &bench{config: config, emit: emit, note: note, units: make(map[string]string), mayEmit: make(map[string]bool)}
	for _, m := range Metrics() {
		b.units[m.Name] = m.Unit
		b.mayEmit[m.Name] = b.wanted(m)
	}
	defer func() {
		if b.swarm != nil {
			b.swarm.close()
		}
	}()
	for _, g := range groups() {
		if !slices.ContainsFunc(g.metrics, b.wanted) {
			continue
		}
		note("measuring %s ...", g.metrics[0].Name)
		if err := g.measure(ctx, b); err != nil {
			return fmt.Errorf("bench: %s: %w", g.metrics[0].Name, err)
		}
	}
	return nil
}

func (b *bench) wanted(m Metric) bool {
	return len(b.config.Only) == 0 || slices.ContainsFunc(b.config.Only, func(only string) bool { return strings.HasPrefix(m.Name, only) })
}

// put reports a figure of the swarm, if it is wanted.
func (b *bench) put(metric string, value float64) { b.report("cicada", b.config.Peers, metric, value) }

// putLimit reports a figure of the machine, if it is wanted.
func (b *bench) putLimit(metric string, value float64) { b.report("limits", 1, metric, value) }

func (b *bench) report(system string, n int, metric string, value float64) {
	if b.mayEmit[metric] {
		b.emit(Result{System: system, N: n, Metric: metric, Value: value, Unit: b.units[metric]})
	}
}

// percentile returns the p-th percentile (0 to 1) of d, which it sorts, in microseconds.
func percentile(d []time.Duration, p float64) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return float64(d[int(p*float64(len(d)-1))].Nanoseconds()) / 1e3
}
