package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// root is the repository's folder, seen from here.
const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// The README's snippet is cut out of an example that is compiled and run.
func TestTheSnippetOfTheREADMEIsCompiled(t *testing.T) {
	_, after, found := strings.Cut(read(t, "README.md"), "```go\n")
	snippet, _, closed := strings.Cut(after, "```\n")
	if !found || !closed {
		t.Fatal("the README has no Go snippet")
	}
	_, after, found = strings.Cut(read(t, "swarm/example_test.go"), "	// begin README\n")
	example, _, closed := strings.Cut(after, "	// end README\n")
	if !found || !closed {
		t.Fatal("the example does not say what of it is in the README")
	}
	example = strings.TrimPrefix(strings.ReplaceAll(example, "\n	", "\n"), "	")
	if snippet != example {
		t.Errorf("README.md has\n%s\nand swarm/example_test.go\n%s", snippet, example)
	}
	if lines := strings.Count(snippet, "\n"); lines > 13 {
		t.Errorf("got a snippet of %d lines, want at most 13", lines)
	}
}

// Every command that the README, or a demonstration at its end, tells people to
// run can be run: the folder is there and the flags exist.
func TestCommandsThatPeopleAreToldToRunExist(t *testing.T) {
	text := read(t, "README.md")
	for _, s := range suggestions {
		text += "\n`" + s.command + "`"
	}
	commands := regexp.MustCompile("go run (\\./[a-z/]+)([^`#\\n]*)").FindAllStringSubmatch(text, -1)
	if len(commands) < len(suggestions)+3 {
		t.Fatalf("got %d commands, want more", len(commands))
	}
	for _, c := range commands {
		if _, err := os.Stat(filepath.Join(root, c[1], "main.go")); err != nil {
			t.Errorf("%s: %v", c[0], err)
		}
		if c[1] == "./cmd/cicada" {
			if err := parse(strings.Fields(c[2])); err != nil {
				t.Errorf("%s: %v", c[0], err)
			}
		}
	}
}

func parse(arguments []string) error {
	parser, err := kong.New(new(commandLine), kong.Writers(io.Discard, io.Discard))
	if err == nil {
		_, err = parser.Parse(arguments)
	}
	return err
}
