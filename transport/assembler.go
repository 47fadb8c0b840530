package transport

import "cicada/wire"

// readSize is how much is asked of TLS at once: one full record.
const readSize = 16 << 10

// An assembler cuts the bytes of one link into frames. It takes memory for what
// has come, at most a step of the pool ahead, and never for what a header
// promises. It is used by one goroutine.
type assembler struct {
	pool  *pool
	buf   *buffer // nil while nothing waits
	start int     // what lies before is handed out
}

// space returns room to read into. It is never empty, and good until the next call.
func (a *assembler) space() []byte {
	if a.buf == nil {
		a.buf, a.start = a.pool.take(readSize), 0
	}
	if a.start > 0 && cap(a.buf.b)-len(a.buf.b) < readSize/4 {
		n := copy(a.buf.b, a.buf.b[a.start:])
		a.buf.b, a.start = a.buf.b[:n], 0
	}
	if len(a.buf.b) == cap(a.buf.b) {
		a.buf = a.pool.grow(a.buf, 1)
	}
	return a.buf.b[len(a.buf.b):cap(a.buf.b)]
}

// filled says that the first n bytes of the last space were read into.
func (a *assembler) filled(n int) { a.buf.b = a.buf.b[:len(a.buf.b)+n] }

// next returns the next whole frame, if there is one. body is good until the next
// call of space. The error is a *wire.Error; after it the rest has no meaning.
func (a *assembler) next() (kind wire.FrameKind, body []byte, ok bool, err error) {
	if a.buf == nil {
		return 0, nil, false, nil
	}
	waiting := a.buf.b[a.start:]
	if len(waiting) < wire.FrameHeaderSize {
		return 0, nil, false, nil
	}
	kind, length, err := wire.ParseFrameHeader(waiting)
	if err != nil {
		return 0, nil, false, err
	}
	end := wire.FrameHeaderSize + length
	if len(waiting) < end {
		return 0, nil, false, nil
	}
	a.start += end
	return kind, waiting[wire.FrameHeaderSize:end:end], true, nil
}

// rest gives memory back where no part of a frame waits.
func (a *assembler) rest() {
	if a.buf != nil && a.start == len(a.buf.b) {
		a.release()
	}
}

// release gives all memory back.
func (a *assembler) release() {
	a.pool.give(a.buf)
	a.buf, a.start = nil, 0
}
