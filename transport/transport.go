package transport

import (
	"context"
	"net"
	"net/netip"

	"cicada/identity"
	"cicada/wire"
)

// A Network carries bytes between addresses: TCP, or memory.Network in tests.
// What it returns need not be secure; links run TLS over it. Both methods may be
// called concurrently.
type Network interface {
	// Listen opens address. Port 0 means any free port; the listener's Addr tells which.
	Listen(address netip.AddrPort) (net.Listener, error)
	// Dial connects to address. It returns as soon as ctx ends.
	Dial(ctx context.Context, address netip.AddrPort) (net.Conn, error)
}

// A Link is an authenticated, encrypted connection to one peer that carries
// frames both ways, in order. All methods may be called concurrently.
type Link interface {
	// Peer is who is at the other end, proven by its key.
	Peer() identity.ID
	// Remote is the other end's address as seen here. On a link that the other
	// end dialled, its port is not one that can be dialled.
	Remote() netip.AddrPort
	// Dialled reports whether this end opened the link.
	Dialled() bool
	// Queue appends one frame whose body is head followed by body, both copied.
	// It never blocks. ErrBacklog: the other end does not read fast enough;
	// ErrClosed: the link is closing or down; ErrTooLarge: the kind does not allow
	// that much. After an error nothing was queued.
	Queue(kind wire.FrameKind, head, body []byte) error
	// Flush sends what is queued. It does not block on a peer that does not
	// read. Frames queued meanwhile by others go with it.
	Flush()
	// Close takes the link out of use, sends what is queued, tells the other end
	// why, and returns at once. Frames of the other end are still handed over until
	// it agrees, except where code blames it; then comes Handler.Down. Only the
	// first call counts.
	Close(code wire.Code, reason string)
}

// A Handler is told what happens on links. Frames of one link come in order from
// that link's own goroutine, as all but Wrote does; different links call at the same time. A method
// must not block for long: it holds up its link.
type Handler interface {
	// Up reports a new link, before any of its frames. The link can be written to.
	Up(link Link)
	// Frame hands over one frame. body is only valid during the call.
	Frame(link Link, kind wire.FrameKind, body []byte)
	// Read reports that something came, if only a part of a large frame, and that
	// the frames which it completed were handed over: the moment to flush the links
	// that were written to.
	Read(link Link)
	// Wrote reports that the other end took more of what had to wait because it, or
	// the line to it, is slow. It comes from another goroutine than the frames, and
	// may come before Up.
	Wrote(link Link)
	// Down reports that a link which was Up is gone, and why: err is a *CloseError.
	// It is called once a link, after its last frame.
	Down(link Link, err error)
	// Unreachable reports that a peer which was to be sent to could not be
	// dialled; what was queued for it is lost.
	Unreachable(id identity.ID, err error)
	// Refused reports a connection that never became a link.
	Refused(remote netip.AddrPort, err error)
}
