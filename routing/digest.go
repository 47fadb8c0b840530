package routing

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"cicada/wire"
)

// A digester hashes what was sealed, so that copies with the same bytes are
// known as the same. It multiplies and folds under a key that only this core
// has: others cannot prepare two payloads that collide here. It is no
// cryptography, and what it is trusted with is only to save work: a collision
// loses one copy, and the seal still decides what is true.
type digester [4]uint64

func newDigester(random *rand.Rand) digester {
	return digester{random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64()}
}

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// bytes hashes data, going on from seed.
func (d *digester) bytes(seed uint64, data []byte) uint64 {
	length := uint64(len(data))
	one, two := seed^d[0], seed^d[1]
	for len(data) >= 32 {
		one = fold(binary.LittleEndian.Uint64(data)^d[2], binary.LittleEndian.Uint64(data[8:])^one)
		two = fold(binary.LittleEndian.Uint64(data[16:])^d[3], binary.LittleEndian.Uint64(data[24:])^two)
		data = data[32:]
	}
	var tail [32]byte
	copy(tail[:], data)
	one = fold(binary.LittleEndian.Uint64(tail[:])^d[2], binary.LittleEndian.Uint64(tail[8:])^one)
	two = fold(binary.LittleEndian.Uint64(tail[16:])^d[3], binary.LittleEndian.Uint64(tail[24:])^two)
	return fold(one^length, two^d[0])
}

// sealed hashes what no hop may change: kind, counter, message, target, payload.
func (d *digester) sealed(header, payload []byte) uint64 {
	seed := d.bytes(uint64(header[3]), header[8:32])
	return d.bytes(d.bytes(seed, header[48:wire.EnvelopeHeaderSize]), payload)
}

// round hashes sealed bytes together with the nonce of their round.
func (d *digester) round(sealed uint64, header []byte) uint64 {
	return d.bytes(sealed, header[32:48])
}
