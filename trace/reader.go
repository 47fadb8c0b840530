package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A LineError says which line of a recorded stream is no event, and why.
type LineError struct {
	Line   int   // counted from 1
	Offset int64 // of the line's first byte, from the start of the stream
	Err    error // ErrLineTooLong, errNoKind, or what the JSON decoder said
}

// Error returns the place and the reason.
func (e *LineError) Error() string {
	return fmt.Sprintf("trace: line %d at byte %d: %v", e.Line, e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Err }

var errNoKind = errors.New("no event: it has no kind")

// A Reader reads a recorded stream, one event at a time, in memory for one
// line. Kinds it does not know are handed out as they are; fields it does not
// know are left out; empty lines are skipped. It has one owner.
type Reader struct {
	in     *bufio.Reader
	line   int    // lines read so far
	offset int64  // bytes read so far
	long   []byte // a line that did not fit into the buffer of in
}

// NewReader returns a Reader on r.
func NewReader(r io.Reader) *Reader { return &Reader{in: bufio.NewReader(r)} }

// Next returns the next event. The error is io.EOF at the end, a *LineError for
// a line that is no event, after which Next goes on with the line behind it, or
// else what the underlying reader said, for ever.
func (r *Reader) Next() (Event, error) {
	for {
		start := r.offset
		line, err := r.readLine()
		if err != nil && !errors.Is(err, ErrLineTooLong) {
			return Event{}, err
		}
		r.line++
		if err == nil && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var e Event
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		if err == nil && e.Kind == "" {
			err = errNoKind
		}
		if err != nil {
			return Event{}, &LineError{Line: r.line, Offset: start, Err: err}
		}
		return e, nil
	}
}

// All returns what is left of the stream. Bad lines come as a *LineError beside
// an empty event, and the stream goes on; any other error is its end.
func (r *Reader) All() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			e, err := r.Next()
			if err == io.EOF {
				return
			}
			var bad *LineError
			if !yield(e, err) || err != nil && !errors.As(err, &bad) {
				return
			}
		}
	}
}

// readLine returns the next line without its newline, valid until the next
// call. Of a line over MaxLine it reads everything and keeps nothing.
func (r *Reader) readLine() ([]byte, error) {
	r.long = r.long[:0]
	size := 0
	for {
		part, err := r.in.ReadSlice('\n')
		size += len(part)
		r.offset += int64(len(part))
		if err == io.EOF && size > 0 {
			err = nil // a last line without a newline
		}
		if err != nil && err != bufio.ErrBufferFull {
			return nil, err
		}
		if size > MaxLine {
			if err == nil {
				r.long = nil
				return nil, ErrLineTooLong
			}
			continue
		}
		if err == nil && len(r.long) == 0 {
			return bytes.TrimSuffix(part, []byte("\n")), nil
		}
		r.long = append(r.long, part...)
		if err == nil {
			return bytes.TrimSuffix(r.long, []byte("\n")), nil
		}
	}
}
