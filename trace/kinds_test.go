package trace_test

import (
	"bufio"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cicada/trace"
)

var update = flag.Bool("update", false, "add new kinds to testdata/kinds.txt")

const golden = "testdata/kinds.txt"

// A kind is a constant of type Kind as the source has it.
type kind struct {
	name, value, comment string
}

// kinds returns the constants of type Kind, in the order of the source.
func kinds(t *testing.T) []kind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "trace.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var all []kind
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Kind" {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, kind{spec.Names[0].Name, value, strings.TrimSpace(spec.Comment.Text())})
		return true
	})
	if len(all) < 30 {
		t.Fatalf("found only %d kinds", len(all))
	}
	return all
}

// fields returns the names of the fields of Event that text mentions.
func fields(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool { return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') })
	var found []string
	typ := reflect.TypeFor[trace.Event]()
	for i := range typ.NumField() {
		if name := typ.Field(i).Name; slices.Contains(words, name) {
			found = append(found, name)
		}
	}
	return found
}

func TestKindsNameTheirFields(t *testing.T) {
	values := map[string]string{}
	for _, k := range kinds(t) {
		if len(fields(k.comment)) == 0 && !strings.HasSuffix(k.comment, ": nothing more") {
			t.Errorf("the comment of %s names no field of Event, nor ends with %q: %q", k.name, ": nothing more", k.comment)
		}
		if other, twice := values[k.value]; twice {
			t.Errorf("%s and %s are both %q", other, k.name, k.value)
		}
		values[k.value] = k.name
	}
}

// Trace files outlive the program that wrote them, and other programs read them.
func TestKindsAreNeverRenamed(t *testing.T) {
	now := map[string]string{}
	var lines []string
	for _, k := range kinds(t) {
		now[k.name] = k.value
		lines = append(lines, k.name+" "+k.value)
	}
	text, err := os.ReadFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	known := strings.Fields(string(text))
	for pair := range slices.Chunk(known, 2) {
		if got, want := now[pair[0]], pair[1]; got != want {
			t.Errorf("trace.%s: got %q, want %q for ever", pair[0], got, want)
		}
		delete(now, pair[0])
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(golden, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name := range maps.Keys(now) {
		t.Errorf("trace.%s is new: add it with go test ./trace -run Renamed -update", name)
	}
}

// tableRow is what a row of the specification says of a kind.
type tableRow struct{ kind, fields string }

func TestSpecificationHasTheKinds(t *testing.T) {
	file, err := os.Open("../docs/spec/trace.md")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var got []tableRow
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		cells := strings.Split(scanner.Text(), "|")
		if len(cells) < 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		value := strings.Trim(strings.TrimSpace(cells[1]), "`")
		if strings.Contains(value, ".") || value == string(trace.Violation) {
			got = append(got, tableRow{value, fmt.Sprint(fields(title(cells[3])))})
		}
	}
	var want []tableRow
	for _, k := range kinds(t) {
		want = append(want, tableRow{k.value, fmt.Sprint(fields(k.comment))})
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("row %d: got %v, want %v", i+1, at(got, i), at(want, i))
		}
	}
}

// title turns the names of JSON fields in backquotes into those of Event.
func title(cell string) string {
	var out []string
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 && part != "" {
			out = append(out, strings.ToUpper(part[:1])+part[1:])
		}
	}
	return strings.Join(out, " ")
}

func at(rows []tableRow, i int) string {
	if i < len(rows) {
		return fmt.Sprintf("%s %s", rows[i].kind, rows[i].fields)
	}
	return "nothing"
}
