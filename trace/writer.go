package trace

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxLine is the longest line of a recorded stream, in bytes, its newline included.
const MaxLine = 1 << 20

// ErrLineTooLong is the error of a line longer than MaxLine.
var ErrLineTooLong = errors.New("trace: a line is longer than 1 MiB")

// A Sink takes events. What fills in an event first asks whether anybody wants
// it, see Enabled; a nil Sink is one that nobody listens to.
type Sink interface {
	// Enabled reports whether anybody wants events. It is cheap.
	Enabled() bool
	// Emit takes one event. It may be called concurrently, and keeps nothing
	// that the caller may change later.
	Emit(Event)
}

// Enabled reports whether sink wants events; nil does not.
func Enabled(sink Sink) bool { return sink != nil && sink.Enabled() }

// A Writer is a Sink that writes NDJSON: one event a line. What it writes is
// buffered until Flush. All methods may be called concurrently.
type Writer struct {
	mu  sync.Mutex // guards the fields below
	out *bufio.Writer
	bad bool  // out failed: nothing more is written
	err error // the first error since the last Flush
}

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer { return &Writer{out: bufio.NewWriter(w)} }

// Enabled reports whether the writer still works.
func (w *Writer) Enabled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.bad
}

// Emit writes e. An event whose line would be over MaxLine is left out; once
// the underlying writer failed, so is everything. Flush tells of both.
func (w *Writer) Emit(e Event) {
	line, err := json.Marshal(e)
	if err == nil && len(line) >= MaxLine {
		err = fmt.Errorf("event %q: %w", e.Kind, ErrLineTooLong)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bad {
		return
	}
	if err == nil {
		if _, err = w.out.Write(append(line, '\n')); err != nil {
			w.bad = true
		}
	}
	if w.err == nil {
		w.err = err
	}
}

// Flush writes what is buffered and returns the first error since the last
// Flush: ErrLineTooLong, or what the underlying writer said. The latter stays.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.out.Flush(); err != nil {
		w.bad = true
		return fmt.Errorf("trace: write: %w", err)
	}
	err := w.err
	w.err = nil
	return err
}
