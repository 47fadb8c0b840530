package chord

import (
	"encoding/binary"
	"math/bits"

	"cicada/identity"
)

// Between reports whether x lies strictly inside the clockwise interval from a
// to b. Where a and b are one point that interval is the whole ring but the point.
func Between(a, x, b identity.Point) bool {
	from := spanOf(a)
	way, whole := spanOf(x).minus(from), spanOf(b).minus(from)
	return way != span{} && (whole == span{} || way.less(whole))
}

// Clockwise returns how far it is from a clockwise to b.
func Clockwise(a, b identity.Point) identity.Point {
	return spanOf(b).minus(spanOf(a)).point()
}

// Distance returns how far it is from a to b the shorter way round.
// Distances compare as big-endian numbers.
func Distance(a, b identity.Point) identity.Point {
	return spanOf(a).distance(spanOf(b)).point()
}

// within is Between with b included: whether a peer at b whose predecessor is at a owns x.
func within(a, x, b identity.Point) bool { return x == b || Between(a, x, b) }

// A span is a point or a length of the ring, most significant word first.
type span [4]uint64

func spanOf(p identity.Point) span {
	return span{binary.BigEndian.Uint64(p[0:]), binary.BigEndian.Uint64(p[8:]),
		binary.BigEndian.Uint64(p[16:]), binary.BigEndian.Uint64(p[24:])}
}

func (a span) point() (p identity.Point) {
	for i, word := range a {
		binary.BigEndian.PutUint64(p[8*i:], word)
	}
	return p
}

// beginning returns the first half of the first word of a span.
func (a span) beginning() uint32 { return uint32(a[0] >> 32) }

// minus returns a-b on the ring.
func (a span) minus(b span) (d span) {
	var borrow uint64
	d[3], borrow = bits.Sub64(a[3], b[3], 0)
	d[2], borrow = bits.Sub64(a[2], b[2], borrow)
	d[1], borrow = bits.Sub64(a[1], b[1], borrow)
	d[0], _ = bits.Sub64(a[0], b[0], borrow)
	return d
}

// plus returns a+b on the ring.
func (a span) plus(b span) (s span) {
	var carry uint64
	s[3], carry = bits.Add64(a[3], b[3], 0)
	s[2], carry = bits.Add64(a[2], b[2], carry)
	s[1], carry = bits.Add64(a[1], b[1], carry)
	s[0], _ = bits.Add64(a[0], b[0], carry)
	return s
}

func (a span) less(b span) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// distance returns the shorter way round between a and b.
func (a span) distance(b span) span {
	there, back := b.minus(a), a.minus(b)
	if back.less(there) {
		return back
	}
	return there
}

// multiple returns c·2^shift. What overflows the ring is lost.
func multiple(c uint64, shift int) (s span) {
	word, bit := 3-shift/64, shift%64
	s[word] = c << bit
	if word > 0 && bit > 0 {
		s[word-1] = c >> (64 - bit)
	}
	return s
}
