package main

import (
	"context"
	"fmt"
	"time"

	"cicada/chord"
	"cicada/sim"
)

type simCommand struct {
	Peers      int      `default:"1000" placeholder:"N" help:"How many peers (${default})."`
	Seed       uint64   `default:"1" placeholder:"N" help:"Decides everything that is random (${default}); the same seed gives the same run."`
	Start      string   `default:"ideal" enum:"ideal,joined" help:"How the swarm is at first: ideal, a perfect ring at rest, or joined, peers that joined one after the other (${default})."`
	Duration   patience `default:"1m" placeholder:"TIME" help:"How long it is watched, in virtual time (${default})."`
	Lookups    int      `placeholder:"N" help:"How many arbitrary keys are looked up, and as many IDs."`
	Sends      int      `placeholder:"N" help:"How many messages are sent."`
	Broadcasts int      `placeholder:"N" help:"How many broadcasts."`
	Duplicates int      `placeholder:"N" help:"Extra copies of each message (0 to 63)."`

	Session patience `placeholder:"MEDIAN" help:"Peers crash after this time, as a median, and others join. Without it they stay."`
	Kill    float64  `placeholder:"FRACTION" help:"The share of peers that crash at one instant, a quarter into the duration."`
	Loss    float64  `placeholder:"FRACTION" help:"The share of messages that get lost."`
	Jitter  patience `placeholder:"TIME" help:"Each message takes up to so much longer."`

	Successors  int `placeholder:"R" help:"How many neighbours to remember on each side (16)."`
	FingerBase  int `placeholder:"B" help:"Of the finger table, a power of two (16); 2 is the ring of the textbooks."`
	TableBudget int `default:"2000" placeholder:"BYTES" help:"What a peer may spend a second on knowing all others (${default}); 0: nothing."`

	JSON bool `name:"json" help:"Write one JSON object a line."`
}

// Help is shown by --help.
func (*simCommand) Help() string {
	return `The state machines are those that ship; links, clock and peers are made up. docs/simulation.md says what the figures mean.

Example: cicada sim --peers 200 --lookups 500 --sends 500 --seed 7`
}

// Run simulates, and shows what was measured.
func (c *simCommand) Run(ctx context.Context, out *console) error {
	out.useJSON(c.JSON)
	config := sim.Config{
		Peers: c.Peers, Seed: c.Seed, Start: sim.Start(c.Start), Duration: time.Duration(c.Duration),
		Ring:    chord.Config{Successors: c.Successors, FingerBase: c.FingerBase, TableBudget: tableBudget(c.TableBudget)},
		Lookups: c.Lookups, IDLookups: c.Lookups, Sends: c.Sends, Broadcasts: c.Broadcasts, Duplicates: c.Duplicates,
		Session: time.Duration(c.Session), Kill: c.Kill,
		Network: sim.Network{Loss: c.Loss, Jitter: time.Duration(c.Jitter)},
	}
	if c.TableBudget < 0 {
		return usageError("--table-budget %d: want 0 or more bytes a second", c.TableBudget)
	}
	if err := config.Validate(); err != nil {
		return &codedError{exitUsage, err}
	}
	began := time.Now()
	result, err := sim.Run(ctx, config, func(phase string, virtual time.Duration, events uint64) {
		out.show("%s: %v of virtual time, %d events, %.0f a second", phase, virtual.Round(time.Second), events, float64(events)/time.Since(began).Seconds())
	})
	out.clearProgress()
	if err != nil {
		return err
	}
	out.record(result)
	showResult(out, result)
	if result.Violations > 0 {
		return fmt.Errorf("%d violations of the ring's invariants, the first at %s (the same command gives the same run)", result.Violations, result.FirstViolation)
	}
	return nil
}

// showResult tells people what was measured, line by line.
func showResult(out *console, r *sim.Result) {
	out.say("peers        %d at the end, %.0f others in a table on average, %d at most", r.Peers, r.TableMean, r.TableMax)
	if r.Lookups > 0 {
		out.say("lookups      %d of keys: %d right, %d wrong, %d failed; %.2f hops; half within %.0f ms, 99 %% within %.0f ms",
			r.Lookups, r.Right, r.Wrong, r.Failed, r.KeyHops, r.LookupP50, r.LookupP99)
		out.say("             %d of IDs: %d right, %d wrong, %d failed", r.IDLookups, r.IDRight, r.IDWrong, r.IDFailed)
	}
	if r.Lookups > 0 || r.Sends > 0 {
		out.say("hops         %.2f on average, %.0f for half, %.0f for 99 %%", r.HopsMean, r.HopsP50, r.HopsP99)
	}
	if r.Sends > 0 {
		out.say("messages     %d of %d delivered, %d within 1 s, %d within 5 s; half within %.0f ms, 99 %% within %.0f ms; stretch %.2f",
			r.Delivered, r.Sends, r.DeliveredIn1s, r.DeliveredIn5s, r.LatencyP50, r.LatencyP99, r.StretchP50)
	}
	if r.Broadcasts > 0 {
		out.say("broadcasts   %d reached %.2f %% on average, %.2f %% at least; %.3f messages a peer, %d deep",
			r.Broadcasts, 100*r.Coverage, 100*r.CoverageLeast, r.MessagesPerPeer, r.Depth)
	}
	out.say("traffic      %.0f B/s a peer, of which the ring %.0f", r.Traffic, r.Upkeep)
	switch {
	case r.IdealAfter < 0:
		out.say("ring         not ideal again after the crash")
	case r.IdealAfter > 0:
		out.say("ring         ideal %.0f s after the crash", r.IdealAfter)
	}
	out.say("invariants   %d violated; %d findings that crashes explain", r.Violations, r.AssumptionBroken)
	out.say("simulator    %d events, %.0f a second, in %.0f s of virtual time; trace hash %s", r.Events, r.EventsPerSecond, r.VirtualSeconds, r.TraceHash)
}
