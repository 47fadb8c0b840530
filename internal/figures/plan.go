package main

import (
	"fmt"
	"math"
	"time"

	"cicada/sim"
)

// A run is one simulation, and where its result stands in the pictures.
type run struct {
	set    string  // the file that keeps its result
	series string  // the runs of one series of a set make one line
	x      float64 // where on that line: peers, seconds or per cent
	flags  string  // of cicada sim, without --json
}

// command returns what makes the result, as people type it.
func (r run) command() string { return "cicada sim " + r.flags }

// The sets.
const (
	atRest  = "rest"    // swarms of several sizes in which nobody comes or goes
	inChurn = "churn"   // the same, where half of the peers stay for more than an hour
	session = "session" // swarms of one size in which peers stay for several times
	crash   = "crash"   // swarms of one size of which several shares die at one instant
)

// The series: what peers may spend on knowing others.
const (
	base = "base table"
	wide = "default budget"
)

// plan returns all runs, in the order in which they are made and kept. The same seed
// serves for all: they differ in what they are to show and in nothing else.
func plan() []run {
	var runs []run
	add := func(set, series string, x float64, flags string, values ...any) {
		if series == base {
			flags += " --table-budget 0"
		}
		runs = append(runs, run{set, series, x, fmt.Sprintf(flags+" --seed 7", values...)})
	}
	for _, series := range []string{base, wide} {
		for _, peers := range []int{100, 300, 1000, 3000, 10_000, 30_000} {
			add(atRest, series, float64(peers), "--peers %d --lookups 5000 --duration 30s", peers)
		}
	}
	for _, series := range []string{base, wide} {
		for _, peers := range []int{100, 300, 1000, 3000, 10_000} {
			add(inChurn, series, float64(peers), "--peers %d --session 1h --duration 1m", peers)
		}
	}
	for _, series := range []string{base, wide} {
		for _, median := range []string{"10s", "20s", "40s", "90s", "4m", "15m", "1h"} {
			add(session, series, seconds(median), "--peers 1000 --session %s --loss 0.01 --lookups 10000 --duration 3m", median)
		}
	}
	for _, series := range []string{base, wide} {
		for _, percent := range []int{10, 30, 50, 60, 70} {
			add(crash, series, float64(percent), "--peers 3000 --kill 0.%d --sends-after-kill 5000 --duration 100s", percent/10)
		}
	}
	return runs
}

// seconds returns a duration that stands in this file.
func seconds(text string) float64 {
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return d.Seconds()
}

// pictures returns all pictures, in the order in which docs/simulation.md shows them.
func pictures() []picture {
	return []picture{hops(), lookups(), recovery(), deliveries(), upkeepBySize(), upkeepBySession()}
}

func hops() picture {
	mean := func(r *sim.Result) float64 { return r.HopsMean }
	p99 := func(r *sim.Result) float64 { return r.HopsP99 }
	return picture{
		name: "hops",
		x:    sizes(30_000),
		y:    axis{title: "links crossed by the lookup of an ID", max: 6.2, ticks: plain(0, 1, 2, 3, 4, 5, 6)},
		lines: []line{
			{"base table, 99th percentile", atRest, base, p99, blue, true},
			{"base table, mean", atRest, base, mean, blue, false},
			{"default budget, 99th percentile", atRest, wide, p99, orange, true},
			{"default budget, mean", atRest, wide, mean, orange, false},
		},
	}
}

func lookups() picture {
	keys := func(r *sim.Result) float64 { return percent(r.Right, r.Lookups) }
	ids := func(r *sim.Result) float64 { return percent(r.IDRight, r.IDLookups) }
	return picture{
		name: "lookups",
		x:    sessions(),
		y:    axis{title: "lookups answered right, %", min: 98.4, max: 100.05, ticks: plain(98.5, 99, 99.5, 100)},
		lines: []line{
			{"of IDs, default budget", session, wide, ids, orange, true},
			{"of IDs, base table", session, base, ids, blue, true},
			{"of keys, default budget", session, wide, keys, orange, false},
			{"of keys, base table", session, base, keys, blue, false},
		},
	}
}

func recovery() picture {
	most := func(r *sim.Result) float64 { return after(r.Heads98After) }
	all := func(r *sim.Result) float64 { return after(r.HeadsAfter) }
	ideal := func(r *sim.Result) float64 { return after(r.IdealAfter) }
	return picture{
		name: "recovery",
		x:    killed(),
		y:    axis{title: "seconds after the crash", max: 36, ticks: plain(0, 5, 10, 15, 20, 25, 30, 35)},
		lines: []line{
			{"all lists right, default budget", crash, wide, ideal, green, false},
			{"all successors right, default budget", crash, wide, all, orange, false},
			{"98 % of successors right, default budget", crash, wide, most, blue, false},
			{"all lists right, base table", crash, base, ideal, green, true},
			{"all successors right, base table", crash, base, all, orange, true},
			{"98 % of successors right, base table", crash, base, most, blue, true},
		},
	}
}

func deliveries() picture {
	in1 := func(r *sim.Result) float64 { return percent(r.BurstDeliveredIn1s, r.BurstSends) }
	in5 := func(r *sim.Result) float64 { return percent(r.BurstDeliveredIn5s, r.BurstSends) }
	ever := func(r *sim.Result) float64 { return percent(r.BurstDelivered, r.BurstSends) }
	return picture{
		name: "deliveries",
		x:    killed(),
		y:    axis{title: "messages delivered, %", min: 60, max: 101, ticks: plain(60, 70, 80, 90, 100)},
		lines: []line{
			{"at all, default budget", crash, wide, ever, green, false},
			{"within 5 s, default budget", crash, wide, in5, orange, false},
			{"within 1 s, default budget", crash, wide, in1, blue, false},
			{"at all, base table", crash, base, ever, green, true},
			{"within 5 s, base table", crash, base, in5, orange, true},
			{"within 1 s, base table", crash, base, in1, blue, true},
		},
	}
}

func upkeepBySize() picture {
	return picture{
		name: "upkeep-peers",
		x:    sizes(30_000),
		y:    axis{title: "upkeep, bytes a second a peer", max: 270, ticks: plain(0, 50, 100, 150, 200, 250)},
		lines: []line{
			{"default budget, median session 1 h", inChurn, wide, upkeep, orange, true},
			{"base table, median session 1 h", inChurn, base, upkeep, blue, true},
			{"default budget, at rest", atRest, wide, upkeep, orange, false},
			{"base table, at rest", atRest, base, upkeep, blue, false},
		},
	}
}

func upkeepBySession() picture {
	return picture{
		name: "upkeep-session",
		x:    sessions(),
		y:    axis{title: "upkeep, bytes a second a peer", log: true, min: 40, max: 4000, ticks: plain(50, 100, 200, 500, 1000, 2000)},
		lines: []line{
			{"default budget", session, wide, upkeep, orange, false},
			{"base table", session, base, upkeep, blue, false},
		},
	}
}

func upkeep(r *sim.Result) float64 { return r.Upkeep }

// percent returns part as per cent of all, and no number where there is none.
func percent(part, all int) float64 { return 100 * float64(part) / float64(all) }

// after returns a time after a crash, and no number where the run ended before.
func after(seconds float64) float64 {
	if seconds < 0 {
		return math.NaN()
	}
	return seconds
}

// sizes is the axis of a picture against the size of a swarm.
func sizes(most float64) axis {
	return axis{title: "peers", log: true, min: 100, max: most, ticks: []tick{
		{100, "100"}, {300, "300"}, {1000, "1000"}, {3000, "3000"}, {10_000, "10 000"}, {30_000, "30 000"}}}
}

// sessions is the axis of a picture against how long peers stay.
func sessions() axis {
	return axis{title: "median session length", log: true, min: 10, max: 3600, ticks: []tick{
		{10, "10 s"}, {20, "20 s"}, {40, "40 s"}, {90, "90 s"}, {240, "4 min"}, {900, "15 min"}, {3600, "1 h"}}}
}

// killed is the axis of a picture against the size of a crash.
func killed() axis {
	return axis{title: "share of 3000 peers that crash at one instant, %", min: 10, max: 70, ticks: plain(10, 20, 30, 40, 50, 60, 70)}
}

// plain returns ticks that show their values.
func plain(values ...float64) []tick {
	var ticks []tick
	for _, v := range values {
		ticks = append(ticks, tick{v, fmt.Sprintf("%g", v)})
	}
	return ticks
}
