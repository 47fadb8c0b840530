package house

import (
	"path"
	"slices"
	"strings"
)

// attacks are the folders of what hostile peers do, and of what makes a running peer
// one. No program that people run on a network links them: only tests, the simulator
// and the demo.
var attacks = []string{"routing/adversary", "swarm/hostile"}

// attack returns the folder of attacks that a folder is in, or "".
func attack(folder string) string {
	i := slices.IndexFunc(attacks, func(a string) bool { return within(folder, a) })
	if i < 0 {
		return ""
	}
	return attacks[i]
}

func checkAttacks(t *Tree) []Finding {
	var findings []Finding
	for _, s := range t.sources {
		folder := s.folder()
		demo := folder == "cmd/cicada" && strings.HasPrefix(path.Base(s.path), "demo")
		if s.test || demo || attack(folder) != "" || within(folder, "sim") {
			continue
		}
		for _, spec := range s.syntax.Imports {
			if rest, ours := strings.CutPrefix(importPath(spec), t.module+"/"); ours && attack(rest) != "" {
				findings = append(findings, t.at(s, spec.Pos(),
					"only tests, sim and the demo may import %s: a peer attacks nobody", attack(rest)))
			}
		}
	}
	return findings
}
