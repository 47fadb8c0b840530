package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"cicada/control"
)

// The documents that scripts are made of, found before those run in folders of their own.
var (
	runtimeDoc, _ = filepath.Abs(filepath.Join(root, "docs", "runtime.md"))
	controlDoc, _ = filepath.Abs(filepath.Join(root, "docs", "control.md"))
	runningDoc, _ = filepath.Abs(filepath.Join(root, "docs", "running.md"))
	traceDoc, _   = filepath.Abs(filepath.Join(root, "docs", "spec", "trace.md"))
	readmeDoc, _  = filepath.Abs(filepath.Join(root, "README.md"))
)

// examples FOLDER writes the scripts of docs/runtime.md there, and what the first
// prints as first.want, with ports that are free.
func examples(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) != 1 {
		ts.Fatalf("usage: examples FOLDER")
	}
	text, err := os.ReadFile(runtimeDoc)
	ts.Check(err)
	ports := strings.NewReplacer("49610", ts.Getenv("PORT1"), "49611", ts.Getenv("PORT2"))
	blocks := regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 3 {
		ts.Fatalf("%s: got %d blocks, want two scripts and what the first prints", runtimeDoc, len(blocks))
	}
	for i, name := range []string{"first.conf", "others.conf", "first.want"} {
		ts.Check(os.WriteFile(filepath.Join(arguments[0], name), []byte(ports.Replace(blocks[i][1])), 0o644))
	}
}

// readme FILE writes the two commands of the README's second section there, the
// first to run beside the second, with this command and free ports.
func readme(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) != 1 {
		ts.Fatalf("usage: readme FILE")
	}
	text, err := os.ReadFile(readmeDoc)
	ts.Check(err)
	_, after, _ := strings.Cut(string(text), "## Two processes talk")
	_, after, _ = strings.Cut(after, "```\n")
	block, _, _ := strings.Cut(after, "```")
	lines := strings.Split(strings.TrimSpace(block), "\n")
	if len(lines) != 2 {
		ts.Fatalf("the README has %d commands there, want 2", len(lines))
	}
	// The default port stands in the first command by not being named.
	lines[0] = strings.TrimSuffix(lines[0], " -") + " --port 49610 -"
	script := strings.Join(lines, " &\n") + "\nwait\n"
	script = strings.NewReplacer("go run ./cmd/cicada", "cicada", "49610", ts.Getenv("PORT1"), "49611", ts.Getenv("PORT2")).Replace(script)
	ts.Check(os.WriteFile(ts.MkAbs(arguments[0]), []byte(script), 0o644))
}

// traced FILE writes the commands of docs/spec/trace.md there.
func traced(ts *testscript.TestScript, negated bool, arguments []string) {
	text, err := os.ReadFile(traceDoc)
	ts.Check(err)
	blocks := regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if negated || len(arguments) != 1 || len(blocks) != 1 {
		ts.Fatalf("usage: traced FILE, and %s has one block of commands, not %d", traceDoc, len(blocks))
	}
	ts.Check(os.WriteFile(ts.MkAbs(arguments[0]), []byte("set -e\n"+blocks[0][1]), 0o644))
}

// curl FILE... writes the lines of docs/control.md that use curl there, one in each,
// for the peer with the folder s1 and one that listens at $PORT2.
func curl(ts *testscript.TestScript, negated bool, arguments []string) {
	text, err := os.ReadFile(controlDoc)
	ts.Check(err)
	lines := regexp.MustCompile("(?m)^curl .*$").FindAllString(string(text), -1)
	if negated || len(lines) != len(arguments) {
		ts.Fatalf("usage: curl FILE..., of which there must be %d", len(lines))
	}
	here := strings.NewReplacer("/tmp/peer1", "s1", "7002", ts.Getenv("PORT2"))
	for i, line := range lines {
		ts.Check(os.WriteFile(ts.MkAbs(arguments[i]), []byte(here.Replace(line)+" \"$@\"\n"), 0o644))
	}
}

// runningExamples writes what docs/running.md shows into files: the peers' commands up.sh,
// the others talk.sh, and north.json, south.yaml and peer.yaml, with folders here and $PORT1 to $PORT6.
func runningExamples(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) > 0 {
		ts.Fatalf("usage: running")
	}
	text, err := os.ReadFile(runningDoc)
	ts.Check(err)
	blocks := regexp.MustCompile("(?s)```(?:yaml|json)?\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 5 {
		ts.Fatalf("%s: got %d blocks, want 5", runningDoc, len(blocks))
	}
	pairs := []string{"/tmp/", ""}
	for i := 1; i <= 6; i++ {
		pairs = append(pairs, fmt.Sprint(":700", i), ":"+ts.Getenv(fmt.Sprint("PORT", i)))
	}
	here := strings.NewReplacer(pairs...)
	peers := strings.ReplaceAll(here.Replace(blocks[0][1]), "\n", " &\n") + "wait\n"
	// Its last command ends when nobody reads on.
	talk := strings.TrimSuffix(here.Replace(blocks[1][1]), "\n") + " | sed -n '/ring.sent/{p;q;}'\n"
	// The shell's peers outlive it, and hold its output open: who waits for that waits for them.
	ts.Defer(func() {
		for i := range 5 {
			client := control.NewClient(filepath.Join(ts.MkAbs(fmt.Sprint("peer", i+1)), socketFile))
			_ = client.Leave(context.Background())
			client.Close()
		}
	})
	files := map[string]string{"up.sh": peers, "talk.sh": talk}
	for i, name := range []string{"north.json", "south.yaml", "peer.yaml"} {
		files[name] = here.Replace(blocks[2+i][1])
	}
	for name, content := range files {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(content), 0o600))
	}
}
