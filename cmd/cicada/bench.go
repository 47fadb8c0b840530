package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"cicada/cmd/cicada/internal/bench"
)

type benchCommand struct {
	Peers    int           `default:"64" placeholder:"N" help:"How many peers, 2 to 500 (${default})."`
	Only     []string      `placeholder:"METRIC" help:"Measure only these; the beginning of a name is enough."`
	Duration time.Duration `default:"2s" help:"How long each measurement under load lasts (${default}). All of them take about two minutes."`
	Profiles string        `placeholder:"DIR" type:"path" help:"Write a CPU profile of each measurement, and one of the heap, into this folder, for go tool pprof."`
	JSON     bool          `name:"json" help:"Write one JSON object a line."`
}

// Help is shown by --help.
func (*benchCommand) Help() string {
	return "Metrics: " + strings.Join(bench.Names(), ", ") + ".\n\nExample: cicada bench --peers 16 --only lookup"
}

// Run measures, and shows figures as they come.
func (c *benchCommand) Run(ctx context.Context, out *console) error {
	out.useJSON(c.JSON)
	if c.Duration <= 0 {
		return usageError("--duration %v: nothing can be measured in no time", c.Duration)
	}
	if c.Profiles != "" {
		if err := os.MkdirAll(c.Profiles, 0o755); err != nil {
			return usageError("--profiles: %w", err)
		}
	}
	config := bench.Config{Peers: c.Peers, Only: c.Only, Duration: c.Duration, Profiles: c.Profiles}
	if err := config.Validate(); err != nil {
		return &codedError{exitUsage, err}
	}
	metrics := make(map[string]bench.Metric)
	for _, m := range bench.Metrics() {
		metrics[m.Name] = m
	}
	const row = "%-30s %12s  %-28s %s"
	out.say("%d peers in this process, on loopback; goals are for 64 peers and two cores; ! before a goal: missed", c.Peers)
	out.say(row, "metric", "value", "unit", "goal")
	return bench.Run(ctx, config, func(r bench.Result) {
		out.record(r)
		out.say(row, r.Metric, figure(r.Value), r.Unit, goal(metrics[r.Metric], r.Value))
	}, out.note)
}

// goal shows a metric's goal, marked if value misses it.
func goal(m bench.Metric, value float64) string {
	if m.Missed(value) {
		return "! " + m.Goal
	}
	return m.Goal
}

// figure shows a value with about four digits.
func figure(v float64) string {
	switch {
	case v >= 1000 || v <= -1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v == float64(int64(v)):
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
