package main

import (
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"cicada/chord"
)

// The flags of a ring are what it is made with; without any it is the default ring.
func TestRingFlags(t *testing.T) {
	for _, x := range []struct {
		flags []string
		want  chord.Config
	}{
		{nil, chord.Config{Successors: 16, FingerBase: 16, TableBudget: 2000, StabilizeMin: time.Second, StabilizeMax: 16 * time.Second, ProbeInterval: time.Second, FingerInterval: time.Second}},
		{[]string{"--successors", "3", "--finger-base", "2", "--table-budget", "0", "--stabilize", "2s", "--probe", "3", "--refresh", "4s"}, chord.Config{
			Successors: 3, FingerBase: 2, TableBudget: -1, StabilizeMin: 2 * time.Second, StabilizeMax: 32 * time.Second,
			ProbeInterval: 3 * time.Second, FingerInterval: 4 * time.Second,
		}},
	} {
		var flags ringFlags
		parser, err := kong.New(&flags)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = parser.Parse(x.flags); err != nil {
			t.Fatal(err)
		}
		if got, err := flags.ring(); err != nil || got != x.want {
			t.Errorf("%v: got %+v, %v, want %+v", x.flags, got, err, x.want)
		}
	}
}
