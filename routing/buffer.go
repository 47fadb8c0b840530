package routing

// A buffer is payload bytes that several may hold: copies under way, a send
// that may need another round, a Ready that was handed out.
type buffer struct {
	bytes   []byte
	holders int
}

// bufferSizes are the capacities that are kept for reuse. Larger buffers are
// made to measure and left to the garbage collector.
var bufferSizes = [...]int{256, 2 << 10, 8 << 10, 64 << 10}

// spareFraction is the part of the pool's bound that may lie idle for reuse.
const spareFraction = 8

// A pool hands out buffers and counts what is out.
type pool struct {
	max   int // bytes that may be out
	held  int // bytes that are out, by capacity
	spare int // bytes that wait to be used again
	free  [len(bufferSizes)][]*buffer
}

// capacity returns how many bytes a buffer of n bytes takes.
func capacity(n int) int {
	for _, size := range bufferSizes {
		if n <= size {
			return size
		}
	}
	return n
}

// take returns a buffer of n bytes with one holder, whatever the bound: callers
// ask Core.admit first.
func (p *pool) take(n int) *buffer {
	for class, size := range bufferSizes {
		if n > size {
			continue
		}
		p.held += size
		if last := len(p.free[class]) - 1; last >= 0 {
			b := p.free[class][last]
			p.free[class] = p.free[class][:last]
			p.spare -= size
			b.bytes, b.holders = b.bytes[:n], 1
			return b
		}
		return &buffer{bytes: make([]byte, n, size), holders: 1}
	}
	p.held += n
	return &buffer{bytes: make([]byte, n), holders: 1}
}

// keep returns a buffer that holds a copy of data.
func (p *pool) keep(data []byte) *buffer {
	b := p.take(len(data))
	copy(b.bytes, data)
	return b
}

// drop gives up one hold. A buffer without holders is used again.
func (p *pool) drop(b *buffer) {
	if b == nil {
		return
	}
	b.holders--
	if b.holders > 0 {
		return
	}
	size := cap(b.bytes)
	p.held -= size
	if p.spare+size > p.max/spareFraction {
		return
	}
	for class, have := range bufferSizes {
		if have == size {
			p.free[class] = append(p.free[class], b)
			p.spare += size
		}
	}
}

// trim lets idle buffers go.
func (p *pool) trim() {
	p.free = [len(bufferSizes)][]*buffer{}
	p.spare = 0
}
