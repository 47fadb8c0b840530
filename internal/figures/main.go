// Figures draws the pictures of docs/simulation.md, from results of cicada sim that
// are kept beside them in docs/figures, one JSON object a line. Run it in the root
// of the repository:
//
//	go run ./internal/figures               # draw docs/figures/*.svg from the kept results
//	go run ./internal/figures -run          # simulate all of it again, then draw
//	go run ./internal/figures -run -missing # simulate only what has no result yet, then draw
//	go run ./internal/figures -commands     # print the commands that make the results
//
// The same results give the same pictures, and a test fails where those that are kept
// are not what the command draws. An interrupt ends the simulations; the results that
// came before it are kept.
//
// It is not part of cicada, which links no drawing. Begin reading at plan and
// pictures in plan.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

// folder holds results and pictures, seen from the root of the repository.
const folder = "docs/figures"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := figures(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

// figures does what its arguments say.
func figures(ctx context.Context, arguments []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("figures", flag.ContinueOnError)
	flags.SetOutput(stderr)
	simulating := flags.Bool("run", false, "simulate all of it again before drawing")
	missing := flags.Bool("missing", false, "with -run: only what has no result yet")
	commands := flags.Bool("commands", false, "print the commands that make the results, and do nothing")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *missing && !*simulating:
		return errors.New("-missing: only with -run")
	case *commands:
		for _, r := range plan() {
			fmt.Fprintln(stdout, r.command())
		}
		return nil
	}
	if _, err := os.Stat(folder); err != nil {
		return fmt.Errorf("%w: run this in the root of the repository", err)
	}
	if *simulating {
		if err := simulate(ctx, stderr, *missing); err != nil {
			return err
		}
	}
	results, err := load(folder, plan())
	if err != nil {
		return err
	}
	for _, p := range pictures() {
		svg, err := p.draw(results)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		path := filepath.Join(folder, p.name+".svg")
		if err := os.WriteFile(path, svg, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(stdout, path)
	}
	return nil
}

// simulate builds cicada, and has it simulate.
func simulate(ctx context.Context, stderr io.Writer, missing bool) error {
	scratch, err := os.MkdirTemp("", "cicada-figures")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	cicada, err := build(ctx, scratch, stderr)
	if err != nil {
		return err
	}
	s := simulator{folder: folder, run: cicada.sim, progress: stderr}
	return s.all(ctx, plan(), missing)
}
