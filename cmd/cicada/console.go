package main

import (
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/term"

	"cicada/control"
)

// A console is where a command's results and people's text go. With JSON on,
// stdout carries one object a line and nothing else. All methods may be called
// concurrently. Those that write return when it is written, or when an interrupt
// leaves no time for it; the log waits for nobody, see logWriter.
type console struct {
	outlet
	terminal bool // stderr is one: a progress line can be written over

	json     bool // guarded by mu, as is the next
	progress int  // characters of the progress line now shown
}

func newConsole(stdout, stderr io.Writer) *console {
	return &console{outlet: newOutlet(stdout, stderr), terminal: isTerminal(stderr)}
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
		c.flush() // to where it was meant to go
		c.mu.Lock()
		defer c.mu.Unlock()
		c.stdout, c.stderr = stdout, stderr
	}
}

// logWriter returns stdout for a log.
func (c *console) logWriter() io.Writer { return logWriter{c} }

// A logWriter writes lines of a log to stdout, never in the midst of another. Who
// writes to it never waits: where stdout is not read, lines are dropped, or
// strangers could stop a peer by giving it something to say.
type logWriter struct{ c *console }

// Write takes whole lines.
func (w logWriter) Write(text []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.clearLocked()
	w.c.logLocked(text)
	return len(text), nil
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
	if c.json {
		c.mu.Unlock()
		return
	}
	c.clearLocked()
	c.writeAndUnlock(piece{text: []byte(text)})
}

// record writes an object. With JSON off it is left out.
func (c *console) record(object any) {
	if !c.wantsRecords() {
		return
	}
	line, err := control.Line(object)
	c.mu.Lock()
	if err != nil {
		c.err = err
		c.mu.Unlock()
		return
	}
	c.clearLocked()
	c.writeAndUnlock(piece{text: line})
}

// progressWidth is how much of a progress line is shown.
const progressWidth = 78

// show writes over the progress line, on a terminal; nowhere else is it of use.
func (c *console) show(format string, arguments ...any) {
	if !c.terminal {
		return
	}
	text := control.Visible(fmt.Appendf(nil, format, arguments...))
	if runes := []rune(text); len(runes) > progressWidth { // a line that wraps could not be taken away
		text = string(runes[:progressWidth-1]) + "…"
	}
	c.mu.Lock()
	c.clearLocked()
	c.progress = utf8.RuneCountInString(text)
	c.writeAndUnlock(piece{text: []byte(text), aside: true})
}

// clearProgress takes the progress line away.
func (c *console) clearProgress() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearLocked()
}

func (c *console) clearLocked() {
	if c.progress > 0 {
		c.putLocked(piece{text: fmt.Appendf(nil, "\r%*s\r", c.progress, ""), aside: true})
		c.progress = 0
	}
}

// note writes a line for people beside the results: to stderr.
func (c *console) note(format string, arguments ...any) {
	text := control.Visible(fmt.Appendf(nil, format, arguments...)) + "\n"
	c.mu.Lock()
	c.clearLocked()
	c.writeAndUnlock(piece{text: []byte(text), aside: true})
}

// noteSoon is note for who must not wait.
func (c *console) noteSoon(format string, arguments ...any) {
	text := control.Visible(fmt.Appendf(nil, format, arguments...)) + "\n"
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearLocked()
	c.putLocked(piece{text: []byte(text), aside: true})
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
