package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kong"

	"cicada/sim"
)

// seeds are those from the first to the last of them.
type seeds struct{ first, last uint64 }

// UnmarshalText reads "1-100", or "7".
func (s *seeds) UnmarshalText(text []byte) error {
	a, b, several := strings.Cut(string(text), "-")
	first, err := strconv.ParseUint(a, 10, 64)
	last := first
	if several && err == nil {
		last, err = strconv.ParseUint(b, 10, 64)
	}
	if err != nil || last < first || last == 0 {
		return fmt.Errorf("want seeds, like 1-100, not %.100q", text)
	}
	*s = seeds{first, last}
	return nil
}

// String returns the seeds as UnmarshalText reads them.
func (s seeds) String() string { return fmt.Sprintf("%d-%d", s.first, s.last) }

// sweeps reports whether more than one seed is asked for.
func (c *simCommand) sweeps() bool { return c.Chaos && (c.Seeds.last > 0 || c.Events > 0) }

// failedShown is how many seeds that failed are named.
const failedShown = 100

// A sweepRecord is what came of many seeds.
type sweepRecord struct {
	Command     string   `json:"command"` // that runs them again
	Seeds       uint64   `json:"seeds"`   // that were run to their end
	First       uint64   `json:"first_seed"`
	Last        *uint64  `json:"last_seed,omitempty"` // nil: none was
	Events      uint64   `json:"events"`
	Steps       int      `json:"steps"` // faults that were made
	Violations  int      `json:"violations"`
	Failed      int      `json:"failed_seeds"`     // with a violation
	Undemanded  int      `json:"undemanded_seeds"` // where faults together broke the assumption, and nothing could be demanded at the end
	Longest     float64  `json:"quiet_ideal_longest_seconds"`
	PerSecond   float64  `json:"events_per_second"`
	FirstFailed *uint64  `json:"first_failed_seed,omitempty"`
	AllFailed   []uint64 `json:"seeds_that_failed,omitempty"` // the first hundred
	FirstFound  string   `json:"first_violation,omitempty"`
	Replay      string   `json:"replay,omitempty"` // the command that shows it again
	Trace       string   `json:"trace,omitempty"`  // the file with its last events
}

// add takes in the result of the next seed.
func (s *sweepRecord) add(r *sim.Result) {
	s.Seeds++
	s.Last = &r.Seed
	s.Events += r.Events
	s.Steps += len(r.Steps)
	s.Violations += r.Violations
	s.Longest = max(s.Longest, r.QuietAfter)
	if r.Violations == 0 && r.QuietAfter < 0 {
		s.Undemanded++
	}
	if r.Violations > 0 {
		if len(s.AllFailed) < failedShown {
			s.AllFailed = append(s.AllFailed, r.Seed)
		}
		if s.Failed++; s.Failed == 1 {
			s.FirstFailed, s.FirstFound = &r.Seed, r.FirstViolation
		}
	}
}

// sweep runs one seed after the other, and says how many failed, and how to see the
// first of these again.
func (c *simCommand) sweep(ctx context.Context, line *kong.Context, out *console) error {
	next, last := c.Seed, uint64(math.MaxUint64)
	if c.Seeds.last > 0 {
		next, last = c.Seeds.first, c.Seeds.last
	}
	began := time.Now()
	record := sweepRecord{Command: sameAgain(line, "", "json"), First: next}
	enough := func() bool { return c.Events > 0 && float64(record.Events) >= c.Events }
	for done := false; !done && !enough(); {
		slice := uint64(8*c.Parallel - 1)
		to := last
		if last-next > slice {
			to = next + slice
		}
		results, err := c.slice(ctx, next, to)
		for _, r := range results {
			if r == nil || enough() { // what is counted does not hang on how many run at a time
				break
			}
			record.add(r)
		}
		if err != nil {
			record.show(out, began) // what came of it so far
			return err
		}
		out.show("seed %d: %d events, %.0f a second, %d seeds failed", *record.Last, record.Events, float64(record.Events)/time.Since(began).Seconds(), record.Failed)
		done = to == last
		next = to + 1
	}
	if record.Failed > 0 {
		err := record.failure(ctx, c, line)
		record.show(out, began)
		return err
	}
	record.show(out, began)
	return nil
}

// failure has the first seed that failed run once more for its last events, and says
// how to see it again.
func (s *sweepRecord) failure(ctx context.Context, c *simCommand, line *kong.Context) error {
	s.Replay = sameAgain(line, fmt.Sprintf("--seed %d", *s.FirstFailed), "seed", "seeds", "events", "parallel", "json")
	found := fmt.Sprintf("%d of %d seeds failed, the first at %s; the same again: %s", s.Failed, s.Seeds, s.FirstFound, s.Replay)
	config, err := c.chaos(*s.FirstFailed)
	if err == nil {
		s.Trace, err = keepLast(ctx, config)
	}
	if err != nil {
		return errors.Join(errors.New(found), err)
	}
	return fmt.Errorf("%s; its last events are in %s", found, s.Trace)
}

// slice runs some seeds, as many at a time as was asked for. With an error, those that
// were not run to their end have no result.
func (c *simCommand) slice(ctx context.Context, first, last uint64) ([]*sim.Result, error) {
	results := make([]*sim.Result, last-first+1)
	failures := make([]error, len(results))
	var taken atomic.Int64
	var workers sync.WaitGroup
	for range c.Parallel {
		workers.Go(func() {
			for {
				i := int(taken.Add(1)) - 1
				if i >= len(results) {
					return
				}
				config, err := c.chaos(first + uint64(i))
				if err == nil {
					results[i], err = sim.Run(ctx, config, nil)
				}
				if err != nil {
					failures[i] = fmt.Errorf("seed %d: %w", first+uint64(i), err)
				}
			}
		})
	}
	workers.Wait()
	return results, errors.Join(failures...)
}

// show tells what came of all seeds.
func (s *sweepRecord) show(out *console, began time.Time) {
	out.clearProgress()
	s.PerSecond = float64(s.Events) / time.Since(began).Seconds()
	out.record(s)
	if s.Last == nil {
		out.say("seeds        none was run to its end")
		return
	}
	out.say("seeds        %d, from %d to %d; %d faults", s.Seeds, s.First, *s.Last, s.Steps)
	out.say("events       %d, %.0f a second", s.Events, s.PerSecond)
	out.say("healed       within %.0f s; %d seeds broke what the ring builds on", s.Longest, s.Undemanded)
	out.say("violations   %d, of %d seeds", s.Violations, s.Failed)
	if s.Failed > 0 {
		out.say("             %s", strings.Trim(fmt.Sprint(s.AllFailed), "[]"))
	}
}
