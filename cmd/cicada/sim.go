package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"cicada/cmd/cicada/internal/scenario"
	"cicada/sim"
	"cicada/trace"
)

type simCommand struct {
	Scenario scenarioFile `placeholder:"FILE.yaml" help:"Values for flags that are not given here, and a list of steps: what is done to the swarm, and when."`

	Peers      *int     `placeholder:"N" help:"How many peers (1000; with --chaos the seed draws how many)."`
	Seed       uint64   `default:"1" placeholder:"N" help:"Decides everything that is random (${default}); the same seed gives the same run."`
	Start      string   `default:"ideal" enum:"ideal,joined" help:"How the swarm is at first: ideal, a perfect ring at rest, or joined, peers that joined one after the other (${default})."`
	Duration   patience `default:"1m" placeholder:"TIME" help:"How long it is watched, in virtual time (${default})."`
	Lookups    int      `placeholder:"N" help:"How many arbitrary keys are looked up, and as many IDs."`
	Sends      int      `placeholder:"N" help:"How many messages are sent."`
	Broadcasts int      `placeholder:"N" help:"How many broadcasts."`
	Duplicates int      `placeholder:"N" help:"Extra copies of each message (0 to 63)."`

	Session  patience `placeholder:"MEDIAN" help:"Peers crash after this time, as a median, and others join. Without it they stay."`
	Sessions string   `default:"exponential" enum:"exponential,pareto,fixed" help:"How these times are distributed: exponential, pareto or fixed (${default})."`
	Leave    share    `placeholder:"SHARE" help:"The part of those whose time is over that leaves in order, and does not crash."`
	Loss     share    `placeholder:"SHARE" help:"The part of all messages that gets lost."`
	Jitter   patience `placeholder:"TIME" help:"Each message takes up to so much longer."`

	RealSeals bool `help:"Seal every message and sign every broadcast as peers do, instead of having something stand in for that."`

	Kill                share `placeholder:"SHARE" help:"The part of all peers that crashes at one instant, a quarter into the duration."`
	SendsAfterKill      int   `placeholder:"N" help:"How many messages are sent at that very instant, between survivors."`
	BroadcastsAfterKill int   `placeholder:"N" help:"How many broadcasts are begun then."`

	Partition  string      `placeholder:"SHARES" help:"Cut the swarm into parts like 50/50, for the second quarter of the duration."`
	Pause      share       `placeholder:"SHARE" help:"The part of all peers that stands still for 5 s at a time, every 10 s for half of the duration."`
	Asymmetric share       `placeholder:"SHARE" help:"The part of all links that carry nothing in one direction, for the second quarter of the duration."`
	Uplink     int         `placeholder:"BYTES" help:"How many bytes a second a peer's line carries."`
	Crowd      int         `placeholder:"N" help:"Peers join until there are so many, in the second quarter of the duration."`
	Step       []stepValue `sep:"none" placeholder:"STEP" help:"Something else that is done, like 'at: 10s, crash: 0.1'; may be repeated. docs/simulation.md lists what there is."`

	IdealWithin patience `placeholder:"TIME" help:"Fail unless the ring is ideal so long after the duration; with --chaos a time for its size unless given."`
	Chaos       bool     `help:"Have the seed draw the swarm, the faults, and what is asked of it."`
	Seeds       seeds    `placeholder:"A-B" help:"With --chaos: these seeds, one after the other."`
	Events      float64  `placeholder:"N" help:"With --chaos: seeds from --seed or the first of --seeds on, until there were so many events, like 1e9."`
	Parallel    int      `short:"j" default:"1" placeholder:"N" help:"With --seeds or --events: so many at a time (${default})."`

	ringFlags

	Trace string `placeholder:"FILE" help:"Write every event into this file, one JSON object a line."`
	JSON  bool   `name:"json" help:"Write one JSON object a line."`
}

// Help is shown by --help.
func (*simCommand) Help() string {
	return `The state machines are those that ship; links, clock and peers are made up. docs/simulation.md says what the figures mean, and what a scenario file can say.

A run with --chaos that fails writes its last events into cicada-sim-SEED.ndjson.

Example: cicada sim --peers 200 --lookups 500 --sends 500 --seed 7`
}

// A share is a part of 1.
type share float64

// UnmarshalText reads "0.25".
func (s *share) UnmarshalText(text []byte) error {
	x, err := scenario.Shares(string(text))
	if err != nil || len(x) != 1 || x[0] < 0 || x[0] > 1 {
		return fmt.Errorf("want a share from 0 to 1, not %.100q", text)
	}
	*s = share(x[0])
	return nil
}

// A stepValue is a step in the form that a scenario file has, braces or not.
type stepValue sim.Step

// UnmarshalText reads "at: 10s, crash: 0.1".
func (s *stepValue) UnmarshalText(text []byte) error {
	step, err := scenario.Parse(string(text))
	*s = stepValue(step)
	return err
}

// Run simulates, and shows what was measured.
func (c *simCommand) Run(ctx context.Context, line *kong.Context, out *console) error {
	out.useJSON(c.JSON)
	if err := c.check(line); err != nil {
		return err
	}
	if c.sweeps() {
		return c.sweep(ctx, line, out)
	}
	config, err := c.config()
	if err != nil {
		return err
	}
	collectLess(config.Peers)
	result, err := c.simulate(ctx, config, out)
	if err != nil {
		return err
	}
	out.record(result)
	showResult(out, result)
	if result.Violations == 0 {
		return nil
	}
	again := sameAgain(line, "", "trace")
	kept := "; with --trace FILE it keeps its events"
	if c.Chaos && c.Trace == "" {
		if kept, err = keepLast(ctx, config); err != nil {
			return err
		}
		kept = "; its last events are in " + kept
	} else if c.Trace != "" {
		kept = "; its events are in " + c.Trace
	}
	return fmt.Errorf("%d violations of the ring's invariants, the first at %s; the same again: %s%s", result.Violations, result.FirstViolation, again, kept)
}

// collectLess has garbage collected as seldom as memory allows: nearly all of it is
// peers, which stay, and looking through those of a large swarm takes seconds, while
// an event leaves some fifty bytes behind.
func collectLess(peers int) {
	percent := 400
	switch {
	case os.Getenv("GOGC") != "":
		return
	case peers > 300_000:
		percent = 12
	case peers > 50_000:
		percent = 100
	}
	debug.SetGCPercent(percent)
}

// check refuses flags that do not go together.
func (c *simCommand) check(line *kong.Context) error {
	swept := []string{"seeds", "events", "parallel"}
	drawn := append([]string{"chaos", "peers", "seed", "ideal-within", "real-seals", "trace", "json", "help"}, swept...)
	for _, flag := range given(line) {
		switch {
		case !c.Chaos && slices.Contains(swept, flag.Name):
			return usageError("--%s: only with --chaos", flag.Name)
		case c.Chaos && !slices.Contains(drawn, flag.Name):
			return usageError("--%s and --chaos: what happens is drawn by the seed", flag.Name)
		}
	}
	switch {
	case c.sweeps() && c.Trace != "":
		return usageError("--trace: of one run, not of many; a seed that fails leaves a file of its own")
	case c.Parallel < 1 || c.Parallel > 64:
		return usageError("--parallel %d: want 1 to 64", c.Parallel)
	case c.Events < 0 || c.Events > 1e15:
		return usageError("--events %v: want a number up to 1e15", c.Events)
	}
	return nil
}

// config returns what is to be simulated.
func (c *simCommand) config() (sim.Config, error) {
	peers := 1000
	if c.Peers != nil {
		peers = *c.Peers
	}
	if c.Chaos {
		return c.chaos(c.Seed)
	}
	ring, err := c.ring()
	if err != nil {
		return sim.Config{}, err
	}
	config := sim.Config{
		Peers: peers, Seed: c.Seed, Start: sim.Start(c.Start), Duration: time.Duration(c.Duration),
		Ring:    ring,
		Lookups: c.Lookups, IDLookups: c.Lookups, Sends: c.Sends, Broadcasts: c.Broadcasts, Duplicates: c.Duplicates,
		Session: time.Duration(c.Session), Sessions: sim.Distribution(c.Sessions), Leave: float64(c.Leave),
		Kill: float64(c.Kill), SendsAfterKill: c.SendsAfterKill, BroadcastsAfterKill: c.BroadcastsAfterKill,
		Network:     sim.Network{Loss: float64(c.Loss), Jitter: time.Duration(c.Jitter)},
		IdealWithin: time.Duration(c.IdealWithin), Seal: c.seal(),
	}
	quarter := config.Duration / 4
	then := func(at time.Duration, f sim.Fault) { config.Steps = append(config.Steps, sim.Step{At: at, Fault: f}) }
	if c.Partition != "" {
		shares, err := scenario.Shares(c.Partition)
		if err != nil {
			return config, usageError("--partition: want shares, like 50/50, not %.100q", c.Partition)
		}
		then(quarter, sim.Partition{Shares: shares, For: quarter})
	}
	if c.Pause > 0 {
		const long, every = 5 * time.Second, 10 * time.Second
		then(quarter, sim.Pause{Share: float64(c.Pause), For: long, Every: every, During: max(2*quarter-long, every)})
	}
	if c.Asymmetric > 0 {
		then(quarter, sim.Links{Share: float64(c.Asymmetric), Loss: 1, For: quarter})
	}
	if c.Uplink != 0 {
		then(0, sim.Uplinks{Share: 1, Rate: c.Uplink, For: config.Duration})
	}
	if c.Crowd != 0 {
		then(quarter, sim.Growth{To: c.Crowd, For: quarter})
	}
	for _, s := range c.Step {
		config.Steps = append(config.Steps, sim.Step(s))
	}
	return config, valid(&config)
}

// chaos returns what a seed draws.
func (c *simCommand) chaos(seed uint64) (sim.Config, error) {
	peers := 0
	if c.Peers != nil {
		peers = *c.Peers
		if peers < 1 || peers > sim.MaxPeers {
			return sim.Config{}, usageError("sim: %d peers: want 1 to %d", peers, sim.MaxPeers)
		}
	}
	config := sim.Chaos(seed, peers)
	config.Seal = c.seal()
	if c.IdealWithin > 0 {
		config.IdealWithin = time.Duration(c.IdealWithin)
	}
	return config, valid(&config)
}

// seal returns what messages are sealed with.
func (c *simCommand) seal() sim.Sealing {
	if c.RealSeals {
		return sim.Noise
	}
	return sim.StandIn
}

func valid(config *sim.Config) error {
	if err := config.Validate(); err != nil {
		return &codedError{exitUsage, err}
	}
	return nil
}

// simulate carries out one run, and writes its trace where that was asked for.
func (c *simCommand) simulate(ctx context.Context, config sim.Config, out *console) (*sim.Result, error) {
	done := func() error { return nil }
	if c.Trace != "" {
		w, closed, err := traceFile(c.Trace)
		if err != nil {
			return nil, usageError("--trace: %w", err)
		}
		config.Trace, done = w, closed
	}
	began := time.Now()
	result, err := sim.Run(ctx, config, func(phase string, virtual time.Duration, events uint64) {
		out.show("%s: %v of virtual time, %d events, %.0f a second", phase, virtual.Round(time.Second), events, float64(events)/time.Since(began).Seconds())
	})
	out.clearProgress()
	return result, errors.Join(err, done())
}

// traceFile returns a writer of events on a file, and what ends it.
func traceFile(path string) (*trace.Writer, func() error, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, err
	}
	const buffer = 1 << 20 // events come by the hundred thousand a second
	w := trace.NewWriter(bufio.NewWriterSize(file, buffer))
	return w, func() error { return errors.Join(w.Flush(), file.Close()) }, nil
}

// keepLast simulates once more, up to the first violation, and writes the last events
// before it into a file, whose name it returns.
func keepLast(ctx context.Context, config sim.Config) (string, error) {
	const last = 20_000
	recorder := &trace.Recorder{Size: last, Keep: true}
	config.Trace, config.StopAtViolation = recorder, true
	if _, err := sim.Run(ctx, config, nil); err != nil {
		return "", err
	}
	name := fmt.Sprintf("cicada-sim-%d.ndjson", config.Seed)
	w, done, err := traceFile(name)
	if err != nil {
		return "", err
	}
	for _, e := range recorder.Events() {
		w.Emit(e)
	}
	return name, done()
}

// given returns the flags that the command line or a scenario gives.
func given(line *kong.Context) (flags []*kong.Flag) {
	for _, path := range line.Path {
		if path.Flag != nil && !path.Resolved {
			flags = append(flags, path.Flag)
		}
	}
	return flags
}

// sameAgain returns the command line once more, but for some flags, and with others more.
func sameAgain(line *kong.Context, more string, but ...string) string {
	words := []string{"cicada", "sim"}
	seen := make(map[*kong.Flag]bool)
	for _, flag := range given(line) {
		if seen[flag] || slices.Contains(but, flag.Name) {
			continue
		}
		seen[flag] = true
		value := reflect.Indirect(reflect.ValueOf(line.FlagValue(flag)))
		switch x := value.Interface().(type) {
		case bool:
			words = append(words, "--"+flag.Name)
		case []stepValue:
			for _, s := range x {
				words = append(words, "--"+flag.Name, quoted(sim.Step(s).String()))
			}
		case patience:
			words = append(words, "--"+flag.Name, time.Duration(x).String())
		default:
			words = append(words, "--"+flag.Name, quoted(fmt.Sprint(x)))
		}
	}
	if more != "" {
		words = append(words, more)
	}
	return strings.Join(words, " ")
}

// quoted returns a word as a shell takes it.
func quoted(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@+"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
