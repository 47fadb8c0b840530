package control

import (
	"bufio"
	"context"
	"io"
	"iter"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
)

// pipes are a listener in memory, for tests whose time is not real. A connection
// holds nothing: each write waits to be read.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func newPipes(waiting int) *pipes {
	return &pipes{conns: make(chan net.Conn, waiting), closed: make(chan struct{})}
}

func (p *pipes) client() *Client {
	c := NewClient("pipes")
	c.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx) }
	return c
}

// A dummy is a peer of whom only messages and, without end, events come, and who takes
// a while to send.
type dummy struct {
	Peer
	in      chan swarm.Message
	takes   time.Duration
	watched chan struct{} // closed when nobody wants events any more
}

func (d *dummy) Events(ctx context.Context) iter.Seq[trace.Event] {
	return func(yield func(trace.Event) bool) {
		defer close(d.watched)
		for ctx.Err() == nil && yield(trace.Event{Kind: trace.PeerUp}) {
		}
	}
}

func (d *dummy) Receive(ctx context.Context) (swarm.Message, error) {
	select {
	case m := <-d.in:
		return m, nil
	case <-ctx.Done():
		return swarm.Message{}, ctx.Err()
	}
}

func (d *dummy) Status() swarm.Status { return swarm.Status{} }

func (d *dummy) Resolve(context.Context, string) (identity.ID, error) { return identity.ID{}, nil }

func (d *dummy) Send(ctx context.Context, _ identity.ID, _ []byte, _ swarm.SendOptions) (swarm.Receipt, error) {
	select {
	case <-time.After(d.takes):
		return swarm.Receipt{}, nil
	case <-ctx.Done():
		return swarm.Receipt{}, ctx.Err()
	}
}

// virtual runs a test with a server and a client of it, in time that passes at once.
func virtual(t *testing.T, test func(t *testing.T, d *dummy, p *pipes, c *Client)) {
	synctest.Test(t, func(t *testing.T) {
		d, p := &dummy{in: make(chan swarm.Message, 10)}, newPipes(1000)
		server, c, served := NewServer(d, Config{}), p.client(), make(chan error, 1)
		go func() { served <- server.Serve(p) }()
		test(t, d, p, c)
		c.Close()
		server.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// say opens a connection and writes text to it.
func say(t *testing.T, p *pipes, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := p.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, text) // as far as the server reads it
	return conn, bufio.NewReader(conn)
}

// textOf returns all that comes from now on.
func textOf(r io.Reader) string {
	text, _ := io.ReadAll(r)
	return string(text)
}

func collect(t *testing.T, c *Client, n int) (got []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	err := c.Receive(ctx, n, func(r Received) error { got = append(got, r.Data); return nil })
	if err != nil {
		t.Errorf("got %v after %.50q", err, got)
	}
	return got
}
