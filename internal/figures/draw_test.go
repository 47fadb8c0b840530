package main

import (
	"bytes"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// kept holds the results and pictures of this repository, seen from here.
const kept = "../../docs/figures"

var number = regexp.MustCompile(`-?[0-9]+(\.[0-9]+)?`)

// alike reports whether two pictures differ in nothing but the last digit of numbers:
// not every processor rounds as every other.
func alike(a, b string) bool {
	if number.ReplaceAllString(a, "#") != number.ReplaceAllString(b, "#") {
		return false
	}
	inB := number.FindAllString(b, -1)
	for i, x := range number.FindAllString(a, -1) {
		m, errM := strconv.ParseFloat(x, 64)
		n, errN := strconv.ParseFloat(inB[i], 64)
		if errM != nil || errN != nil || math.Abs(m-n) > 0.02 {
			return false
		}
	}
	return true
}

// read returns text with the ends of lines that it was written with, whatever a
// checkout made of them.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func TestTheKeptPicturesAreDrawnFromTheKeptResults(t *testing.T) {
	results, err := load(kept, plan())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures() {
		t.Run(p.name, func(t *testing.T) {
			svg, err := p.draw(results)
			if err != nil {
				t.Fatal(err)
			}
			again, err := p.draw(results)
			if err != nil || !bytes.Equal(svg, again) {
				t.Fatalf("drawn twice, it differs (error %v)", err)
			}
			if got := read(t, filepath.Join(kept, p.name+".svg")); !alike(got, string(svg)) {
				t.Errorf("%s.svg is not what is drawn now: go run ./internal/figures", p.name)
			}
		})
	}
}

func TestAlike(t *testing.T) {
	const svg = `<path d="M12.500,-7L1.25,0"/>`
	cases := []struct {
		name, other string
		want        bool
	}{
		{"the same", svg, true},
		{"a last digit", `<path d="M12.501,-7L1.25,0"/>`, true},
		{"another place", `<path d="M12.600,-7L1.25,0"/>`, false},
		{"another sign", `<path d="M12.500,-7L1.25,0"/><g>`, false},
		{"a number more", `<path d="M12.500,-7L1.25,0,1"/>`, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := alike(svg, c.other); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Every file in the folder is used, and every picture is shown.
func TestThePageShowsEveryPicture(t *testing.T) {
	page := read(t, "../../docs/simulation.md")
	var want []string
	for _, p := range pictures() {
		want = append(want, p.name+".svg")
		if link := "](figures/" + p.name + ".svg)"; !strings.Contains(page, link) {
			t.Errorf("docs/simulation.md does not show %s.svg", p.name)
		}
	}
	for _, set := range sets(plan()) {
		want = append(want, set+".ndjson")
	}
	entries, err := os.ReadDir(kept)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(want, e.Name()) {
			t.Errorf("%s belongs to no picture: delete it", filepath.Join(kept, e.Name()))
		}
	}
}

func TestEveryRunIsDrawnAndHasANameOfItsOwn(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range plan() {
		if seen[r.command()] {
			t.Errorf("%s: twice", r.command())
		}
		seen[r.command()] = true
		if !slices.ContainsFunc(pictures(), func(p picture) bool {
			return slices.ContainsFunc(p.lines, func(l line) bool { return l.set == r.set && l.series == r.series })
		}) {
			t.Errorf("%s: no picture shows it", r.command())
		}
		for _, p := range pictures() {
			for _, l := range p.lines {
				if l.set == r.set && l.series == r.series && (r.x < p.x.min || r.x > p.x.max) {
					t.Errorf("%s: %s shows %v to %v only", r.command(), p.name, p.x.min, p.x.max)
				}
			}
		}
	}
}

// Nothing that was measured lies outside of what a picture shows.
func TestEveryPointIsInsideOfItsPicture(t *testing.T) {
	results, err := load(kept, plan())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures() {
		for _, l := range p.lines {
			values, err := l.values(results)
			if err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
			for _, at := range values {
				if at.Y < p.y.min || at.Y > p.y.max {
					t.Errorf("%s, %s: %v at %v, outside of %v to %v", p.name, l.name, at.Y, at.X, p.y.min, p.y.max)
				}
			}
		}
	}
}

func TestARunThatDidNotMeasureWhatIsDrawnIsNamed(t *testing.T) {
	results, err := load(kept, plan())
	if err != nil {
		t.Fatal(err)
	}
	last := plan()[len(plan())-1]
	cases := []struct {
		name    string
		picture picture
		without func(*result)
	}{
		{"the ring was not right before the end", recovery(), func(r *result) { r.HeadsAfter = -1 }},
		{"nothing was sent", deliveries(), func(r *result) {
			r.BurstSends, r.BurstDelivered, r.BurstDeliveredIn1s, r.BurstDeliveredIn5s = 0, 0, 0, 0
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			changed := maps.Clone(results)
			lacking := *results[last]
			c.without(&lacking)
			changed[last] = &lacking
			_, err := c.picture.draw(changed)
			if err == nil || !strings.Contains(err.Error(), strconv.Quote(last.command())+" did not measure this") {
				t.Errorf("got error %v, want one that names %q", err, last.command())
			}
		})
	}
}
