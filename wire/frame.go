package wire

import "fmt"

// A frame is one thing on a link: four bytes of header, then the body.
//
//	0        1                          4
//	| kind   | length, 24 bit, big end  | body …
const (
	FrameHeaderSize = 4
	ProofSize       = 32                              // a proof of membership
	MaxHello        = 2048                            // a hello
	MaxMessage      = 1 << 20                         // bytes of a program's message
	MaxPayload      = MaxMessage + 1024               // an envelope's sealed payload
	MaxControl      = 1 << 16                         // a control message that carries no program's data
	MaxBroadcast    = MaxMessage + 1024               // a control message that carries a broadcast
	MaxAck          = 1024 * ackSize                  // an acknowledgement frame
	MaxFrame        = EnvelopeHeaderSize + MaxPayload // any frame's body
)

// What both ends of a link agree on before the first frame.
const (
	ALPN       = "cicada/1"               // the protocol's name in the TLS handshake
	ProofLabel = "EXPORTER-cicada-member" // the TLS exporter label that proofs are made over
)

// A FrameKind says what a frame's body is.
type FrameKind uint8

// The kinds of frames, their numbers as on the wire.
const (
	FrameProof    FrameKind = 1 // proves membership of the swarm; the first frame of each side, dialler first
	FrameHello    FrameKind = 2 // Hello: the second frame of each side
	FrameControl  FrameKind = 3 // Control
	FrameEnvelope FrameKind = 4 // an envelope: header and sealed payload
	FrameAck      FrameKind = 5 // envelopes this peer has taken over: any number of (message ID 16, copy 1)
	FrameRefusal  FrameKind = 6 // an envelope this peer will not forward: message ID 16, copy 1, reason 1
	FrameClose    FrameKind = 7 // why the link is about to close: code 2, text ≤ 128; the last frame
)

// String returns the kind's name, or "frame 9" for a number without one.
func (k FrameKind) String() string {
	switch k {
	case FrameProof:
		return "proof"
	case FrameHello:
		return "hello"
	case FrameControl:
		return "control"
	case FrameEnvelope:
		return "envelope"
	case FrameAck:
		return "ack"
	case FrameRefusal:
		return "refusal"
	case FrameClose:
		return "close"
	}
	return fmt.Sprintf("frame %d", uint8(k))
}

// Limits returns the shortest and the longest body that a frame of kind k may
// have, in bytes. An unknown kind has 0 and 0.
func (k FrameKind) Limits() (shortest, longest int) {
	switch k {
	case FrameProof:
		return ProofSize, ProofSize
	case FrameHello:
		return 1, MaxHello
	case FrameControl:
		return 1, MaxBroadcast
	case FrameEnvelope:
		return EnvelopeHeaderSize, EnvelopeHeaderSize + MaxPayload
	case FrameAck:
		return ackSize, MaxAck
	case FrameRefusal:
		return refusalSize, refusalSize
	case FrameClose:
		return closeCodeSize, closeCodeSize + MaxCloseText
	}
	return 0, 0
}

// AppendFrameHeader appends the header of a frame whose body has length bytes.
// The error is an *Error: the kind is unknown, or length is outside its limits.
func AppendFrameHeader(b []byte, kind FrameKind, length int) ([]byte, error) {
	if err := checkFrame(kind, length, 1); err != nil {
		return b, err
	}
	return append(b, byte(kind), byte(length>>16), byte(length>>8), byte(length)), nil
}

// ParseFrameHeader reads the header that b begins with, and returns what the
// body is and how many bytes it has. The error is an *Error: b is shorter than
// a header, the kind is unknown, or the length is outside the kind's limits. No
// memory needs to be taken for a body before this has returned.
func ParseFrameHeader(b []byte) (kind FrameKind, length int, err error) {
	if len(b) < FrameHeaderSize {
		return 0, 0, broken(CodeProtocol, len(b), "a frame's header has %d bytes, not %d", FrameHeaderSize, len(b))
	}
	kind = FrameKind(b[0])
	length = int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if err := checkFrame(kind, length, 1); err != nil {
		return 0, 0, err
	}
	return kind, length, nil
}

// checkFrame checks a body's length; offset is where a wrong one shows.
func checkFrame(kind FrameKind, length, offset int) error {
	shortest, longest := kind.Limits()
	switch {
	case longest == 0:
		return broken(CodeProtocol, 0, "unknown kind of frame %d", uint8(kind))
	case length < shortest:
		return broken(CodeProtocol, offset, "a frame of kind %s has at least %d bytes, not %d", kind, shortest, length)
	case length > longest:
		return broken(CodeLimit, offset, "a frame of kind %s has at most %d bytes, not %d", kind, longest, length)
	case kind == FrameAck && length%ackSize != 0:
		return broken(CodeProtocol, offset, "a frame of kind ack has a multiple of %d bytes, not %d", ackSize, length)
	}
	return nil
}
