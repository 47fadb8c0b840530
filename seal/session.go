package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cicada/identity"
	"cicada/identity/pair"
	"cicada/trace"
	"cicada/wire"
)

const (
	tagSize   = 16
	indexSize = 8

	// minPlain is what data and its padding fill at least. It makes every sealed
	// message as long as the Unknown that may answer it.
	minPlain = unknownSize - indexSize - tagSize
	// minSealed is the length of the shortest payload under a session.
	minSealed = indexSize + minPlain + tagSize
)

// When a session is replaced. From the soft limit on, one message in rekeyEvery
// also starts a new handshake; from the hard one on nothing is sealed under the
// old session any more.
const (
	softMessages = 1 << 32
	softBytes    = 64 << 30
	softAge      = time.Hour
	hardMessages = 2 * softMessages
	hardBytes    = 2 * softBytes
	hardAge      = softAge + 10*time.Minute
	rekeyEvery   = 5 * time.Second
)

// A standing says how much this peer knows of what the other end has.
type standing uint8

const (
	// challenged: this end answered a first message that may be a replay. The
	// other end may not exist; nothing is sealed under it.
	challenged standing = iota
	// accepted: this end answered a first message that is no replay. The other
	// end has the session as soon as that answer arrives.
	accepted
	// confirmed: the other end has the session: it answered, or sealed under it.
	confirmed
)

// A session is one pair of keys shared with one peer. Fields without a note do
// not change once it is made.
type session struct {
	peer          identity.ID
	local, remote uint64 // indices by which this end and the other end find it
	initiated     bool   // by this end
	stamp         int64  // wall time in its first message, the same at both ends
	born          time.Duration
	pair          *pair.Entry // whose keys its handshake took; nil: none

	outward direction
	sent    atomic.Uint64 // messages, and so the next counter
	bytes   atomic.Uint64 // of data sealed
	used    atomic.Int64  // age of the Sealer when it last sealed or opened
	rekey   atomic.Int64  // age of the Sealer when its successor was last tried for

	inward    direction
	mu        sync.Mutex  // guards received
	received  *window     // nil: nothing was opened yet
	confirmed atomic.Bool // mirrors standing, for readers without the table's lock

	standing standing      // guarded by Sealer.mu
	retired  time.Duration // guarded by Sealer.mu; when a better session took over, 0 if none did
}

// A direction is one of the two keys of a session. Its cipher takes up most of a
// session's memory, so it is made when it is needed and given back when the
// session rests.
type direction struct {
	key   [32]byte
	ready atomic.Pointer[cipher.AEAD]
}

// cipher returns AES-256-GCM under the key.
func (d *direction) cipher() (cipher.AEAD, error) {
	if ready := d.ready.Load(); ready != nil {
		return *ready, nil
	}
	block, err := aes.NewCipher(d.key[:])
	if err != nil {
		return nil, fmt.Errorf("seal: session key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("seal: session key: %w", err)
	}
	d.ready.Store(&aead)
	return aead, nil
}

// rest gives back what can be made again.
func (n *session) rest() {
	n.outward.ready.Store(nil)
	n.inward.ready.Store(nil)
}

// A scratch holds what an AEAD call reads. It is pooled: on the stack it would
// escape through the interface, once a message.
type scratch struct {
	nonce [12]byte // 4 zero bytes, counter
	bound [58]byte // version, kind, message, target, index
}

func newScratch() any { return new(scratch) }

// set fills in nonce and associated data of one message.
func (c *scratch) set(counter uint64, kind wire.EnvelopeKind, message trace.MessageID, target identity.Point, index uint64) {
	binary.BigEndian.PutUint64(c.nonce[4:], counter)
	c.bound[0], c.bound[1] = wire.Version, byte(kind)
	copy(c.bound[2:18], message[:])
	copy(c.bound[18:50], target[:])
	binary.BigEndian.PutUint64(c.bound[50:], index)
}

// seal appends to dst the payload that carries data under n.
func (n *session) seal(dst []byte, pool *sync.Pool, kind wire.EnvelopeKind, target identity.Point, message trace.MessageID, data []byte, age time.Duration) (Sealed, error) {
	aead, err := n.outward.cipher()
	if err != nil {
		return Sealed{}, err
	}
	plain := max(len(data)+1, minPlain)
	dst = slices.Grow(dst, indexSize+plain+tagSize)
	dst = binary.BigEndian.AppendUint64(dst, n.remote)
	start := len(dst)
	dst = append(dst, data...)
	dst = dst[:start+plain]
	clear(dst[start+len(data):])
	dst[start+plain-1] = byte(plain - 1 - len(data))

	n.bytes.Add(uint64(plain))
	n.used.Store(int64(age))
	counter := n.sent.Add(1) - 1
	c := pool.Get().(*scratch)
	c.set(counter, kind, message, target, n.remote)
	dst = aead.Seal(dst[:start], c.nonce[:], dst[start:], c.bound[:])
	pool.Put(c)
	return Sealed{Kind: kind, Counter: counter, Session: n.remote, Payload: dst}, nil
}

// open appends to dst the data of a payload sealed under n. With ErrReplay the
// seal is true, but its data was returned before, and is not again.
func (n *session) open(dst []byte, pool *sync.Pool, e wire.Envelope, age time.Duration) ([]byte, error) {
	aead, err := n.inward.cipher()
	if err != nil {
		return dst, err
	}
	c := pool.Get().(*scratch)
	c.set(e.Counter(), e.Kind(), e.Message(), e.Target(), n.local)
	start := len(dst)
	out, err := aead.Open(dst, c.nonce[:], e.Payload()[indexSize:], c.bound[:])
	pool.Put(c)
	if err != nil {
		return dst, ErrForged
	}
	if !n.accept(e.Counter()) {
		return dst, ErrReplay
	}
	n.used.Store(int64(age))
	plain := out[start:]
	padding := int(plain[len(plain)-1]) + 1
	if padding > len(plain) {
		return dst, fmt.Errorf("%w: padding of %d bytes in %d", ErrMalformed, padding, len(plain))
	}
	return out[:len(out)-padding], nil
}

// accept notes that counter was opened, and reports whether it is new.
func (n *session) accept(counter uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.received == nil {
		n.received = new(window)
	}
	return n.received.accept(counter)
}

// due reports whether n should be replaced, and spent whether it must be.
func (n *session) due(age time.Duration) (due, spent bool) {
	sent, volume, old := n.sent.Load(), n.bytes.Load(), age-n.born
	return sent >= softMessages || volume >= softBytes || old >= softAge,
		sent >= hardMessages || volume >= hardBytes || old >= hardAge
}

// claimRekey reports whether the caller is the one who tries for a successor of
// n now.
func (n *session) claimRekey(age time.Duration) bool {
	last := n.rekey.Load()
	return rekeyOver(last, age) && n.rekey.CompareAndSwap(last, int64(age))
}

// rekeyOver reports whether the try that began at last, 0 for none, is given up.
func rekeyOver(last int64, age time.Duration) bool {
	return last == 0 || age-time.Duration(last) >= rekeyEvery
}

// better reports whether messages should rather travel under n than under o,
// another session of the same two peers. Both ends come to the same result,
// whoever began which: the latest first message wins; then the lower initiator;
// then the lower index of that initiator.
func (n *session) better(o *session, own identity.ID) bool {
	if n.stamp != o.stamp {
		return n.stamp > o.stamp
	}
	a, b := n.initiator(own), o.initiator(own)
	if c := bytes.Compare(a[:], b[:]); c != 0 {
		return c < 0
	}
	if n.initiated {
		return n.local < o.local
	}
	return n.remote < o.remote
}

// initiator returns whose first message made n.
func (n *session) initiator(own identity.ID) identity.ID {
	if n.initiated {
		return own
	}
	return n.peer
}
