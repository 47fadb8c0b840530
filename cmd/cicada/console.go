package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"

	"cicada/control"
)

// A console is where a command's results and people's text go. With JSON on,
// stdout carries one object a line and nothing else. All methods may be called
// concurrently.
type console struct {
	mu       sync.Mutex // guards the fields below
	stdout   io.Writer
	stderr   io.Writer
	terminal bool // stderr is one: a progress line can be written over
	json     bool
	progress int   // characters of the progress line now shown
	err      error // the first that stdout met
}

func newConsole(stdout, stderr io.Writer) *console {
	return &console{stdout: stdout, stderr: stderr, terminal: isTerminal(stderr)}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// redirect writes to w what goes to a terminal. The function it returns puts an end
// to that.
func (c *console) redirect(w io.Writer) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stdout, stderr := c.stdout, c.stderr
	if isTerminal(stdout) {
		c.stdout = w
	}
	if isTerminal(stderr) {
		c.stderr = w
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.stdout, c.stderr = stdout, stderr
	}
}

// stdoutWriter returns stdout for text that is no result, such as a log.
func (c *console) stdoutWriter() io.Writer { return lineWriter{c} }

type lineWriter struct{ c *console }

// Write writes whole lines, never in the midst of another.
func (w lineWriter) Write(text []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.clearLocked()
	w.c.writeLocked(text)
	return len(text), w.c.err
}

// useJSON says which of say and record are heard.
func (c *console) useJSON(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.json = on
}

// wantsRecords reports whether JSON is on, for records that take a while to make.
func (c *console) wantsRecords() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.json
}

// say writes a line for people. With JSON on it is left out. Whatever peers had a
// hand in it, it is one line, and only shown by a terminal.
func (c *console) say(format string, arguments ...any) {
	c.text(control.Visible(fmt.Appendf(nil, format, arguments...)) + "\n")
}

// text writes text of our own for people or their programs, as it is. With JSON on it
// is left out.
func (c *console) text(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.json {
		c.clearLocked()
		c.writeLocked([]byte(text))
	}
}

// record writes an object. With JSON off it is left out.
func (c *console) record(object any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.json {
		return
	}
	line, err := control.Line(object)
	if err != nil {
		c.err = err
		return
	}
	c.clearLocked()
	c.writeLocked(line)
}

func (c *console) writeLocked(text []byte) {
	if c.err == nil {
		_, c.err = c.stdout.Write(text)
	}
}

// progressWidth is how much of a progress line is shown.
const progressWidth = 78

// show writes over the progress line, on a terminal; nowhere else is it of use.
func (c *console) show(format string, arguments ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.terminal {
		return
	}
	c.clearLocked()
	text := control.Visible(fmt.Appendf(nil, format, arguments...))
	if runes := []rune(text); len(runes) > progressWidth { // a line that wraps could not be taken away
		text = string(runes[:progressWidth-1]) + "…"
	}
	c.progress = utf8.RuneCountInString(text)
	fmt.Fprint(c.stderr, text)
}

// clearProgress takes the progress line away.
func (c *console) clearProgress() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearLocked()
}

func (c *console) clearLocked() {
	if c.progress > 0 {
		fmt.Fprintf(c.stderr, "\r%*s\r", c.progress, "")
		c.progress = 0
	}
}

// note writes a line for people beside the results: to stderr.
func (c *console) note(format string, arguments ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearLocked()
	fmt.Fprintln(c.stderr, control.Visible(fmt.Appendf(nil, format, arguments...)))
}

// failure returns the first error that stdout met.
func (c *console) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return fmt.Errorf("writing results: %w", c.err)
	}
	return nil
}
