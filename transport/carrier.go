package transport

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	quietRead   = 2 << 10  // asked for where nothing is known to wait
	busyRead    = 64 << 10 // asked for while data flows
	overflowMax = 1 << 20  // ciphertext that may wait; writers stop far below

	// handshakeBytes bounds what the other end may send until the link is up. An
	// honest handshake has about 1300 bytes.
	handshakeBytes = 16 << 10
)

var errHandshakeBytes = errors.New("handshake too long")

// dryError tells tls.Conn that no bytes are at hand, and that asking again later
// is worth while: it keeps its state after an error that calls itself temporary.
type dryError struct{}

func (dryError) Error() string   { return "transport: nothing to read yet" }
func (dryError) Timeout() bool   { return false }
func (dryError) Temporary() bool { return true }

var errDry net.Error = dryError{}

// A carrier is the connection below TLS. Its Read only hands out what fill has
// brought, and never beyond the end of a TLS record, so that the reader knows when
// all of it is used up without asking TLS, and so that nothing but fill ever blocks. Its Write never blocks: what the kernel
// does not take waits, and is written by a goroutine of its own that ends when
// all is written. While that runs the carrier is busy.
//
// Where the operating system lets it, fill waits without holding a buffer, and
// Write goes straight to the kernel; elsewhere fill waits in a small buffer and
// every Write goes by way of the goroutine.
type carrier struct {
	net.Conn
	pool   *pool
	raw    syscall.RawConn // nil: the portable way
	kernel kernelCalls     // state of the calls through raw

	// Used by the reader alone.
	young    bool // in its handshake: Read blocks, few bytes are taken
	received int  // bytes while young
	full     bool // the last read filled its buffer
	in       *buffer
	inStart  int
	cutter   recordCutter

	busy    atomic.Bool
	waiting atomic.Int64 // bytes that wait below
	writers sync.WaitGroup

	mu   sync.Mutex // guards the fields below
	over *buffer    // ciphertext that the kernel has not taken
	err  error      // the first that a write met; no write after it
	step func()     // called after each part of what had to wait
	then func()     // called after the carrier was busy
}

func newCarrier(conn net.Conn, pool *pool) *carrier {
	c := &carrier{Conn: conn, pool: pool, young: true}
	c.raw = rawConn(conn)
	if c.raw != nil {
		limitUnsent(c.raw)
	}
	c.kernel.bind(c)
	return c
}

// Read hands out what fill brought, or returns errDry.
func (c *carrier) Read(p []byte) (int, error) {
	if c.in == nil {
		if !c.young {
			return 0, errDry
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
		if c.received += len(c.in.b); c.received > handshakeBytes {
			return 0, errHandshakeBytes
		}
	}
	rest := c.in.b[c.inStart:]
	n := copy(p, rest[:c.cutter.cut(rest[:min(len(rest), len(p))])])
	if c.inStart += n; c.inStart == len(c.in.b) {
		c.dropInput()
	}
	return n, nil
}

// used reports whether TLS has had all that fill brought, and no part of a record
// is among it.
func (c *carrier) used() bool {
	return c.in == nil && c.cutter.left == 0 && c.cutter.have == 0
}

// A recordCutter follows the headers of TLS records through a stream.
type recordCutter struct {
	header [recordHeader]byte
	have   int // bytes of header that have come
	left   int // bytes of the record that are to come
}

// recordHeader is the size of a TLS record's header; its last two bytes are the
// length of what follows.
const recordHeader = 5

// cut goes on to the end of the current record, or of b, and returns how much of b that is.
func (r *recordCutter) cut(b []byte) int {
	n := 0
	if r.left == 0 {
		n = copy(r.header[r.have:], b)
		if r.have += n; r.have < recordHeader {
			return n
		}
		r.have, r.left = 0, int(r.header[3])<<8|int(r.header[4])
	}
	body := min(r.left, len(b)-n)
	r.left -= body
	return n + body
}

// fill blocks until bytes are there, and takes them. All earlier ones must be used up.
func (c *carrier) fill() error {
	c.inStart = 0
	if c.raw != nil {
		return c.fillFromKernel()
	}
	size := quietRead
	if c.full && !c.young {
		size = busyRead
	}
	in := c.pool.take(size)
	n, err := c.Conn.Read(in.b[:size])
	if n == 0 {
		c.pool.give(in)
		if err == nil {
			err = io.ErrNoProgress
		}
		return err
	}
	c.full = n == size
	in.b = in.b[:n]
	c.in = in
	return nil
}

// discard reads and forgets until the connection ends.
func (c *carrier) discard() error {
	for {
		c.dropInput()
		if err := c.fill(); err != nil {
			return err
		}
	}
}

func (c *carrier) dropInput() {
	c.pool.give(c.in)
	c.in = nil
}

// Write sends p, or keeps it until the kernel takes it. It never blocks.
func (c *carrier) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	rest := p
	if c.raw != nil && !c.busy.Load() {
		n, err := c.kernel.write(c.raw, p)
		if err != nil {
			c.err = err
			return n, err
		}
		rest = p[n:]
	}
	if len(rest) == 0 {
		return len(p), nil
	}
	if c.over != nil && len(c.over.b)+len(rest) > overflowMax {
		c.err = ErrBacklog
		return len(p) - len(rest), c.err
	}
	c.over = c.pool.grow(c.over, len(rest))
	c.over.b = append(c.over.b, rest...)
	c.waiting.Add(int64(len(rest)))
	if !c.busy.Load() {
		c.busy.Store(true)
		c.writers.Add(1)
		go c.drain()
	}
	return len(p), nil
}

// drainPart is how much of what waits is written before that is told: less than a
// second's worth on a line of 256 kbit/s.
const drainPart = 16 << 10

// drain writes what waits, blocking as long as that takes.
func (c *carrier) drain() {
	defer c.writers.Done()
	c.mu.Lock()
	for c.over != nil && c.err == nil {
		over, step := c.over, c.step
		c.over = nil
		c.mu.Unlock()
		err := c.writeOut(over.b, step)
		c.mu.Lock()
		c.pool.give(over)
		if err != nil && c.err == nil {
			c.err = err
		}
	}
	c.busy.Store(false)
	then := c.then
	c.mu.Unlock()
	if then != nil {
		then()
	}
}

// writeOut writes p part by part, and calls step after each that the other end had
// to make room for. One that was taken at once says nothing about it.
func (c *carrier) writeOut(p []byte, step func()) error {
	const atOnce = time.Millisecond
	for len(p) > 0 {
		began := time.Now()
		n, err := c.Conn.Write(p[:min(drainPart, len(p))])
		c.waiting.Add(-int64(n))
		if err != nil {
			c.waiting.Add(-int64(len(p) - n))
			return err
		}
		p = p[n:]
		if step != nil && time.Since(began) >= atOnce {
			step()
		}
	}
	return nil
}

// whileDrained has step called each time the other end took a part of what had
// to wait, and then when all is written and the carrier is no longer busy.
func (c *carrier) whileDrained(step, then func()) {
	c.mu.Lock()
	c.step, c.then = step, then
	c.mu.Unlock()
}

// end closes the connection and waits until no goroutine writes to it. It is
// called by the reader, last.
func (c *carrier) end() {
	c.mu.Lock()
	if c.err == nil {
		c.err = ErrClosed
	}
	c.mu.Unlock()
	c.Conn.Close()
	c.writers.Wait()
	c.dropInput()
	c.mu.Lock()
	c.pool.give(c.over)
	c.over = nil
	c.mu.Unlock()
}
