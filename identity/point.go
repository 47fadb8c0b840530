package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/crypto/argon2"
)

// A Point is a place on the ring: a 256-bit big-endian number that wraps at
// 2^256. A peer's point follows from its ID by PointOf; IDs and points never mix.
type Point [32]byte

// MaxDifficulty is the highest difficulty a swarm can have, in bits.
const MaxDifficulty = 32

// ErrDifficulty is returned for an ID that does not meet its swarm's difficulty.
var ErrDifficulty = errors.New("identity: the ID does not meet the swarm's difficulty")

const (
	pointTextLength = 64
	pointPrefix     = "cicada point"
	puzzleSalt      = "cicada point 1"
	puzzleMemory    = 1024 // KiB
	screenBits      = 6    // zero bits of SHA-256(ID), so that rubbish costs no argon2
)

// PointOf returns where id stands on the ring of a swarm with that difficulty:
//
//	difficulty 0:  SHA-256("cicada point" ‖ id)
//	difficulty k:  SHA-256("cicada point" ‖ h), h = argon2id(id, salt "cicada point 1", t=1, m=1 MiB, p=1)
//
// Where k is not 0 the ID is only valid if SHA-256(id) begins with 6 zero bits
// and h with k; the error is ErrDifficulty if it is not. So a place on the ring
// costs 2^k runs of argon2id (RFC 9106), every time it is tried. An ID that
// fails the first test is refused within a microsecond, others take about one
// millisecond and 1 MiB: let a Points do it where strangers choose the ID.
//
// It does not Check id. A difficulty over MaxDifficulty is an error.
func PointOf(id ID, difficulty uint8) (Point, error) {
	if err := checkDifficulty(difficulty); err != nil {
		return Point{}, err
	}
	if difficulty == 0 {
		return hashPoint(id[:]), nil
	}
	if !passesScreen(id) {
		return Point{}, ErrDifficulty
	}
	return solvePoint(id, difficulty)
}

func checkDifficulty(difficulty uint8) error {
	if difficulty > MaxDifficulty {
		return fmt.Errorf("identity: difficulty %d is over the limit of %d", difficulty, MaxDifficulty)
	}
	return nil
}

// passesScreen is the cheap test that comes before solvePoint.
func passesScreen(id ID) bool {
	sum := sha256.Sum256(id[:])
	return leadingZeros(sum[:]) >= screenBits
}

// solvePoint is the costly test, for an ID that passesScreen.
func solvePoint(id ID, difficulty uint8) (Point, error) {
	h := argon2.IDKey(id[:], []byte(puzzleSalt), 1, puzzleMemory, 1, 32)
	if leadingZeros(h) < int(difficulty) {
		return Point{}, ErrDifficulty
	}
	return hashPoint(h), nil
}

func hashPoint(h []byte) Point {
	var buffer [len(pointPrefix) + 32]byte
	copy(buffer[:], pointPrefix)
	copy(buffer[len(pointPrefix):], h)
	return sha256.Sum256(buffer[:])
}

func leadingZeros(b []byte) int {
	n := 0
	for _, x := range b {
		n += bits.LeadingZeros8(x)
		if x != 0 {
			break
		}
	}
	return n
}

// String returns the text form: 64 hex digits.
func (p Point) String() string { return hex.EncodeToString(p[:]) }

// IsZero reports whether p is the point 0, which is also the value of a point that was never set.
func (p Point) IsZero() bool { return p == Point{} }

// ParsePoint reads the text form of a point: 64 hex digits, in either case.
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

// MarshalText returns the text form of p.
func (p Point) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the text form as ParsePoint does.
func (p *Point) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePoint(string(text))
	return err
}
