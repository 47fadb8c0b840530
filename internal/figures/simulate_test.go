package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fake stands for cicada sim: it notes what is asked of it.
type fake struct {
	asked []string
	seed  string // in what it prints, to tell one time from the next
	fails string // the flags with which it fails
	then  func()
}

func (f *fake) sim(_ context.Context, flags []string) ([]byte, error) {
	all := strings.Join(flags, " ")
	f.asked = append(f.asked, all)
	if f.then != nil {
		f.then()
	}
	if all == f.fails {
		return nil, errors.New("exit status 1")
	}
	return fmt.Appendf(nil, "%s,\"seed\":%s}\n", strings.TrimSuffix(printed(flags[1]), "}"), f.seed), nil
}

// seedsOf returns what seeds the kept results have, -1 where there is none.
func seedsOf(t *testing.T, folder string) (seeds []int) {
	t.Helper()
	for _, r := range small {
		_, results, err := readLines(folder, r.set, small)
		if err != nil {
			t.Fatal(err)
		}
		if result := results[r.command()]; result != nil {
			seeds = append(seeds, int(result.Seed))
		} else {
			seeds = append(seeds, -1)
		}
	}
	return seeds
}

func TestSimulating(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := &fake{seed: "1"}
	interrupted.then = func() {
		if len(interrupted.asked) == 2 {
			cancel()
		}
	}
	s := simulator{folder, interrupted.sim, io.Discard}
	if err := s.all(ctx, small, false); err == nil || !strings.Contains(err.Error(), "interrupted after 1 of 3 runs") {
		t.Errorf("got error %v, want that it was interrupted after 1 of 3 runs", err)
	}
	if got, want := seedsOf(t, folder), []int{1, -1, -1}; !slices.Equal(got, want) {
		t.Errorf("interrupted: got results of seeds %v, want %v", got, want)
	}

	failing := &fake{seed: "2", fails: "--peers 30 --json"}
	s.run = failing.sim
	if err := s.all(t.Context(), small, true); err == nil || err.Error() != "cicada sim --peers 30: exit status 1" {
		t.Errorf("got error %v, want which command failed and how", err)
	}
	if got, want := seedsOf(t, folder), []int{1, 2, -1}; !slices.Equal(got, want) {
		t.Errorf("failed: got results of seeds %v, want %v", got, want)
	}

	missing := &fake{seed: "3"}
	s.run = missing.sim
	if err := s.all(t.Context(), small, true); err != nil {
		t.Fatal(err)
	}
	if want := []string{"--peers 30 --json"}; !slices.Equal(missing.asked, want) {
		t.Errorf("what is missing: got %q simulated, want %q", missing.asked, want)
	}
	if results, err := load(folder, small); err != nil || results[small[1]].Peers != 20 {
		t.Errorf("got error %v and results %v, want those of three runs", err, results)
	}

	again := &fake{seed: "4"}
	s.run = again.sim
	if err := s.all(t.Context(), small, false); err != nil {
		t.Fatal(err)
	}
	if got, want := seedsOf(t, folder), []int{4, 4, 4}; !slices.Equal(got, want) {
		t.Errorf("again: got results of seeds %v, want %v", got, want)
	}
	if got, want := strings.Count(read(t, file(folder, "one")), "\n"), 2; got != want {
		t.Errorf("got %d lines, want %d", got, want)
	}
}

func TestWhatIsNoResultIsNotKept(t *testing.T) {
	for _, printed := range []string{"", "hello\n", "{}\n", printed("10") + "\n" + printed("10") + "\n", `{"seeds":3}`, printed("10")[1:], strings.Replace(printed("10"), ",", ",\n", 1)} {
		folder := t.TempDir()
		s := simulator{folder, func(context.Context, []string) ([]byte, error) { return []byte(printed), nil }, io.Discard}
		err := s.all(t.Context(), small, false)
		if err == nil || !strings.HasPrefix(err.Error(), "cicada sim --peers 10: it printed") {
			t.Errorf("%q: got error %v, want that this is no result", printed, err)
		}
		if got, want := seedsOf(t, folder), []int{-1, -1, -1}; !slices.Equal(got, want) {
			t.Errorf("%q: got results of seeds %v, want none", printed, got)
		}
	}
}

// The command is built, and run with the flags of each set on a few peers: they exist,
// and what it prints is what is kept.
func TestCicadaSimulates(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	folder := t.TempDir()
	cicada, err := build(t.Context(), folder, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var runs []run
	for _, r := range plan() {
		for _, flag := range []string{"--peers 50", "--lookups 10", "--sends-after-kill 10", "--duration 4s"} {
			name, _, _ := strings.Cut(flag, " ")
			r.flags = regexp.MustCompile(name+` \w+`).ReplaceAllString(r.flags, flag)
		}
		if !slices.ContainsFunc(runs, func(o run) bool { return o.set == r.set && o.series == r.series }) {
			runs = append(runs, r)
		}
	}
	s := simulator{folder, cicada.sim, io.Discard}
	if err := s.all(t.Context(), runs, false); err != nil {
		t.Fatal(err)
	}
	results, err := load(folder, runs)
	if err != nil {
		t.Fatal(err)
	}
	for r, result := range results {
		if result.Peers < 1 || result.Command != r.command() {
			t.Errorf("got %d peers by %q, want some by %q", result.Peers, result.Command, r.command())
		}
	}
}
