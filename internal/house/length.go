package house

import (
	"fmt"
	"go/ast"
	"go/token"
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
	var files, functions []length
	for _, s := range t.sources {
		if s.generated {
			continue
		}
		file := length{s.path, 0, "the file", strings.Count(string(s.text), "\n")}
		inside := t.functionLengths(s)
		findings = append(findings, over([]length{file}, maxFileLines, "split it by concept")...)
		findings = append(findings, over(inside, maxFunctionLines, "give its steps a name")...)
		if !s.test {
			files = append(files, file)
			functions = append(functions, inside...)
		}
	}
	findings = append(findings, tooMany(files, usualFile, "files")...)
	return append(findings, tooMany(functions, usualFunction, "functions")...)
}

// A length is how many lines something has, and where it begins.
type length struct {
	path  string
	line  int
	name  string
	lines int
}

// over returns those of all that are longer than limit.
func over(all []length, limit int, instead string) []Finding {
	var findings []Finding
	for _, l := range all {
		if l.lines > limit {
			findings = append(findings, Finding{l.path, l.line,
				fmt.Sprintf("%s has %d lines, more than %d: %s", l.name, l.lines, limit, instead)})
		}
	}
	return findings
}

// tooMany returns those of all that are longer than usual, if these are more
// than one in twenty.
func tooMany(all []length, usual int, kind string) []Finding {
	long := over(all, usual, fmt.Sprintf("more than one in twenty %s is so long, so split this one or another", kind))
	if len(long)*20 <= len(all) {
		return nil
	}
	return long
}

func (t *Tree) functionLengths(s *source) []length {
	var all []length
	measure := func(name string, from, to token.Pos) {
		all = append(all, length{s.path, t.line(from), name, t.line(to) - t.line(from) + 1})
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
	return all
}
