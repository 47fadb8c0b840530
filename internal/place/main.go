// Place measures what it costs to stand next to a chosen peer, for docs/attacks.md:
//
//	go run ./internal/place                # the tables of "What a place costs", in some minutes
//	go run ./internal/place -successors 8  # the same for peers that remember 8 each way
//	go run ./internal/place -runs 1024     # fewer runs of the puzzle: seconds, and less exact
//
// Nobody chooses a point, so an attacker makes IDs until one stands where it wants. How
// many that takes is drawn, on rings of several sizes; what one ID takes is measured, by
// making some. The first comes out the same for the same seed; so do the runs that IDs
// take, but not the seconds.
//
// It attacks nobody, and is not part of cicada. Begin reading at ring in draw.go, then
// maker in puzzle.go.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
)

// usualSuccessors is what a chord.Config remembers each way unless it says otherwise.
const usualSuccessors = 16

func main() {
	err := measure(os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "place:", err)
		os.Exit(1)
	}
}

// sizes are the rings, and difficulties the rows, of the tables.
var (
	sizes        = []int{1000, 10_000, 100_000}
	difficulties = []uint8{0, 2, 4, 6, 8, 12, 16, 20}
)

// An options says how places are drawn.
type options struct {
	seed       uint64
	successors int
	rings      int // of each size
	victims    int // on each ring
}

var usual = options{seed: 7, successors: usualSuccessors, rings: 20, victims: 500}

// measure does what its arguments say.
func measure(arguments []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("place", flag.ContinueOnError)
	flags.SetOutput(stderr)
	o := usual
	flags.Uint64Var(&o.seed, "seed", o.seed, "of the rings, the victims, the attacker's points and the keys")
	flags.IntVar(&o.successors, "successors", o.successors, "r: how many neighbours a peer remembers on each side")
	flags.IntVar(&o.rings, "rings", o.rings, "how many rings of each size")
	flags.IntVar(&o.victims, "victims", o.victims, "how many victims on each ring")
	runs := flags.Int("runs", 16384, "how often the puzzle is run at each difficulty, about; one at which that makes fewer than 16 IDs is computed")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.successors < 1 || 2*o.successors >= sizes[0]:
		return fmt.Errorf("-successors %d: want at least 1, and fewer than half of the %d peers", o.successors, sizes[0])
	case o.rings < 1 || o.victims < 1:
		return errors.New("-rings and -victims: want at least 1")
	case *runs < fewestRuns:
		return fmt.Errorf("-runs %d: want at least %d", *runs, fewestRuns)
	}
	costs := o.drawCosts()
	showDraws(stdout, costs)
	prices := makePrices(o.seed, *runs)
	showPrices(stdout, prices)
	showCosts(stdout, costs, prices)
	return nil
}

// drawCosts draws on rings of all sizes.
func (o options) drawCosts() []cost {
	var costs []cost
	for _, n := range sizes {
		random := rand.New(rand.NewPCG(o.seed, uint64(n)))
		costs = append(costs, drawCost(n, o.successors, o.rings, o.victims, random))
	}
	return costs
}

// makePrices measures all difficulties at which so many runs make IDs enough, and computes the others.
func makePrices(seed uint64, runs int) []price {
	m := maker{random: rand.New(rand.NewPCG(seed, 0))}
	var prices []price
	for _, d := range difficulties {
		if d > 0 && runs>>d < fewestIDs {
			prices = append(prices, computed(d, prices[len(prices)-1]))
			continue
		}
		prices = append(prices, m.make(d, min(runs>>d, mostIDs)))
	}
	return prices
}
