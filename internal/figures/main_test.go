package main

import (
	"io"
	"strings"
	"testing"
)

func TestArguments(t *testing.T) {
	cases := []struct {
		name      string
		arguments []string
		want      string // of the error; "" where there is none
	}{
		{"too many", []string{"hops"}, `unexpected argument "hops"`},
		{"missing what", []string{"-missing"}, "-missing: only with -run"},
		{"not the root", nil, "run this in the root of the repository"},
		{"commands", []string{"-commands"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var stdout strings.Builder
			err := figures(t.Context(), c.arguments, &stdout, io.Discard)
			switch {
			case c.want == "" && (err != nil || strings.Count(stdout.String(), "\n") != len(plan())):
				t.Errorf("got %q and error %v, want %d commands", stdout.String(), err, len(plan()))
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got error %v, want %s", err, c.want)
			}
		})
	}
}
