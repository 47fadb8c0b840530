package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
)

// record returns a TLS record with n bytes inside.
func record(n int) []byte {
	return append([]byte{23, 3, 3, byte(n >> 8), byte(n)}, make([]byte, n)...)
}

func TestRecordCutterStopsAtRecords(t *testing.T) {
	stream := bytes.Join([][]byte{record(10), record(0), record(1), record(300)}, nil)
	ends := map[int]bool{0: true, 15: true, 20: true, 26: true, 331: true}
	for step := 1; step <= len(stream); step++ {
		var c carrier
		for at := 0; at < len(stream); {
			n := c.cutter.cut(stream[at:min(at+step, len(stream))])
			if n == 0 {
				t.Fatalf("steps of %d: stuck at %d", step, at)
			}
			for between := at + 1; between < at+n; between++ {
				if ends[between] && between != 20 { // the empty record ends with its header
					t.Errorf("steps of %d: went over the end of a record at %d", step, between)
				}
			}
			at += n
			if got := c.used(); got != ends[at] {
				t.Errorf("steps of %d: at %d used is %v, want %v", step, at, got, ends[at])
			}
		}
	}
}

// A stuck connection takes nothing until it is closed.
type stuck struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (s *stuck) Write([]byte) (int, error) {
	<-s.closed
	return 0, net.ErrClosed
}

func (s *stuck) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// TLS itself writes, in answer to what the other end sends: that must not add up.
func TestCarrierBoundsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier(&stuck{closed: make(chan struct{})}, new(pool))
		drained := 0
		c.whileDrained(nil, func() { drained++ })
		if _, err := c.Write(make([]byte, 1000)); err != nil || !c.busy.Load() {
			t.Fatalf("got %v, busy %v, want the bytes to wait", err, c.busy.Load())
		}
		synctest.Wait() // the goroutine has taken them, and is stuck
		taken := 0
		for {
			n, err := c.Write(make([]byte, 1000))
			if taken += n; err != nil {
				if !errors.Is(err, ErrBacklog) {
					t.Errorf("got %v, want %v", err, ErrBacklog)
				}
				break
			}
		}
		if taken > overflowMax || taken < overflowMax-1000 {
			t.Errorf("got %d bytes in, want %d", taken, overflowMax)
		}
		c.end()
		if drained != 1 {
			t.Errorf("told %d times that it is no longer busy, want once", drained)
		}
		if _, err := c.Write([]byte{1}); err == nil {
			t.Error("write after the end: got no error")
		}
	})
}

// Where the kernel is asked directly and where it is not, the same comes out.
func TestCarrierCarriesBothWays(t *testing.T) {
	listener, err := TCP{}.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	tests := []struct {
		name string
		wrap func(net.Conn) net.Conn
	}{
		{"direct", func(c net.Conn) net.Conn { return c }},
		{"portable", func(c net.Conn) net.Conn { return struct{ net.Conn }{c} }},
	}
	for _, test := range tests {
		near, err := TCP{}.Dial(t.Context(), listener.Addr().(*net.TCPAddr).AddrPort())
		if err != nil {
			t.Fatal(err)
		}
		far, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		p := new(pool)
		writer, reader := newCarrier(test.wrap(near), p), newCarrier(test.wrap(far), p)
		reader.young = false
		if _, err := reader.Read(make([]byte, 1)); !errors.Is(err, errDry) {
			t.Errorf("%s: before anything came: got %v, want %v", test.name, err, errDry)
		}
		want := bytes.Repeat(record(5000), 100)
		for part := want; len(part) > 0; part = part[min(len(part), 20_000):] {
			if _, err := writer.Write(part[:min(len(part), 20_000)]); err != nil {
				t.Fatal(err)
			}
		}
		go func() {
			writer.writers.Wait()
			near.Close()
		}()
		if got, err := readAll(reader); err != io.EOF || !bytes.Equal(got, want) {
			t.Errorf("%s: got %d bytes, %v, want the %d written, then the end", test.name, len(got), err, len(want))
		}
		writer.end()
		reader.end()
	}
}

// readAll reads as a link does.
func readAll(c *carrier) (all []byte, err error) {
	part := make([]byte, 3000)
	for {
		n, err := c.Read(part)
		all = append(all, part[:n]...)
		if errors.Is(err, errDry) {
			err = c.fill()
		}
		if err != nil {
			return all, err
		}
	}
}

// What comes before the link is up is bounded, whatever TLS would take.
func TestCarrierBoundsTheHandshake(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		for {
			if _, err := near.Write(record(1000)); err != nil {
				return
			}
		}
	}()
	c := newCarrier(far, new(pool))
	defer c.end()
	got, err := readAll(c)
	if !errors.Is(err, errHandshakeBytes) || len(got) > handshakeBytes || len(got) < handshakeBytes-quietRead {
		t.Errorf("got %d bytes, %v, want about %d and %v", len(got), err, handshakeBytes, errHandshakeBytes)
	}
}
