package house

import (
	"fmt"
	"go/parser"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// A page is a markdown file in lines. Code is kept apart from text.
type page struct {
	text  []string // lines outside fences, inline code blanked; "" for a line of code
	prose []string // the same with inline code
	fence []fence
}

// A fence is a block of code between lines of three or more back quotes.
type fence struct {
	language string
	line     int // of its first line of code
	code     string
}

func readPage(text string) page {
	var p page
	var mark string // opens the fence we are in, "" outside
	var current fence
	for number, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case mark == "" && strings.HasPrefix(trimmed, "```"):
			mark = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
			language, _, _ := strings.Cut(strings.TrimLeft(trimmed, "`"), " ")
			current = fence{language: language, line: number + 2}
			p.text, p.prose = append(p.text, ""), append(p.prose, "")
		case mark == "":
			p.prose = append(p.prose, line)
			p.text = append(p.text, inlineCode.ReplaceAllString(line, ""))
		case trimmed == mark:
			p.fence, mark = append(p.fence, current), ""
			p.text, p.prose = append(p.text, ""), append(p.prose, "")
		default:
			current.code += line + "\n"
			p.text, p.prose = append(p.text, ""), append(p.prose, "")
		}
	}
	return p
}

var (
	inlineCode = regexp.MustCompile("`[^`]*`")
	inlineLink = regexp.MustCompile(`\]\(\s*<?([^)>\s]+)>?(?:\s+"[^"]*")?\s*\)`)
	namedLink  = regexp.MustCompile(`^\s*\[[^\]]+\]:\s*(\S+)`)
	heading    = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
	scheme     = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:`)
)

// pages calls yield for every markdown file of t.
func (t *Tree) pages(yield func(p string, content page)) {
	for _, p := range t.paths {
		if path.Ext(p) != ".md" {
			continue
		}
		if text, err := fs.ReadFile(t.files, p); err == nil {
			yield(p, readPage(string(text)))
		}
	}
}

func checkLinks(t *Tree) []Finding {
	var findings []Finding
	t.pages(func(p string, content page) {
		for number, line := range content.text {
			var targets []string
			for _, match := range inlineLink.FindAllStringSubmatch(line, -1) {
				targets = append(targets, match[1])
			}
			if match := namedLink.FindStringSubmatch(line); match != nil {
				targets = append(targets, match[1])
			}
			for _, target := range targets {
				if message := t.brokenLink(p, target); message != "" {
					findings = append(findings, Finding{p, number + 1, message})
				}
			}
		}
	})
	return findings
}

// brokenLink says why target, as it stands in the page p, leads nowhere; "" if it does not.
func (t *Tree) brokenLink(p, target string) string {
	if scheme.MatchString(target) {
		return ""
	}
	file, anchor, _ := strings.Cut(target, "#")
	if strings.HasPrefix(file, "/") {
		return fmt.Sprintf("the link %s begins at the root: make it relative to this page", target)
	}
	to := p
	if file != "" {
		to = path.Join(path.Dir(p), file)
	}
	if !fs.ValidPath(to) {
		return fmt.Sprintf("the link %s leaves the repository: name the file in words, or link to its address", target)
	}
	if _, err := fs.Stat(t.files, to); err != nil {
		return fmt.Sprintf("the link %s leads to no file: mend it or write the page", target)
	}
	if anchor == "" || path.Ext(to) != ".md" {
		return ""
	}
	text, err := fs.ReadFile(t.files, to)
	if err != nil || !readPage(string(text)).hasAnchor(anchor) {
		return fmt.Sprintf("the link %s leads to no heading of %s", target, to)
	}
	return ""
}

// hasAnchor reports whether a heading of p has the anchor that the usual
// viewers derive from it: lower case, spaces to hyphens, other signs dropped, and
// a number behind one that stands there already.
func (p page) hasAnchor(anchor string) bool {
	seen := map[string]int{}
	for _, line := range p.text {
		match := heading.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		name := headingAnchor(match[1])
		full := name
		if seen[name] > 0 {
			full = fmt.Sprintf("%s-%d", name, seen[name])
		}
		seen[name]++
		if full == anchor {
			return true
		}
	}
	return false
}

func headingAnchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

// checkSnippets parses the Go code in pages that is a whole file; fragments are
// left alone.
func checkSnippets(t *Tree) []Finding {
	var findings []Finding
	t.pages(func(p string, content page) {
		for _, f := range content.fence {
			if f.language != "go" || !wholeFile(f.code) {
				continue
			}
			// The position in err is that in the snippet, which begins at f.line.
			padded := strings.Repeat("\n", f.line-1) + f.code
			if _, err := parser.ParseFile(t.set, p, padded, parser.AllErrors); err != nil {
				findings = append(findings, Finding{p, f.line, "this snippet is not a Go file: " + err.Error()})
			}
		}
	})
	return findings
}

// wholeFile reports whether code begins, after its comments, with a package clause.
func wholeFile(code string) bool {
	for line := range strings.Lines(code) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "//") {
			return strings.HasPrefix(line, "package ")
		}
	}
	return false
}
