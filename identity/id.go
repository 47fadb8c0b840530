package identity

import (
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"

	"filippo.io/edwards25519"
)

// An ID is a peer's Ed25519 public key, and so its name: it cannot be forged,
// and whoever holds it can seal a message to the peer without asking anybody.
// Addresses may change; the ID does not. The zero ID names nobody.
//
// Any 32 bytes can be made an ID by conversion. One that came from outside is
// good for nothing until Check accepted it; ParseID, Verify, X25519 and
// Record.Verify do that themselves.
type ID [32]byte

// ErrID is returned for an ID that is no usable public key.
var ErrID = errors.New("identity: not a usable public key")

const (
	idTextLength  = 52 // 256 bits in base32 without padding
	idShortLength = 8
)

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// String returns the text form: 52 characters of lower-case base32.
func (id ID) String() string { return idEncoding.EncodeToString(id[:]) }

// Short returns the first 8 characters of the text form, for people to read.
func (id ID) Short() string { return id.String()[:idShortLength] }

// IsZero reports whether id names nobody.
func (id ID) IsZero() bool { return id == ID{} }

// Check returns nil if id is the canonical encoding of a point of the curve
// that is not of small order, else an error that wraps ErrID. Under a key of
// small order one signature fits many messages, and every key exchange gives
// the same secret. It costs one square root in the field, about 4 µs.
func (id ID) Check() error {
	_, err := id.decode()
	return err
}

// X25519 returns the public key for key exchange (RFC 7748) that belongs to id:
// its image on the Montgomery curve, which equals the public half of
// PrivateKey.X25519. The error is that of Check. It costs about 10 µs.
func (id ID) X25519() ([32]byte, error) {
	point, err := id.decode()
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(point.BytesMontgomery()), nil
}

func (id ID) decode() (*edwards25519.Point, error) {
	if err := id.checkBytes(); err != nil {
		return nil, err
	}
	point, err := new(edwards25519.Point).SetBytes(id[:])
	if err != nil {
		return nil, fmt.Errorf("%w: no point of the curve", ErrID)
	}
	return point, nil
}

// checkBytes is the part of Check that needs no arithmetic: what it accepts is
// usable if it lies on the curve, which verifying a signature finds out anyway.
//
// The first 255 bits are the coordinate y, the last is the sign of x. y must be
// less than p, and not that of one of the eight points of small order. Those
// include both whose x is 0, where the sign could be written in two ways.
func (id ID) checkBytes() error {
	y := [4]uint64{
		binary.LittleEndian.Uint64(id[0:]), binary.LittleEndian.Uint64(id[8:]),
		binary.LittleEndian.Uint64(id[16:]), binary.LittleEndian.Uint64(id[24:]) &^ (1 << 63),
	}
	if y[3] == 1<<63-1 && y[2] == 1<<64-1 && y[1] == 1<<64-1 && y[0] >= 1<<64-19 {
		return fmt.Errorf("%w: not canonical", ErrID)
	}
	for i := range smallOrder {
		if y == smallOrder[i] {
			return fmt.Errorf("%w: of small order", ErrID)
		}
	}
	return nil
}

// smallOrder lists y of the points whose order divides 8, lowest word first.
var smallOrder = [5][4]uint64{
	{0}, // order 4
	{1}, // order 1
	{1<<64 - 20, 1<<64 - 1, 1<<64 - 1, 1<<63 - 1},                                    // order 2: p-1
	{0xb027b2c28f95e826, 0xf098eff289f4c345, 0x3933c6d305acdfd5, 0x05fc536d880238b1}, // order 8
	{0x4fd84d3d706a17c7, 0x0f67100d760b3cba, 0xc6cc392cfa53202a, 0x7a03ac9277fdc74e}, // order 8: p minus the one above
}

// ParseID reads the text form of an ID: 52 characters of base32, in either
// case, the bits left over in the last one zero. It must pass Check.
func ParseID(text string) (ID, error) {
	id, err := decodeID(text)
	if err != nil {
		return ID{}, err
	}
	if err := id.Check(); err != nil {
		return ID{}, fmt.Errorf("identity: ID %s: %w", text, err)
	}
	return id, nil
}

func decodeID(text string) (ID, error) {
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
	// The decoder skips line ends, so that less than a whole ID may come out.
	if n, err := idEncoding.Decode(id[:], lower); err != nil || n != len(id) {
		return ID{}, fmt.Errorf("identity: ID %q is not in base32", text)
	}
	if id.String() != string(lower) {
		return ID{}, fmt.Errorf("identity: ID %q ends in bits that must be zero", text)
	}
	return id, nil
}

// MarshalText returns the text form of id; the zero ID is empty.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}

// UnmarshalText reads the text form; empty text is the zero ID. Unlike ParseID
// it does not Check, so that long recordings are read quickly.
func (id *ID) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	*id, err = decodeID(string(text))
	return err
}
