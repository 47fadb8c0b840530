package chordtest

import (
	"flag"
	"testing"
)

var long = flag.Bool("long", false, "search all states, which takes minutes")

func TestSearch(t *testing.T) {
	for _, test := range []struct {
		name   string
		search Search
		short  int // states visited without -long; 0: all
	}{
		{"full, join and crash", Search{Successors: 2, Points: 6, Base: 3, Full: true, Joins: 2, Crashes: 1}, 1500},
		{"full, two crashes", Search{Successors: 2, Points: 6, Base: 3, Full: true, Joins: 2, Crashes: 2}, 1500},
		{"small from one", Search{Successors: 2, Points: 4, Base: 1, Joins: 2, Crashes: 1}, 3000},
		{"small to full, r of one", Search{Successors: 1, Points: 5, Base: 3, Joins: 1}, 1500},
		{"small to full", Search{Successors: 2, Points: 6, Base: 5, Joins: 1}, 1500},
		{"full to small", Search{Successors: 2, Points: 5, Base: 4, Crashes: 1}, 1500},
		{"small, a crash", Search{Successors: 2, Points: 4, Base: 3, Joins: 1, Crashes: 1}, 3000},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := test.search
			s.IdealEvery = 50
			if !*long {
				s.Limit = test.short
			}
			found := s.Run()
			t.Logf("%d states, %d steps, %d run to their end, all: %v", found.States, found.Steps, found.Ends, found.Complete)
			if err := found.Err(); err != nil {
				t.Error(err)
			}
			if found.States < 20 {
				t.Errorf("got %d states: nothing was searched", found.States)
			}
		})
	}
}
