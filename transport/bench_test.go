package transport_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"cicada/identity"
	"cicada/transport"
	"cicada/transport/transporttest"
	"cicada/wire"
)

// An echo is a handler that sends back what comes, or counts it.
type echo struct {
	back bool
	got  chan int // frames that one read brought, where they are not sent back
	up   chan transport.Link
	n    int // used by the one link's goroutine
}

func (e *echo) Up(l transport.Link) {
	if e.up != nil {
		e.up <- l
	}
}
func (e *echo) Down(transport.Link, error)     {}
func (e *echo) Unreachable(identity.ID, error) {}
func (e *echo) Refused(netip.AddrPort, error)  {}
func (e *echo) Frame(l transport.Link, kind wire.FrameKind, body []byte) {
	if e.back {
		_ = l.Queue(kind, body, nil) // a lost one would stop the benchmark
	}
	e.n++
}

func (e *echo) Wrote(transport.Link) {}
func (e *echo) Read(l transport.Link) {
	switch {
	case e.back:
		l.Flush()
	case e.n > 0:
		e.got <- e.n
	}
	e.n = 0
}

// benchLinks returns the links of a peer on loopback.
func benchLinks(b *testing.B, number int, handler transport.Handler) (*transport.Links, netip.AddrPort) {
	b.Helper()
	links := transport.NewLinks(transport.Config{
		Key: transporttest.Key(number).Signer(), Membership: transporttest.Swarm(b, "bench"),
		Limits: transport.Limits{MaxLinks: 10_000},
	}, handler)
	b.Cleanup(links.Close)
	at, err := links.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		b.Fatal(err)
	}
	return links, at
}

func benchmarkLink(b *testing.B, inFlight int) {
	_, at := benchLinks(b, 1, &echo{back: true})
	e := &echo{got: make(chan int, inFlight)}
	links, _ := benchLinks(b, 2, e)
	l, err := links.Dial(b.Context(), at, identity.ID{})
	if err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 1024)
	send := func(n int) {
		for range n {
			if err := l.Queue(wire.FrameEnvelope, body, nil); err != nil {
				b.Fatal(err)
			}
		}
		l.Flush()
	}
	b.ReportAllocs()
	b.ResetTimer()
	sent, received := min(inFlight, b.N), 0
	send(sent)
	for received < b.N {
		n := <-e.got
		received += n
		more := min(n, b.N-sent)
		send(more)
		sent += more
	}
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "frames/s")
}

// One frame of 1 KiB goes there and back, one or 64 at a time.
func BenchmarkLinkEcho1(b *testing.B)  { benchmarkLink(b, 1) }
func BenchmarkLinkEcho64(b *testing.B) { benchmarkLink(b, 64) }

// streamPair returns both ends of a connection over loopback, bare or in TLS.
func streamPair(b *testing.B, secure bool) (near, far net.Conn) {
	b.Helper()
	listener, err := transport.TCP{}.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			b.Error(err)
		}
		accepted <- conn
	}()
	near, err = transport.TCP{}.Dial(context.Background(), listener.Addr().(*net.TCPAddr).AddrPort())
	if err != nil {
		b.Fatal(err)
	}
	far = <-accepted
	if secure {
		config := transporttest.TLSConfig(b, transporttest.Key(1).Signer())
		near, far = tls.Client(near, config), tls.Server(far, config)
	}
	b.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

func benchmarkStream(b *testing.B, secure bool) {
	near, far := streamPair(b, secure)
	go func() {
		_, _ = io.CopyBuffer(far, struct{ io.Reader }{far}, make([]byte, 1024))
	}()
	body := make([]byte, 1024)
	turn := func() {
		if _, err := near.Write(body); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(near, body); err != nil {
			b.Fatal(err)
		}
	}
	turn() // the handshake
	b.ReportAllocs()
	for b.Loop() {
		turn()
	}
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "frames/s")
}

// What a link is measured against: the same 1 KiB there and back, one at a time.
func BenchmarkPlainTCPEcho1(b *testing.B)  { benchmarkStream(b, false) }
func BenchmarkCryptoTLSEcho1(b *testing.B) { benchmarkStream(b, true) }

// Frames of 64 KiB go one way, as fast as they are read.
func BenchmarkLinkBulk(b *testing.B) {
	sink := &echo{got: make(chan int, 1024), up: make(chan transport.Link, 1)}
	_, at := benchLinks(b, 1, sink)
	links, _ := benchLinks(b, 2, &echo{back: true})
	l, err := links.Dial(b.Context(), at, identity.ID{})
	if err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 64<<10)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	b.ResetTimer()
	const window = 16
	sent, received := 0, 0
	for received < b.N {
		for ; sent < b.N && sent < received+window; sent++ {
			if err := l.Queue(wire.FrameEnvelope, body, nil); err != nil {
				b.Fatal(err)
			}
			l.Flush()
		}
		received += <-sink.got
	}
}

// The same bytes through crypto/tls alone.
func BenchmarkCryptoTLSBulk(b *testing.B) {
	near, far := streamPair(b, true)
	done := make(chan int64)
	go func() {
		n, _ := io.CopyBuffer(io.Discard, struct{ io.Reader }{far}, make([]byte, 64<<10))
		done <- n
	}()
	body := make([]byte, 64<<10)
	if _, err := near.Write(body); err != nil { // the handshake
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := near.Write(body); err != nil {
			b.Fatal(err)
		}
	}
	near.Close()
	<-done
}

// A link from nothing to up at both ends, and closed again.
func BenchmarkDial(b *testing.B) {
	_, at := benchLinks(b, 1, &echo{})
	links, _ := benchLinks(b, 2, &echo{})
	for b.Loop() {
		l, err := links.Dial(b.Context(), at, identity.ID{})
		if err != nil {
			b.Fatal(err)
		}
		l.Close(wire.CodeIdle, "")
	}
}

// A handshake of crypto/tls alone, with the same certificates and key agreement.
func BenchmarkCryptoTLSHandshake(b *testing.B) {
	for b.Loop() {
		near, far := streamPair(b, true)
		failed := make(chan error, 1)
		go func() { failed <- far.(*tls.Conn).Handshake() }()
		if err := near.(*tls.Conn).Handshake(); err != nil {
			b.Fatal(err)
		}
		if err := <-failed; err != nil {
			b.Fatal(err)
		}
		near.Close()
		far.Close()
	}
}

// What one end of a link holds while nothing happens, all told: heap and stacks.
// One frame has gone each way on each.
func BenchmarkIdleLink(b *testing.B) {
	const peers = 200
	for b.Loop() {
		_, at := benchLinks(b, 1, &echo{back: true})
		var all []*transport.Links
		handlers := make([]*echo, peers)
		for i := range peers {
			handlers[i] = &echo{got: make(chan int, 1)}
			links, _ := benchLinks(b, i+2, handlers[i])
			all = append(all, links)
		}
		before := inUse()
		for i, links := range all {
			l, err := links.Dial(b.Context(), at, identity.ID{})
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Queue(wire.FrameEnvelope, make([]byte, 1024), nil); err != nil {
				b.Fatal(err)
			}
			l.Flush()
			<-handlers[i].got
		}
		b.ReportMetric(float64(inUse()-before)/(2*peers), "B/side")
		for _, links := range all {
			links.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
}

// inUse returns the bytes of heap and stacks in use.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // the second empties the pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
