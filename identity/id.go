package identity

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
)

// An ID is a peer's Ed25519 public key, and so its name: it cannot be forged,
// and whoever holds it can seal a message to the peer without asking anybody.
// Addresses may change; the ID does not. The zero ID names nobody.
type ID [32]byte

// A Point is a place on the ring: a 256-bit big-endian number that wraps at
// 2^256. A peer's point follows from its ID by PointOf; IDs and points never mix.
type Point [32]byte

const (
	idTextLength    = 52 // 256 bits in base32 without padding
	idShortLength   = 8
	pointTextLength = 64
)

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// String returns the text form: 52 characters of lower-case base32.
func (id ID) String() string { return idEncoding.EncodeToString(id[:]) }

// Short returns the first 8 characters of the text form, for people to read.
func (id ID) Short() string { return id.String()[:idShortLength] }

// IsZero reports whether id names nobody.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the text form: 64 hex digits.
func (p Point) String() string { return hex.EncodeToString(p[:]) }

// IsZero reports whether p is the point 0, which is also the value of a point that was never set.
func (p Point) IsZero() bool { return p == Point{} }

// MarshalText returns the text form of id; the zero ID is empty.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}

// UnmarshalText reads the text form as ParseID does; empty text is the zero ID.
func (id *ID) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	*id, err = ParseID(string(text))
	return err
}

// MarshalText returns the text form of p.
func (p Point) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the text form as ParsePoint does.
func (p *Point) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePoint(string(text))
	return err
}

// ParsePoint reads the text form of a point: 64 hex digits.
func ParsePoint(text string) (Point, error) {
	var p Point
	if len(text) != pointTextLength {
		return p, fmt.Errorf("identity: a point has %d hex digits, not %d characters", pointTextLength, len(text))
	}
	if _, err := hex.Decode(p[:], []byte(text)); err != nil {
		return Point{}, fmt.Errorf("identity: point %q: %w", text, err)
	}
	return p, nil
}

// ParseID reads the text form of an ID: 52 characters of base32, in either case.
func ParseID(text string) (ID, error) {
	var id ID
	if len(text) != idTextLength {
		return id, fmt.Errorf("identity: an ID has %d characters, not %d", idTextLength, len(text))
	}
	lower := []byte(text)
	for i, b := range lower {
		if 'A' <= b && b <= 'Z' {
			lower[i] = b + 'a' - 'A'
		}
	}
	if _, err := idEncoding.Decode(id[:], lower); err != nil {
		return ID{}, fmt.Errorf("identity: ID %q: %w", text, err)
	}
	return id, nil
}
