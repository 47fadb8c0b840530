package wire

// A frame is one thing on a link: four bytes of header, then the body.
//
//	0        1                          4
//	| kind   | length, 24 bit, big end  | body …
const (
	FrameHeaderSize = 4
	MaxMessage      = 1 << 20                         // bytes of a program's message
	MaxPayload      = MaxMessage + 1024               // an envelope's sealed payload
	MaxControl      = 1 << 16                         // a control message that carries no program's data
	MaxBroadcast    = MaxMessage + 1024               // a control message that carries a broadcast
	MaxFrame        = EnvelopeHeaderSize + MaxPayload // any frame's body
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
