package main

import (
	"io"
	"os"
	"strings"
	"testing"
)

func TestArguments(t *testing.T) {
	cases := []struct{ name, arguments, want string }{
		{"too many", "ring", `unexpected argument "ring"`},
		{"no neighbours", "-successors 0", "-successors 0: want at least 1"},
		{"all are neighbours", "-successors 500", "-successors 500: want at least 1, and fewer than half of the 1000 peers"},
		{"no ring", "-rings 0", "-rings and -victims: want at least 1"},
		{"no victim", "-victims 0", "-rings and -victims: want at least 1"},
		{"too few runs", "-runs 63", "-runs 63: want at least 64"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := measure(strings.Fields(c.arguments), io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %s", err, c.want)
			}
		})
	}
}

// With the fewest runs all tables are there, and what is not measured is said to be computed.
func TestTables(t *testing.T) {
	var out strings.Builder
	if err := measure(strings.Fields("-runs 64 -rings 1 -victims 10"), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the 32 around", "| 100 000 | 3125 | ", "\n| 0 | 64 | 0 |  | 0 | 1 | ", "\n| 2 | 16 | ", "\n| 20 | computed | 1 048 576 | "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
	if got, want := strings.Count(out.String(), "computed"), len(difficulties)-2; got != want {
		t.Errorf("%d rows are computed, want %d", got, want)
	}
}

// The page has what the command draws. What it times is another on each machine.
func TestThePageHasWhatIsDrawn(t *testing.T) {
	page, err := os.ReadFile("../../docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	showDraws(&out, usual.drawCosts())
	_, table, _ := strings.Cut(out.String(), "\n\n")
	if !strings.Contains(strings.ReplaceAll(string(page), "\r\n", "\n"), table) {
		t.Errorf("docs/attacks.md lacks this table: go run ./internal/place\n%s", table)
	}
}

func TestNumbersAreShort(t *testing.T) {
	cases := []struct {
		show  func(float64) string
		value float64
		want  string
	}{
		{short, 0, "0"},
		{short, 0.0000324, "0.000032"},
		{short, 0.001, "0.001"},
		{short, 5.55, "5.5"},
		{short, 99.6, "100"},
		{short, 123456, "120 000"},
		{figure, 31.25, "31.2"},
		{figure, 3125.4, "3125"},
		{figure, 256, "256"},
		{spaced, 1048576, "1 048 576"},
		{spaced, 1000, "1000"},
		{span, 119, "120"},
		{span, 121, "120 (2 min)"},
		{span, 86400 * 3, "260 000 (3 d)"},
		{span, 86400 * 365.25 * 20, "630 000 000 (20 years)"},
	}
	for _, c := range cases {
		if got := c.show(c.value); got != c.want {
			t.Errorf("%v: got %q, want %q", c.value, got, c.want)
		}
	}
}
