package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"cicada/trace"
)

// A tracePath is the value of --trace.
type tracePath string

// UnmarshalText reads the name of a file.
func (p *tracePath) UnmarshalText(text []byte) error {
	switch string(text) {
	case "":
		return errors.New("the name of a file is missing")
	case "-":
		return errors.New("stdout has the results; name a file (./- is one of that name)")
	}
	*p = tracePath(text)
	return nil
}

// A traceFile is a file of events. Where it cannot be written, as on a full disk, that
// is said at once, and nothing is traced from then on; what is traced goes on, and its
// command fails in the end.
type traceFile struct {
	*trace.Writer
	path string
	file *os.File
	told atomic.Bool
	tell func(format string, arguments ...any) // must not wait: it is called while others wait to trace
}

// openTrace makes the file, or empties it. The buffer has so many bytes.
func openTrace(path tracePath, buffer int, tell func(format string, arguments ...any)) (*traceFile, error) {
	file, err := os.OpenFile(string(path), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	t := &traceFile{path: string(path), file: file, tell: tell}
	t.Writer = trace.NewWriter(bufio.NewWriterSize(traceWriter{t}, buffer))
	return t, nil
}

// A traceWriter writes to the file of a trace.
type traceWriter struct{ t *traceFile }

// Write tells of the first error at once.
func (w traceWriter) Write(text []byte) (int, error) {
	n, err := w.t.file.Write(text)
	if err != nil && !w.t.told.Swap(true) {
		w.t.tell("cicada: trace %s: %v: nothing is traced from here on", w.t.path, cause(err))
	}
	return n, err
}

// cause returns what the system said, without the file, which the caller names.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// end writes what is left, closes the file, and returns the first error.
func (t *traceFile) end() error {
	t.told.Store(true) // what is wrong now is in what it returns
	if err := errors.Join(t.Flush(), t.file.Close()); err != nil {
		return fmt.Errorf("trace %s: it is not whole: %w", t.path, cause(err))
	}
	return nil
}

// keepFlushed has the trace in its file within a second, for those who read it
// meanwhile, and for when the process is killed, until stop is called, which ends it.
func (t *traceFile) keepFlushed() (stop func() error) {
	stopping, stopped := make(chan struct{}), make(chan error, 1)
	go func() { stopped <- t.flushUntil(stopping) }()
	return func() error {
		close(stopping)
		first, last := <-stopped, t.end()
		if first != nil && last == nil { // of one event, not of the file
			return fmt.Errorf("trace %s: %w", t.path, first)
		}
		return last
	}
}

// flushUntil returns the first error.
func (t *traceFile) flushUntil(stop <-chan struct{}) (first error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := t.Flush(); first == nil {
				first = err
			}
		case <-stop:
			return first
		}
	}
}
