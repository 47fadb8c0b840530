package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Line returns object as one line of JSON, with its newline, that a terminal only
// shows. JSON lets control characters beyond ASCII stand as they are, of which U+009B
// begins a command to some terminals, and those that turn the direction of writing,
// which show a text as another; here they are escaped, too.
func Line(object any) ([]byte, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	return append(escape(text), '\n'), nil
}

// escape escapes in JSON what a terminal might obey. In JSON such characters stand
// in strings only.
func escape(text []byte) []byte {
	if !bytes.ContainsFunc(text, obeyed) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if obeyed(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
}

// obeyed reports whether a terminal might do something else with r than show it. All
// of these are below U+10000.
func obeyed(r rune) bool {
	return r >= 0x7f && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r))
}
