package lab

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"cicada/transport"
)

// A plug is the network of one peer, and can be pulled: then the peer is gone
// for all others, without the word of farewell that closing it would send.
type plug struct {
	network transport.Network
	mute    atomic.Bool

	mu     sync.Mutex // guards the fields below
	pulled bool
	open   map[io.Closer]struct{} // listeners and connections
}

var _ transport.Network = (*plug)(nil)

func newPlug(network transport.Network) *plug {
	return &plug{network: network, open: make(map[io.Closer]struct{})}
}

// cut closes all sockets at once, as the kernel does for a process that dies.
func (p *plug) cut() {
	p.mu.Lock()
	p.pulled = true
	open := p.open
	p.open = nil
	p.mu.Unlock()
	for socket := range open {
		socket.Close()
	}
}

// silence drops all that comes and goes from now on, and closes nothing, as when
// a cable is pulled or a machine hangs.
func (p *plug) silence() { p.mute.Store(true) }

// keep notes an open socket. It reports false, and closes the socket, if the plug is pulled.
func (p *plug) keep(socket io.Closer) bool {
	p.mu.Lock()
	pulled := p.pulled
	if !pulled {
		p.open[socket] = struct{}{}
	}
	p.mu.Unlock()
	if pulled {
		socket.Close() // which calls forget
	}
	return !pulled
}

func (p *plug) forget(socket io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, socket)
}

// Listen opens address.
func (p *plug) Listen(address netip.AddrPort) (net.Listener, error) {
	inner, err := p.network.Listen(address)
	if err != nil {
		return nil, err
	}
	l := &listener{inner, p}
	if !p.keep(l) {
		return nil, net.ErrClosed
	}
	return l, nil
}

// Dial connects to address; a silenced plug waits until ctx ends instead.
func (p *plug) Dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	if p.mute.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	inner, err := p.network.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	c := &conn{inner, p}
	if !p.keep(c) {
		return nil, net.ErrClosed
	}
	return c, nil
}

type listener struct {
	net.Listener
	plug *plug
}

func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{inner, l.plug}
	if !l.plug.keep(c) {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *listener) Close() error {
	l.plug.forget(l)
	return l.Listener.Close()
}

// A conn is a connection that its plug can silence.
type conn struct {
	net.Conn
	plug *plug
}

func (c *conn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.plug.mute.Load() {
			return n, err
		}
	}
}

func (c *conn) Write(b []byte) (int, error) {
	if c.plug.mute.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *conn) Close() error {
	c.plug.forget(c)
	return c.Conn.Close()
}
