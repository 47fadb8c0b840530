package chordtest

import (
	"flag"
	"strings"
	"testing"
)

var (
	histories = flag.Int("histories", 10, "how many random histories to run of each sort")
	lines     = flag.Int("lines", 60, "how many of the last steps of a failed history to print")
	seed      = flag.Uint64("seed", 1, "seed of the first random history")
)

func TestHistories(t *testing.T) {
	for _, sort := range []struct {
		name    string
		history History
	}{
		{"full", History{Successors: 2, Peers: 5, Points: 16, Full: true}},
		{"full of three", History{Successors: 3, Peers: 6, Points: 16, Full: true}},
		{"from one", History{Successors: 2, Peers: 1, Points: 12}},
		{"both modes", History{Successors: 2, Peers: 6, Points: 16}},
		{"orderly", History{Successors: 2, Peers: 5, Points: 16, Full: true, Orderly: true}},
		{"orderly from one", History{Successors: 2, Peers: 1, Points: 16, Orderly: true}},
		{"wide", History{Successors: 2, Peers: 7, Points: 16, Full: true, Wide: true}},
		{"wide in both modes", History{Successors: 2, Peers: 6, Points: 16, Wide: true}},
		{"wide and orderly", History{Successors: 2, Peers: 5, Points: 16, Full: true, Wide: true, Orderly: true}},
		{"unrefused", History{Successors: 3, Peers: 8, Points: 16, Unrefused: true}},
	} {
		t.Run(sort.name, func(t *testing.T) {
			t.Parallel()
			failed := 0
			var longest Result
			for i := range *histories {
				h := sort.history
				h.Seed, h.Steps = *seed+uint64(i), 400
				result := h.Play()
				if result.Quiet > longest.Quiet {
					longest = result
				}
				if result.Violation == nil {
					continue
				}
				if failed++; failed <= 3 {
					h.Log = true
					result = h.Play()
					from := max(0, len(result.Log)-*lines)
					t.Errorf("step %d: %v\nreplay: go test ./chord/chordtest -run 'TestHistories/%s' -seed %d -histories 1\n%s",
						result.Step, result.Violation, strings.ReplaceAll(sort.name, " ", "_"), h.Seed, strings.Join(result.Log[from:], "\n"))
				}
			}
			t.Logf("%d histories, %d failed; slowest to be ideal: %v; that one had %d joins, %d leaves, %d crashes, %d refused",
				*histories, failed, longest.Quiet, longest.Joins, longest.Leaves, longest.Crashes, longest.Refused)
		})
	}
}
