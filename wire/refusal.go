package wire

import "fmt"

// refusalSize is the body of a refusal: message ID 16, copy 1, reason 1.
const refusalSize = 18

// A Refusal says that the sender will not forward an envelope it was handed.
// The peer that handed it over tries another way. Any hop can say it, so it
// proves nothing about the target.
type Refusal struct {
	Message [16]byte
	Copy    uint8
	Reason  Reason
}

// A Reason says why an envelope was refused.
type Reason uint8

// The reasons, their numbers as on the wire. A reader that does not know a
// reason treats it as ReasonNone.
const (
	ReasonNone    Reason = 0 // none given
	ReasonStuck   Reason = 1 // knows nobody nearer to the target that answers
	ReasonTTL     Reason = 2 // the envelope may cross no further link
	ReasonColour  Reason = 3 // this peer is not of the copy's colour
	ReasonLimit   Reason = 4 // this link, or all together, send more than can be kept
	ReasonUnknown Reason = 5 // the target's place on the ring is this peer's, and the target is not there
	ReasonClosed  Reason = 6 // this peer is leaving
	ReasonDenied  Reason = 7 // the program does not let this peer relay
)

// String returns the reason's name, or "reason 9" for a number without one.
func (r Reason) String() string {
	switch r {
	case ReasonNone:
		return "none"
	case ReasonStuck:
		return "stuck"
	case ReasonTTL:
		return "ttl"
	case ReasonColour:
		return "colour"
	case ReasonLimit:
		return "limit"
	case ReasonUnknown:
		return "unknown"
	case ReasonClosed:
		return "closed"
	case ReasonDenied:
		return "denied"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// AppendRefusal appends the body of a refusal frame.
func AppendRefusal(b []byte, r Refusal) []byte {
	return append(append(b, r.Message[:]...), r.Copy, byte(r.Reason))
}

// ParseRefusal reads the body of a refusal frame. The error is an *Error.
func ParseRefusal(body []byte) (Refusal, error) {
	if err := checkFrame(FrameRefusal, len(body), len(body)); err != nil {
		return Refusal{}, err
	}
	return Refusal{Message: [16]byte(body), Copy: body[16], Reason: Reason(body[17])}, nil
}
