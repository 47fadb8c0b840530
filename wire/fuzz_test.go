package wire_test

import (
	"bytes"
	"testing"
	"unicode"
	"unicode/utf8"

	"cicada/wire"
)

// fuzz gives one decoder the samples and the refused bytes that are for it, and
// then whatever the fuzzer finds. Where b is taken, encoding it and decoding
// that must lead back to the same bytes; where stable is set, at once.
func fuzz(f *testing.F, name string, stable bool) {
	f.Helper()
	for _, s := range samples() {
		if s.codec == name {
			f.Add(s.bytes)
		}
	}
	for _, r := range refusals() {
		if r.codec == name {
			f.Add(r.bytes)
		}
	}
	c, err := find(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		once, err := c.again(b)
		if !bytes.Equal(b, before) {
			t.Fatal("reading changed the bytes")
		}
		if err != nil {
			checkError(t, err, len(b))
			return
		}
		if stable && !bytes.HasPrefix(b, once) {
			t.Fatalf("got %x, want %x", once, b)
		}
		twice, err := c.again(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("got %x, %v, want %x", twice, err, once)
		}
	})
}

func FuzzParseFrameHeader(f *testing.F)       { fuzz(f, "frame header", true) }
func FuzzParseAck(f *testing.F)               { fuzz(f, "ack", true) }
func FuzzParseRefusal(f *testing.F)           { fuzz(f, "refusal", true) }
func FuzzParseClose(f *testing.F)             { fuzz(f, "close", false) } // text is made fit to be shown
func FuzzParseEnvelope(f *testing.F)          { fuzz(f, "envelope", true) }
func FuzzUnmarshalControl(f *testing.F)       { fuzz(f, "control", false) } // fields may come in any order
func FuzzUnmarshalHello(f *testing.F)         { fuzz(f, "hello", false) }
func FuzzUnmarshalBroadcastBody(f *testing.F) { fuzz(f, "broadcast body", false) }

func FuzzAppendClose(f *testing.F) {
	f.Add(uint16(5), "plain")
	f.Add(uint16(0), "\x1b[2J\u202e\xff\u00e9")
	f.Fuzz(func(t *testing.T, code uint16, text string) {
		b := wire.AppendClose(nil, wire.Code(code), text)
		gotCode, got, err := wire.ParseClose(b)
		if err != nil || gotCode != wire.Code(code) || len(got) > wire.MaxCloseText || !utf8.ValidString(got) {
			t.Fatalf("%q: got %d, %q, %v", text, gotCode, got, err)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q: got %q, which holds %q", text, got, r)
			}
		}
	})
}
