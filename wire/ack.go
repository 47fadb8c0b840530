package wire

// ackSize is one acknowledgement: message ID 16, copy 1.
const ackSize = 17

// Acks is the body of an acknowledgement frame: which envelopes the sender has
// taken over. It aliases the frame it was parsed from.
type Acks []byte

// AppendAck appends one acknowledgement to the body b of an ack frame. A frame
// holds at most MaxAck bytes of them.
func AppendAck(b []byte, message [16]byte, copy uint8) []byte {
	return append(append(b, message[:]...), copy)
}

// ParseAck reads the body of an ack frame without copying it. The error is an
// *Error.
func ParseAck(body []byte) (Acks, error) {
	if err := checkFrame(FrameAck, len(body), len(body)); err != nil {
		return nil, err
	}
	return body, nil
}

// Len returns how many envelopes are acknowledged.
func (a Acks) Len() int { return len(a) / ackSize }

// At returns acknowledgement i, counted from 0. Like a slice, it panics where
// there is none.
func (a Acks) At(i int) (message [16]byte, copy uint8) {
	one := a[i*ackSize:][:ackSize]
	return [16]byte(one), one[16]
}
