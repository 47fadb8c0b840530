package house

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// dependencyPage says of each module what it is for and what it costs.
const dependencyPage = "docs/dependencies.md"

// A moduleFile is what the rules read in a go.mod.
type moduleFile struct {
	path     string
	versions map[string]string // of the modules required
	direct   map[string]bool   // those of them that this module uses itself
	tools    []string          // packages of its tool lines
}

// parseModule reads a go.mod that the go command accepts.
func parseModule(text string) moduleFile {
	m := moduleFile{versions: map[string]string{}, direct: map[string]bool{}}
	block := ""
	for line := range strings.Lines(text) {
		code, comment, _ := strings.Cut(line, "//")
		words := strings.Fields(code)
		switch {
		case len(words) == 0:
			continue
		case words[0] == ")":
			block = ""
			continue
		case len(words) == 2 && words[1] == "(":
			block = words[0]
			continue
		case block != "":
			words = append([]string{block}, words...)
		}
		switch {
		case words[0] == "module" && len(words) == 2:
			m.path = words[1]
		case words[0] == "require" && len(words) == 3:
			m.versions[words[1]] = words[2]
			m.direct[words[1]] = strings.TrimSpace(comment) != "indirect"
		case words[0] == "tool" && len(words) == 2:
			m.tools = append(m.tools, words[1])
		}
	}
	return m
}

// providing returns the module that holds a package, "" if none does.
func (m moduleFile) providing(imported string) string {
	best := ""
	for module := range m.versions {
		if within(imported, module) && len(module) > len(best) {
			best = module
		}
	}
	return best
}

// A row of the page's table begins with a module's path in back quotes, then its version.
var dependencyRow = regexp.MustCompile("^\\|\\s*`([^`]+)`\\s*\\|\\s*([^|]*?)\\s*\\|")

func checkDependencies(t *Tree) []Finding {
	mod, err := fs.ReadFile(t.files, "go.mod")
	if err != nil {
		return []Finding{{Path: "go.mod", Message: err.Error()}}
	}
	m := parseModule(string(mod))
	used := t.usedModules(m)
	text, err := fs.ReadFile(t.files, dependencyPage)
	if err != nil {
		text = nil // then every module is missing in it
	}
	var findings []Finding
	listed := map[string]bool{}
	for number, line := range strings.Split(string(text), "\n") {
		match := dependencyRow.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		module, version := match[1], match[2]
		listed[module] = true
		if required := m.versions[module]; required != version {
			findings = append(findings, Finding{dependencyPage, number + 1, disagreement(module, version, required)})
		}
	}
	for _, module := range slices.Sorted(maps.Keys(used)) {
		if !listed[module] {
			findings = append(findings, Finding{Path: dependencyPage,
				Message: fmt.Sprintf("%s has no line: say what it is for, how well it is kept and what it costs, or do without it", module)})
		}
	}
	return findings
}

func disagreement(module, listed, required string) string {
	if required == "" {
		return fmt.Sprintf("go.mod does not require %s any more: drop this line", module)
	}
	return fmt.Sprintf("go.mod requires %s %s, not %s: write the version that is used", module, required, listed)
}

// usedModules returns the modules that this one depends on directly: by go.mod,
// by an import that go.mod was not yet told of, or as a tool.
func (t *Tree) usedModules(m moduleFile) map[string]bool {
	used := map[string]bool{}
	add := func(imported string) {
		if module := m.providing(imported); module != "" {
			used[module] = true
		}
	}
	for module, direct := range m.direct {
		if direct {
			used[module] = true
		}
	}
	for _, tool := range m.tools {
		add(tool)
	}
	for _, s := range t.sources {
		for _, spec := range s.syntax.Imports {
			add(importPath(spec))
		}
	}
	return used
}
