package wire

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cicada/identity"
)

// These tests hold docs/spec against the code: every table there whose first
// column has one of the headings below must say what the code says, all of it.

// A table is one of a Markdown file: its rows, without those of the heading.
type table [][]string

// tables returns the tables of a page of the specification whose first heading
// is heading, put together. Code marks are taken off.
func tables(t *testing.T, page, heading string) table {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../docs/spec", page))
	if err != nil {
		t.Fatal(err)
	}
	var found table
	top, inside := true, false // at a table's first row; in the table looked for
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			top, inside = true, false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "`", "")
		}
		switch {
		case top:
			top, inside = false, cells[0] == heading
		case inside && !strings.HasPrefix(cells[0], "---"):
			found = append(found, cells)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no table with the heading %q", page, heading)
	}
	return found
}

// same reports rows of the specification, cut to the width of want, that differ from want.
func same(t *testing.T, page string, got, want table) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := []string{"nothing"}, []string{"nothing"}
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i][:min(len(w), len(got[i]))]
		}
		if !slices.Equal(g, w) {
			t.Fatalf("%s, row %d: got %q, want %q", page, i+1, g, w)
		}
	}
}

// numbered returns name and number of everything below limit that has a name.
func numbered(limit int, name func(int) string) (rows table) {
	nameless := regexp.MustCompile(`^[a-z]+ \d+$`)
	for i := range limit {
		if !nameless.MatchString(name(i)) {
			rows = append(rows, []string{name(i), strconv.Itoa(i)})
		}
	}
	return rows
}

func TestSpecificationHasTheNumbers(t *testing.T) {
	frames := numbered(256, func(i int) string { return FrameKind(i).String() })
	for i, row := range frames {
		number, _ := strconv.Atoi(row[1])
		shortest, longest := FrameKind(number).Limits()
		frames[i] = append(row, strconv.Itoa(shortest), strconv.Itoa(longest))
	}
	for _, test := range []struct {
		page, heading string
		want          table
	}{
		{"link.md", "frame", frames},
		{"link.md", "code", numbered(1<<16, func(i int) string { return Code(i).String() })},
		{"link.md", "reason", numbered(256, func(i int) string { return Reason(i).String() })},
		{"envelope.md", "kind", numbered(256, func(i int) string { return EnvelopeKind(i).String() })},
	} {
		t.Run(test.heading, func(t *testing.T) { same(t, test.page, tables(t, test.page, test.heading), test.want) })
	}
}

// A number without a name would be missing above, and nobody would notice.
func TestEveryNumberHasAName(t *testing.T) {
	names := map[string]func(int) string{
		"FrameKind":    func(i int) string { return FrameKind(i).String() },
		"Code":         func(i int) string { return Code(i).String() },
		"Reason":       func(i int) string { return Reason(i).String() },
		"EnvelopeKind": func(i int) string { return EnvelopeKind(i).String() },
	}
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			typ, ok := spec.Type.(*ast.Ident)
			if !ok || names[typ.Name] == nil {
				return true
			}
			number, err := strconv.Atoi(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			if got := names[typ.Name](number); strings.HasSuffix(got, " "+strconv.Itoa(number)) {
				t.Errorf("%s, number %d, has no name: got %q", spec.Names[0].Name, number, got)
			}
			return true
		})
	}
	if found < 30 {
		t.Errorf("found only %d numbers", found)
	}
}

func TestSpecificationHasTheLimits(t *testing.T) {
	limits := map[string]int{
		"MaxMessage": MaxMessage, "MaxPayload": MaxPayload, "MaxFrame": MaxFrame, "MaxHello": MaxHello,
		"MaxControl": MaxControl, "MaxBroadcast": MaxBroadcast, "MaxAck": MaxAck, "MaxCloseText": MaxCloseText,
		"MaxTTL": MaxTTL, "MaxRecordBody": MaxRecordBody, "MaxRecords": MaxRecords, "MaxTrail": MaxTrail,
		"MaxControlHops": MaxControlHops, "MaxBroadcastBody": MaxBroadcastBody, "MaxAgent": MaxAgent,
		"MaxVersion": MaxVersion, "MaxFields": MaxFields,
		"MaxSilent": MaxSilent, "TagSize": TagSize, "MaxTags": MaxTags, "MaxCastAge": MaxCastAge,
		"MaxKnown": MaxKnown, "FingerprintSize": FingerprintSize, "PrintSize": PrintSize, "MaxPeers": MaxPeers, "MaxPage": MaxPage,
		"MaxJoined": MaxJoined, "MaxLeft": MaxLeft, "LeftSize": LeftSize, "LimitSize": LimitSize, "MinHint": MinHint, "MaxHint": MaxHint,
	}
	var rows table
	for _, page := range []string{"link.md", "envelope.md", "control.md"} {
		rows = append(rows, tables(t, page, "limit")...)
	}
	for _, row := range rows {
		want, known := limits[row[0]]
		if got, err := strconv.Atoi(strings.ReplaceAll(row[1], " ", "")); err != nil || !known || got != want {
			t.Errorf("%s: got %q, want %d", row[0], row[1], want)
		}
		delete(limits, row[0])
	}
	for name, value := range limits {
		t.Errorf("%s, %d, is missing", name, value)
	}
}

func TestSpecificationHasTheEnvelopeHeader(t *testing.T) {
	h := EnvelopeHeader{
		TTL: 0x11, Hops: 0x22, Kind: 0x33, Colours: 0x44, Copy: 0x55, Counter: 0x6162636465666768,
		Message: [16]byte{0x71, 15: 0x72}, Nonce: [16]byte{0x81, 15: 0x82}, Target: identity.Point{0x91, 31: 0x92},
	}
	fields := map[string][]byte{
		"ttl": {0x11}, "hops": {0x22}, "version": {Version}, "kind": {0x33}, "colours": {0x44}, "copy": {0x55}, "flags": {0, 0},
		"counter": {0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68}, "message": h.Message[:], "nonce": h.Nonce[:], "target": h.Target[:],
	}
	b := AppendEnvelopeHeader(nil, h)
	next := 0
	for _, row := range tables(t, "envelope.md", "offset") {
		offset, err1 := strconv.Atoi(row[0])
		size, err2 := strconv.Atoi(row[1])
		if row[2] == "payload" {
			break
		}
		if err1 != nil || err2 != nil || offset != next || offset+size > len(b) {
			t.Fatalf("row %q does not follow byte %d", row, next)
		}
		if got, want := b[offset:offset+size], fields[row[2]]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s at byte %d: got %x, want %x", row[2], offset, got, want)
		}
		next = offset + size
	}
	if next != EnvelopeHeaderSize {
		t.Errorf("the table ends at byte %d, want %d", next, EnvelopeHeaderSize)
	}
}

// rule words what a field must keep.
func (f *field) rule() string {
	size := fmt.Sprintf("%d to %d bytes", f.min, f.max)
	switch {
	case f.min == f.max:
		size = fmt.Sprintf("%d bytes", f.max)
	case f.min == 0:
		size = fmt.Sprintf("at most %d bytes", f.max)
	}
	switch f.form {
	case flag:
		size = "0 or 1"
	case number:
		size = fmt.Sprintf("%d to %d", f.min, f.max)
	case counter:
		size = "64 bits"
	case ascii:
		size += ", printable ASCII"
	case nested:
		size = f.shape.name
	}
	if f.unit > 0 {
		size += fmt.Sprintf(", a multiple of %d", f.unit)
	}
	if f.list > 0 {
		size = fmt.Sprintf("list of at most %d: %s", f.list, size)
	}
	if f.required {
		size += "; required"
	}
	return size
}

// rows returns what the specification must say of the fields of s.
func (s *shape) rows() (rows table) {
	for i := range s.fields {
		if s.fields[i].form == gone {
			continue
		}
		rows = append(rows, []string{s.name, strconv.Itoa(i + 1), s.fields[i].name, s.fields[i].rule()})
	}
	if len(rows) == 0 {
		rows = table{{s.name, "", "", "no fields"}}
	}
	return rows
}

func TestSpecificationHasTheMessages(t *testing.T) {
	want := slices.Concat(recordShape.rows(), helloShape.rows())
	for i := range controlShape.fields {
		f := &controlShape.fields[i]
		if f.shape != nil && f.shape != &recordShape {
			want = append(want, f.shape.rows()...)
		}
	}
	want = append(want, broadcastBodyShape.rows()...)
	same(t, "control.md", tables(t, "control.md", "message"), want)

	var kinds table
	for i := range controlShape.fields[1:] {
		if controlShape.fields[i+1].form == gone {
			continue
		}
		kinds = append(kinds, []string{controlShape.fields[i+1].name, strconv.Itoa(i + 2)})
	}
	same(t, "control.md", tables(t, "control.md", "body"), kinds)
}
