package house_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestLayers(t *testing.T) {
	checkSamples(t, "layers", []sample{
		{"down", map[string]string{"chord/c.go": "package chord\nimport _ \"cicada/identity\"\n"}, nil},
		{"inside one folder", map[string]string{"chord/chordtest/c.go": "package chordtest\nimport _ \"cicada/chord\"\n"}, nil},
		{"standard library and others", map[string]string{"chord/c.go": "package chord\nimport (\n_ \"fmt\"\n_ \"example.org/routing\"\n)\n"}, nil},
		{"sideways", map[string]string{"trace/t.go": "package trace\nimport _ \"cicada/wire\"\n"},
			[]string{"trace/t.go:2: trace (layer 1) may not import wire (layer 1) … import only lower layers"}},
		{"up", map[string]string{"chord/c.go": "package chord\nimport (\n_ \"fmt\"\n_ \"cicada/swarm/internal/codec\"\n)\n"},
			[]string{"chord/c.go:4: chord (layer 2) may not import swarm (layer 4)"}},
		{"up from a test", map[string]string{"chord/c_test.go": "package chord\nimport _ \"cicada/routing\"\n"},
			[]string{"chord/c_test.go:2: chord (layer 2) may not import routing (layer 3)"}},
		{"an unknown folder", map[string]string{"gossip/g.go": "package gossip\n", "gossip/h.go": "package gossip\n"},
			[]string{"gossip: no layer is known … internal/house/layers.go"}},
		{"a folder without Go", map[string]string{"docs/ring.md": "# The ring\n"}, nil},
		{"in the root", map[string]string{"main.go": "package main\n"},
			[]string{"main.go:1: the root holds no Go files"}},
	})
}

func TestWindow(t *testing.T) {
	const imports = "package p\nimport _ \"github.com/hajimehoshi/ebiten/v2/vector\"\n"
	checkSamples(t, "window", []sample{
		{"window", map[string]string{"visualizer/window/w.go": imports}, nil},
		{"a neighbour with a longer name", map[string]string{"visualizer/windows/w.go": imports},
			[]string{"visualizer/windows/w.go:2: only visualizer/window may import ebiten … draw it there"}},
		{"the program", map[string]string{"cmd/visualizer/main.go": imports},
			[]string{"cmd/visualizer/main.go:2: only visualizer/window"}},
	})
}

func TestAttacks(t *testing.T) {
	const imports = "package p\nimport _ \"cicada/routing/adversary\"\n"
	checkSamples(t, "attacks", []sample{
		{"itself, and below", map[string]string{"routing/adversary/a.go": imports, "routing/adversary/deep/a.go": imports}, nil},
		{"what makes peers hostile", map[string]string{"swarm/hostile/h.go": imports}, nil},
		{"who would make peers hostile", map[string]string{"swarm/h.go": "package p\nimport _ \"cicada/swarm/hostile\"\n"},
			[]string{"swarm/h.go:2: only tests, sim and the demo may import swarm/hostile"}},
		{"a test", map[string]string{"swarm/a_test.go": imports}, nil},
		{"the simulator", map[string]string{"sim/a.go": imports}, nil},
		{"the demo", map[string]string{"cmd/cicada/demo_acts.go": imports}, nil},
		{"a neighbour with a longer name", map[string]string{"swarm/a.go": "package p\nimport _ \"cicada/routing/adversary2\"\n"}, nil},
		{"routing", map[string]string{"routing/a.go": imports},
			[]string{"routing/a.go:2: only tests, sim and the demo may import routing/adversary"}},
		{"a peer", map[string]string{"swarm/a.go": imports}, []string{"swarm/a.go:2: only tests"}},
		{"another command", map[string]string{"cmd/cicada/up.go": imports}, []string{"cmd/cicada/up.go:2: only tests"}},
		{"a demo elsewhere", map[string]string{"samples/demo.go": imports}, []string{"samples/demo.go:2: only tests"}},
	})
}

func TestNamedTests(t *testing.T) {
	with := func(page string) map[string]string {
		return map[string]string{
			"docs/a.md":         page,
			"chord/a_test.go":   "package chord\nimport \"testing\"\nfunc TestA(*testing.T) {}\nfunc FuzzA(*testing.F) {}\n",
			"routing/b_test.go": "package routing\nimport \"testing\"\nfunc TestB(*testing.T) {}\ntype x int\nfunc (x) TestC() {}\n",
		}
	}
	checkSamples(t, "named tests", []sample{
		{"anywhere", with("`TestA`, `TestB/one_of_them…`, `FuzzA`, `Testing`, `chord.TestZ`\n"), nil},
		{"in a link", with("[`TestA`](../chord/a_test.go), [`TestB`](../routing/b_test.go)\n"), nil},
		{"in a file that the page links to", with("[these](../chord/a_test.go): `TestA`\n"), nil},
		{"in code", with("```\n`TestZ`\n```\n"), nil},
		{"nowhere", with("# A\n\n`TestZ`\n"), []string{"docs/a.md:3: there is no TestZ … link to its file"}},
		{"a method", with("`TestC`\n"), []string{"docs/a.md:1: there is no TestC"}},
		{"in another file", with("[`TestA`](../routing/b_test.go)\n"), []string{"docs/a.md:1: there is no TestA in ../routing/b_test.go"}},
		{"in a file that the page does not link to", with("[these](../chord/a_test.go): `TestB`\n"), []string{"docs/a.md:1: there is no TestB in the test files"}},
	})
}

func TestRuntimeName(t *testing.T) {
	checkSamples(t, "runtime", []sample{
		{"alone", map[string]string{"cmd/c.go": "package main\nimport _ \"runtime\"\n"}, nil},
		{"named", map[string]string{"cmd/c.go": "package main\nimport (\n_ \"cicada/runtime\"\ngoruntime \"runtime\"\n)\n"}, nil},
		{"both", map[string]string{"cmd/c.go": "package main\nimport (\n\"cicada/runtime\"\nrt \"runtime\"\n)\n"},
			[]string{"cmd/c.go:4: two packages are called runtime here: import Go's as goruntime"}},
		{"inside the folder", map[string]string{"runtime/r.go": "package runtime\nimport \"runtime\"\n"},
			[]string{"runtime/r.go:2: two packages"}},
	})
}

func TestPackageComments(t *testing.T) {
	checkSamples(t, "package comments", []sample{
		{"one file has it", map[string]string{"wire/a.go": "package wire\n", "wire/doc.go": "// Package wire is bytes.\npackage wire\n"}, nil},
		{"a program says what it likes", map[string]string{"cmd/x/main.go": "// X does x.\npackage main\n"}, nil},
		{"tests need none", map[string]string{"wire/a_test.go": "package wire\n"}, nil},
		{"none", map[string]string{"wire/a.go": "package wire\n", "wire/b.go": "package wire\n"},
			[]string{"wire/a.go:1: no file of this package has a package comment … what it is not"}},
		{"detached", map[string]string{"wire/a.go": "// Package wire is bytes.\n\npackage wire\n"},
			[]string{"wire/a.go:3: no file of this package"}},
		{"generated code does not speak for it", map[string]string{"wire/a.go": "// Code generated by x. DO NOT EDIT.\npackage wire\n"},
			[]string{"wire/a.go:2: no file of this package"}},
		{"another name", map[string]string{"wire/a.go": "// Package wires is bytes.\npackage wire\n"},
			[]string{"wire/a.go:1: a package comment begins with \"Package wire \""}},
	})
}

func TestExportedNames(t *testing.T) {
	checkSamples(t, "exported names", []sample{
		{"documented", map[string]string{"wire/a.go": `package wire

// F does.
func F() {}

// T is.
type T struct{ Field int }

// String says.
func (t *T) String() string { return "" }

// The sizes.
const (
	A = 1
	B = 2
)

var (
	// C is.
	C = 1
	D = 2 // is too
)

type (
	// U is.
	U int
)
`}, nil},
		{"not for others", map[string]string{"wire/a.go": "package wire\n\ntype t int\n\nfunc (t t) String() string { return \"\" }\n\nfunc f() {}\n"}, nil},
		{"tests and generated code", map[string]string{
			"wire/a_test.go": "package wire\n\nfunc TestA() {}\n",
			"wire/a.pb.go":   "// Code generated by protoc-gen-go. DO NOT EDIT.\n\npackage wire\n\nfunc F() {}\n"}, nil},
		{"functions and methods", map[string]string{"wire/a.go": "package wire\n\nfunc F() {}\n\n// T is.\ntype T[K any] int\n\nfunc (t *T[K]) M() {}\n"},
			[]string{"wire/a.go:3: F is exported … or make it unexported", "wire/a.go:8: M is exported"}},
		{"types and values", map[string]string{"wire/a.go": "package wire\n\ntype T int\n\nconst A, b = 1, 2\n\nvar (\n\tC = 1\n)\n"},
			[]string{"wire/a.go:3: T is", "wire/a.go:5: A is", "wire/a.go:8: C is"}},
		{"a group's comment does not describe its types", map[string]string{"wire/a.go": "package wire\n\n// Some types.\ntype (\n\tT int\n)\n"},
			[]string{"wire/a.go:5: T is"}},
		{"a directive says nothing", map[string]string{"wire/a.go": "package wire\n\n//go:noinline\nfunc F() {}\n"},
			[]string{"wire/a.go:4: F is"}},
	})
}

func TestLength(t *testing.T) {
	function := func(name string, lines int) string {
		return "func " + name + "() {\n" + strings.Repeat("\t_ = 0\n", lines-2) + "}\n"
	}
	short := func(count int) string {
		var all strings.Builder
		for i := range count {
			all.WriteString(function(fmt.Sprintf("s%d", i), 3))
		}
		return all.String()
	}
	lines := func(count int) string { return "package wire\n" + strings.Repeat("\n", count-1) }
	checkSamples(t, "length", []sample{
		{"as long as may be", map[string]string{
			"wire/a_test.go": "package wire\n" + function("f", 70), "wire/b_test.go": lines(600)}, nil},
		{"one line more", map[string]string{
			"wire/a_test.go": "package wire\n" + function("f", 71), "wire/b_test.go": lines(601)},
			[]string{"wire/a_test.go:2: f has 71 lines, more than 70 … a name", "wire/b_test.go: the file has 601 lines, more than 600: split it"}},
		{"generated", map[string]string{
			"wire/a.pb.go": "// Code generated by x. DO NOT EDIT.\n" + lines(900) + function("f", 200)}, nil},
		{"in a variable", map[string]string{"wire/a_test.go": "package wire\n\nvar x = " + strings.TrimPrefix(strings.Replace(function("", 80), "func ", "func", 1), " ")},
			[]string{"wire/a_test.go:3: this function has 80 lines"}},
		{"one function in twenty may be longer than usual", map[string]string{
			"wire/a.go": "package wire\n" + short(19) + function("f", 60)}, nil},
		{"two in twenty may not", map[string]string{
			"wire/a.go": "package wire\n" + short(18) + function("f", 60) + function("g", 60)},
			[]string{"wire/a.go:56: f has 60 lines, more than 50: more than one in twenty", "wire/a.go:116: g has"}},
		{"nor may one file of three", map[string]string{
			"wire/a.go": lines(401), "wire/b.go": lines(10), "wire/c.go": lines(400)},
			[]string{"wire/a.go: the file has 401 lines, more than 400: more than one in twenty"}},
	})
}

func TestSleep(t *testing.T) {
	const sleeps = "package wire\n\nimport \"time\"\n\nfunc f() { time.Sleep(time.Second) }\n"
	checkSamples(t, "sleep", []sample{
		{"outside tests", map[string]string{"wire/a.go": sleeps}, nil},
		{"a timer", map[string]string{"wire/a_test.go": strings.Replace(sleeps, "Sleep", "After", 1)}, nil},
		{"another Sleep", map[string]string{"wire/a_test.go": strings.Replace(sleeps, "\"time\"", "time2 \"time\"", 1)}, nil},
		{"in a test", map[string]string{"wire/a_test.go": sleeps},
			[]string{"wire/a_test.go:5: a test that sleeps … testing/synctest"}},
		{"under another name", map[string]string{"wire/a_test.go": strings.NewReplacer("\"time\"", "t \"time\"", "time.", "t.").Replace(sleeps)},
			[]string{"wire/a_test.go:5: a test that sleeps"}},
	})
}
