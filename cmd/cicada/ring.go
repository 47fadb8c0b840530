package main

import (
	"time"

	"cicada/chord"
)

// ringFlags say how a peer keeps its ring: those of every command that runs peers, and
// of the simulator.
type ringFlags struct {
	Successors  int    `default:"16" placeholder:"R" help:"How many neighbours to remember on each side (${default})."`
	FingerBase  int    `default:"16" placeholder:"B" help:"Of the finger table, a power of two (${default}); 2 is the ring of the textbooks."`
	TableBudget int    `default:"2000" placeholder:"BYTES" help:"What to spend a second on knowing all peers, where that is enough (${default}); 0: nothing."`
	Answers     string `default:"weighed" enum:"weighed,searched,first" help:"How lookups are answered: weighed, peers pass them on and some more are asked whether the answer is right; searched, this peer asks one after the other; first, the first answer is believed, as where nobody lies (${default})."`

	Stabilize patience `default:"1s" placeholder:"TIME" help:"How long after a change neighbours compare what they know (${default}); up to 16 times as long while nothing changes. More costs less, and heals later."`
	Probe     patience `default:"1s" placeholder:"TIME" help:"How long the next neighbour may be silent before it is asked whether it lives (${default}): a quarter less where peers come and go all the time, up to three times that where they stay."`
	Refresh   patience `default:"1s" placeholder:"TIME" help:"How long at least between two looks at fingers (${default})."`
}

// ring returns the configuration of the ring.
func (f *ringFlags) ring() (chord.Config, error) {
	budget := f.TableBudget
	if budget == 0 {
		budget = -1 // zero is the default of a ring
	}
	c := chord.Config{
		Successors: f.Successors, FingerBase: f.FingerBase, TableBudget: budget,
		StabilizeMin: time.Duration(f.Stabilize), StabilizeMax: 16 * time.Duration(f.Stabilize),
		ProbeInterval: time.Duration(f.Probe), FingerInterval: time.Duration(f.Refresh),
		Lookups: map[string]chord.Lookups{"searched": chord.Searched, "first": chord.FirstAnswer}[f.Answers],
	}
	switch {
	case f.Successors < 1 || (chord.Config{Successors: f.Successors}).Validate() != nil:
		return c, usageError("--successors %d: want 1 to 31", f.Successors)
	case f.FingerBase < 1 || (chord.Config{FingerBase: f.FingerBase}).Validate() != nil:
		return c, usageError("--finger-base %d: want a power of two, 2 to 256", f.FingerBase)
	case f.TableBudget < 0 || f.TableBudget > chord.MaxTableBudget:
		return c, usageError("--table-budget %d: want 0 to %d bytes a second", f.TableBudget, chord.MaxTableBudget)
	}
	for _, x := range []struct {
		flag  string
		value patience
	}{{"stabilize", f.Stabilize}, {"probe", f.Probe}, {"refresh", f.Refresh}} {
		if d := time.Duration(x.value); d != 0 && (d < minPeriod || d > maxPeriod) {
			return c, usageError("--%s %v: want %v to %v", x.flag, d, minPeriod, maxPeriod)
		}
	}
	return c, nil
}

// What --stabilize, --probe and --refresh may be.
const (
	minPeriod = 10 * time.Millisecond
	maxPeriod = time.Minute
)
