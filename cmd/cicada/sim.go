package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
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
	Senders    int      `placeholder:"N" help:"How many peers send these messages, drawn by the seed (any)."`

	Malicious share  `placeholder:"SHARE" help:"The part of all peers that is hostile, drawn by the seed; who sends and who is sent to is honest. With --behaviour."`
	Behaviour string `placeholder:"NAME" help:"What hostile peers do: drop, corrupt, misroute, swallow, drop-copies, drop-victim, lie-colluders, lie-nearest, lie-fresh, lie-mixed, sparse, replay, churn, delay, lag, frame, poison, surround-target, surround-source or oscillate. docs/attacks.md says what each is."`
	Rounds    *int   `placeholder:"N" help:"How often a message is sent at most, each time by other ways (8); given, nobody looks up targets that do not answer: 1 is one round and nothing else."`

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
	Uplink     *int        `placeholder:"BYTES" help:"How many bytes a second a peer's line carries."`
	Crowd      *int        `placeholder:"N" help:"Peers join until there are so many, in the second quarter of the duration."`
	Step       []stepValue `sep:"none" placeholder:"STEP" help:"Something else that is done, like 'at: 10s, crash: 0.1'; may be repeated. docs/simulation.md lists what there is."`

	IdealWithin patience `placeholder:"TIME" help:"Fail unless the ring is ideal so long after the duration; with --chaos a time for its size unless given."`
	Chaos       bool     `help:"Have the seed draw the swarm, the faults, and what is asked of it."`
	Seeds       seeds    `placeholder:"A-B" help:"With --chaos: these seeds, one after the other."`
	Events      float64  `placeholder:"N" help:"With --chaos: seeds from --seed or the first of --seeds on, until there were so many events, like 1e9."`
	Parallel    int      `short:"j" default:"1" placeholder:"N" help:"With --seeds or --events: so many at a time (${default})."`

	ringFlags

	Trace tracePath `placeholder:"FILE" help:"Write every event into this file, one JSON object a line."`
	JSON  bool      `name:"json" help:"Write one JSON object a line."`
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
func (c *simCommand) Run(ctx context.Context, line *kong.Context, from *source, out *console) error {
	out.useJSON(c.JSON)
	config, err := c.prepare(line, from)
	switch {
	case err != nil:
		return from.locate(err)
	case c.sweeps():
		return c.sweep(ctx, line, out)
	}
	collectLess(config.Peers)
	result, err := c.simulate(ctx, config, out)
	if result == nil {
		return err
	}
	out.record(simRecord{sameAgain(line, "", "trace", "json"), result})
	showResult(out, result)
	if result.Violations == 0 {
		return err
	}
	kept := "with --trace FILE it keeps its events"
	if c.Trace != "" {
		kept = "its events are in " + string(c.Trace)
	} else if c.Chaos {
		name := ""
		if name, err = keepLast(ctx, config); err == nil {
			kept = "its last events are in " + name
		}
	}
	found := fmt.Errorf("%d violations of the ring's invariants, the first at %s; the same again: %s; %s",
		result.Violations, result.FirstViolation, sameAgain(line, "", "trace"), kept)
	return errors.Join(found, err)
}

// A simRecord is the object of one run.
type simRecord struct {
	Command string `json:"command"` // that gives the same run
	*sim.Result
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

// prepare returns what is to be simulated, or, of a sweep, the first of it.
func (c *simCommand) prepare(line *kong.Context, from *source) (sim.Config, error) {
	if err := c.check(line); err != nil {
		return sim.Config{}, err
	}
	config, asked, err := c.config(from)
	if err == nil {
		err = c.effective(&config, line)
	}
	if err == nil {
		err = valid(&config, asked)
	}
	return config, err
}

// config returns what is to be simulated, and of each of its steps what asked for it.
func (c *simCommand) config(from *source) (config sim.Config, asked []string, err error) {
	if c.Chaos {
		config, err = c.chaos(c.Seed)
		return config, nil, err
	}
	ring, err := c.ring()
	if err != nil {
		return config, nil, err
	}
	config = sim.Config{
		Peers: c.peers(), Seed: c.Seed, Start: sim.Start(c.Start), Duration: time.Duration(c.Duration),
		Ring:    ring,
		Lookups: c.Lookups, IDLookups: c.Lookups, Sends: c.Sends, Broadcasts: c.Broadcasts, Duplicates: c.Duplicates, Senders: c.Senders,
		Session: time.Duration(c.Session), Sessions: sim.Distribution(c.Sessions), Leave: float64(c.Leave),
		Malicious: float64(c.Malicious), Behaviour: c.Behaviour,
		Kill: float64(c.Kill), SendsAfterKill: c.SendsAfterKill, BroadcastsAfterKill: c.BroadcastsAfterKill,
		Network:     sim.Network{Loss: float64(c.Loss), Jitter: time.Duration(c.Jitter)},
		IdealWithin: time.Duration(c.IdealWithin), Seal: c.seal(),
	}
	if c.Rounds != nil {
		config.Routing.Rounds = *c.Rounds
	}
	if config.Steps, asked, err = c.usual(from); err != nil {
		return config, nil, err
	}
	for i, s := range c.Step {
		config.Steps = append(config.Steps, sim.Step(s))
		asked = append(asked, from.step(i))
	}
	return config, asked, nil
}

// peers returns how many peers there are at first, where the seed does not draw that.
func (c *simCommand) peers() int {
	if c.Peers == nil {
		return 1000
	}
	return *c.Peers
}

// How long peers stand still for --pause, and how often.
const (
	pauseLong  = 5 * time.Second
	pauseEvery = 10 * time.Second
	pauseLeast = 20 * time.Second // the shortest duration of which three quarters have room for two pauses
)

// usual returns the faults that have flags of their own, at their usual times, and the
// flag of each.
func (c *simCommand) usual(from *source) (steps []sim.Step, asked []string, err error) {
	quarter := time.Duration(c.Duration) / 4
	then := func(flag string, at time.Duration, f sim.Fault) {
		steps, asked = append(steps, sim.Step{At: at, Fault: f}), append(asked, from.name(flag))
	}
	if c.Partition != "" {
		shares, err := scenario.Shares(c.Partition)
		if err != nil {
			return nil, nil, usageError("--partition: want shares, like 50/50, not %.100q", c.Partition)
		}
		then("partition", quarter, sim.Partition{Shares: shares, For: quarter})
	}
	if c.Pause > 0 {
		if time.Duration(c.Duration) < pauseLeast {
			return nil, nil, usageError("--pause: a run of %v is too short for that: from a quarter of it on peers stand still for %v, and others %v later; want a duration of %v at least",
				brief(time.Duration(c.Duration)), pauseLong, pauseEvery, pauseLeast)
		}
		then("pause", quarter, sim.Pause{Share: float64(c.Pause), For: pauseLong, Every: pauseEvery, During: max(2*quarter-pauseLong, pauseEvery)})
	}
	if c.Asymmetric > 0 {
		then("asymmetric", quarter, sim.Links{Share: float64(c.Asymmetric), Loss: 1, For: quarter})
	}
	if c.Uplink != nil {
		then("uplink", 0, sim.Uplinks{Share: 1, Rate: *c.Uplink, For: time.Duration(c.Duration)})
	}
	if c.Crowd != nil {
		then("crowd", quarter, sim.Growth{To: *c.Crowd, For: quarter})
	}
	return steps, asked, nil
}

// chaos returns what a seed draws.
func (c *simCommand) chaos(seed uint64) (sim.Config, error) {
	peers := 0
	if c.Peers != nil {
		peers = *c.Peers
	}
	config := sim.Chaos(seed, peers)
	config.Seal = c.seal()
	if c.IdealWithin > 0 {
		config.IdealWithin = time.Duration(c.IdealWithin)
	}
	return config, valid(&config, nil)
}

// seal returns what messages are sealed with.
func (c *simCommand) seal() sim.Sealing {
	if c.RealSeals {
		return sim.Noise
	}
	return sim.StandIn
}

// traceBuffer is large: a simulation makes events by the hundred thousand a second.
const traceBuffer = 1 << 20

// simulate carries out one run, and writes its trace where that was asked for. A trace
// that could not be written is an error beside the result.
func (c *simCommand) simulate(ctx context.Context, config sim.Config, out *console) (*sim.Result, error) {
	done := func() error { return nil }
	if c.Trace != "" {
		t, err := openTrace(c.Trace, traceBuffer, out.noteSoon)
		if err != nil {
			return nil, usageError("--trace: %w", err)
		}
		config.Trace, done = t, t.end
	}
	began := time.Now()
	result, err := sim.Run(ctx, config, func(phase string, virtual time.Duration, events uint64) {
		out.show("%s: %v of virtual time, %d events, %.0f a second", phase, virtual.Round(time.Second), events, float64(events)/time.Since(began).Seconds())
	})
	out.clearProgress()
	return result, errors.Join(err, done())
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
	t, err := openTrace(tracePath(name), traceBuffer, func(string, ...any) {})
	if err != nil {
		return "", err
	}
	for _, e := range recorder.Events() {
		t.Emit(e)
	}
	return name, t.end()
}
