package house_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cicada/internal/house"
)

// TestRepository is where the rules bite: it reads the files of this repository.
func TestRepository(t *testing.T) {
	tree, err := house.Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range house.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			for _, finding := range rule.Check(tree) {
				t.Error(finding)
			}
		})
	}
}

// A sample is a small repository, and what one rule says of it.
type sample struct {
	name  string
	files map[string]string // path to text; go.mod is added where it is missing
	want  []string          // findings: how each begins, and a part of its advice behind " … "
}

func load(t *testing.T, files map[string]string) *house.Tree {
	t.Helper()
	memory := fstest.MapFS{"go.mod": {Data: []byte("module cicada\n")}}
	for path, text := range files {
		memory[path] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := house.Load(memory)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// checkSamples runs the one rule of that name over each sample.
func checkSamples(t *testing.T, rule string, samples []sample) {
	t.Helper()
	all := house.Rules()
	i := slices.IndexFunc(all, func(r house.Rule) bool { return r.Name == rule })
	if i < 0 {
		t.Fatalf("no rule is called %q", rule)
	}
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			var got []string
			for _, finding := range all[i].Check(load(t, s.files)) {
				got = append(got, finding.String())
			}
			if !slices.EqualFunc(got, s.want, says) {
				t.Errorf("got:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(s.want, "\n\t"))
			}
		})
	}
}

func says(finding, want string) bool {
	beginning, advice, _ := strings.Cut(want, " … ")
	return strings.HasPrefix(finding, beginning) && strings.Contains(finding, advice)
}

func TestEveryRuleIsBrokenByOneTree(t *testing.T) {
	tree := load(t, broken)
	for _, rule := range house.Rules() {
		if len(rule.Check(tree)) == 0 {
			t.Errorf("rule %q finds nothing in a tree that breaks every rule", rule.Name)
		}
	}
}

func TestNoRuleIsBrokenByAGoodTree(t *testing.T) {
	tree := load(t, good)
	for _, rule := range house.Rules() {
		for _, finding := range rule.Check(tree) {
			t.Errorf("rule %q: %s", rule.Name, finding)
		}
	}
}

func TestAnEmptyTreeBreaksNoRule(t *testing.T) {
	tree := load(t, nil)
	for _, rule := range house.Rules() {
		for _, finding := range rule.Check(tree) {
			t.Errorf("rule %q: %s", rule.Name, finding)
		}
	}
}

// TestFindingsHaveAnOrder guards against the order of maps: two runs print the same.
func TestFindingsHaveAnOrder(t *testing.T) {
	inOrder := func(a, b house.Finding) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return a.Line - b.Line
	}
	tree := load(t, broken)
	for _, rule := range house.Rules() {
		if findings := rule.Check(tree); !slices.IsSortedFunc(findings, inOrder) {
			t.Errorf("rule %q: findings without order: %v", rule.Name, findings)
		}
	}
}

func TestLoadSkipsWhatIsNotTheProject(t *testing.T) {
	bad := "package p\n\nfunc Undocumented() {}\n"
	tree := load(t, map[string]string{
		".git":                 "gitdir: /wor" + "k/elsewhere",
		".idea/x.go":           bad,
		"tools/other/go.mod":   "module other\n",
		"tools/other/other.go": bad,
		"chord/testdata/x.go":  bad,
		"chord/testdata/y.go":  "not Go at all",
	})
	for _, rule := range house.Rules() {
		for _, finding := range rule.Check(tree) {
			t.Errorf("rule %q: %s", rule.Name, finding)
		}
	}
}

func TestLoadNamesTheFileItCannotRead(t *testing.T) {
	cases := []struct {
		name  string
		files fstest.MapFS
		want  string
	}{
		{"no module", fstest.MapFS{}, "not the root of a module"},
		{"no Go", fstest.MapFS{
			"go.mod":       {Data: []byte("module cicada\n")},
			"chord/bad.go": {Data: []byte("package chord\n\nfunc {\n")},
		}, "chord/bad.go:3"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := house.Load(c.files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestRulesHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]int{}
	for _, rule := range house.Rules() {
		seen[rule.Name]++
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if seen[name] > 1 {
			t.Errorf("%d rules are called %q", seen[name], name)
		}
	}
}

// good breaks no rule, and comes near to breaking most.
var good = map[string]string{
	"go.mod": "module cicada\n\nrequire (\n\texample.org/used v1.2.0\n\texample.org/below v0.1.0 // indirect\n)\n",
	"docs/dependencies.md": "# Dependencies\n\n| module | version | for |\n|---|---|---|\n" +
		"| `example.org/used` | v1.2.0 | samples |\n",
	"README.md": "# Cicada\n\nSee [the docs](docs/dependencies.md#dependencies) and [a site](https://example.org).\n\n" +
		"```go\npackage main\n\nfunc main() {}\n```\n\n```go\npeer, err := swarm.Listen()\n```\n",
	"identity/identity.go": "// Package identity says who a peer is.\npackage identity\n\n// An ID is a name.\ntype ID [32]byte\n",
	"chord/chord.go": `// Package chord is the ring.
package chord

import (
	"time"

	"cicada/identity"
)

// A Core is one peer's state.
type Core struct {
	self  identity.ID
	peers map[identity.ID]time.Duration
}

// Tick lets time pass.
func (c *Core) Tick(now time.Duration) { c.peers[c.self] = now }
`,
	"runtime/runtime.go": "// Package runtime runs scripts.\npackage runtime\n\nimport goruntime \"runtime\"\n\n// Threads counts.\nfunc Threads() int { return goruntime.NumCPU() }\n",
}

// broken breaks every rule at least once.
var broken = map[string]string{
	"go.mod":    "module cicada\n\nrequire example.org/used v1.2.0\n",
	"README.md": "[gone](docs/gone.md) `TestGone`\n\n```go\npackage main\n\nfunc main( {}\n```\n",
	"identity/util/id.go": "package util\n\nimport \"cicada/chord\"\n\n" +
		"var X = chord.Y // as the closing " + "note says\n\n// TO" + "DO\nfunc F() {   }\n" + strings.Repeat("\n", 600),
	"identity/id_test.go": "package identity\n\nimport \"time\"\n\nfunc wait() { time.Sleep(1) }\n",
	"chord/chord.go":      "package chord\n\nimport \"net\"\n\nvar Y net.Conn\n",
	"runtime/run.go":      "package runtime\n\nimport \"runtime\"\n\nvar Z = runtime.GOOS\n",
	"swarm/swarm.go":      "package swarm\n\nimport \"cicada/routing/adversary\"\n\nvar V adversary.Foe\n",
	"visualizer/scene.go": "package visualizer\n\nimport \"github.com/hajimehoshi/ebiten/v2\"\n\nvar W ebiten.Game\n",
}
