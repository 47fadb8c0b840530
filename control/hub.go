package control

import (
	"context"
	"sync"
	"time"

	"cicada/swarm"
)

// A hub hands every message that arrives to everybody who receives at that time.
// While nobody does, messages stay in the peer's own inbox, whose bounds then hold.
// At most one goroutine reads from the peer; it ends with the last receiver.
type hub struct {
	receive func(context.Context) (swarm.Message, error)

	mu        sync.Mutex // guards the fields below
	receivers map[*receiver]struct{}
	stop      context.CancelFunc // ends the goroutine that reads; nil: none does
	left      []swarm.Message    // read, and then nobody took it: at most one
}

// A receiver is one who receives. It says of each message that it took, before it
// takes another or parts, whether it passed that on.
type receiver struct {
	messages chan swarm.Message // holds one; closed where the peer gives no more
	passed   chan bool          // for each of them, whether it was passed on
	out      chan struct{}      // closed when it is put out
	abort    func()             // has it fail at once to pass on what it is at; not called once it parted
	gone     chan struct{}      // closed when it parts
	leaving  sync.Once
}

// stall is how long receivers may keep the others waiting, all together.
const stall = 5 * time.Second

func newHub(receive func(context.Context) (swarm.Message, error)) *hub {
	return &hub{receive: receive, receivers: make(map[*receiver]struct{})}
}

// join adds a receiver. It must part. Where it keeps the others waiting, abort is
// called, which must not wait.
func (h *hub) join(abort func()) *receiver {
	r := &receiver{
		messages: make(chan swarm.Message, 1), // what it did not take when it parts is still to be had by others
		passed:   make(chan bool, 1),
		out:      make(chan struct{}),
		abort:    abort,
		gone:     make(chan struct{}),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.receivers[r] = struct{}{}
	if h.stop == nil {
		h.startLocked()
	}
	return r
}

func (h *hub) startLocked() {
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	go h.read(ctx)
}

// part takes a receiver out. Doing so again does nothing.
func (h *hub) part(r *receiver) {
	r.leaving.Do(func() { close(r.gone) })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.removeLocked(r)
}

// putOut takes a receiver out that keeps the others waiting, if it is still there.
func (h *hub) putOut(r *receiver) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.receivers[r]; there {
		h.removeLocked(r)
		close(r.out)
		r.abort()
	}
}

func (h *hub) removeLocked(r *receiver) {
	delete(h.receivers, r)
	if len(h.receivers) == 0 && h.stop != nil {
		h.stop()
	}
}

// read hands out messages until the last receiver has gone, or the peer gives no
// more.
func (h *hub) read(ctx context.Context) {
	var err error
	for err == nil && ctx.Err() == nil {
		var m swarm.Message
		if m, err = h.next(ctx); err == nil && !h.handOut(m) {
			h.mu.Lock()
			h.left = append(h.left, m)
			h.mu.Unlock()
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stop = nil
	switch {
	case ctx.Err() == nil: // the peer is closed
		for r := range h.receivers {
			close(r.messages)
			delete(h.receivers, r)
		}
	case len(h.receivers) > 0: // one came while this goroutine ended
		h.startLocked()
	}
}

// next returns what is left over, or the next message to arrive.
func (h *hub) next(ctx context.Context) (swarm.Message, error) {
	h.mu.Lock()
	if len(h.left) > 0 {
		m := h.left[0]
		h.left = nil
		h.mu.Unlock()
		return m, nil
	}
	h.mu.Unlock()
	return h.receive(ctx)
}

// handOut gives a message to all receivers and reports whether any passed it on. It
// takes no longer than stall, however many do not.
func (h *hub) handOut(m swarm.Message) (taken bool) {
	h.mu.Lock()
	all := make([]*receiver, 0, len(h.receivers))
	for r := range h.receivers {
		all = append(all, r)
	}
	h.mu.Unlock()
	for _, r := range all {
		r.messages <- m // there is room: each has passed on the one before
	}
	late := make(chan struct{})
	timer := time.AfterFunc(stall, func() { close(late) })
	defer timer.Stop()
	for _, r := range all {
		taken = h.passedOn(r, late) || taken
	}
	return taken
}

// passedOn waits until r has passed on what it was given, and reports whether it
// did. One that is late is put out; it says then how far it had come, so that what
// it passed on at the last moment goes to nobody again.
func (h *hub) passedOn(r *receiver, late <-chan struct{}) bool {
	select {
	case ok := <-r.passed:
		return ok
	case <-r.gone:
	case <-late:
		if len(r.passed) == 0 {
			h.putOut(r)
		}
	}
	select {
	case ok := <-r.passed:
		return ok
	case <-r.gone:
	}
	select {
	case ok := <-r.passed: // and then it parted
		return ok
	default:
		return false
	}
}
