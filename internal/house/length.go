package house

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// The longest file and function, in lines, and the longest that all but one in
// twenty may have. Tests keep only the first pair: tables are long by nature.
const (
	maxFileLines     = 600
	maxFunctionLines = 70
	usualFile        = 400
	usualFunction    = 50
)

func checkLength(t *Tree) []Finding {
	var findings []Finding
	var files, functions []int
	for _, s := range t.sources {
		if s.generated {
			continue
		}
		lines := strings.Count(string(s.text), "\n")
		if lines > maxFileLines {
			findings = append(findings, Finding{Path: s.path,
				Message: "the file is longer than 600 lines: split it by concept"})
		}
		long, lengths := t.functionLengths(s)
		findings = append(findings, long...)
		if !s.test {
			files = append(files, lines)
			functions = append(functions, lengths...)
		}
	}
	if n := ninetyFifth(files); n > usualFile {
		findings = append(findings, Finding{Path: ".", Message: "more than one file in twenty is longer than 400 lines: split the longest by concept"})
	}
	if n := ninetyFifth(functions); n > usualFunction {
		findings = append(findings, Finding{Path: ".", Message: "more than one function in twenty is longer than 50 lines: give the steps of the longest a name"})
	}
	return findings
}

func (t *Tree) functionLengths(s *source) (long []Finding, lengths []int) {
	measure := func(name string, from, to token.Pos) {
		n := t.line(to) - t.line(from) + 1
		lengths = append(lengths, n)
		if n > maxFunctionLines {
			long = append(long, t.at(s, from, "%s has %d lines, more than %d: give its steps a name", name, n, maxFunctionLines))
		}
	}
	for _, decl := range s.syntax.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			measure(decl.Name.Name, decl.Pos(), decl.End())
		case *ast.GenDecl: // a function kept in a variable
			ast.Inspect(decl, func(n ast.Node) bool {
				literal, ok := n.(*ast.FuncLit)
				if ok {
					measure("this function", literal.Pos(), literal.End())
				}
				return !ok
			})
		}
	}
	return long, lengths
}

// ninetyFifth returns the value that all but one in twenty do not exceed.
func ninetyFifth(values []int) int {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[(len(values)*95-1)/100]
}
