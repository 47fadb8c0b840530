package control

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible returns data as text in one line that a terminal only shows: what is not
// printable, or no UTF-8, stands there as Go writes it in a string, \x1b. A backslash
// in data stays one.
func Visible(data []byte) string {
	var b strings.Builder
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			const hex = "0123456789abcdef"
			b.WriteString(`\x` + string(hex[data[0]>>4]) + string(hex[data[0]&15]))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		data = data[size:]
	}
	return b.String()
}
