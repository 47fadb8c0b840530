package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"cicada/wire"
)

func TestFrameHeader(t *testing.T) {
	tests := []struct {
		name   string
		kind   wire.FrameKind
		length int
		want   string
	}{
		{"proof", wire.FrameProof, 32, "01000020"},
		{"hello", wire.FrameHello, 300, "0200012c"},
		{"longest control", wire.FrameControl, wire.MaxBroadcast, "03100400"},
		{"longest frame of all", wire.FrameEnvelope, wire.MaxFrame, "04100450"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, err := wire.AppendFrameHeader([]byte("before"), test.kind, test.length)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%x", b[len("before"):]); got != test.want || string(b[:6]) != "before" {
				t.Errorf("got %x, want %s", b, test.want)
			}
			kind, length, err := wire.ParseFrameHeader(append(b[6:], "body"...))
			if err != nil || kind != test.kind || length != test.length {
				t.Errorf("got %v, %d, %v, want %v, %d", kind, length, err, test.kind, test.length)
			}
		})
	}
}

// What one side refuses to read, the other refuses to write.
func TestFrameLimitsHoldBothWays(t *testing.T) {
	for kind := wire.FrameKind(0); kind <= wire.FrameClose+1; kind++ {
		shortest, longest := kind.Limits()
		if longest > wire.MaxFrame {
			t.Errorf("%s: the longest body is %d, over MaxFrame", kind, longest)
		}
		known := kind != 0 && kind <= wire.FrameClose
		for _, length := range []int{-1, shortest - 1, shortest, longest, longest + 1, 1 << 24} {
			want := known && length >= shortest && length <= longest
			b, err := wire.AppendFrameHeader(nil, kind, length)
			if (err == nil) != want || (len(b) == wire.FrameHeaderSize) != want {
				t.Errorf("append %s of %d: got %x, %v, want success %v", kind, length, b, err, want)
			}
			if length < 0 || length >= 1<<24 {
				continue
			}
			_, _, err = wire.ParseFrameHeader([]byte{byte(kind), byte(length >> 16), byte(length >> 8), byte(length)})
			if (err == nil) != want {
				t.Errorf("parse %s of %d: got %v, want success %v", kind, length, err, want)
			}
		}
	}
}

func TestCloseTextIsFitToBeShown(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "too many lookups", "too many lookups"},
		{"letters of other scripts", "größer, 大きい", "größer, 大きい"},
		{"escape sequence", "\x1b[2Jgone", "?[2Jgone"},
		{"a line of its own", "a\r\nERROR b", "a??ERROR b"},
		{"direction of writing", "a\u202eb\u2066c", "a?b?c"},
		{"not UTF-8", "a\xff\xfeb", "a??b"},
		{"cut", strings.Repeat("x", 127) + "yz", strings.Repeat("x", 127) + "y"},
		{"cut before a character that does not fit", strings.Repeat("x", 127) + "é", strings.Repeat("x", 127)},
		{"cut of long characters", strings.Repeat("大", 50), strings.Repeat("大", 42)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := wire.AppendClose(nil, wire.CodeLimit, test.text)
			code, got, err := wire.ParseClose(b)
			if err != nil || code != wire.CodeLimit || got != test.want {
				t.Errorf("got %v, %q, %v, want %q", code, got, err, test.want)
			}
		})
	}
	// A peer that does not keep the rule changes nothing.
	if _, got, err := wire.ParseClose([]byte("\x00\x05\x1b]0;owned\a")); err != nil || got != "?]0;owned?" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNumbersWithoutNames(t *testing.T) {
	for _, test := range []struct {
		got  fmt.Stringer
		want string
	}{
		{wire.Code(77), "code 77"},
		{wire.Reason(77), "reason 77"},
		{wire.FrameKind(77), "frame 77"},
		{wire.EnvelopeKind(77), "envelope 77"},
	} {
		if got := test.got.String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestErrorSaysWhatAndWhere(t *testing.T) {
	_, _, err := wire.ParseFrameHeader([]byte{6, 0, 0, 19})
	const want = "wire: over a limit at byte 1: a frame of kind refusal has at most 18 bytes, not 19"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	var broken *wire.Error
	if wrapped := fmt.Errorf("transport: read: %w", err); !errors.As(wrapped, &broken) || broken.Code != wire.CodeLimit {
		t.Errorf("got %v, want CodeLimit inside", wrapped)
	}
}

func TestAcksAliasTheFrame(t *testing.T) {
	body := wire.AppendAck(wire.AppendAck(nil, [16]byte{1}, 2), [16]byte{3}, 4)
	if got := testing.AllocsPerRun(100, func() {
		body = wire.AppendAck(body[:0], [16]byte{1}, 2)
		acks, err := wire.ParseAck(body)
		if err != nil || acks.Len() != 1 {
			t.Fatal(acks.Len(), err)
		}
		if message, copy := acks.At(0); message != [16]byte{1} || copy != 2 {
			t.Fatal(message, copy)
		}
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkFrameHeader(b *testing.B) {
	b.ReportAllocs()
	var buffer [wire.FrameHeaderSize]byte
	for b.Loop() {
		header, _ := wire.AppendFrameHeader(buffer[:0], wire.FrameEnvelope, 1104)
		if _, _, err := wire.ParseFrameHeader(header); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAck(b *testing.B) {
	b.ReportAllocs()
	body := make([]byte, 0, 17)
	message := [16]byte(count(1, 16))
	for b.Loop() {
		body = wire.AppendAck(body[:0], message, 1)
		acks, err := wire.ParseAck(body)
		if err != nil {
			b.Fatal(err)
		}
		for i := range acks.Len() {
			if got, _ := acks.At(i); got != message {
				b.Fatal(got)
			}
		}
	}
}
