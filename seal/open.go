package seal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// MaxReceipt is the longest receipt in bytes. Receipts of first messages are kept
// for as long as a copy of the message may come.
const MaxReceipt = 512

// Opened is a message that was sealed to this peer.
type Opened struct {
	Origin  identity.ID // who sealed it, proven
	Message trace.MessageID
	Data    []byte // the dst that was given, with the data appended
	Handle  Handle // for Answer
	Reply   Sealed // to be sent back at once, where its payload is not empty
}

// A Handle answers one message. It may be copied and kept; it takes up the memory
// of an unfinished handshake until Answer was called.
type Handle struct {
	session *session
	first   *first
	message trace.MessageID
}

// Open opens an envelope of kind First, KeyedFirst or Message and appends the data to dst,
// which must not overlap e. e is not kept. link is the neighbour that it came by: what has
// to be signed because of it counts against that one. Only where the error is nil is the
// message to be delivered. With other errors:
//
//   - ErrChallenge: Reply is set, Origin is proven; the message will come again.
//   - ErrReplay: opened before. Origin is proven. Reply is set where the answer is
//     known here; Handle where the caller can give its receipt again.
//   - ErrUnknownSession: Reply is set unless there were too many of late, of that link or in all.
//   - ErrKeys: Origin is proven. Reply is set unless there were too many of late, of that link or in all.
//   - ErrPending: worth trying again a little later.
//   - ErrMalformed, ErrForged, ErrTarget, ErrBusy: drop it, without a word.
func (s *Sealer) Open(dst []byte, e wire.Envelope, link identity.ID) (Opened, error) {
	if err := s.check(e); err != nil {
		return Opened{}, err
	}
	if e.Target() != s.point {
		return Opened{}, ErrTarget
	}
	switch e.Kind() {
	case wire.EnvelopeMessage:
		return s.openMessage(dst, e, link)
	case wire.EnvelopeFirst, wire.EnvelopeKeyedFirst:
		return s.openFirst(dst, e, link)
	default:
		return Opened{}, fmt.Errorf("%w: kind %d is no message", ErrMalformed, e.Kind())
	}
}

// check refuses what has no header of this version.
func (s *Sealer) check(e wire.Envelope) error {
	if len(e) < wire.EnvelopeHeaderSize || len(e) > wire.EnvelopeHeaderSize+wire.MaxPayload {
		return fmt.Errorf("%w: %d bytes, not %d to %d", ErrMalformed, len(e), wire.EnvelopeHeaderSize, wire.EnvelopeHeaderSize+wire.MaxPayload)
	}
	if e.Version() != wire.Version {
		return fmt.Errorf("%w: version %d, not %d", ErrMalformed, e.Version(), wire.Version)
	}
	return nil
}

// find returns the session that a payload names.
func (s *Sealer) find(payload []byte) (n *session, half *pending, index uint64, err error) {
	if len(payload) < minSealed {
		return nil, nil, 0, fmt.Errorf("%w: %d bytes under a session, at least %d", ErrMalformed, len(payload), minSealed)
	}
	index = binary.BigEndian.Uint64(payload)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.table.sessions[index], s.table.waiting[index], index, nil
}

func (s *Sealer) openMessage(dst []byte, e wire.Envelope, link identity.ID) (Opened, error) {
	n, half, index, err := s.find(e.Payload())
	if err != nil {
		return Opened{}, err
	}
	now := s.now()
	o := Opened{Message: e.Message()}
	if n != nil && !s.fits(n) {
		s.mu.Lock()
		s.table.drop(n)
		s.mu.Unlock()
		n = nil // so that its origin begins anew, and hears what is missing
	}
	if n == nil {
		if half != nil && now.age-half.born < pendingYoung {
			return Opened{}, ErrPending
		}
		o.Reply = s.sealUnknown(e.Message(), index, link, now)
		return o, ErrUnknownSession
	}
	o.Data, err = n.open(dst, &s.scratches, e, now.age)
	if err != nil && !errors.Is(err, ErrReplay) {
		return Opened{}, err
	}
	o.Origin, o.Handle = n.peer, Handle{session: n, message: e.Message()}
	s.confirm(n, now)
	return o, err
}

// confirm takes note that the other end sealed something under n.
func (s *Sealer) confirm(n *session, now moment) {
	if n.confirmed.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table.confirm(n, now.age)
}

func (s *Sealer) openFirst(dst []byte, e wire.Envelope, link identity.ID) (Opened, error) {
	now := s.now()
	key := keyOf(e)
	s.mu.RLock()
	earlier := s.memory.firsts[key]
	s.mu.RUnlock()
	if earlier != nil {
		return earlier.again(e.Message())
	}
	f, data, err := s.readFirst(dst, e)
	if err != nil {
		return Opened{}, err
	}
	if err := s.agree(f, data[len(dst):]); err != nil {
		o := Opened{Message: e.Message()}
		var why Discord
		if errors.As(err, &why) {
			o.Origin, o.Reply = f.origin, s.sealRefusal(e, why, link, now)
		}
		return o, err
	}
	f.key, f.born = key, now.age
	f.mu.Lock() // so that a copy opened meanwhile finds the challenge written
	defer f.mu.Unlock()
	s.mu.Lock()
	s.table.sweepDue(now.age)
	earlier, accept := s.memory.admit(f, now)
	s.mu.Unlock()
	if earlier != nil {
		return earlier.again(e.Message())
	}
	o := Opened{Origin: f.origin, Message: e.Message()}
	if accept {
		o.Data, o.Handle = data, Handle{first: f, message: e.Message()}
		return o, nil
	}
	if err := s.writeAnswer(f, statusAgain, nil, now); err != nil {
		return Opened{}, err
	}
	o.Reply = Sealed{Kind: wire.EnvelopeAnswer, Payload: append([]byte(nil), f.answer...)}
	return o, ErrChallenge
}

// again returns what there is to say to a copy of f.
func (f *first) again(message trace.MessageID) (Opened, error) {
	o := Opened{Origin: f.origin, Message: message, Handle: Handle{first: f, message: message}}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answer != nil {
		o.Reply = Sealed{Kind: wire.EnvelopeAnswer, Payload: append([]byte(nil), f.answer...)}
	}
	return o, ErrReplay
}

// Answer seals a receipt to the origin, which stands at point, and appends the
// payload to dst, which must not overlap receipt. A message under a session can be
// answered any number of times. A first message has one answer: further calls
// return it again, whatever their receipt, and where it asked to send again, that.
//
// Errors: ErrTooLarge, ErrHandle, or that of Config.Rand.
func (s *Sealer) Answer(dst []byte, h Handle, point identity.Point, receipt []byte) (Sealed, error) {
	if len(receipt) > MaxReceipt {
		return Sealed{}, fmt.Errorf("%w: receipt of %d bytes, at most %d", ErrTooLarge, len(receipt), MaxReceipt)
	}
	now := s.now()
	switch {
	case h.session != nil:
		return h.session.seal(dst, &s.scratches, wire.EnvelopeReceipt, point, h.message, receipt, now.age)
	case h.first == nil:
		return Sealed{}, ErrHandle
	}
	f := h.first
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answer == nil {
		if f.state == nil {
			return Sealed{}, fmt.Errorf("%w: its answer failed", ErrHandle)
		}
		if err := s.writeAnswer(f, statusAccepted, receipt, now); err != nil {
			return Sealed{}, err
		}
	}
	return Sealed{Kind: wire.EnvelopeAnswer, Payload: append(dst, f.answer...)}, nil
}
