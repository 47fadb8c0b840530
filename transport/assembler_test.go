package transport

import (
	"bytes"
	"errors"
	"testing"

	"cicada/wire"
)

// A parsed is a frame that came out of a stream.
type parsed struct {
	kind wire.FrameKind
	body string
}

// parsePlainly cuts a whole stream into frames in the simplest way.
func parsePlainly(stream []byte) (frames []parsed, broken bool) {
	for len(stream) >= wire.FrameHeaderSize {
		kind, length, err := wire.ParseFrameHeader(stream)
		if err != nil {
			return frames, true
		}
		if stream = stream[wire.FrameHeaderSize:]; len(stream) < length {
			return frames, false
		}
		frames = append(frames, parsed{kind, string(stream[:length])})
		stream = stream[length:]
	}
	return frames, false
}

// assemble feeds a stream in pieces of step bytes, and checks at each step that
// memory is in proportion to what has come.
func assemble(t testing.TB, stream []byte, step int) (frames []parsed, broken bool) {
	in := assembler{pool: new(pool)}
	defer in.release()
	came := 0
	for len(stream) > 0 {
		space := in.space()
		n := copy(space, stream[:min(step, len(stream))])
		if n == 0 {
			t.Fatal("no space to read into")
		}
		in.filled(n)
		came += n
		stream = stream[n:]
		for {
			kind, body, ok, err := in.next()
			if err != nil {
				return frames, true
			}
			if !ok {
				break
			}
			frames = append(frames, parsed{kind, string(body)})
		}
		if got, limit := cap(in.buf.b), max(readSize, 5*came); got > limit {
			t.Fatalf("after %d bytes: %d taken, want at most %d", came, got, limit)
		}
		in.rest()
		if in.buf != nil && in.start == len(in.buf.b) {
			t.Fatal("memory is held though nothing waits")
		}
	}
	return frames, false
}

func FuzzAssembler(f *testing.F) {
	whole := func(kind wire.FrameKind, n int) []byte {
		b, err := wire.AppendFrameHeader(nil, kind, n)
		if err != nil {
			f.Fatal(err)
		}
		return append(b, bytes.Repeat([]byte{'x'}, n)...)
	}
	f.Add([]byte{}, uint16(1))
	f.Add(whole(wire.FrameControl, 1), uint16(1))
	f.Add(append(whole(wire.FrameAck, 34), whole(wire.FrameClose, 7)...), uint16(3))
	f.Add(append(whole(wire.FrameEnvelope, 40_000), 4, 0, 1), uint16(4096))
	f.Add([]byte{4, 0x0f, 0xff, 0xff, 1, 2, 3}, uint16(2)) // promises a MiB, brings three bytes
	f.Add([]byte{3, 0xff, 0xff, 0xff}, uint16(4))
	f.Add([]byte{0, 0, 0, 0}, uint16(4))
	f.Fuzz(func(t *testing.T, stream []byte, step uint16) {
		got, gotBroken := assemble(t, stream, int(step)+1)
		want, wantBroken := parsePlainly(stream)
		if gotBroken != wantBroken || len(got) != len(want) {
			t.Fatalf("got %d frames, broken %v, want %d, %v", len(got), gotBroken, len(want), wantBroken)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("frame %d: got %v, want %v", i, got[i], want[i])
			}
		}
	})
}

// A header that promises a long frame costs memory only as the bytes come.
func TestAssemblerTakesMemoryAsBytesCome(t *testing.T) {
	in := assembler{pool: new(pool)}
	header, err := wire.AppendFrameHeader(nil, wire.FrameEnvelope, wire.MaxFrame)
	if err != nil {
		t.Fatal(err)
	}
	came := 0
	for part := header; came < wire.FrameHeaderSize+wire.MaxFrame; part = make([]byte, 1000) {
		n := copy(in.space(), part)
		in.filled(n)
		came += n
		if got, limit := cap(in.buf.b), max(readSize, 5*came); got > limit {
			t.Fatalf("after %d bytes: %d taken, want at most %d", came, got, limit)
		}
	}
	if _, body, ok, err := in.next(); !ok || err != nil || len(body) != wire.MaxFrame {
		t.Errorf("got %d bytes, %v, %v, want the whole frame", len(body), ok, err)
	}
	in.rest()
	if in.buf != nil && in.start == len(in.buf.b) {
		t.Error("memory is held though nothing waits")
	}
}

func TestPoolGrowKeepsWhatIsThere(t *testing.T) {
	p := new(pool)
	var b *buffer
	var want []byte
	for i := range 2000 {
		part := bytes.Repeat([]byte{byte(i)}, i)
		b = p.grow(b, len(part))
		b.b = append(b.b, part...)
		want = append(want, part...)
	}
	if !bytes.Equal(b.b, want) {
		t.Errorf("got %d bytes that differ from the %d put in", len(b.b), len(want))
	}
	p.give(b)
	if again := p.take(100); len(again.b) != 0 {
		t.Errorf("got a buffer with %d bytes in it, want it empty", len(again.b))
	}
}

func TestCloseErrorSaysWhoAndWhy(t *testing.T) {
	tests := []struct {
		name string
		err  *CloseError
		is   error
		want string
	}{
		{"remote", &CloseError{Code: wire.CodeIdle, Remote: true}, nil, "transport: link closed by the other end: idle"},
		{"local", &CloseError{Code: wire.CodeLimit, Reason: "too long"}, nil, "transport: link closed by this end: over a limit: too long"},
		{"swarm", &CloseError{Code: wire.CodeSwarm}, ErrOtherSwarm, "transport: link closed by this end: other swarm"},
		{"overloaded", &CloseError{Code: wire.CodeOverloaded}, ErrOverloaded, "transport: link closed by this end: overloaded"},
		{"network", &CloseError{Remote: true, Err: ErrBacklog}, ErrBacklog,
			"transport: link closed by the other end: no reason given (transport: the other end reads too slowly)"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if test.is != nil && !errors.Is(test.err, test.is) {
			t.Errorf("%s: got an error that is not %v", test.name, test.is)
		}
		if errors.Is(test.err, ErrClosed) {
			t.Errorf("%s: got an error that is %v", test.name, ErrClosed)
		}
	}
}
