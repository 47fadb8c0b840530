package house

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strings"
)

// pureFolders hold the state machines: messages and ticks go in, messages and
// events come out. Their tests, and the packages whose name ends in "test", may
// do more.
var pureFolders = []string{"chord", "routing"}

// impureImports lists what a core may not import, folders below included, and
// what it does instead.
var impureImports = map[string]string{
	"net":         "hand messages to the caller in Ready",
	"os":          "take what is needed from the caller",
	"syscall":     "take what is needed from the caller",
	"runtime":     "take what is needed from the caller",
	"unsafe":      "find a plain way",
	"sync":        "a core has one owner and needs no locks",
	"context":     "a core never waits: return what is to be done",
	"log":         "report a trace event",
	"crypto/rand": "use the *rand.Rand of math/rand/v2 that the caller passes in",
	"math/rand":   "use the *rand.Rand of math/rand/v2 that the caller passes in",
}

// pureExceptions are folders below those of impureImports that do no harm.
var pureExceptions = []string{"net/netip", "math/rand/v2"}

// pureNames lists, for packages that a core may use in part, what it may use.
var pureNames = map[string]struct {
	allowed []string
	instead string
}{
	"time": {
		[]string{"Duration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour"},
		"the caller says what time it is: take now as a time.Duration",
	},
	"math/rand/v2": {
		[]string{"Rand", "Source"},
		"draw from the *rand.Rand that the caller passes in",
	},
}

// impureNames lists functions that a core may not call in packages it may use.
var impureNames = map[string]string{
	"fmt.Print":   "report a trace event",
	"fmt.Printf":  "report a trace event",
	"fmt.Println": "report a trace event",
}

const orderAdvice = "the order of a map differs from run to run: walk a sorted list, or say in a comment on this line or the one above why the order does not matter"

func checkPurity(t *Tree) []Finding {
	packages := map[string][]*source{}
	for _, s := range t.sources {
		folder := s.folder()
		pure := slices.Contains(pureFolders, top(folder)) && !strings.HasSuffix(path.Base(folder), "test")
		if pure && !s.test {
			packages[folder] = append(packages[folder], s)
		}
	}
	var findings []Finding
	for _, sources := range packages {
		p := t.newPurePackage(sources)
		for _, s := range sources {
			findings = append(findings, p.check(s)...)
		}
	}
	return findings
}

// A purePackage is one package of a core with the types of its names, as far as
// they follow from the package itself: imports are not loaded.
type purePackage struct {
	tree *Tree
	info *types.Info
}

func (t *Tree) newPurePackage(sources []*source) *purePackage {
	p := &purePackage{t, &types.Info{
		Uses:  map[*ast.Ident]types.Object{},
		Types: map[ast.Expr]types.TypeAndValue{},
	}}
	var files []*ast.File
	for _, s := range sources {
		files = append(files, s.syntax)
	}
	// Names of other packages are unknown, so errors are certain and say nothing.
	config := types.Config{Importer: emptyImporter{}, Error: func(error) {}}
	_, _ = config.Check(sources[0].folder(), t.set, files, p.info)
	return p
}

// An emptyImporter gives every import its name and nothing in it.
type emptyImporter struct{}

// Import returns an empty package for importPath.
func (emptyImporter) Import(importPath string) (*types.Package, error) {
	name := path.Base(importPath)
	if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
		name = path.Base(path.Dir(importPath))
	}
	p := types.NewPackage(importPath, name)
	p.MarkComplete()
	return p, nil
}

func (p *purePackage) check(s *source) []Finding {
	var findings []Finding
	for _, spec := range s.syntax.Imports {
		if instead := impureImport(importPath(spec)); instead != "" {
			findings = append(findings, p.tree.at(s, spec.Pos(), "%s is pure and may not import %s: %s",
				top(s.path), importPath(spec), instead))
		}
	}
	explained := p.tree.commentedLines(s, "order")
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		if message := p.impure(n); message != "" {
			line := p.tree.line(n.Pos())
			if message != orderAdvice || !explained[line] && !explained[line-1] {
				findings = append(findings, p.tree.at(s, n.Pos(), "%s", message))
			}
		}
		// What goes straight into slices.Sorted has an order again.
		call, ok := n.(*ast.CallExpr)
		return !ok || !strings.HasPrefix(p.qualified(call.Fun), "slices.Sorted")
	})
	return findings
}

func impureImport(imported string) string {
	for _, exception := range pureExceptions {
		if within(imported, exception) {
			return ""
		}
	}
	for forbidden, instead := range impureImports {
		if within(imported, forbidden) {
			return instead
		}
	}
	return ""
}

// commentedLines returns the lines of s that end a comment which holds word.
func (t *Tree) commentedLines(s *source, word string) map[int]bool {
	lines := map[int]bool{}
	for _, group := range s.syntax.Comments {
		if strings.Contains(group.Text(), word) {
			lines[t.line(group.End())] = true
		}
	}
	return lines
}

// impure returns what is wrong with n itself, "" if nothing is.
func (p *purePackage) impure(n ast.Node) string {
	const oneOwner = "a core has one owner and starts nothing: return what is to be done"
	switch n := n.(type) {
	case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
		return oneOwner
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			return oneOwner
		}
		if n.Op == token.AND {
			return p.changed(n.X)
		}
	case *ast.SelectorExpr:
		return p.impureName(n)
	case *ast.RangeStmt:
		if of := p.info.Types[n.X].Type; of != nil && isMap(of) {
			return orderAdvice
		}
	case *ast.AssignStmt:
		for _, target := range n.Lhs {
			if message := p.changed(target); message != "" {
				return message
			}
		}
	case *ast.IncDecStmt:
		return p.changed(n.X)
	}
	return ""
}

func isMap(t types.Type) bool {
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// qualified returns "path.Name" where n is a name of another package, else "".
func (p *purePackage) qualified(n ast.Expr) string {
	if selector, ok := n.(*ast.SelectorExpr); ok {
		if from := p.imported(selector); from != "" {
			return from + "." + selector.Sel.Name
		}
	}
	return ""
}

// imported returns the path of the package that n takes a name from, else "".
func (p *purePackage) imported(n *ast.SelectorExpr) string {
	name, ok := n.X.(*ast.Ident)
	if !ok {
		return ""
	}
	if used, ok := p.info.Uses[name].(*types.PkgName); ok {
		return used.Imported().Path()
	}
	return ""
}

func (p *purePackage) impureName(n *ast.SelectorExpr) string {
	from := p.imported(n)
	if rule, ok := pureNames[from]; ok && !slices.Contains(rule.allowed, n.Sel.Name) {
		return from + "." + n.Sel.Name + " is not pure: " + rule.instead
	}
	full := p.qualified(n)
	if instead, ok := impureNames[full]; ok {
		return full + " is not pure: " + instead
	}
	if full == "maps.Keys" || full == "maps.Values" || full == "maps.All" {
		return orderAdvice
	}
	return ""
}

// changed says that target, which is assigned to or whose address is taken,
// belongs to a variable of the package; "" if it does not.
func (p *purePackage) changed(target ast.Expr) string {
	for {
		switch inner := target.(type) {
		case *ast.IndexExpr:
			target = inner.X
		case *ast.SelectorExpr:
			target = inner.X
		case *ast.StarExpr:
			target = inner.X
		case *ast.ParenExpr:
			target = inner.X
		case *ast.SliceExpr:
			target = inner.X
		case *ast.Ident:
			v, ok := p.info.Uses[inner].(*types.Var)
			if ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
				return "the variable " + inner.Name + " of the package changes, and so one core changes another: keep it in the Core"
			}
			return ""
		default:
			return ""
		}
	}
}
