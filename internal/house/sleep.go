package house

import (
	"go/ast"
	"strings"
)

func checkSleep(t *Tree) []Finding {
	var findings []Finding
	for _, s := range t.sources {
		name := importName(s, "time")
		if !s.test || name == "" {
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || selector.Sel.Name != "Sleep" {
				return true
			}
			if from, ok := selector.X.(*ast.Ident); ok && from.Name == name {
				findings = append(findings, t.at(s, n.Pos(),
					"a test that sleeps is slow or flaky: wait for the event on a channel, or let time pass in a testing/synctest bubble"))
			}
			return true
		})
	}
	return findings
}

// importName returns the name under which s imports a package of the standard
// library, "" if it does not.
func importName(s *source, imported string) string {
	for _, spec := range s.syntax.Imports {
		if importPath(spec) != imported {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return imported[strings.LastIndex(imported, "/")+1:]
	}
	return ""
}
