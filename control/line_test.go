package control

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// What is written as JSON means what it did, and a terminal only shows it.
func FuzzLine(f *testing.F) {
	for _, text := range []string{"plain", "\x1b[31m\n", "\u009b31m\u0085\u007f", "\u202eabc\u2066\u2069\u200f\u061c", `\u009b`, "\\\u0080", "é € 😀\u2028", "\xff\x9b\xc2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		object := map[string]string{text: text, "x": text + text}
		line, err := Line(object)
		if err != nil || bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Fatalf("%q: got %q, %v, want one line", text, line, err)
		}
		for _, r := range string(line) {
			switch {
			case r >= 0x7f && r <= 0x9f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x61c:
				t.Errorf("%q: got %q, with %U as it is", text, line, r)
			}
		}
		plain, _ := json.Marshal(object)
		var got, want map[string]string
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q: got %q: %v", text, line, err)
		}
		if err := json.Unmarshal(plain, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	})
}
