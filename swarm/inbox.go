package swarm

import (
	"context"
	"sync"
)

// An inbox holds what arrived until the program takes it, within bounds.
type inbox struct {
	maxMessages, maxBytes int

	mu      sync.Mutex // guards the fields below
	waiting []Message  // waiting[head:] are still to be taken
	head    int
	bytes   int
	closed  bool
	arrived chan struct{} // one token while something may be waiting
}

func newInbox(maxMessages, maxBytes int) *inbox {
	return &inbox{maxMessages: maxMessages, maxBytes: maxBytes, arrived: make(chan struct{}, 1)}
}

// put adds m, or reports that there is no room.
func (b *inbox) put(m Message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.waiting)-b.head >= b.maxMessages || b.bytes+len(m.Data) > b.maxBytes {
		return false
	}
	b.waiting = append(b.waiting, m)
	b.bytes += len(m.Data)
	b.signal()
	return true
}

// take returns the oldest message, waiting for one.
func (b *inbox) take(ctx context.Context) (Message, error) {
	for {
		m, ok, closed := b.pop()
		if ok {
			return m, nil
		}
		if closed {
			return Message{}, ErrClosed
		}
		select {
		case <-b.arrived:
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
}

func (b *inbox) pop() (m Message, ok, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.head == len(b.waiting) {
		if b.closed {
			b.signal() // wake the next one that waits
		}
		return m, false, b.closed
	}
	m = b.waiting[b.head]
	b.waiting[b.head] = Message{}
	b.head++
	b.bytes -= len(m.Data)
	switch {
	case b.head == len(b.waiting):
		b.waiting, b.head = b.waiting[:0], 0
	case b.head > 64 && b.head > len(b.waiting)/2:
		n := copy(b.waiting, b.waiting[b.head:])
		clear(b.waiting[n:])
		b.waiting, b.head = b.waiting[:n], 0
		b.signal()
	default:
		b.signal()
	}
	return m, true, false
}

// signal leaves a token for one that waits.
func (b *inbox) signal() {
	select {
	case b.arrived <- struct{}{}:
	default:
	}
}

func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.signal()
}
