package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"cicada/identity"
	"cicada/wire"
)

// chunk is how much is encrypted before the writer looks whether the kernel still
// takes it: four full TLS records.
const chunk = 64 << 10

// maxPatience is how often over Limits.CloseTimeout is spent on a closing link,
// as long as bytes still go one way or the other.
const maxPatience = 5

// A link is the one implementation of Link.
//
// It is open until shut, which queues a close frame, the last. It then reads until
// the other end's close frame has come, or a deadline, and ends. So what either
// end had queued is delivered, whoever began. Who broke a rule is not listened to
// any more, only waited for.
type link struct {
	links   *Links
	peer    identity.ID
	remote  netip.AddrPort
	dialled bool
	carrier *carrier
	tls     *tls.Conn
	deaf    atomic.Bool   // frames that still come are not handed over
	ready   chan struct{} // closed once Up was reported and Links knows the link
	sent    chan struct{} // closed once nothing more will be written

	// Guarded by links.mu.
	since     time.Time // it began
	lastUsed  time.Time // as the sweep saw it
	retired   bool      // not to be sent to any more
	contested bool      // a link that the peer dialled was turned away for this one

	mu      sync.Mutex  // guards the fields below
	out     *buffer     // frames queued
	rest    *buffer     // frames being encrypted; restAt is where to go on
	restAt  int         //
	writing bool        // somebody is in tls.Write
	touched bool        // used since the sweep last looked
	giveUp  time.Time   // when closing ends, progress or not
	closing bool        // the close frame is queued, or nothing can be
	done    bool        // sent is closed
	cause   *CloseError // why it ends
}

var _ Link = (*link)(nil)

func (l *link) Peer() identity.ID      { return l.peer }
func (l *link) Remote() netip.AddrPort { return l.remote }
func (l *link) Dialled() bool          { return l.dialled }

func (l *link) Queue(kind wire.FrameKind, head, body []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return ErrClosed
	}
	size := wire.FrameHeaderSize + len(head) + len(body)
	if waiting := l.waitingLocked(); waiting > 0 && waiting+size > l.links.limits.Backlog {
		return ErrBacklog
	}
	out, err := appendFrame(&l.links.pool, l.out, kind, head, body)
	if err != nil {
		return err
	}
	l.out, l.touched = out, true
	return nil
}

// appendFrame appends one frame to b, which may be nil, and returns what b became.
// After an error b is as it was.
func appendFrame(p *pool, b *buffer, kind wire.FrameKind, head, body []byte) (*buffer, error) {
	length := len(head) + len(body)
	if _, longest := kind.Limits(); length > longest {
		return b, fmt.Errorf("%w: a %v of %d bytes, the limit is %d", ErrTooLarge, kind, length, longest)
	}
	var room [wire.FrameHeaderSize]byte
	header, err := wire.AppendFrameHeader(room[:0], kind, length)
	if err != nil {
		return b, fmt.Errorf("transport: queue a frame: %w", err)
	}
	b = p.grow(b, len(header)+length)
	b.b = append(append(append(b.b, header...), head...), body...)
	return b, nil
}

// adopt queues frames that waited for a link, and gives their buffer back.
func (l *link) adopt(frames *buffer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = l.links.pool.grow(l.out, len(frames.b))
	l.out.b = append(l.out.b, frames.b...)
	l.touched = true
	l.links.pool.give(frames)
}

// use reports whether the link was used since it was last asked.
func (l *link) use() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	touched := l.touched
	l.touched = false
	return touched
}

// reason returns why the link ends, as far as that is known.
func (l *link) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil {
		return ErrClosed
	}
	return l.cause
}

// waitingLocked returns how many bytes the kernel has not taken yet.
func (l *link) waitingLocked() int {
	n := int(l.carrier.waiting.Load())
	if l.out != nil {
		n += len(l.out.b)
	}
	if l.rest != nil {
		n += len(l.rest.b) - l.restAt
	}
	return n
}

// Flush writes until all is written or the kernel takes no more. Where somebody
// does so already it leaves the work to them; where the carrier is busy it will
// call again.
func (l *link) Flush() {
	l.mu.Lock()
	for !l.writing && (l.rest != nil || l.out != nil) && !l.carrier.busy.Load() {
		if l.rest == nil {
			l.rest, l.restAt, l.out = l.out, 0, nil
		}
		part := l.rest.b[l.restAt:min(l.restAt+chunk, len(l.rest.b))]
		l.writing = true
		l.mu.Unlock()
		_, err := l.tls.Write(part)
		l.mu.Lock()
		l.writing = false
		l.progressLocked()
		if l.restAt += len(part); l.restAt == len(l.rest.b) || err != nil {
			l.links.pool.give(l.rest)
			l.rest = nil
		}
		if err != nil {
			l.mu.Unlock()
			l.abort(err)
			return
		}
	}
	if l.closing && !l.writing && l.rest == nil && l.out == nil && !l.carrier.busy.Load() {
		l.doneLocked()
	}
	l.mu.Unlock()
}

// doneLocked says that nothing more will be written.
func (l *link) doneLocked() {
	if !l.done {
		l.done = true
		close(l.sent)
	}
}

func (l *link) Close(code wire.Code, reason string) {
	l.shut(&CloseError{Code: code, Reason: reason})
}

// shut begins the end: it takes the link out of use, and queues the last frame.
// Only the first cause counts. It does not wait.
func (l *link) shut(cause *CloseError) {
	l.links.retire(l)
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return
	}
	l.closing, l.cause = true, cause
	l.giveUp = time.Now().Add(maxPatience * l.links.limits.CloseTimeout)
	text := cause.Reason
	if cause.Remote {
		text = "" // only agreeing
	}
	// The body is within its limits whatever the text, so that there is no error.
	l.out, _ = appendFrame(&l.links.pool, l.out, wire.FrameClose, wire.AppendClose(nil, cause.Code, text), nil)
	l.mu.Unlock()
	if isOffence(cause.Code) {
		l.deaf.Store(true)
	}
	l.setDeadline()
	l.Flush()
}

// setDeadline gives a closing link CloseTimeout from now. Where this fails the
// connection is gone, which the reader will notice.
func (l *link) setDeadline() {
	_ = l.carrier.SetDeadline(time.Now().Add(l.links.limits.CloseTimeout))
}

// progressLocked gives a closing link more time, as bytes went one way or the other.
func (l *link) progressLocked() {
	if l.closing && l.links.ctx.Err() == nil && time.Now().Before(l.giveUp) {
		l.setDeadline()
	}
}

// isOffence reports whether the code blames the other end. What it still sends is
// not worth handing over.
func isOffence(code wire.Code) bool {
	switch code {
	case wire.CodeNone, wire.CodeLeaving, wire.CodeIdle, wire.CodeReplaced, wire.CodeOverloaded:
		return false
	}
	return true
}

// abort ends the link at once: a write failed.
func (l *link) abort(err error) {
	l.links.retire(l)
	l.mu.Lock()
	if l.cause == nil {
		l.cause = &CloseError{Code: wire.CodeNone, Remote: true, Err: err}
	}
	l.closing = true
	l.doneLocked()
	l.mu.Unlock()
	l.carrier.Conn.Close() // wakes the reader
}

// run is the link's goroutine.
func (l *link) run() {
	defer l.links.running.Done()
	l.links.handler.Up(l)
	l.links.register(l)
	l.finish(l.read())
}

// read hands over frames until the link ends. Its error is nil if the other end
// said why.
func (l *link) read() error {
	in := assembler{pool: &l.links.pool}
	defer in.release()
	fresh := true // something came since Handler.Read, as far as is known
	for {
		space := in.space()
		n, err := l.tls.Read(space)
		if n > 0 {
			in.filled(n)
			closed := l.deliver(&in)
			if closed || l.deaf.Load() {
				l.reportRead(&fresh)
				return l.agree(closed)
			}
		}
		if err == nil && (n == len(space) || !l.carrier.used()) {
			continue
		}
		l.reportRead(&fresh)
		if err != nil && !errors.Is(err, errDry) {
			return err
		}
		in.rest()
		if err := l.carrier.fill(); err != nil {
			return err
		}
		fresh = true // though it may be part of a record
	}
}

// deliver hands over every frame that is complete. closed reports that the other
// end's last one was among them.
func (l *link) deliver(in *assembler) (closed bool) {
	for !l.deaf.Load() {
		kind, body, ok, err := in.next()
		if err == nil && ok && kind == wire.FrameProof {
			err = &wire.Error{Code: wire.CodeProtocol, Reason: "a second proof"}
		}
		if err != nil {
			l.shut(offence(err))
			return false
		}
		if !ok {
			break
		}
		if kind == wire.FrameClose {
			code, reason, err := wire.ParseClose(body)
			l.shut(&CloseError{Code: code, Reason: reason, Remote: true, Err: err})
			return true
		}
		l.links.handler.Frame(l, kind, body)
	}
	return false
}

// reportRead tells the handler that something came, and that the frames which it
// completed are handed over.
func (l *link) reportRead(fresh *bool) {
	if !*fresh {
		return
	}
	*fresh = false
	l.mu.Lock()
	l.touched = true
	l.progressLocked()
	l.mu.Unlock()
	l.links.handler.Read(l)
}

// agree ends a conversation. Where the other end has said its last word, all that
// remains is to write ours; else ours must reach it, and what it still says is
// thrown away, as closing over unread bytes would reset the connection.
func (l *link) agree(closed bool) error {
	if !closed {
		return l.carrier.discard()
	}
	<-l.sent
	return nil
}

// offence turns an error of package wire into the cause of a close.
func offence(err error) *CloseError {
	var broken *wire.Error
	if errors.As(err, &broken) {
		return &CloseError{Code: broken.Code, Reason: broken.Reason}
	}
	return &CloseError{Code: wire.CodeProtocol, Reason: err.Error()}
}

// finish frees what the link holds, and reports its end. err is what the reader met.
func (l *link) finish(err error) {
	l.links.retire(l)
	l.mu.Lock()
	l.closing = true
	if l.cause == nil {
		l.cause = lost(err)
	}
	cause := l.cause
	l.doneLocked()
	l.mu.Unlock()
	l.carrier.end()
	l.mu.Lock()
	l.links.pool.give(l.out)
	l.out = nil
	l.mu.Unlock()
	l.links.forget(l)
	l.links.handler.Down(l, cause)
}

// lost says why a link ended without a close frame: the network, or bytes that
// TLS does not accept.
func lost(err error) *CloseError {
	var header tls.RecordHeaderError
	var op *net.OpError
	if errors.As(err, &header) || errors.As(err, &op) && op.Op == "local error" {
		return &CloseError{Code: wire.CodeProtocol, Err: err}
	}
	return &CloseError{Code: wire.CodeNone, Remote: true, Err: err}
}
