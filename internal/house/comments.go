package house

import (
	"go/ast"
	"maps"
	"slices"
	"strings"
)

func checkPackageComments(t *Tree) []Finding {
	packages := map[string]*source{} // the first file of each folder
	documented := map[string]bool{}
	var findings []Finding
	for _, s := range t.sources {
		if s.test {
			continue
		}
		folder, name := s.folder(), s.syntax.Name.Name
		if packages[folder] == nil {
			packages[folder] = s
		}
		if s.syntax.Doc == nil || s.generated {
			continue
		}
		documented[folder] = true
		if name != "main" && !strings.HasPrefix(s.syntax.Doc.Text(), "Package "+name+" ") {
			findings = append(findings, t.at(s, s.syntax.Doc.Pos(), "a package comment begins with \"Package %s \"", name))
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(packages)) {
		s := packages[folder]
		if !documented[folder] {
			findings = append(findings, t.at(s, s.syntax.Package,
				"no file of this package has a package comment: say what it is, what it is not, and where to begin reading"))
		}
	}
	return findings
}

func checkExportedNames(t *Tree) []Finding {
	var findings []Finding
	report := func(s *source, name *ast.Ident) {
		findings = append(findings, t.at(s, name.Pos(),
			"%s is exported and has no comment: say what it is, its units and limits, its errors, or make it unexported", name.Name))
	}
	for _, s := range t.sources {
		if s.test || s.generated {
			continue
		}
		for _, decl := range s.syntax.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Name.IsExported() && receiverExported(decl) && !says(decl.Doc) {
					report(s, decl.Name)
				}
			case *ast.GenDecl:
				for _, name := range undocumented(decl) {
					report(s, name)
				}
			}
		}
	}
	return findings
}

// receiverExported reports whether others can call decl: it is a function, or a
// method of an exported type.
func receiverExported(decl *ast.FuncDecl) bool {
	if decl.Recv == nil || len(decl.Recv.List) == 0 {
		return true
	}
	of := decl.Recv.List[0].Type
	for {
		switch inner := of.(type) {
		case *ast.StarExpr:
			of = inner.X
		case *ast.IndexExpr:
			of = inner.X
		case *ast.IndexListExpr:
			of = inner.X
		case *ast.Ident:
			return inner.IsExported()
		default:
			return false
		}
	}
}

// undocumented returns the exported names of decl that have no comment: neither
// their own, nor one at the end of their line, nor one above their group.
func undocumented(decl *ast.GenDecl) []*ast.Ident {
	var names []*ast.Ident
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			alone := !decl.Lparen.IsValid() && says(decl.Doc)
			if spec.Name.IsExported() && !alone && !says(spec.Doc) && !says(spec.Comment) {
				names = append(names, spec.Name)
			}
		case *ast.ValueSpec:
			if says(decl.Doc) || says(spec.Doc) || says(spec.Comment) {
				continue
			}
			for _, name := range spec.Names {
				if name.IsExported() {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// says reports whether a comment holds words and not only directives.
func says(comment *ast.CommentGroup) bool {
	return comment != nil && strings.TrimSpace(comment.Text()) != ""
}

// noteWords mark work that was put off. They may stay only with the words that
// let somebody else do it.
var noteWords = []string{"TODO", "FIXME", "XXX"}

func checkNotes(t *Tree) []Finding {
	const leastWords = 3
	var findings []Finding
	for _, s := range t.sources {
		if s.generated {
			continue
		}
		for _, group := range s.syntax.Comments {
			for _, comment := range group.List {
				for offset, line := range strings.Split(comment.Text, "\n") {
					mark, rest := noteIn(line)
					if mark != "" && len(strings.Fields(rest)) < leastWords {
						findings = append(findings, Finding{s.path, t.line(comment.Pos()) + offset,
							mark + " without text: do it now, or say in words what is missing and why"})
					}
				}
			}
		}
	}
	return findings
}

// noteIn finds a mark at the beginning of a comment's line, and what follows it.
func noteIn(line string) (mark, rest string) {
	line = strings.TrimLeft(line, "/* \t")
	for _, word := range noteWords {
		if rest, ok := strings.CutPrefix(line, word); ok {
			if end := strings.Index(rest, ")"); strings.HasPrefix(rest, "(") && end > 0 {
				rest = rest[end+1:]
			}
			return word, strings.Trim(rest, ": \t*/")
		}
	}
	return "", ""
}
