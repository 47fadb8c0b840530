package main

import (
	"math/rand/v2"
	"testing"

	"cicada/identity"
)

// What the maker counts as a run is one: of the IDs that it gives to the puzzle, and no
// others, half pass at difficulty 1. That each further bit halves them is
// TestPointOfHalvesWithEachBit in package identity.
func TestMakerCountsRunsOfThePuzzle(t *testing.T) {
	p := maker{rand.New(rand.NewPCG(1, 1))}.make(1, 64)
	if !near(p.runs, 2, 0.25) {
		t.Errorf("got %.2f runs an ID, want about 2", p.runs)
	}
	if got := p.keys / p.runs; !near(got, 64, 0.25) {
		t.Errorf("got %.1f keys a run, want about 64", got)
	}
	if p.ids != 64 || p.runSeconds <= 0 || p.keySeconds <= 0 {
		t.Errorf("got %+v", p)
	}
}

// What is not given to the puzzle passes at no difficulty.
func TestScreenedIsAllThatCanPass(t *testing.T) {
	m := maker{rand.New(rand.NewPCG(2, 1))}
	for range 1000 {
		id := m.key().ID()
		if screened(id) {
			continue
		}
		if _, err := identity.PointOf(id, 1); err == nil {
			t.Fatalf("%s passes the puzzle, and was not given to it", id)
		}
	}
}

func TestWithoutDifficultyOneKeyIsOneID(t *testing.T) {
	p := maker{rand.New(rand.NewPCG(1, 1))}.make(0, 20)
	if p.keys != 1 || p.runs != 0 || p.puzzleSeconds() != p.keySeconds {
		t.Errorf("got %+v", p)
	}
}

func TestComputed(t *testing.T) {
	measured := price{difficulty: 8, ids: 64, keys: 16000, keySeconds: 1e-5, runs: 250, runSeconds: 1e-3}
	got := computed(12, measured)
	want := price{difficulty: 12, keys: 262144, keySeconds: 1e-5, runs: 4096, runSeconds: 1e-3}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if seconds := got.puzzleSeconds(); !near(seconds, 4.096, 1e-9) {
		t.Errorf("got %v puzzle seconds, want 4.096", seconds)
	}
	if seconds := got.allSeconds(); !near(seconds, 4.096+2.62144, 1e-9) {
		t.Errorf("got %v seconds, want 6.71744", seconds)
	}
}
