package house

import (
	"bytes"
	"go/format"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// vagueFolders say nothing about what lies in them.
var vagueFolders = []string{
	"util", "utils", "common", "helper", "helpers", "misc", "shared", "types", "pkg", "src",
}

func checkFolders(t *Tree) []Finding {
	var findings []Finding
	for _, p := range t.paths {
		for folder := path.Dir(p); folder != "."; folder = path.Dir(folder) {
			finding := Finding{Path: folder, Message: "the name of this folder says nothing: name it after the idea it holds"}
			if slices.Contains(vagueFolders, path.Base(folder)) && !slices.Contains(findings, finding) {
				findings = append(findings, finding)
			}
		}
	}
	return findings
}

// planning matches words that speak of how the work on this project was
// organised: they mean nothing to a reader of it. One letter of each stands in
// brackets so that this list does not match itself.
var planning = regexp.MustCompile(strings.Join([]string{
	`/wor[k]/`,
	`\bshare[d]/[A-Z]`,
	`\.librar[y]\b`,
	`\b(DESIG[N]|ROUTIN[G]|CHUR[N]|LINK[S]|CICAD[A]|STYL[E]|VISUALIZE[R]|DEVELOPER[S])\.md\b`,
	`(?i)\bsubagen[t]`,
	`(?i)\b(this|next|last|previous) sessio[n] (of|did|will|should|left)\b`,
	`(?i)\bclosing not[e]\b`,
	`(?i)\b(this|next|previous) (issu[e]|mileston[e]|sprin[t])\b`,
	`(?i)\b(the|this|your) brie[f]\b`,
	`(?i)\blanguage mode[l]\b`,
	`(?i)\bas (instructe[d]|requeste[d] by)\b`,
}, "|"))

// foreign files hold texts of others.
var foreign = []string{"go.sum", "LICENSE"}

func checkWords(t *Tree) []Finding {
	const largest = 1 << 20 // longer files are data
	var findings []Finding
	for _, p := range t.paths {
		info, err := fs.Stat(t.files, p)
		if err != nil || info.Size() > largest || slices.Contains(foreign, p) {
			continue
		}
		text, err := fs.ReadFile(t.files, p)
		if err != nil || !utf8.Valid(text) {
			continue
		}
		for number, line := range strings.Split(string(text), "\n") {
			if word := planning.FindString(line); word != "" {
				findings = append(findings, Finding{p, number + 1,
					"\"" + word + "\" speaks of how the work was organised: say what holds now, and why"})
			}
		}
	}
	return findings
}

func checkFormat(t *Tree) []Finding {
	var findings []Finding
	for _, s := range t.sources {
		formatted, err := format.Source(s.text)
		if err != nil {
			findings = append(findings, Finding{Path: s.path, Message: err.Error()})
			continue
		}
		if !bytes.Equal(formatted, s.text) {
			findings = append(findings, Finding{s.path, firstDifference(s.text, formatted), "run gofmt -w " + s.path})
		}
	}
	return findings
}

// firstDifference returns the number of the first line in which a and b differ.
func firstDifference(a, b []byte) int {
	shorter := min(len(a), len(b))
	for i := range shorter {
		if a[i] != b[i] {
			return bytes.Count(a[:i], []byte("\n")) + 1
		}
	}
	return bytes.Count(a[:shorter], []byte("\n")) + 1
}
