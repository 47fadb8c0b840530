package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"cicada/sim"
)

// check refuses flags that do not go together, and numbers that are too small or too
// large.
func (c *simCommand) check(line *kong.Context) error {
	swept := []string{"seeds", "events", "parallel"}
	drawn := append([]string{"chaos", "peers", "seed", "ideal-within", "real-seals", "trace", "json", "help"}, swept...)
	gave := make(map[string]bool)
	for _, flag := range set(line) {
		gave[flag.Name] = true
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
	case gave["seed"] && gave["seeds"]:
		return usageError("--seed and --seeds: the latter says with which seed to begin")
	case gave["parallel"] && !c.sweeps():
		return usageError("--parallel: one seed is one run; only with --seeds or --events")
	case c.Malicious > 0 && c.Behaviour == "":
		return usageError("--malicious: say what they do with --behaviour: %s", strings.Join(sim.Behaviours(), ", "))
	case c.Behaviour != "" && !slices.Contains(sim.Behaviours(), c.Behaviour):
		return usageError("--behaviour %.100q: want one of %s", c.Behaviour, strings.Join(sim.Behaviours(), ", "))
	case c.Events < 0 || c.Events > 1e15:
		return usageError("--events %v: want a number up to 1e15", c.Events)
	}
	return c.checkNumbers()
}

// checkNumbers refuses numbers that are too small or too large.
func (c *simCommand) checkNumbers() error {
	const maxDuplicates = 63
	for _, x := range []struct {
		flag        string
		value       *int
		least, most int
	}{
		{"peers", c.Peers, 1, sim.MaxPeers},
		{"lookups", &c.Lookups, 0, math.MaxInt},
		{"sends", &c.Sends, 0, math.MaxInt},
		{"broadcasts", &c.Broadcasts, 0, math.MaxInt},
		{"duplicates", &c.Duplicates, 0, maxDuplicates},
		{"senders", &c.Senders, 0, sim.MaxPeers},
		{"rounds", c.Rounds, 1, 100},
		{"sends-after-kill", &c.SendsAfterKill, 0, math.MaxInt},
		{"broadcasts-after-kill", &c.BroadcastsAfterKill, 0, math.MaxInt},
		{"uplink", c.Uplink, 1, math.MaxInt},
		{"crowd", c.Crowd, 1, sim.MaxPeers},
		{"parallel", &c.Parallel, 1, 64},
	} {
		switch {
		case x.value == nil || x.least <= *x.value && *x.value <= x.most:
		case x.most == math.MaxInt:
			return usageError("--%s %d: want %d or more", x.flag, *x.value, x.least)
		default:
			return usageError("--%s %d: want %d to %d", x.flag, *x.value, x.least, x.most)
		}
	}
	return nil
}

// effective refuses flags that would change nothing: who gives one expects that it does.
func (c *simCommand) effective(config *sim.Config, line *kong.Context) error {
	if c.Chaos {
		return nil
	}
	messages := config.Sends + config.SendsAfterKill
	shrinks := config.Kill > 0
	for _, s := range config.Steps {
		switch f := s.Fault.(type) {
		case sim.Burst:
			messages += f.Sends
		case sim.Crash, sim.Leaving:
			shrinks = true
		}
	}
	for _, flag := range set(line) {
		idle := ""
		switch flag.Name {
		case "leave", "sessions":
			if config.Session == 0 {
				idle = "nobody's time is ever over; only with --session"
			}
		case "sends-after-kill", "broadcasts-after-kill":
			if config.Kill == 0 {
				idle = "nobody is killed that something could be sent after; only with --kill"
			}
		case "malicious", "behaviour":
			if config.Malicious == 0 {
				idle = "nobody is hostile; see --malicious"
			}
		case "rounds":
			if messages == 0 {
				idle = "no message is sent; see --sends"
			}
		case "duplicates":
			if config.Duplicates > 0 && messages == 0 {
				idle = "no message is sent that there could be copies of; see --sends"
			}
		case "senders":
			if messages == 0 {
				idle = "no message is sent; see --sends"
			}
		case "partition":
			if c.Partition == "" {
				idle = "want shares, like 50/50"
			}
		case "crowd":
			if *c.Crowd <= config.Peers && !shrinks {
				idle = fmt.Sprintf("nobody has to join for %d peers where there are %d", *c.Crowd, config.Peers)
			}
		}
		if idle != "" {
			return usageError("--%s: %s", flag.Name, idle)
		}
	}
	return nil
}

// valid returns what is wrong with a configuration, and names what asked for a step
// that is.
func valid(config *sim.Config, asked []string) error {
	err := config.Validate()
	if err == nil {
		return nil
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for i, err := range all {
		var step *sim.StepError
		if errors.As(err, &step) && step.Number <= len(asked) {
			by := asked[step.Number-1]
			text := strings.TrimPrefix(err.Error(), "sim: ")
			text = strings.TrimPrefix(text, by[strings.LastIndexAny(by, " -")+1:]+": ") // a flag and its fault have one name
			all[i] = fmt.Errorf("%s: %s", by, text)
		}
	}
	if more := len(all) - maxConfigErrors; more > 0 {
		all = append(all[:maxConfigErrors], fmt.Errorf("and %d more", more))
	}
	return &codedError{exitUsage, errors.Join(all...)}
}

// brief returns a time without the zeros at its end: 1m, not 1m0s.
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
