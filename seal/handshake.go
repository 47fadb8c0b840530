package seal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/flynn/noise"

	"cicada/identity"
	"cicada/identity/pair"
	"cicada/trace"
	"cicada/wire"
)

// Lengths inside the two handshake messages; docs/spec/seal.md has the tables.
const (
	keySize      = 32
	firstHead    = 1 + 1 + 32 + 8 + 8 // version, flags, origin, time, index
	answerHead   = 1 + 1 + 8 + 8      // version, status, index, uptime
	startSize    = 8                  // follows with statusAgain
	firstMinimum = keySize + (keySize + tagSize) + firstHead + tagSize
	answerLeast  = keySize + answerHead + tagSize

	// firstData is how many bytes of a program's message fit a first message;
	// Noise messages end at 65535 bytes.
	firstData = 60 << 10
)

// flagBare marks a first message without the program's data.
const flagBare = 1

// An answerStatus is the target's verdict on a first message.
type answerStatus uint8

const (
	statusAccepted answerStatus = 1 // opened; a receipt follows
	statusAgain    answerStatus = 2 // not accepted: send it again, under the session this makes
)

// newHandshake begins Noise_IK_25519_AESGCM_SHA256 for one message: towards
// remote, or, where that is nil, for whoever the first message proves to come from.
// Keyed it is Noise_IKpsk2_25519_AESGCM_SHA256, and wants a key before the second message.
func (s *Sealer) newHandshake(remote []byte, target identity.ID, message trace.MessageID, keyed bool) (*noise.HandshakeState, error) {
	prologue := make([]byte, 0, len(s.swarm)+len(target)+len(message))
	prologue = append(prologue, s.swarm[:]...)
	prologue = append(prologue, target[:]...)
	prologue = append(prologue, message[:]...)
	placement := 0
	if keyed {
		placement = pskPlacement
	}
	return noise.NewHandshakeState(noise.Config{
		CipherSuite:   newSuite(s.private),
		Random:        s.random,
		Pattern:       noise.HandshakeIK,
		Initiator:     remote != nil,
		Prologue:      prologue,
		StaticKeypair: s.static,
		PeerStatic:    remote,

		PresharedKeyPlacement: placement,
	})
}

// A pending is a handshake that this end began.
type pending struct {
	target  identity.ID
	message trace.MessageID
	local   uint64
	stamp   int64
	born    time.Duration
	bare    bool
	pair    *pair.Entry // whose keys it takes; nil: none
	digest  [32]byte    // of the first message's payload; set before anybody can answer it

	mu    sync.Mutex            // guards state
	state *noise.HandshakeState // nil once the answer was opened
}

// sealFirst appends to dst a first message to target, and remembers the handshake.
func (s *Sealer) sealFirst(dst []byte, target identity.ID, message trace.MessageID, data []byte, bare bool, now moment) (Sealed, error) {
	remote, err := target.X25519()
	if err != nil {
		return Sealed{}, fmt.Errorf("%w: %s: %w", ErrTarget, target.Short(), err)
	}
	entry, err := s.pairs(target, nil)
	if err != nil {
		return Sealed{}, fmt.Errorf("%w: %s: %w", ErrPending, target.Short(), err)
	}
	p := &pending{
		target: target, message: message, stamp: now.wall.UnixNano(), born: now.age,
		bare: bare || entry != nil, pair: entry,
	}
	if err := s.reserve(p); err != nil {
		return Sealed{}, err
	}
	p.mu.Lock() // an answer cannot come before this returned; a guess at one waits
	defer p.mu.Unlock()
	start := len(dst)
	state, err := s.begin(p, remote)
	if err == nil {
		dst, _, _, err = state.WriteMessage(dst, s.firstPlain(p, data))
	}
	if err != nil {
		s.mu.Lock()
		s.table.finish(p)
		s.mu.Unlock()
		return Sealed{}, fmt.Errorf("seal: first message to %s: %w", target.Short(), err)
	}
	p.state, p.digest = state, sha256.Sum256(dst[start:])
	return Sealed{Kind: p.kind(), Bare: p.bare, Payload: dst}, nil
}

// reserve gives p an index and a place in the table.
func (s *Sealer) reserve(p *pending) error {
	index, err := s.newIndex()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table.sweepDue(p.born)
	if !s.table.free(index) {
		return fmt.Errorf("%w: index drawn twice", ErrBusy)
	}
	p.local = index
	if !s.table.await(p, p.born) {
		return ErrBusy
	}
	return nil
}

// newIndex draws the index of a session.
func (s *Sealer) newIndex() (uint64, error) {
	var b [indexSize]byte
	if _, err := io.ReadFull(s.random, b[:]); err != nil {
		return 0, fmt.Errorf("seal: session index: %w", err)
	}
	return binary.BigEndian.Uint64(b[:]), nil
}

// firstPlain returns what the first message seals.
func (s *Sealer) firstPlain(p *pending, data []byte) []byte {
	b := make([]byte, 0, firstHead+len(data))
	flags := byte(0)
	if p.bare {
		flags, data = flagBare, p.mark()
	}
	b = append(b, wire.Version, flags)
	b = append(b, s.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.stamp))
	b = binary.BigEndian.AppendUint64(b, p.local)
	return append(b, data...)
}

// A first is a first message that was opened here: unanswered while it has a
// state, then kept with its answer so that a copy gets the same one.
type first struct {
	key    firstKey
	origin identity.ID
	remote uint64
	stamp  int64
	born   time.Duration
	bare   bool
	keyed  bool
	pair   *pair.Entry // whose keys it takes; nil: none

	mu     sync.Mutex // guards the fields below
	state  *noise.HandshakeState
	answer []byte // payload; nil while the program has not answered
}

// readFirst opens a first message and checks that it comes from the peer it
// names. It appends the program's data to dst.
func (s *Sealer) readFirst(dst []byte, e wire.Envelope) (*first, []byte, error) {
	if len(e.Payload()) < firstMinimum || len(e.Payload()) > noise.MaxMsgLen {
		return nil, dst, fmt.Errorf("%w: first message of %d bytes, not %d to %d", ErrMalformed, len(e.Payload()), firstMinimum, noise.MaxMsgLen)
	}
	keyed := e.Kind() == wire.EnvelopeKeyedFirst
	state, err := s.newHandshake(nil, s.id, e.Message(), keyed)
	if err != nil {
		return nil, dst, fmt.Errorf("seal: first message: %w", err)
	}
	out, _, _, err := state.ReadMessage(dst, e.Payload())
	if err != nil {
		return nil, dst, fmt.Errorf("%w: first message", ErrForged)
	}
	plain := out[len(dst):]
	if plain[0] != e.Version() {
		return nil, dst, fmt.Errorf("%w: version %d is sealed, %d stands outside", ErrForged, plain[0], e.Version())
	}
	f := &first{
		origin: identity.ID(plain[2:34]),
		stamp:  int64(binary.BigEndian.Uint64(plain[34:42])),
		remote: binary.BigEndian.Uint64(plain[42:50]),
		bare:   keyed || plain[1]&flagBare != 0,
		keyed:  keyed,
		state:  state,
	}
	proven, err := f.origin.X25519()
	if err != nil {
		return nil, dst, fmt.Errorf("%w: origin: %w", ErrForged, err)
	}
	if string(state.PeerStatic()) != string(proven[:]) {
		return nil, dst, fmt.Errorf("%w: origin %s is not who proved its key", ErrForged, f.origin.Short())
	}
	if f.remote == 0 || f.origin == s.id {
		return nil, dst, fmt.Errorf("%w: first message with index %d from %s", ErrMalformed, f.remote, f.origin.Short())
	}
	n := copy(plain, plain[firstHead:])
	return f, out[:len(dst)+n], nil
}

// writeAnswer completes the handshake of f, sets up its session with the given
// standing and keeps the answer. The caller holds f.mu.
func (s *Sealer) writeAnswer(f *first, status answerStatus, receipt []byte, now moment) error {
	index, err := s.newIndex()
	if err != nil {
		return err
	}
	rank := accepted
	if status == statusAgain {
		rank = challenged
		receipt = binary.BigEndian.AppendUint64(nil, s.began)
	}
	if rank == accepted && s.crowded(f.origin) {
		index = 0
	}
	plain := make([]byte, 0, answerHead+len(receipt))
	plain = append(plain, wire.Version, byte(status))
	plain = binary.BigEndian.AppendUint64(plain, index)
	plain = binary.BigEndian.AppendUint64(plain, now.uptime())
	plain = append(plain, receipt...)
	answer, inward, outward, err := f.state.WriteMessage(nil, plain)
	f.state = nil
	if err != nil {
		return fmt.Errorf("seal: answer to %s: %w", f.origin.Short(), err)
	}
	f.answer = answer
	if index == 0 {
		return nil
	}
	n := &session{peer: f.origin, local: index, remote: f.remote, stamp: f.stamp, born: now.age, pair: f.pair, standing: rank}
	return s.install(n, outward, inward, now)
}

// crowded reports whether there are so many sessions with origin that wait to be
// used that one more is no use: those who send many first messages at once.
func (s *Sealer) crowded(origin identity.ID) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.table.peers[origin]
	return r != nil && s.table.count(r, accepted) >= perStanding
}

// install gives n its keys and takes it into the table.
func (s *Sealer) install(n *session, outward, inward *noise.CipherState, now moment) error {
	n.outward.key, n.inward.key = outward.UnsafeKey(), inward.UnsafeKey()
	n.used.Store(int64(now.age))
	n.confirmed.Store(n.standing == confirmed)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !n.initiated && !s.table.free(n.local) {
		return fmt.Errorf("%w: index drawn twice", ErrBusy)
	}
	s.table.add(n, now.age)
	return nil
}

// unanswered returns the handshake that this end began with a message to target, its mu
// held, or ErrStale where it was answered or never begun.
func (s *Sealer) unanswered(message trace.MessageID, target identity.ID) (*pending, error) {
	s.mu.RLock()
	p := s.table.pending[message]
	s.mu.RUnlock()
	if p == nil || p.target != target {
		return nil, ErrStale
	}
	p.mu.Lock()
	if p.state == nil {
		p.mu.Unlock()
		return nil, ErrStale
	}
	return p, nil
}

// answered ends p, whose mu is held: there is nothing more to come of it.
func (s *Sealer) answered(p *pending) {
	p.state = nil
	s.mu.Lock()
	s.table.finish(p)
	s.mu.Unlock()
}

// readAnswer completes a handshake this end began. It returns what the answer
// says, its receipt appended to dst.
func (s *Sealer) readAnswer(dst []byte, e wire.Envelope, target identity.ID, now moment) (Reply, error) {
	if len(e.Payload()) < answerLeast || len(e.Payload()) > noise.MaxMsgLen {
		return Reply{}, fmt.Errorf("%w: answer of %d bytes, not %d to %d", ErrMalformed, len(e.Payload()), answerLeast, noise.MaxMsgLen)
	}
	p, err := s.unanswered(e.Message(), target)
	if err != nil {
		return Reply{}, err
	}
	defer p.mu.Unlock()
	// The handshake would be spoilt for the true answer by one whose key has small order.
	if smallOrder(s.private, e.Payload()[:keySize]) {
		return Reply{}, fmt.Errorf("%w: answer", ErrForged)
	}
	out, outward, inward, err := p.state.ReadMessage(dst, e.Payload())
	if err != nil {
		return Reply{}, fmt.Errorf("%w: answer", ErrForged)
	}
	s.answered(p)
	plain := out[len(dst):]
	status, index := answerStatus(plain[1]), binary.BigEndian.Uint64(plain[2:10])
	if plain[0] != e.Version() || status != statusAccepted && (status != statusAgain || index == 0 || len(plain) < answerHead+startSize) {
		return Reply{}, fmt.Errorf("%w: answer of version %d, status %d, index %d", ErrMalformed, plain[0], status, index)
	}
	if index != 0 {
		n := &session{peer: target, local: p.local, remote: index, initiated: true, stamp: p.stamp, born: now.age, pair: p.pair, standing: confirmed}
		if err := s.install(n, outward, inward, now); err != nil {
			return Reply{}, err
		}
	}
	if status == statusAccepted {
		r := copy(plain, plain[answerHead:])
		return Reply{Status: Received, Receipt: out[:len(dst)+r]}, nil
	}
	return Reply{Status: Again, run: now.run(binary.BigEndian.Uint64(plain[10:]), binary.BigEndian.Uint64(plain[answerHead:]))}, nil
}
