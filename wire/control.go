package wire

import (
	"google.golang.org/protobuf/proto"

	"cicada/wire/wirepb"
)

// The limits of what stands inside control messages and hellos.
const (
	MaxRecordBody    = 1024 // bytes of a record's signed body
	SignatureSize    = 64   // bytes of a signature
	MaxRecords       = 64   // records in one list, and peers in a list of places
	MaxKnown         = 64   // records that a question for lists names as known
	FingerprintSize  = 8    // bytes that name one of them
	PrintSize        = 4    // bytes that name a peer to one who may know it
	MaxPeers         = 64   // peers that an answer about others names by their places
	MaxPage          = 240  // peers of one sort in a page of a table
	MaxJoined        = 64   // peers of one sort that came, in one message
	MaxLeft          = 255  // peers that went, in one message
	LeftSize         = 8    // bytes that name one of them
	LimitSize        = 4    // bytes of a limit for what is passed on
	MinHint          = 33   // bytes of a hint
	MaxHint          = 1 + 2*32 + 8*19
	MaxTrail         = 64               // peers on a trail
	MaxControlHops   = 255              // links that a lookup or a broadcast has crossed
	MaxBroadcastBody = MaxMessage + 256 // bytes of a broadcast's signed body
	MaxSilent        = 16               // peers that a broadcast names as silent
	TagSize          = 8                // bytes that name a broadcast among neighbours
	MaxTags          = 64               // broadcasts that are named at once
	MaxCastAge       = 60_000           // a broadcast's age, in milliseconds
	MaxAgent         = 64               // bytes of a hello's agent, printable ASCII
	MaxVersion       = 1<<16 - 1        // a hello's version; the least is 1
	MaxFields        = 1024             // fields in one message, those of messages inside it included
)

// AppendControl appends the body of a control frame that carries c. The error
// is an *Error: the other end would close the link over it. b is then unchanged.
func AppendControl(b []byte, c *wirepb.Control) ([]byte, error) {
	return appendMessage(b, c, &controlShape, MaxBroadcast)
}

// MarshalControl returns the body of a control frame that carries c, as
// AppendControl does, in memory of its own.
func MarshalControl(c *wirepb.Control) ([]byte, error) { return AppendControl(nil, c) }

// UnmarshalControl reads the body of a control frame; the result shares no
// memory with it. Fields it does not know are kept. A message of a kind it does
// not know has a nil Body and is to be ignored. The error is an *Error: a rule
// of docs/spec/control.md is broken. Keys, IDs and signatures have the right
// length then, and nothing more is known of them: records are not verified.
func UnmarshalControl(body []byte) (*wirepb.Control, error) {
	c := new(wirepb.Control)
	if err := unmarshal(body, c, &controlShape, MaxBroadcast); err != nil {
		return nil, err
	}
	return c, nil
}

// MarshalHello returns the body of a hello frame. The error is an *Error.
func MarshalHello(h *wirepb.Hello) ([]byte, error) {
	return appendMessage(nil, h, &helloShape, MaxHello)
}

// UnmarshalHello reads the body of a hello frame, as UnmarshalControl does. Its
// record is present, and not verified. The version is what the sender speaks at
// most; both ends then speak the lower of their two.
func UnmarshalHello(body []byte) (*wirepb.Hello, error) {
	h := new(wirepb.Hello)
	if err := unmarshal(body, h, &helloShape, MaxHello); err != nil {
		return nil, err
	}
	return h, nil
}

// MarshalBroadcastBody returns the bytes of a broadcast that its origin signs.
// The error is an *Error.
func MarshalBroadcastBody(body *wirepb.BroadcastBody) ([]byte, error) {
	return appendMessage(nil, body, &broadcastBodyShape, MaxBroadcastBody)
}

// UnmarshalBroadcastBody reads the body of a Broadcast, as UnmarshalControl
// does. Whoever passes the broadcast on passes on the bytes it received.
func UnmarshalBroadcastBody(body []byte) (*wirepb.BroadcastBody, error) {
	b := new(wirepb.BroadcastBody)
	if err := unmarshal(body, b, &broadcastBodyShape, MaxBroadcastBody); err != nil {
		return nil, err
	}
	return b, nil
}

// appendMessage encodes m and holds the result against the rules for reading.
func appendMessage(b []byte, m proto.Message, s *shape, longest int) ([]byte, error) {
	out, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, m)
	if err != nil {
		return b, broken(CodeProtocol, 0, "%s: %v", s.name, err)
	}
	if err := s.check(out[len(b):], longest); err != nil {
		return b, err
	}
	return out, nil
}

// unmarshal decodes b into m, which is empty, once its raw bytes keep the rules.
func unmarshal(b []byte, m proto.Message, s *shape, longest int) error {
	if err := s.check(b, longest); err != nil {
		return err
	}
	if err := proto.Unmarshal(b, m); err != nil {
		return broken(CodeProtocol, 0, "%s: %v", s.name, err)
	}
	return nil
}
