package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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

// The command that shows a run again has what a shell needs in quotes.
func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{"": "''", "50/50": "50/50", "1m0s": "1m0s", "{at: 1s}": "'{at: 1s}'", "it's": `'it'\''s'`} {
		if got := quoted(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
}
