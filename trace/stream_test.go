package trace_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"cicada/identity"
	"cicada/trace"
)

// record returns what a Writer makes of events.
func record(t testing.TB, events ...trace.Event) []byte {
	t.Helper()
	var b bytes.Buffer
	w := trace.NewWriter(&b)
	for _, e := range events {
		w.Emit(e)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestStreamReadsBackWhatWasWritten(t *testing.T) {
	want := []trace.Event{full(t), {Kind: trace.PeerDown, Reason: "a\nb\x1b\"\u2028"}, {Kind: "of.later"}}
	r := trace.NewReader(bytes.NewReader(record(t, want...)))
	for i := range want {
		got, err := r.Next()
		if err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("event %d: got %v, %v, want %v", i, got, err, want[i])
		}
	}
	for range 2 {
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("at the end: got %v, want EOF", err)
		}
	}
}

// outcome is what a Reader made of a line: a kind, or where it went wrong.
type outcome struct {
	kind   trace.Kind
	line   int
	offset int64
}

func read(t *testing.T, in io.Reader) []outcome {
	t.Helper()
	var got []outcome
	for e, err := range trace.NewReader(in).All() {
		var bad *trace.LineError
		switch {
		case err == nil:
			got = append(got, outcome{kind: e.Kind})
		case errors.As(err, &bad):
			got = append(got, outcome{line: bad.Line, offset: bad.Offset})
		default:
			t.Fatal(err)
		}
	}
	return got
}

func TestReaderGoesOnBehindBadLines(t *testing.T) {
	const up = `{"kind":"peer.up"}`
	long := strings.Repeat(" ", trace.MaxLine+1)
	tests := []struct {
		name, stream string
		want         []outcome
	}{
		{"nothing", "", nil},
		{"empty lines", "\n \n\r\n", nil},
		{"no newline at the end", up + "\n" + up, []outcome{{kind: "peer.up"}, {kind: "peer.up"}}},
		{"lines of Windows", up + "\r\n" + up + "\r\n", []outcome{{kind: "peer.up"}, {kind: "peer.up"}}},
		{"rubbish in the middle", up + "\nrubbish\n" + up, []outcome{{kind: "peer.up"}, {line: 2, offset: 19}, {kind: "peer.up"}}},
		{"empty lines are counted", "\n\n!\n", []outcome{{line: 3, offset: 2}}},
		{"cut short", up + "\n" + up[:9], []outcome{{kind: "peer.up"}, {line: 2, offset: 19}}},
		{"no kind", "{}", []outcome{{line: 1}}},
		{"null", "null", []outcome{{line: 1}}},
		{"a list", "[" + up + "]", []outcome{{line: 1}}},
		{"two on a line", up + up, []outcome{{line: 1}}},
		{"a bad ID", `{"kind":"link.up","other":"nobody"}`, []outcome{{line: 1}}},
		{"a bad message ID", `{"kind":"copy.sent","message":"00"}`, []outcome{{line: 1}}},
		{"a kind and a field of later days", `{"kind":"tunnel.up","colour":{"red":[1,2]}}`, []outcome{{kind: "tunnel.up"}}},
		{"the longest line", up + long[:trace.MaxLine-len(up)-1] + "\n" + up, []outcome{{kind: "peer.up"}, {kind: "peer.up"}}},
		{"a line too long", up + "\n" + long + "\n" + up, []outcome{{kind: "peer.up"}, {line: 2, offset: 19}, {kind: "peer.up"}}},
		{"a line too long at the end", long, []outcome{{line: 1}}},
		{"a byte too long", up + long[:trace.MaxLine-len(up)] + "\n", []outcome{{line: 1}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := read(t, strings.NewReader(test.stream)); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
			if len(test.stream) > 4096 {
				return
			}
			if got := read(t, iotest.OneByteReader(strings.NewReader(test.stream))); !reflect.DeepEqual(got, test.want) {
				t.Errorf("a byte at a time: got  %v\nwant %v", got, test.want)
			}
		})
	}
}

func TestReaderTellsWhatWentWrong(t *testing.T) {
	_, err := trace.NewReader(strings.NewReader(strings.Repeat("x", trace.MaxLine+1))).Next()
	if !errors.Is(err, trace.ErrLineTooLong) {
		t.Errorf("got %v, want %v", err, trace.ErrLineTooLong)
	}
	if got, want := fmt.Sprint(err), "trace: line 1 at byte 0: trace: a line is longer than 1 MiB"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}

	broken := errors.New("broken")
	r := trace.NewReader(io.MultiReader(strings.NewReader(`{"kind":"peer.up"}`+"\n"), iotest.ErrReader(broken)))
	var errs []error
	for _, err := range r.All() {
		errs = append(errs, err)
	}
	if len(errs) != 2 || errs[0] != nil || !errors.Is(errs[1], broken) {
		t.Errorf("got %v, want an event, then the reader's error and the end", errs)
	}
}

func TestWriterLeavesOutWhatIsTooLong(t *testing.T) {
	var b bytes.Buffer
	w := trace.NewWriter(&b)
	w.Emit(trace.Event{Kind: "first"})
	w.Emit(trace.Event{Kind: "long", Peers: make([]identity.ID, trace.MaxLine/2)})
	w.Emit(trace.Event{Kind: "last"})
	if err := w.Flush(); !errors.Is(err, trace.ErrLineTooLong) {
		t.Errorf("got %v, want %v", err, trace.ErrLineTooLong)
	}
	if err := w.Flush(); err != nil || !w.Enabled() {
		t.Errorf("the next flush: got %v, %v, want no error and a writer that works", err, w.Enabled())
	}
	if got, want := read(t, &b), []outcome{{kind: "first"}, {kind: "last"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A disk is a writer that takes so many bytes and then fails.
type disk struct{ room int }

var errDiskFull = errors.New("disk full")

func (d *disk) Write(b []byte) (int, error) {
	if d.room -= len(b); d.room < 0 {
		return 0, errDiskFull
	}
	return len(b), nil
}

func TestWriterStopsWhenTheDiskIsFull(t *testing.T) {
	w := trace.NewWriter(&disk{room: 8192})
	for range 1000 {
		w.Emit(full(t))
	}
	if trace.Enabled(w) {
		t.Error("a writer that failed still asks for events")
	}
	for range 2 {
		if err := w.Flush(); !errors.Is(err, errDiskFull) {
			t.Errorf("got %v, want %v", err, errDiskFull)
		}
	}
}

func TestWriterKeepsLinesWhole(t *testing.T) {
	var b bytes.Buffer
	w := trace.NewWriter(&b)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 100 {
				w.Emit(full(t))
			}
		})
	}
	wait.Wait()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got := read(t, &b)
	if len(got) != 800 {
		t.Fatalf("got %d events, want 800", len(got))
	}
	for i, o := range got {
		if o.kind != trace.CopyForwarded {
			t.Fatalf("event %d: got %v", i, o)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	w, e := trace.NewWriter(io.Discard), full(b)
	b.ReportAllocs()
	for b.Loop() {
		w.Emit(e)
	}
}

func BenchmarkReader(b *testing.B) {
	line := record(b, full(b))
	stream := bytes.Repeat(line, 100)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range trace.NewReader(bytes.NewReader(stream)).All() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(record(f, full(f), trace.Event{Kind: trace.PeerUp}))
	f.Add([]byte("rubbish\n{\"kind\":\"peer.up\"}\n\n[]"))
	f.Add([]byte(`{"kind":"x","at":-1,"hops":1e3,"key":"","peer":"","message":null}`))
	f.Fuzz(func(t *testing.T, stream []byte) {
		line, end := 0, int64(len(stream))
		for e, err := range trace.NewReader(bytes.NewReader(stream)).All() {
			if err != nil {
				var bad *trace.LineError
				if !errors.As(err, &bad) || bad.Line <= line || bad.Offset < 0 || bad.Offset >= end {
					t.Fatalf("behind line %d: %v", line, err)
				}
				line = bad.Line
				continue
			}
			again, err := trace.NewReader(bytes.NewReader(record(t, e))).Next()
			if err != nil || !reflect.DeepEqual(again, normal(e)) {
				t.Fatalf("got %#v, %v, want %#v", again, err, e)
			}
			if strings.ContainsFunc(e.String(), func(r rune) bool { return r < ' ' }) {
				t.Fatalf("%q has control characters", e.String())
			}
		}
	})
}

// normal makes an empty list none, as writing and reading does.
func normal(e trace.Event) trace.Event {
	if len(e.Peers) == 0 {
		e.Peers = nil
	}
	return e
}
