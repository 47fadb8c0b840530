package memory

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// holds is what holds up traffic in a pipe.
type holds struct {
	cut    bool // nothing arrives
	writer bool // the writing host is paused
	reader bool // the reading host is paused
}

// A segment is what one write brought.
type segment struct {
	at   time.Time // it arrives
	data []byte
	last bool // no data: the writer closed
}

// A pipe carries bytes one way between two hosts.
type pipe struct {
	network  *Network
	from, to netip.Addr

	mu       sync.Mutex // guards the fields below
	cond     *sync.Cond
	held     holds
	cutSince time.Time
	segments []segment
	size     int       // bytes in segments
	free     time.Time // when the last byte written has left, where bandwidth is limited
	readBy   time.Time
	writeBy  time.Time
	broken   bool // reset: nothing more is read
	pending  bool // reset, and the reader does not know until the cut heals
	noReader bool // the reading end closed
	noWriter bool // the writing end closed
}

func newPipe(n *Network, from, to netip.Addr) *pipe {
	p := &pipe{network: n, from: from, to: to}
	p.cond = sync.NewCond(&p.mu)
	return p
}

// write puts b into the pipe, waiting for room.
func (p *pipe) write(b []byte) (int, error) {
	delay := p.network.delay()
	p.mu.Lock()
	defer p.mu.Unlock()
	written := 0
	for {
		switch {
		case p.noWriter:
			return written, net.ErrClosed
		case p.noReader && !p.held.cut, p.broken:
			return written, &net.OpError{Op: "write", Net: "memory", Err: syscall.ECONNRESET}
		case expired(p.writeBy):
			return written, os.ErrDeadlineExceeded
		case written == len(b):
			return written, nil
		}
		room := p.network.config.Buffer - p.size
		if p.held.writer || room <= 0 {
			p.waitLocked(p.writeBy)
			continue
		}
		part := b[written:min(written+room, len(b))]
		p.pushLocked(segment{data: append([]byte(nil), part...)}, delay)
		written += len(part)
	}
}

// pushLocked sends s on its way.
func (p *pipe) pushLocked(s segment, delay time.Duration) {
	now := time.Now()
	if rate := p.network.config.Bandwidth; rate > 0 {
		if p.free.Before(now) {
			p.free = now
		}
		p.free = p.free.Add(time.Duration(len(s.data)) * time.Second / time.Duration(rate))
		now = p.free
	}
	s.at = now.Add(delay)
	if n := len(p.segments); n > 0 && s.at.Before(p.segments[n-1].at) {
		s.at = p.segments[n-1].at
	}
	p.segments = append(p.segments, s)
	p.size += len(s.data)
	p.cond.Broadcast()
}

// read takes what has arrived, waiting for something.
func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.noReader:
			return 0, net.ErrClosed
		case p.broken && !p.held.reader:
			return 0, &net.OpError{Op: "read", Net: "memory", Err: syscall.ECONNRESET}
		case expired(p.readBy):
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		}
		until := p.readBy
		if len(p.segments) > 0 && !p.held.reader {
			head := &p.segments[0]
			if p.arrivedLocked(head) {
				return p.takeLocked(head, b)
			}
			if !p.held.cut && (until.IsZero() || head.at.Before(until)) {
				until = head.at
			}
		}
		p.waitLocked(until)
	}
}

// arrivedLocked reports whether s has come, which may have been before a cut.
func (p *pipe) arrivedLocked(s *segment) bool {
	return !s.at.After(time.Now()) && (!p.held.cut || !s.at.After(p.cutSince))
}

func (p *pipe) takeLocked(head *segment, b []byte) (int, error) {
	if head.last {
		return 0, io.EOF // for every read from now on
	}
	n := copy(b, head.data)
	head.data = head.data[n:]
	p.size -= n
	if len(head.data) == 0 {
		p.segments = p.segments[1:]
	}
	p.cond.Broadcast()
	return n, nil
}

// waitLocked waits for a change, or until a time, if that is not zero.
func (p *pipe) waitLocked(until time.Time) {
	if !until.IsZero() {
		timer := time.AfterFunc(time.Until(until), func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.cond.Broadcast()
		})
		defer timer.Stop()
	}
	p.cond.Wait()
}

func expired(by time.Time) bool { return !by.IsZero() && !time.Now().Before(by) }

func (p *pipe) setDeadline(which *time.Time, t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	*which = t
	p.cond.Broadcast()
	return nil
}

// hold changes what holds the pipe up. Where a cut heals, what was on its way
// begins its journey again.
func (p *pipe) hold(h holds) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if h.cut && !p.held.cut {
		p.cutSince = now
	}
	if !h.cut && p.held.cut {
		again := now.Add(p.network.config.Latency)
		for i := range p.segments {
			if s := &p.segments[i]; s.at.After(p.cutSince) && s.at.Before(again) {
				s.at = again
			}
		}
		p.broken = p.broken || p.pending
	}
	p.held = h
	p.cond.Broadcast()
}

// finish says that nothing more will be written.
func (p *pipe) finish() error {
	delay := p.network.delay()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.noWriter {
		return net.ErrClosed
	}
	p.noWriter = true
	p.pushLocked(segment{last: true}, delay)
	return nil
}

// stopWriting makes writes fail.
func (p *pipe) stopWriting() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noWriter = true
	p.cond.Broadcast()
}

// stopReading makes reads fail, and reports whether bytes that came are lost by it.
func (p *pipe) stopReading() (unread bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	unread = !p.noReader && p.size > 0 && p.arrivedLocked(&p.segments[0])
	p.noReader = true
	p.segments, p.size = nil, 0
	p.cond.Broadcast()
	return unread
}

// reset makes reads fail at once, or where the path is cut, when it heals.
func (p *pipe) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noWriter = true
	if p.held.cut {
		p.pending = true
	} else {
		p.broken = true
	}
	p.cond.Broadcast()
}
