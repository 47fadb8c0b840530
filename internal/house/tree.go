package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Tree is the repository as the rules see it: every file that is part of the
// project, the Go files parsed.
type Tree struct {
	files   fs.FS
	paths   []string // of all files, sorted
	module  string   // path of the module
	sources []*source
	set     *token.FileSet
}

// A source is one parsed Go file.
type source struct {
	path      string
	text      []byte
	syntax    *ast.File
	test      bool // _test.go
	generated bool // by a program: only the rules that programs can keep apply
}

// Load reads the repository whose root is files. It skips hidden folders other
// than .ci, and modules nested in this one. A Go file under testdata is text
// like any other. An error names the file that cannot be read or parsed.
func Load(files fs.FS) (*Tree, error) {
	t := &Tree{files: files, set: token.NewFileSet()}
	mod, err := fs.ReadFile(files, "go.mod")
	if err != nil {
		return nil, fmt.Errorf("house: this is not the root of a module: %w", err)
	}
	t.module = parseModule(string(mod)).path
	err = fs.WalkDir(files, ".", t.visit)
	if err != nil {
		return nil, fmt.Errorf("house: load: %w", err)
	}
	slices.Sort(t.paths)
	for _, p := range t.paths {
		if path.Ext(p) != ".go" || slices.Contains(strings.Split(p, "/"), "testdata") {
			continue
		}
		s, err := t.parse(p)
		if err != nil {
			return nil, fmt.Errorf("house: load: %w", err)
		}
		t.sources = append(t.sources, s)
	}
	return t, nil
}

func (t *Tree) visit(p string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	// In a worktree .git is a file, so the name decides and not the kind.
	hidden := strings.HasPrefix(entry.Name(), ".") && p != "." && entry.Name() != ".ci"
	switch {
	case entry.IsDir() && hidden:
		return fs.SkipDir
	case entry.IsDir() && p != ".":
		if _, err := fs.Stat(t.files, path.Join(p, "go.mod")); err == nil {
			return fs.SkipDir
		}
	case entry.Type().IsRegular() && !hidden:
		t.paths = append(t.paths, p)
	}
	return nil
}

func (t *Tree) parse(p string) (*source, error) {
	text, err := fs.ReadFile(t.files, p)
	if err != nil {
		return nil, err
	}
	syntax, err := parser.ParseFile(t.set, p, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{
		path:      p,
		text:      text,
		syntax:    syntax,
		test:      strings.HasSuffix(p, "_test.go"),
		generated: ast.IsGenerated(syntax),
	}, nil
}

// folder returns the folder of s, "." for the root.
func (s *source) folder() string { return path.Dir(s.path) }

// at makes a finding at a place in s.
func (t *Tree) at(s *source, pos token.Pos, format string, args ...any) Finding {
	return Finding{s.path, t.line(pos), fmt.Sprintf(format, args...)}
}

func (t *Tree) line(pos token.Pos) int { return t.set.PositionFor(pos, false).Line }

// importPath returns what spec imports, without quotes.
func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value // the parser let it pass; no rule will match it
	}
	return p
}

// within reports whether p is root or lies below it; both are slash-separated.
func within(p, root string) bool {
	return p == root || strings.HasPrefix(p, root+"/")
}

// top returns the first element of a slash-separated path.
func top(p string) string {
	first, _, _ := strings.Cut(p, "/")
	return first
}
