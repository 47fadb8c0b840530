package chordtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestListedTestsExist holds the list of tests in docs/ring.md: whatever test it names is
// there, in the package that it says, and no number between 1 and 24 is missing but one.
func TestListedTestsExist(t *testing.T) {
	page, err := os.ReadFile("../../docs/ring.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(page), "## The list of tests\n")
	list, _, ends := strings.Cut(list, "\n## ")
	if !found || !ends {
		t.Fatal("docs/ring.md has no list of tests")
	}
	row := regexp.MustCompile(`(?m)^\| (\d+) \| .* \| (.*) \|$`)
	name := regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)\\w+)`")
	rows := 0
	for _, r := range row.FindAllStringSubmatch(list, -1) {
		rows++
		tests := name.FindAllStringSubmatch(r[2], -1)
		if len(tests) == 0 {
			t.Errorf("row %s names no test", r[1])
		}
		for _, test := range tests {
			if folder := test[1]; !hasTest(t, folder, test[2]) {
				t.Errorf("row %s: there is no %s in %s", r[1], test[2], folder)
			}
		}
	}
	if rows != 23 {
		t.Errorf("got %d rows, want 1 to 24 without 7", rows)
	}
}

// hasTest reports whether a package has a test of this name.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
