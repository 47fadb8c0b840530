package house

import (
	"path"
	"strings"
)

// attacks is the folder of what hostile peers do. No program that people run on a
// network links it: only tests, the simulator and the demo.
const attacks = "routing/adversary"

func checkAttacks(t *Tree) []Finding {
	var findings []Finding
	for _, s := range t.sources {
		folder := s.folder()
		demo := folder == "cmd/cicada" && strings.HasPrefix(path.Base(s.path), "demo")
		if s.test || demo || within(folder, attacks) || within(folder, "sim") {
			continue
		}
		for _, spec := range s.syntax.Imports {
			if rest, ours := strings.CutPrefix(importPath(spec), t.module+"/"); ours && within(rest, attacks) {
				findings = append(findings, t.at(s, spec.Pos(),
					"only tests, sim and the demo may import %s: a peer attacks nobody", attacks))
			}
		}
	}
	return findings
}
