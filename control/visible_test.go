package control

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzVisible(f *testing.F) {
	for _, text := range []string{"plain", "\x1b[31mred", "a\nb\tc\x00", "\xff\xc3", "é €", "\u202e\u2028\u0085\ufffd", `\x1b`, "'"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := Visible(data)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q: got %q, which is not printable", data, got)
		}
		if !bytes.ContainsFunc(data, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) && got != string(data) {
			t.Errorf("%q: got %q, want it as it is", data, got)
		}
	})
}
