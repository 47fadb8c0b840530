package memory_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"cicada/transport"
	"cicada/transport/memory"
)

var (
	here  = netip.MustParseAddr("10.0.0.1")
	there = netip.MustParseAddr("fd00::2")
)

// connect returns a network with one connection, the end that dialled first.
func connect(t *testing.T, config memory.Config) (n *memory.Network, near, far net.Conn) {
	t.Helper()
	n = memory.New(config)
	listener, err := n.Host(there).Listen(netip.AddrPortFrom(there, 0))
	if err != nil {
		t.Fatal(err)
	}
	near, err = n.Host(here).Dial(t.Context(), listener.Addr().(*net.TCPAddr).AddrPort())
	if err != nil {
		t.Fatal(err)
	}
	far, err = listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if near.RemoteAddr().String() != far.LocalAddr().String() || near.LocalAddr().String() != far.RemoteAddr().String() {
		t.Errorf("got ends %v-%v and %v-%v, want them to agree", near.LocalAddr(), near.RemoteAddr(), far.LocalAddr(), far.RemoteAddr())
	}
	t.Cleanup(func() {
		listener.Close()
		near.Close()
		far.Close()
	})
	return n, near, far
}

// tell runs a story in a bubble.
func tell(t *testing.T, config memory.Config, story func(t *testing.T, n *memory.Network, near, far net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, near, far := connect(t, config)
		story(t, n, near, far)
	})
}

func mustWrite(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func mustRead(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read: got %q, %v, want %q", got, err, want)
	}
}

// nothing checks that no byte comes for an hour.
func nothing(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %d bytes, %v, want nothing", n, err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
}

func TestBytesArriveInOrderHoweverSlow(t *testing.T) {
	config := memory.Config{Latency: time.Second, Jitter: time.Second, Bandwidth: 10_000, Buffer: 700, Seed: 3}
	tell(t, config, func(t *testing.T, _ *memory.Network, near, far net.Conn) {
		want := make([]byte, 20_000)
		random := rand.NewChaCha8([32]byte{})
		random.Read(want)
		start := time.Now()
		go func() {
			if _, err := near.Write(want); err != nil {
				t.Error(err)
			}
			near.Close()
		}()
		got, err := io.ReadAll(far)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %d bytes, %v, want the %d written", len(got), err, len(want))
		}
		if took := time.Since(start); took < 29*time.Second {
			t.Errorf("took %v, want at least a second for each of 29 full buffers", took)
		}
	})
}

func TestLatency(t *testing.T) {
	tell(t, memory.Config{Latency: 40 * time.Millisecond}, func(t *testing.T, _ *memory.Network, near, far net.Conn) {
		start := time.Now()
		mustWrite(t, near, "ping")
		mustRead(t, far, "ping")
		if got := time.Since(start); got != 40*time.Millisecond {
			t.Errorf("got %v, want 40ms", got)
		}
	})
}

func TestWriteBlocksWhenFull(t *testing.T) {
	tell(t, memory.Config{Buffer: 10}, func(t *testing.T, _ *memory.Network, near, far net.Conn) {
		if err := near.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if n, err := near.Write(make([]byte, 11)); n != 10 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %d, %v, want 10 and a timeout", n, err)
		}
		mustRead(t, far, "\x00\x00\x00")
		if err := near.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		mustWrite(t, near, "abc")
	})
}

func TestCutSwallowsAndHealResends(t *testing.T) {
	tell(t, memory.Config{Latency: time.Second}, func(t *testing.T, n *memory.Network, near, far net.Conn) {
		n.Cut(here, there)
		mustWrite(t, near, "into the dark")
		nothing(t, far)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := n.Host(here).Dial(ctx, far.LocalAddr().(*net.TCPAddr).AddrPort()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial: got %v, want it to wait", err)
		}
		n.Heal(there, here)
		start := time.Now()
		mustRead(t, far, "into the dark")
		if got := time.Since(start); got != time.Second {
			t.Errorf("after the cut healed: took %v, want the latency", got)
		}
	})
}

func TestPauseAndResume(t *testing.T) {
	tell(t, memory.Config{}, func(t *testing.T, n *memory.Network, near, far net.Conn) {
		n.Pause(there)
		mustWrite(t, near, "are you there?")
		nothing(t, far)
		wrote := make(chan error, 1)
		go func() {
			_, err := far.Write([]byte("yes"))
			wrote <- err
		}()
		nothing(t, near)
		if _, err := n.Host(here).Dial(t.Context(), far.LocalAddr().(*net.TCPAddr).AddrPort()); err != nil {
			t.Errorf("dial: got %v, want its kernel to answer", err)
		}
		n.Resume(there)
		mustRead(t, far, "are you there?")
		mustRead(t, near, "yes")
		if err := <-wrote; err != nil {
			t.Error(err)
		}
	})
}

func TestKillResetsAndRefuses(t *testing.T) {
	tell(t, memory.Config{}, func(t *testing.T, n *memory.Network, near, far net.Conn) {
		at := far.LocalAddr().(*net.TCPAddr).AddrPort()
		old := n.Host(there)
		read := make(chan error, 1)
		go func() {
			_, err := near.Read(make([]byte, 1))
			read <- err
		}()
		synctest.Wait()
		n.Kill(there)
		if err := <-read; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: got %v, want %v", err, syscall.ECONNRESET)
		}
		if _, err := near.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write: got %v, want %v", err, syscall.ECONNRESET)
		}
		if _, err := far.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write of the dead: got %v, want %v", err, net.ErrClosed)
		}
		if _, err := n.Host(here).Dial(t.Context(), at); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: got %v, want %v", err, syscall.ECONNREFUSED)
		}
		if _, err := old.Listen(at); !errors.Is(err, net.ErrClosed) {
			t.Errorf("listen of the dead: got %v, want %v", err, net.ErrClosed)
		}
		listener, err := n.Host(there).Listen(at)
		if err != nil {
			t.Fatalf("another program on that host: %v", err)
		}
		listener.Close()
	})
}

func TestKillBehindACutIsSilent(t *testing.T) {
	tell(t, memory.Config{}, func(t *testing.T, n *memory.Network, near, _ net.Conn) {
		n.Cut(here, there)
		n.Kill(there)
		mustWrite(t, near, "hello?")
		nothing(t, near)
		n.Heal(here, there)
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after the cut healed: got %v, want %v", err, syscall.ECONNRESET)
		}
	})
}

func TestClose(t *testing.T) {
	tell(t, memory.Config{Latency: time.Second}, func(t *testing.T, _ *memory.Network, near, far net.Conn) {
		mustWrite(t, near, "bye")
		near.Close()
		if _, err := near.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after close: got %v, want %v", err, net.ErrClosed)
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read after close: got %v, want %v", err, net.ErrClosed)
		}
		mustRead(t, far, "bye")
		for range 2 {
			if _, err := far.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("at the end: got %v, want %v", err, io.EOF)
			}
		}
	})
}

func TestCloseOverUnreadBytesResets(t *testing.T) {
	tell(t, memory.Config{}, func(t *testing.T, _ *memory.Network, near, far net.Conn) {
		mustWrite(t, far, "never read")
		near.Close()
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v, want %v", err, syscall.ECONNRESET)
		}
	})
}

func TestListenErrors(t *testing.T) {
	n := memory.New(memory.Config{})
	h := n.Host(here)
	listener, err := h.Listen(netip.AddrPort{})
	if err != nil {
		t.Fatal(err)
	}
	at := listener.Addr().(*net.TCPAddr).AddrPort()
	if _, err := h.Listen(at); !errors.Is(err, transport.ErrAddressUsed) {
		t.Errorf("got %v, want %v", err, transport.ErrAddressUsed)
	}
	if _, err := h.Listen(netip.AddrPortFrom(there, 1)); err == nil {
		t.Error("listening on the address of another host: got no error")
	}
	listener.Close()
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: got %v, want %v", err, net.ErrClosed)
	}
	if listener, err = h.Listen(at); err != nil {
		t.Errorf("again after close: %v", err)
	}
	listener.Close()
}
