package chordtest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the stories came to into their files")

// TestStories plays every story in testdata. What it comes to is to be what the
// file says; -rewrite writes it there, for a person to read.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 8 {
		t.Fatalf("got %d stories, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Play(string(script))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := string(script); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
			}
		})
	}
}

func TestStoryNamesTheBadLine(t *testing.T) {
	for _, test := range []struct{ name, script, want string }{
		{"unknown command", "ring 2 2\ndance 3\n", "line 2"},
		{"unknown peer", "ring 2 2\n\ncrash 3\n", "line 3"},
		{"not a number", "start x\n", "line 1"},
	} {
		if _, err := Play(test.script); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}
