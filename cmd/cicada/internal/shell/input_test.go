package shell

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

func TestALineThatIsTooLongHarmsNoOther(t *testing.T) {
	longest := strings.Repeat("x", MaxLine)
	lines := NewLines(strings.NewReader("\ufefffirst\n\n" + longest + "\n" + longest + longest + "y\nlast"))
	for i, want := range []string{"first", "", longest, "", "last"} {
		line, err := lines.Next()
		var long *UsageError
		if i == 3 && !errors.As(err, &long) || i != 3 && err != nil {
			t.Errorf("line %d: got error %v", i+1, err)
		}
		if line != want || lines.Number() != i+1 {
			t.Errorf("line %d: got %d bytes as number %d, want %d", i+1, len(line), lines.Number(), len(want))
		}
	}
	if _, err := lines.Next(); err != io.EOF {
		t.Errorf("behind the last line: got %v, want io.EOF", err)
	}
}

func TestALineThatIsTooLongMayBeTheLast(t *testing.T) {
	lines := NewLines(strings.NewReader(strings.Repeat("x", 2*MaxLine)))
	var long *UsageError
	if _, err := lines.Next(); !errors.As(err, &long) {
		t.Errorf("got %v, want that it is too long", err)
	}
	if _, err := lines.Next(); err != io.EOF {
		t.Errorf("got %v, want io.EOF", err)
	}
}

// typing returns Keys, and what to type on.
func typing(t *testing.T) (*Keys, *io.PipeWriter) {
	in, out := io.Pipe()
	t.Cleanup(func() { out.Close() })
	return NewKeys(in), out
}

func TestKeysArriveOneLineAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, out := typing(t)
		io.WriteString(out, "a\rb\nc")
		synctest.Wait()
		for _, want := range []string{"a\r", "b\n", "c"} {
			expect(t, k, want)
		}
	})
}

func expect(t *testing.T, k *Keys, want string) {
	t.Helper()
	var b [100]byte
	n, err := k.Read(b[:])
	if got := string(b[:n]); got != want || err != nil {
		t.Errorf("got %q, error %v, want %q", got, err, want)
	}
}

func TestCtrlCClearsTheLineThatIsEdited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, out := typing(t)
		k.OnInterrupt(func() { t.Error("there was nothing to interrupt") })
		io.WriteString(out, "kill")
		synctest.Wait()
		expect(t, k, "kill") // and the reader is busy with it
		io.WriteString(out, " a\r\x03")
		synctest.Wait()
		expect(t, k, clearLine)
	})
}

func TestCtrlCEndsTheCommandAndWhatWasTypedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, out := typing(t)
		interrupts := 0
		k.OnInterrupt(func() { interrupts++ })
		io.WriteString(out, "join a b\r")
		synctest.Wait()
		expect(t, k, "join a b\r")
		io.WriteString(out, "kill a\r\x03list\r")
		synctest.Wait()
		expect(t, k, "list\r")
		if interrupts != 1 {
			t.Errorf("got %d interrupts, want 1", interrupts)
		}
	})
}

func TestKeysEndWithTheTerminalOrWhenClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, out := typing(t)
		io.WriteString(out, "last")
		out.CloseWithError(io.ErrUnexpectedEOF)
		synctest.Wait()
		expect(t, k, "last")
		if _, err := k.Read(make([]byte, 1)); err != io.ErrUnexpectedEOF {
			t.Errorf("got %v, want the terminal's error", err)
		}

		k, out = typing(t)
		io.WriteString(out, "typed ahead")
		synctest.Wait()
		k.Close()
		io.WriteString(out, "too late")
		if n, err := k.Read(make([]byte, 9)); n > 0 || err != io.EOF {
			t.Errorf("closed: got %d bytes, error %v, want io.EOF", n, err)
		}
		out.Close()
	})
}

func TestWhatIsTypedAheadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, out := typing(t)
		out.Write(make([]byte, 2*maxTyped))
		synctest.Wait()
		if n, err := k.Read(make([]byte, 4*maxTyped)); n != maxTyped || err != nil {
			t.Errorf("got %d bytes, error %v, want %d", n, err, maxTyped)
		}
		out.Close()
	})
}
