package house_test

import "testing"

func TestPurity(t *testing.T) {
	// Each body stands in a package that is documented by nobody: only one rule runs.
	chord := func(body string) map[string]string { return map[string]string{"chord/c.go": "package chord\n" + body} }
	checkSamples(t, "purity", []sample{
		{"what a core may use", chord(`import (
	"math/rand/v2"
	"net/netip"
	"time"
)
type Core struct { random *rand.Rand; at netip.AddrPort; wait time.Duration }
func (c *Core) f() { c.wait = 3 * time.Second; c.random.IntN(4) }
`), nil},
		{"a socket", chord("import \"net\"\nvar _ net.Conn\n"),
			[]string{"chord/c.go:2: chord is pure and may not import net: … Ready"}},
		{"a folder below", map[string]string{"routing/internal/x/x.go": "package x\nimport \"os/signal\"\nvar _ = signal.Stop\n"},
			[]string{"routing/internal/x/x.go:2: routing is pure and may not import os/signal"}},
		{"a lock", chord("import \"sync/atomic\"\nvar _ atomic.Int32\n"), []string{"chord/c.go:2: … no locks"}},
		{"old randomness", chord("import \"math/rand\"\nvar _ rand.Rand\n"), []string{"chord/c.go:2: … math/rand/v2"}},
		{"randomness of its own", chord("import \"math/rand/v2\"\nfunc f() int { return rand.IntN(4) }\n"),
			[]string{"chord/c.go:3: math/rand/v2.IntN is not pure: draw from"}},
		{"a generator of its own", chord("import \"math/rand/v2\"\nfunc f() { rand.New(nil) }\n"),
			[]string{"chord/c.go:3: math/rand/v2.New"}},
		{"a value that is called rand", chord("import \"math/rand/v2\"\nfunc f(rand *rand.Rand) int { return rand.IntN(4) }\n"), nil},
		{"a clock", chord("import \"time\"\nfunc f() { time.Now(); time.After(1) }\n"),
			[]string{"chord/c.go:3: time.Now is not pure: the caller says what time it is", "chord/c.go:3: time.After"}},
		{"a clock under another name", chord("import clock \"time\"\nvar now = clock.Now\n"), []string{"chord/c.go:3: time.Now"}},
		{"output", chord("import \"fmt\"\nfunc f() { fmt.Println(fmt.Sprint()) }\n"), []string{"chord/c.go:3: fmt.Println is not pure"}},
		{"concurrency", chord("func f(c chan int) {\n\tgo f(c)\n\tc <- 1\n\t<-c\n\tselect {}\n}\n"),
			[]string{"chord/c.go:2: a core has one owner", "chord/c.go:3: a core", "chord/c.go:4: a core", "chord/c.go:5: a core", "chord/c.go:6: a core"}},
		{"its tests may", map[string]string{
			"chord/c_test.go":        "package chord\nimport \"time\"\nfunc f() { go time.Now() }\n",
			"chord/chordtest/net.go": "package chordtest\nimport \"time\"\nfunc f() { go time.Now() }\n"}, nil},
		{"others may", map[string]string{"swarm/s.go": "package swarm\nimport \"time\"\nfunc f() { go time.Now() }\n"}, nil},
	})
}

func TestPurityOfVariables(t *testing.T) {
	const table = "package chord\nvar table = map[int]int{}\nvar count struct{ n int }\n"
	checkSamples(t, "purity", []sample{
		{"read only", map[string]string{"chord/c.go": table + "func f() int { return table[1] + count.n }\n"}, nil},
		{"hidden by a local one", map[string]string{"chord/c.go": table + "func f() { table := map[int]int{}; table[1]++ }\n"}, nil},
		{"assigned", map[string]string{"chord/c.go": table + "func f() { count.n = 1 }\n"},
			[]string{"chord/c.go:4: the variable count of the package changes … keep it in the Core"}},
		{"from another file", map[string]string{"chord/c.go": table, "chord/d.go": "package chord\nfunc f() { table[1] = 2 }\n"},
			[]string{"chord/d.go:2: the variable table"}},
		{"counted up", map[string]string{"chord/c.go": table + "func f() { (table)[1]++ }\n"}, []string{"chord/c.go:4: the variable table"}},
		{"handed out", map[string]string{"chord/c.go": table + "func f() any { return &count.n }\n"}, []string{"chord/c.go:4: the variable count"}},
	})
}

func TestPurityOfOrder(t *testing.T) {
	const peers = "package chord\nimport (\n\"maps\"\n\"slices\"\n\"cicada/identity\"\n)\ntype core struct { peers map[identity.ID]int }\nvar _, _ = maps.Copy, slices.Max\n"
	checkSamples(t, "purity", []sample{
		{"a slice", map[string]string{"chord/c.go": peers + "func f(l []int) { for range l {} }\n"}, nil},
		{"sorted at once", map[string]string{"chord/c.go": peers + "func (c *core) f() { for range slices.Sorted(maps.Keys(c.peers)) {} }\n"}, nil},
		{"explained", map[string]string{"chord/c.go": peers + "func (c *core) f() (n int) {\n// A sum: any order will do.\nfor _, p := range c.peers { n += p }\nreturn n }\n"}, nil},
		{"a map of keys that are declared elsewhere", map[string]string{"chord/c.go": peers + "func (c *core) f() {\nfor range c.peers {}\n}\n"},
			[]string{"chord/c.go:10: the order of a map differs … sorted list"}},
		{"keys of a map", map[string]string{"chord/c.go": peers + "func (c *core) f() {\n\nfor range maps.Keys(c.peers) {}\n}\n"},
			[]string{"chord/c.go:11: the order of a map differs"}},
	})
}
