package wire

import (
	"encoding/binary"
	"fmt"

	"cicada/identity"
)

const (
	// EnvelopeHeaderSize is the length of an envelope's header in bytes.
	EnvelopeHeaderSize = 80
	// MaxTTL is the most links that an envelope may still cross.
	MaxTTL = 64
	// Version is the version of the wire format.
	Version = 1
)

// An Envelope is a sealed message on its way: the header below, then a payload
// that only the target can open. Hops read and change the header in place and
// never look at the payload. Numbers are big-endian.
//
//	 0  ttl       1  links it may still cross, at most MaxTTL; changed by every hop
//	 1  hops      1  links it has crossed; changed by every hop
//	 2  version   1  Version
//	 3  kind      1  EnvelopeKind
//	 4  colours   1  K: how many colour classes this round uses; 0: any hop will do
//	 5  copy      1  number of this copy, from 0, which is also its colour
//	 6  flags     2  reserved: sent as 0, ignored when read
//	 8  counter   8  of the session that sealed it; 0 in a handshake
//	16  message  16  message ID, the same in all copies and in the receipt
//	32  nonce    16  colours the hops; new each round
//	48  target   32  point of the target
//	80  payload      sealed
//
// version, kind, message and target are bound by the seal; no other field is
// trusted. The accessors panic on fewer than EnvelopeHeaderSize bytes: bytes
// from elsewhere become an Envelope through ParseEnvelope.
type Envelope []byte

// An EnvelopeKind says how the payload is sealed and what it is.
type EnvelopeKind uint8

// The kinds of envelopes, their numbers as on the wire.
const (
	EnvelopeFirst   EnvelopeKind = 1 // first handshake message, with data inside or none
	EnvelopeAnswer  EnvelopeKind = 2 // second handshake message, with a receipt inside
	EnvelopeMessage EnvelopeKind = 3 // data under a session
	EnvelopeReceipt EnvelopeKind = 4 // a receipt under a session
	EnvelopeUnknown EnvelopeKind = 5 // "I know no such session": signed by the target

	EnvelopeKeyedFirst EnvelopeKind = 6 // first handshake message under the keys of a key file, without data
	EnvelopeKeyRefusal EnvelopeKind = 7 // "we do not have the same keys": signed by the target
)

// String returns the kind's name, or "envelope 9" for a number without one.
func (k EnvelopeKind) String() string {
	switch k {
	case EnvelopeFirst:
		return "first"
	case EnvelopeAnswer:
		return "answer"
	case EnvelopeMessage:
		return "message"
	case EnvelopeReceipt:
		return "receipt"
	case EnvelopeUnknown:
		return "unknown"
	case EnvelopeKeyedFirst:
		return "keyed first"
	case EnvelopeKeyRefusal:
		return "key refusal"
	}
	return fmt.Sprintf("envelope %d", uint8(k))
}

// An EnvelopeHeader is what a new envelope's header says. Version is filled in.
type EnvelopeHeader struct {
	TTL     uint8 // at most MaxTTL
	Hops    uint8
	Kind    EnvelopeKind
	Colours uint8
	Copy    uint8
	Counter uint64
	Message [16]byte
	Nonce   [16]byte
	Target  identity.Point
}

// AppendEnvelopeHeader appends the header h; the payload is to follow it.
func AppendEnvelopeHeader(b []byte, h EnvelopeHeader) []byte {
	b = append(b, h.TTL, h.Hops, Version, byte(h.Kind), h.Colours, h.Copy, 0, 0)
	b = binary.BigEndian.AppendUint64(b, h.Counter)
	b = append(b, h.Message[:]...)
	b = append(b, h.Nonce[:]...)
	return append(b, h.Target[:]...)
}

// NewEnvelope returns an envelope of its own memory: the header h, then a copy
// of payload. The error is an *Error: a rule that ParseEnvelope checks is broken.
func NewEnvelope(h EnvelopeHeader, payload []byte) (Envelope, error) {
	if len(payload) > MaxPayload {
		return nil, broken(CodeLimit, EnvelopeHeaderSize, "an envelope's payload has at most %d bytes, not %d", MaxPayload, len(payload))
	}
	b := AppendEnvelopeHeader(make([]byte, 0, EnvelopeHeaderSize+len(payload)), h)
	return ParseEnvelope(append(b, payload...))
}

// ParseEnvelope returns b as an envelope, without copying. The error is an
// *Error: b is too short or too long, of another version, of an unknown kind,
// or its ttl is over MaxTTL. What the header says beyond that is only claimed.
func ParseEnvelope(b []byte) (Envelope, error) {
	if err := checkFrame(FrameEnvelope, len(b), len(b)); err != nil {
		return nil, err
	}
	e := Envelope(b)
	switch {
	case e.TTL() > MaxTTL:
		return nil, broken(CodeLimit, 0, "an envelope's ttl is at most %d, not %d", MaxTTL, e.TTL())
	case e.Version() != Version:
		return nil, broken(CodeVersion, 2, "an envelope of version %d where %d is spoken", e.Version(), Version)
	case e.Kind() < EnvelopeFirst || e.Kind() > EnvelopeKeyRefusal:
		return nil, broken(CodeProtocol, 3, "unknown kind of envelope %d", uint8(e.Kind()))
	}
	return e, nil
}

// TTL returns how many links the envelope may still cross.
func (e Envelope) TTL() uint8 { return e[0] }

// SetTTL changes TTL in place.
func (e Envelope) SetTTL(ttl uint8) { e[0] = ttl }

// Hops returns how many links the envelope says it has crossed.
func (e Envelope) Hops() uint8 { return e[1] }

// SetHops changes Hops in place.
func (e Envelope) SetHops(hops uint8) { e[1] = hops }

// Version returns the version of the wire format it was made for.
func (e Envelope) Version() uint8 { return e[2] }

// Kind returns how the payload is sealed and what it is.
func (e Envelope) Kind() EnvelopeKind { return EnvelopeKind(e[3]) }

// Colours returns how many colour classes the hops are divided into, 0 if they are not.
func (e Envelope) Colours() uint8 { return e[4] }

// SetColours changes Colours in place.
func (e Envelope) SetColours(colours uint8) { e[4] = colours }

// Copy returns the number of this copy, from 0.
func (e Envelope) Copy() uint8 { return e[5] }

// SetCopy changes Copy in place.
func (e Envelope) SetCopy(copy uint8) { e[5] = copy }

// Counter returns the counter of the session that sealed the payload.
func (e Envelope) Counter() uint64 { return binary.BigEndian.Uint64(e[8:16]) }

// Message returns the message's ID.
func (e Envelope) Message() [16]byte { return [16]byte(e[16:32]) }

// Nonce returns what the hops are coloured with.
func (e Envelope) Nonce() [16]byte { return [16]byte(e[32:48]) }

// SetNonce changes Nonce in place.
func (e Envelope) SetNonce(nonce [16]byte) { copy(e[32:48], nonce[:]) }

// Target returns the point of the peer that can open the payload.
func (e Envelope) Target() identity.Point { return identity.Point(e[48:80]) }

// Payload returns the sealed payload; it aliases the envelope.
func (e Envelope) Payload() []byte { return e[EnvelopeHeaderSize:] }

// AssociatedDataSize is the length of an envelope's associated data in bytes.
const AssociatedDataSize = 2 + 16 + 32

// AssociatedData returns what the seal binds: version, kind, message, target.
func (e Envelope) AssociatedData() [AssociatedDataSize]byte {
	var bound [AssociatedDataSize]byte
	copy(bound[:2], e[2:4])
	copy(bound[2:18], e[16:32])
	copy(bound[18:], e[48:80])
	return bound
}
