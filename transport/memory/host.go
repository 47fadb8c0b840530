package memory

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"cicada/transport"
)

// A Host is one address of a Network, and itself a transport.Network: what it
// dials comes from its address. Its methods may be called concurrently.
type Host struct {
	network *Network
	address netip.Addr

	// Guarded by network.mu.
	dead      bool
	port      uint16 // the next to give away
	listeners map[uint16]*listener
	conns     map[*conn]struct{}
}

var _ transport.Network = (*Host)(nil)

// Listen opens address, which is the host's own or unspecified. The error matches
// transport.ErrAddressUsed where the port is taken.
func (h *Host) Listen(address netip.AddrPort) (net.Listener, error) {
	if a := address.Addr(); a.IsValid() && !a.IsUnspecified() && a != h.address {
		return nil, fmt.Errorf("memory: listen on %v: the host is %v", address, h.address)
	}
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.dead {
		return nil, net.ErrClosed
	}
	port := address.Port()
	if port == 0 {
		port = h.freePortLocked()
	}
	if h.listeners[port] != nil {
		return nil, fmt.Errorf("memory: listen on %v: %w", address, transport.ErrAddressUsed)
	}
	l := &listener{host: h, address: netip.AddrPortFrom(h.address, port), paused: n.paused[h.address]}
	l.cond = sync.NewCond(&l.mu)
	h.listeners[port] = l
	return l, nil
}

func (h *Host) freePortLocked() uint16 {
	for {
		port := h.port
		if h.port++; h.port == 0 {
			h.port = firstPort
		}
		if h.listeners[port] == nil {
			return port
		}
	}
}

// Dial connects to address. It fails with ECONNREFUSED where nobody listens, and
// waits where the path is cut or this host is paused.
func (h *Host) Dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	n := h.network
	select {
	case <-time.After(2 * n.config.Latency):
	case <-ctx.Done():
		return nil, dialError(address, ctx.Err())
	}
	for {
		n.mu.Lock()
		changed := n.changed
		dead := h.dead
		held := n.cuts[routeOf(h.address, address.Addr())] || n.paused[h.address]
		var c *conn
		if !held && !dead {
			c = h.connectLocked(address)
		}
		n.mu.Unlock()
		switch {
		case dead:
			return nil, net.ErrClosed
		case !held && c == nil:
			return nil, dialError(address, syscall.ECONNREFUSED)
		case c != nil:
			return c, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, dialError(address, ctx.Err())
		}
	}
}

func dialError(address netip.AddrPort, err error) error {
	return &net.OpError{Op: "dial", Net: "memory", Addr: net.TCPAddrFromAddrPort(address), Err: err}
}

// connectLocked makes both ends of a connection, or returns nil if nobody takes it.
func (h *Host) connectLocked(address netip.AddrPort) *conn {
	n := h.network
	target := n.hosts[address.Addr()]
	if target == nil {
		return nil
	}
	l := target.listeners[address.Port()]
	if l == nil {
		return nil
	}
	local := netip.AddrPortFrom(h.address, h.freePortLocked())
	there, back := newPipe(n, h.address, target.address), newPipe(n, target.address, h.address)
	there.held, back.held = n.holdsLocked(there), n.holdsLocked(back)
	near := &conn{host: h, local: local, remote: address, out: there, in: back}
	far := &conn{host: target, local: address, remote: local, out: back, in: there}
	if !l.offer(far) {
		return nil
	}
	h.conns[near] = struct{}{}
	target.conns[far] = struct{}{}
	return near
}

// A listener hands out connections that were dialled.
type listener struct {
	host    *Host
	address netip.AddrPort

	mu      sync.Mutex // guards the fields below
	cond    *sync.Cond
	pending []*conn
	paused  bool
	closed  bool
}

func (l *listener) offer(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.pending) >= maxPending {
		return false
	}
	l.pending = append(l.pending, c)
	l.cond.Signal()
	return true
}

func (l *listener) setPaused(paused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = paused
	l.cond.Broadcast()
}

// Accept waits for a connection. After Close it fails with net.ErrClosed.
func (l *listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.closed && (l.paused || len(l.pending) == 0) {
		l.cond.Wait()
	}
	if l.closed {
		return nil, net.ErrClosed
	}
	c := l.pending[0]
	l.pending = l.pending[1:]
	return c, nil
}

// Close stops listening; connections that nobody accepted are reset.
func (l *listener) Close() error {
	n := l.host.network
	n.mu.Lock()
	if l.host.listeners[l.address.Port()] == l {
		delete(l.host.listeners, l.address.Port())
	}
	n.mu.Unlock()
	l.mu.Lock()
	l.closed = true
	pending := l.pending
	l.pending = nil
	l.cond.Broadcast()
	l.mu.Unlock()
	for _, c := range pending {
		c.kill()
	}
	return nil
}

// Addr returns where it listens.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.address) }
