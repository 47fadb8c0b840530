package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// An outlet writes to stdout and stderr, in the order it is given things, from one
// goroutine at a time. So who writes can stop waiting where nobody reads.
type outlet struct {
	mu      sync.Mutex // guards the fields below
	stdout  io.Writer
	stderr  io.Writer
	err     error // the first that stdout met
	queue   []piece
	writing bool // a goroutine does
	log     backlog

	interrupted <-chan struct{} // set before the first write; nil: nobody interrupts
	left        chan struct{}   // closed when nobody waits any more
	leaving     sync.Once
}

// A piece is something to be written.
type piece struct {
	text    []byte
	aside   bool          // to stderr
	logged  bool          // a part of the backlog
	written chan struct{} // closed when it is, or cannot be; nil: nobody waits
}

// A backlog counts the lines of a log that wait to be written.
type backlog struct {
	bytes   int
	full    bool // nothing is added until half of it is written
	dropped int  // lines, and not yet told
}

const (
	maxBacklog   = 1 << 20                // bytes of lines of a log that wait
	lastPatience = 250 * time.Millisecond // for one who does not read, after an interrupt
)

func newOutlet(stdout, stderr io.Writer) outlet {
	return outlet{stdout: stdout, stderr: stderr, left: make(chan struct{})}
}

// putLocked has p written some time.
func (o *outlet) putLocked(p piece) {
	o.queue = append(o.queue, p)
	if !o.writing {
		o.writing = true
		go o.write()
	}
}

// writeAndUnlock returns when p is written, or an interrupt leaves no time for it.
func (o *outlet) writeAndUnlock(p piece) {
	p.written = make(chan struct{})
	o.putLocked(p)
	o.mu.Unlock()
	select {
	case <-p.written:
		return
	case <-o.left:
		return
	case <-o.interrupted:
	}
	patience := time.NewTimer(lastPatience)
	defer patience.Stop()
	select {
	case <-p.written:
	case <-o.left:
	case <-patience.C:
		o.leaving.Do(o.leave)
	}
}

// leave has nobody wait any more.
func (o *outlet) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = context.Canceled
	}
	close(o.left)
}

// flush waits until all is written that was put before.
func (o *outlet) flush() {
	o.mu.Lock()
	o.writeAndUnlock(piece{})
}

// lastWord writes a line to stderr, even where stdout keeps everything waiting.
func (o *outlet) lastWord(line string) {
	select {
	case <-o.left:
	default:
		o.mu.Lock()
		o.writeAndUnlock(piece{text: []byte(line), aside: true})
		return
	}
	o.mu.Lock()
	stderr := o.stderr
	o.mu.Unlock()
	said := make(chan struct{})
	go func() {
		fmt.Fprint(stderr, line)
		close(said)
	}()
	select {
	case <-said:
	case <-time.After(lastPatience):
	}
}

// logLocked has a line of a log written some time, or dropped.
func (o *outlet) logLocked(line []byte) {
	if o.log.full = o.log.full || o.log.bytes+len(line) > maxBacklog; o.log.full {
		o.log.dropped++
		return
	}
	o.tellDroppedLocked()
	o.log.bytes += len(line)
	o.putLocked(piece{text: bytes.Clone(line), logged: true})
}

// tellDroppedLocked adds to the log how many of its lines are missing there.
func (o *outlet) tellDroppedLocked() {
	if o.log.dropped > 0 {
		const line = "time=%s level=WARN msg=\"%d lines of the log were dropped: they were not read fast enough\"\n"
		text := fmt.Appendf(nil, line, time.Now().Format(time.RFC3339), o.log.dropped)
		o.log.dropped = 0
		o.putLocked(piece{text: text})
	}
}

// write writes until there is nothing left to write.
func (o *outlet) write() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 {
		p := o.queue[0]
		o.queue[0] = piece{} // or its text would be kept
		o.queue = o.queue[1:]
		o.writeOneLocked(p)
		if p.written != nil {
			close(p.written)
		}
		if p.logged {
			o.log.bytes -= len(p.text)
			o.log.full = o.log.full && o.log.bytes > maxBacklog/2
		}
		if len(o.queue) == 0 {
			o.tellDroppedLocked()
		}
	}
	o.writing = false
}

// writeOneLocked writes without the lock: it can take for ever.
func (o *outlet) writeOneLocked(p piece) {
	if len(p.text) == 0 || !p.aside && o.err != nil {
		return
	}
	w := o.stdout
	if p.aside {
		w = o.stderr
	}
	o.mu.Unlock()
	_, err := w.Write(p.text)
	o.mu.Lock()
	if !p.aside && o.err == nil {
		o.err = err
	}
}
