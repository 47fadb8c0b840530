package trace

import (
	"encoding/hex"
	"fmt"
)

// A MessageID names a message, a broadcast or a lookup across the whole swarm.
// It is drawn at random where the message is made. Its text form is 32 hex digits.
type MessageID [16]byte

// String returns the text form.
func (m MessageID) String() string { return hex.EncodeToString(m[:]) }

// IsZero reports whether m names no message.
func (m MessageID) IsZero() bool { return m == MessageID{} }

// MarshalText returns the text form.
func (m MessageID) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the text form.
func (m *MessageID) UnmarshalText(text []byte) error {
	var id MessageID
	if len(text) != hex.EncodedLen(len(id)) {
		return fmt.Errorf("trace: a message ID has %d hex digits, not %d characters", hex.EncodedLen(len(id)), len(text))
	}
	if _, err := hex.Decode(id[:], text); err != nil {
		return fmt.Errorf("trace: message ID %q: %w", text, err)
	}
	*m = id
	return nil
}
