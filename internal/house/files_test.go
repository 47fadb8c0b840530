package house_test

import (
	"strings"
	"testing"
)

func TestFolders(t *testing.T) {
	checkSamples(t, "folders", []sample{
		{"named by an idea", map[string]string{"chord/utility/a.go": "package utility\n"}, nil},
		{"vague", map[string]string{"chord/util/deep/a.go": "package deep\n", "chord/util/b.go": "package util\n", "src/x.md": ""},
			[]string{"chord/util: the name of this folder says nothing", "src: the name"}},
	})
}

func TestNotes(t *testing.T) {
	mark := "TO" + "DO" // in two parts, so that searching for open work does not end here
	checkSamples(t, "notes", []sample{
		{"with text", map[string]string{"wire/a.go": "package wire\n\n// " + mark + ": count retries per link\n// " + mark + "(someone): count retries per link\n"}, nil},
		{"inside a word or a sentence", map[string]string{"wire/a.go": "package wire\n\n// The word " + mark + "\nvar s = \"" + mark + "\"\n"}, nil},
		{"bare", map[string]string{"wire/a.go": "package wire\n\n// " + mark + "\nvar a int\n\nvar b int // " + mark + "(someone): fix this\n"},
			[]string{"wire/a.go:3: " + mark + " without text", "wire/a.go:6: " + mark}},
		{"in a block", map[string]string{"wire/a.go": "package wire\n\n/*\n What it does.\n FIX" + "ME */\n"}, []string{"wire/a.go:5: FIX"}},
	})
}

func TestWords(t *testing.T) {
	// Written in two parts so that this file keeps the rule.
	folder, page, note := "/wor"+"k/", "DESIG"+"N.md", "closing "+"note"
	checkSamples(t, "words", []sample{
		{"words of the trade", map[string]string{"docs/a.md": "A session is rekeyed. The user agent. To issue a receipt. docs/design.md\n"}, nil},
		{"texts of others", map[string]string{"LICENSE": "as in " + folder, "go.sum": page}, nil},
		{"bytes that are no text", map[string]string{"wire/testdata/x": "\xff\xfe" + page}, nil},
		{"in every kind of file", map[string]string{"Makefile": "all:\n\tls " + folder, "docs/a.md": "see " + page, "wire/a.go": "// " + note + "\npackage wire\n"},
			[]string{"Makefile:2: \"" + folder + "\" speaks of how the work was organised", "docs/a.md:1: \"" + page, "wire/a.go:1: \"" + note}},
	})
}

func TestFormat(t *testing.T) {
	checkSamples(t, "format", []sample{
		{"clean", map[string]string{"wire/a.go": "package wire\n\nvar a = 1\n"}, nil},
		{"spaces", map[string]string{"wire/a.go": "package wire\n\nvar a  = 1\n"}, []string{"wire/a.go:3: run gofmt -w wire/a.go"}},
		{"no last line end", map[string]string{"wire/a.go": "package wire"}, []string{"wire/a.go:1: run gofmt"}},
	})
}

func TestLinks(t *testing.T) {
	const ring = "# The ring\n\n## What, and *why*?\n\n## Again\n\n## Again\n"
	page := func(text string) map[string]string {
		return map[string]string{"docs/ring.md": ring, "docs/a.md": text, "README.md": "# Cicada\n"}
	}
	checkSamples(t, "links", []sample{
		{"that lead somewhere", page("[a](ring.md) [b](../README.md#cicada) [c](#own) [d](.) [e](<ring.md> \"title\")\n# Own\n\n[f]: ring.md\n"), nil},
		{"to headings", page("[a](ring.md#the-ring) [b](ring.md#what-and-why) [c](ring.md#again-1)\n"), nil},
		{"to sites", page("[a](https://example.org/x) [b](mailto:a@example.org)\n"), nil},
		{"in code", page("`[a](gone.md)`\n```\n[a](gone.md)\n```\n````md\n```\n[a](gone.md)\n````\n"), nil},
		{"to nothing", page("\n[a](gone.md) ![b](gone.png)\n"),
			[]string{"docs/a.md:2: the link gone.md leads to no file", "docs/a.md:2: the link gone.png"}},
		{"to nothing by name", page("[a]: gone.md\n"), []string{"docs/a.md:1: the link gone.md"}},
		{"to no heading", page("[a](ring.md#gone) [b](#gone) [c](ring.md#again-2)\n"),
			[]string{"docs/a.md:1: the link ring.md#gone leads to no heading of docs/ring.md", "docs/a.md:1: the link #gone", "docs/a.md:1: the link ring.md#again-2"}},
		{"from the root", page("[a](/docs/ring.md)\n"), []string{"docs/a.md:1: … make it relative"}},
		{"out of the repository", page("[a](../../other)\n"), []string{"docs/a.md:1: … leaves the repository"}},
	})
}

func TestSnippets(t *testing.T) {
	fence := func(language, code string) map[string]string {
		return map[string]string{"docs/a.md": "# A\n\n```" + language + "\n" + code + "```\n"}
	}
	checkSamples(t, "snippets", []sample{
		{"a file", fence("go", "// A sample.\n\npackage main\n\nfunc main() {}\n"), nil},
		{"a fragment", fence("go", "for event := range peer.Events(ctx) { … }\n"), nil},
		{"another language", fence("text", "package main (\n"), nil},
		{"broken", fence("go", "package main\n\nfunc main( {\n"), []string{"docs/a.md:4: this snippet is not a Go file: docs/a.md:6"}},
	})
}

func TestDependencies(t *testing.T) {
	const mod = "module cicada\n\ntool example.org/lint/cmd/lint\n\nrequire (\n" +
		"\texample.org/a v1.0.0\n\texample.org/b/v2 v2.1.0 // indirect\n\texample.org/lint v0.1.0 // indirect\n\texample.org/deep v0.2.0 // indirect\n)\n"
	const a, b, lint = "| `example.org/a` | v1.0.0 | x |\n", "| `example.org/b/v2` | v2.1.0 | x |\n", "| `example.org/lint` | v0.1.0 | x |\n"
	tree := func(page string) map[string]string {
		return map[string]string{"go.mod": mod, "docs/dependencies.md": "| module | version |\n|---|---|\n" + page,
			"wire/w.go": "package wire\nimport _ \"example.org/b/v2/part\"\n"}
	}
	checkSamples(t, "dependencies", []sample{
		{"all listed", tree(a + b + lint), nil},
		{"listed before it is used", tree(a + b + lint + "| `example.org/deep` | v0.2.0 | x |\n"), nil},
		{"required but not listed", tree(b + lint), []string{"docs/dependencies.md: example.org/a has no line"}},
		{"imported but not listed", tree(a + lint), []string{"docs/dependencies.md: example.org/b/v2 has no line"}},
		{"a tool that is not listed", tree(a + b), []string{"docs/dependencies.md: example.org/lint has no line"}},
		{"listed but not required", tree(a + b + lint + "| `example.org/gone` | v1.0.0 | x |\n"),
			[]string{"docs/dependencies.md:6: go.mod does not require example.org/gone any more"}},
		{"another version", tree(strings.Replace(a, "v1.0.0", "v1.0.1", 1) + b + lint),
			[]string{"docs/dependencies.md:3: go.mod requires example.org/a v1.0.0, not v1.0.1"}},
		{"no page", map[string]string{"go.mod": "module cicada\nrequire example.org/a v1.0.0\n"},
			[]string{"docs/dependencies.md: example.org/a has no line"}},
	})
}
