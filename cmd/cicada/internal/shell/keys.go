package shell

import (
	"bytes"
	"io"
	"sync"
)

// Keys stands between a raw terminal and who edits lines, and takes Ctrl-C out of what
// is typed: while a line is edited, that clears it; else it calls the function that
// ends the command under way. Either way what was typed ahead is forgotten.
type Keys struct {
	mu        sync.Mutex // guards the fields below
	more      *sync.Cond // typed or err changed
	typed     []byte     // and not read yet
	err       error
	editing   bool // the end of the line was not read yet: no command runs
	interrupt func()
}

const (
	interruptKey = 3
	clearLine    = "\x05\x15" // Ctrl-E, Ctrl-U: to the end, and all before it away
	maxTyped     = 64 << 10   // ahead; what comes on top is dropped
)

// NewKeys reads from a terminal, from now until its end: nothing can end a read that
// waits.
func NewKeys(terminal io.Reader) *Keys {
	k := &Keys{editing: true, interrupt: func() {}}
	k.more = sync.NewCond(&k.mu)
	go k.pump(terminal)
	return k
}

// OnInterrupt says what Ctrl-C calls while no line is edited: something quick that
// does not call k.
func (k *Keys) OnInterrupt(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.interrupt = f
}

// Read returns what was typed, of one line at most: the rest is to be forgotten where
// Ctrl-C follows.
func (k *Keys) Read(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.editing = true
	for len(k.typed) == 0 && k.err == nil {
		k.more.Wait()
	}
	if k.err != nil && len(k.typed) == 0 {
		return 0, k.err
	}
	line := k.typed
	if end := bytes.IndexAny(line, "\r\n"); end >= 0 {
		line = line[:end+1]
	}
	n := copy(b, line)
	k.typed = k.typed[n:]
	k.editing = n == 0 || b[n-1] != '\r' && b[n-1] != '\n'
	return n, nil
}

// Close ends reading, now.
func (k *Keys) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.typed, k.err = nil, io.EOF
	k.more.Broadcast()
}

func (k *Keys) pump(terminal io.Reader) {
	var buffer [1024]byte
	for {
		n, err := terminal.Read(buffer[:])
		k.take(buffer[:n], err)
		if err != nil {
			return
		}
	}
}

// take notes what was typed, and why nothing follows.
func (k *Keys) take(keys []byte, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return // it was closed
	}
	for _, key := range keys {
		switch {
		case key != interruptKey:
			if len(k.typed) < maxTyped {
				k.typed = append(k.typed, key)
			}
		case k.editing:
			k.typed = []byte(clearLine)
		default:
			k.typed = nil
			k.interrupt()
		}
	}
	k.err = err
	k.more.Broadcast()
}
