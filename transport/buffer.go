package transport

import "sync"

// sizes are the capacities of the buffers that a pool lends. What is larger is
// made for the occasion and left to the collector.
var sizes = [...]int{2 << 10, 16 << 10, 64 << 10, 256 << 10, 1<<20 + 64<<10}

// A buffer is a slice on loan from a pool.
type buffer struct {
	b     []byte
	class int // index in sizes, or -1
}

// A pool lends buffers, so that only links with data in their hands hold memory.
// Its methods may be called concurrently; the zero value is ready.
type pool struct {
	classes [len(sizes)]sync.Pool
}

// take lends an empty buffer with room for at least n bytes.
func (p *pool) take(n int) *buffer {
	for class, size := range sizes {
		if n > size {
			continue
		}
		if b, ok := p.classes[class].Get().(*buffer); ok {
			return b
		}
		return &buffer{b: make([]byte, 0, size), class: class}
	}
	return &buffer{b: make([]byte, 0, n), class: -1}
}

// give takes b back. The lender's slices of it must not be used again.
func (p *pool) give(b *buffer) {
	if b == nil || b.class < 0 {
		return
	}
	b.b = b.b[:0]
	p.classes[b.class].Put(b)
}

// grow returns a buffer that holds what b holds and has room for n bytes more. b
// is b itself or has been given back.
func (p *pool) grow(b *buffer, n int) *buffer {
	if b == nil {
		return p.take(n)
	}
	if len(b.b)+n <= cap(b.b) {
		return b
	}
	need := len(b.b) + n
	if need > sizes[len(sizes)-1] {
		need = max(need, 2*cap(b.b)) // no class above: double, so that many small steps stay cheap
	}
	larger := p.take(need)
	larger.b = append(larger.b, b.b...)
	p.give(b)
	return larger
}
