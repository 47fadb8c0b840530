package house

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"strings"
)

var (
	namedTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)[^`]*`")
	testLink  = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s#]+_test\.go)\)`)
)

// checkNamedTests holds pages to the tests that they name: one named in a link to a
// file is declared there. Any other is declared in a file that the page links to, or,
// where it links to none, anywhere.
func checkNamedTests(t *Tree) []Finding {
	declared := t.tests()
	var findings []Finding
	t.pages(func(p string, content page) {
		linked := map[string]bool{} // names declared in the files that the page links to
		links := false
		for _, line := range content.prose {
			for _, match := range testLink.FindAllStringSubmatch(line, -1) {
				links = true
				for name := range declared[path.Join(path.Dir(p), match[2])] {
					linked[name] = true
				}
			}
		}
		if !links {
			for _, names := range declared {
				for name := range names {
					linked[name] = true
				}
			}
		}
		for number, line := range content.prose {
			for _, match := range testLink.FindAllStringSubmatch(line, -1) {
				for _, name := range namedTest.FindAllStringSubmatch(match[1], -1) {
					if !declared[path.Join(path.Dir(p), match[2])][name[1]] {
						findings = append(findings, Finding{p, number + 1, fmt.Sprintf("there is no %s in %s: name a test that is there, or write it", name[1], match[2])})
					}
				}
			}
			for _, name := range namedTest.FindAllStringSubmatch(testLink.ReplaceAllString(line, ""), -1) {
				if !linked[name[1]] {
					findings = append(findings, Finding{p, number + 1, fmt.Sprintf("there is no %s in the test files that this page links to: link to its file", name[1])})
				}
			}
		}
	})
	return findings
}

// tests returns the names of tests by file.
func (t *Tree) tests() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, s := range t.sources {
		if !s.test {
			continue
		}
		all[s.path] = map[string]bool{}
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				all[s.path][f.Name.Name] = true
			}
		}
	}
	return all
}
