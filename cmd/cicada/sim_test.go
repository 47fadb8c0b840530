package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"

	"cicada/sim"
)

// again FILE writes the command there that a failed simulation says shows it again.
func again(ts *testscript.TestScript, negated bool, arguments []string) {
	match := regexp.MustCompile("the same again: (cicada sim [^;]*);").FindStringSubmatch(ts.ReadFile("stderr"))
	if negated || len(arguments) != 1 || match == nil {
		ts.Fatalf("usage: again FILE, after a simulation that failed")
	}
	ts.Check(os.WriteFile(ts.MkAbs(arguments[0]), []byte(match[1]+"\n"), 0o600))
}

// command FILE writes the command there that the JSON on stdout says gives it.
func command(ts *testscript.TestScript, negated bool, arguments []string) {
	var object struct{ Command string }
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &object); negated || len(arguments) != 1 || err != nil {
		ts.Fatalf("usage: command FILE, after a simulation with --json: %v", err)
	}
	ts.Check(os.WriteFile(ts.MkAbs(arguments[0]), []byte(object.Command+"\n"), 0o600))
}

// The scenarios that come with the simulator run and end well, at a small size.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "sim", "testdata", "*.yaml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if code := run([]string{"sim", "--scenario", file, "--peers", "60", "--lookups", "50"}, &stdout, &stderr); code != exitDone {
				t.Errorf("exit code %d: %s", code, stderr.String())
			}
			if !strings.Contains(stdout.String(), "0 violated") {
				t.Errorf("got %s", stdout.String())
			}
		})
	}
}

// The commands that docs/simulation.md shows, in blocks and, some words of them, in its
// tables, are ones that would run.
func TestCommandsOfTheSimulatorAreTaken(t *testing.T) {
	text := read(t, "docs/simulation.md")
	t.Chdir(root) // where the scenarios are
	found := 0
	for _, match := range regexp.MustCompile("(?m)^cicada sim (.*)$|^\\| `(--(?:peers|chaos) [^`]*)`").FindAllStringSubmatch(text, -1) {
		found++
		words := strings.Fields(match[1] + match[2])
		c, line, from, err := parsedSim(t, words)
		if err == nil {
			_, err = c.prepare(line, from)
		}
		if err != nil {
			t.Errorf("%q: %v", words, err)
		}
	}
	if found < 15 {
		t.Errorf("got %d commands, want more", found)
	}
}

// parsedSim reads a command line of sim.
func parsedSim(t *testing.T, words []string) (*simCommand, *kong.Context, *source, error) {
	t.Helper()
	var line commandLine
	from := new(source)
	parser, err := kong.New(&line, kong.Bind(from))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(append([]string{"sim"}, words...))
	return &line.Sim, parsed, from, err
}

// A sweep that is interrupted before a seed is done has no figures to show.
func TestAnInterruptedSweepOfNothing(t *testing.T) {
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	for _, flags := range []string{"--chaos --seeds 5-9", "--chaos --seeds 5-9 --json"} {
		c, line, _, err := parsedSim(t, strings.Fields(flags))
		if err != nil {
			t.Fatal(err)
		}
		var stdout bytes.Buffer
		out := newConsole(&stdout, io.Discard)
		out.useJSON(c.JSON)
		if err := c.sweep(interrupted, line, out); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", flags, err)
		}
		out.flush()
		want := "seeds        none was run to its end\n"
		if c.JSON {
			want = `{"command":"cicada sim --chaos --seeds 5-9","seeds":0,"first_seed":5,"events":0,`
		}
		if got := stdout.String(); !strings.HasPrefix(got, want) || !c.JSON && got != want {
			t.Errorf("%s: got %s, want %s", flags, got, want)
		}
	}
}

// The command that shows a run again has what a shell needs in quotes.
func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{"": "''", "50/50": "50/50", "1m0s": "1m0s", "{at: 1s}": "'{at: 1s}'", "it's": `'it'\''s'`} {
		if got := quoted(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
}

// The help of --behaviour names all that there are.
func TestBehavioursAreNamed(t *testing.T) {
	field, _ := reflect.TypeFor[simCommand]().FieldByName("Behaviour")
	names := sim.Behaviours()
	want := strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1] + "."
	if help := field.Tag.Get("help"); !strings.Contains(help, want) {
		t.Errorf("got %q, want it to name %s", help, want)
	}
	page := read(t, "docs/attacks.md")
	for _, name := range names {
		if !strings.Contains(page, "| `"+name+"` |") {
			t.Errorf("docs/attacks.md does not say what %s is", name)
		}
	}
}
