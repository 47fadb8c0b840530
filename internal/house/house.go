// Package house checks the rules of this project that a compiler does not know:
// which folder may import which, what the pure cores may not touch, that every
// exported name is documented, how long a file may be, and so on.
//
// It is not a linter for other projects, and no program imports it: its own test
// loads the source files of this repository and fails where a rule is broken.
// It parses files and never runs the go command, so that a cached test result
// is dropped as soon as any file changes.
//
// Begin reading at Rules.
package house

import (
	"fmt"
	"slices"
	"strings"
)

// A Finding is one place where a rule is broken, and what to do instead.
type Finding struct {
	Path    string // of the file, relative to the root of the repository
	Line    int    // from 1; 0 where the whole file or folder is meant
	Message string
}

// String returns "path:line: message", the form that editors turn into a link.
func (f Finding) String() string {
	if f.Line == 0 {
		return f.Path + ": " + f.Message
	}
	return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Message)
}

// A Rule is one thing that holds everywhere in the repository.
type Rule struct {
	Name  string
	check func(*Tree) []Finding
}

// Check returns where t breaks the rule, in the order of paths and lines. It
// changes nothing in t and may be called concurrently.
func (r Rule) Check(t *Tree) []Finding {
	findings := r.check(t)
	slices.SortStableFunc(findings, func(a, b Finding) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return findings
}

// Rules returns all rules, each independent of the others.
func Rules() []Rule {
	return []Rule{
		{"layers", checkLayers},
		{"window", checkWindow},
		{"attacks", checkAttacks},
		{"runtime", checkRuntimeName},
		{"purity", checkPurity},
		{"package comments", checkPackageComments},
		{"exported names", checkExportedNames},
		{"length", checkLength},
		{"sleep", checkSleep},
		{"folders", checkFolders},
		{"notes", checkNotes},
		{"words", checkWords},
		{"format", checkFormat},
		{"links", checkLinks},
		{"snippets", checkSnippets},
		{"named tests", checkNamedTests},
		{"dependencies", checkDependencies},
	}
}
