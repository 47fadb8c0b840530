package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// showDraws prints how many IDs places take.
func showDraws(out io.Writer, costs []cost) {
	r := costs[0].successors
	fmt.Fprintf(out, "IDs made until one stands among the %d around a victim, and until all %d are the attacker's:\n\n", 2*r, 2*r)
	row(out, "N", "N/(2r)", "one: mean", "half of all victims", "nine in ten", fmt.Sprintf("all %d: half of all victims", 2*r), "nine in ten")
	rule(out, 7)
	for _, c := range costs {
		row(out, spaced(float64(c.n)), figure(c.expected()), figure(c.one.mean), figure(c.one.p50), figure(c.one.p90), short(c.all.p50), short(c.all.p90))
	}
}

// showPrices prints what IDs take.
func showPrices(out io.Writer, prices []price) {
	fmt.Fprint(out, "\nWhat an ID takes, on one core:\n\n")
	row(out, "difficulty", "IDs made", "runs an ID", "a run", "puzzle seconds an ID", "keys tried an ID", "a key", "seconds an ID with keys")
	rule(out, 8)
	for _, p := range prices {
		made, run, puzzle := strconv.Itoa(p.ids), fmt.Sprintf("%.2f ms", p.runSeconds*1e3), short(p.runs*p.runSeconds)
		if p.ids == 0 {
			made = "computed"
		}
		if p.difficulty == 0 {
			run, puzzle = "", "0"
		}
		row(out, strconv.Itoa(int(p.difficulty)), made, figure(p.runs), run, puzzle,
			spaced(math.Round(p.keys)), fmt.Sprintf("%.0f µs", p.keySeconds*1e6), short(p.allSeconds()))
	}
}

// showCosts prints the two multiplied.
func showCosts(out io.Writer, costs []cost, prices []price) {
	r := costs[0].successors
	fmt.Fprintf(out, "\nPuzzle seconds for one place of the %d, on average, and for all, for half of all victims (at difficulty 0 those of the keys):\n\n", 2*r)
	header := []string{"difficulty"}
	for _, of := range []string{"one", "all"} {
		for _, c := range costs {
			header = append(header, of+", N = "+spaced(float64(c.n)))
		}
	}
	row(out, header...)
	rule(out, len(header))
	for _, p := range prices {
		cells := []string{strconv.Itoa(int(p.difficulty))}
		for _, c := range costs {
			cells = append(cells, span(c.one.mean*p.puzzleSeconds()))
		}
		for _, c := range costs {
			cells = append(cells, span(c.all.p50*p.puzzleSeconds()))
		}
		row(out, cells...)
	}
}

func row(out io.Writer, cells ...string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }

func rule(out io.Writer, columns int) { fmt.Fprintln(out, strings.Repeat("|---", columns)+"|") }

// units are the longer ones in which people think of seconds.
var units = []struct {
	name    string
	seconds float64
}{{"years", 365.25 * 86400}, {"d", 86400}, {"h", 3600}, {"min", 60}}

// span shows seconds with two digits, and in a longer unit where there is more than one of it.
func span(seconds float64) string {
	for _, u := range units {
		if seconds >= 2*u.seconds {
			return fmt.Sprintf("%s (%s %s)", short(seconds), short(seconds/u.seconds), u.name)
		}
	}
	return short(seconds)
}

// short shows a value with two digits.
func short(v float64) string {
	if v <= 0 {
		return "0"
	}
	digits := int(math.Floor(math.Log10(v))) - 1 // that are dropped before the point
	if digits >= 0 {
		scale := math.Pow10(digits)
		return spaced(math.Round(v/scale) * scale)
	}
	text := strconv.FormatFloat(v, 'f', -digits, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// figure shows a value with one digit behind the point, as long as that says something.
func figure(v float64) string {
	if v >= 1000 || v == math.Trunc(v) {
		return spaced(math.Round(v))
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// spaced shows a whole number, with a space between thousands where it has five digits or more.
func spaced(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	if len(digits) < 5 {
		return digits
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}
