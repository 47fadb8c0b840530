package wire

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Code says why a link was closed. It travels in the last frame.
type Code uint16

// The codes, their numbers as on the wire.
const (
	CodeNone       Code = 0  // no reason given: the connection just ended
	CodeLeaving    Code = 1  // the peer leaves the swarm
	CodeIdle       Code = 2  // nobody used the link
	CodeReplaced   Code = 3  // another link between the same two peers stays
	CodeOverloaded Code = 4  // too many links or handshakes; try later
	CodeProtocol   Code = 5  // a frame that breaks the wire's rules
	CodeVersion    Code = 6  // no common version
	CodeSwarm      Code = 7  // another swarm's name, difficulty or secret
	CodeRecord     Code = 8  // a record that is not valid
	CodeLimit      Code = 9  // a length, count or rate over its limit
	CodeTimeout    Code = 10 // an answer that was owed did not come
	CodeRefused    Code = 11 // the program does not allow this peer
)

const (
	closeCodeSize = 2
	// MaxCloseText is the most bytes of text that a close frame carries.
	MaxCloseText = 128
)

// codeNames has the name of each code, by its number.
var codeNames = [...]string{
	CodeNone:       "no reason given",
	CodeLeaving:    "leaving",
	CodeIdle:       "idle",
	CodeReplaced:   "replaced",
	CodeOverloaded: "overloaded",
	CodeProtocol:   "protocol error",
	CodeVersion:    "no common version",
	CodeSwarm:      "other swarm",
	CodeRecord:     "bad record",
	CodeLimit:      "over a limit",
	CodeTimeout:    "timed out",
	CodeRefused:    "refused",
}

// String returns what the code means in a few words, or "code 77" for a number
// without a meaning.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("code %d", uint16(c))
}

// AppendClose appends the body of a close frame. What people could not read, or
// a terminal would obey, is replaced in text, and text is cut to MaxCloseText
// bytes at the end of a character.
func AppendClose(b []byte, code Code, text string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	return append(b, cut(printable(text), MaxCloseText)...)
}

// ParseClose reads the body of a close frame. Text is safe to show on a
// terminal. A code that has no meaning here is no error. The error is an
// *Error: the body is too short or too long, or its text is not UTF-8.
func ParseClose(body []byte) (Code, string, error) {
	if err := checkFrame(FrameClose, len(body), len(body)); err != nil {
		return CodeNone, "", err
	}
	text := body[closeCodeSize:]
	if !utf8.Valid(text) {
		return CodeNone, "", broken(CodeProtocol, closeCodeSize, "the text of a close frame is not UTF-8")
	}
	return Code(binary.BigEndian.Uint16(body)), printable(string(text)), nil
}

// printable replaces each character that is not for the eye: controls, escapes,
// marks that turn the direction of writing, bytes that are no UTF-8.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != utf8.RuneError && unicode.IsPrint(r) {
			return r
		}
		return '?' // one byte, so that the text never grows
	}, text)
}

// cut shortens text to at most limit bytes without splitting a character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
