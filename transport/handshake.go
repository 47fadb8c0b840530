package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"cicada/identity"
	"cicada/wire"
)

const exporterSize = 32

// A stranger is a connection that has yet to prove what it is.
type stranger struct {
	links    *Links
	carrier  *carrier
	tls      *tls.Conn
	remote   netip.AddrPort
	dialled  bool
	peer     identity.ID
	exporter []byte
}

// meet runs the handshake of a connection from outside until deadline.
func (s *Links) meet(conn net.Conn, remote netip.AddrPort) (*link, error) {
	n := s.stranger(conn, remote, false)
	l, err := n.accept(time.Now().Add(s.limits.HandshakeTimeout))
	if err != nil {
		n.carrier.end()
	}
	return l, err
}

// greet runs the handshake of a connection that this peer opened to want, or to
// whoever answers where that is zero.
func (s *Links) greet(ctx context.Context, conn net.Conn, remote netip.AddrPort, want identity.ID) (*link, error) {
	n := s.stranger(conn, remote, true)
	l, err := n.open(ctx, want)
	if err != nil {
		n.carrier.end()
	}
	return l, err
}

func (s *Links) stranger(conn net.Conn, remote netip.AddrPort, dialled bool) *stranger {
	n := &stranger{links: s, carrier: newCarrier(conn, &s.pool), remote: remote, dialled: dialled}
	if dialled {
		n.tls = tls.Client(n.carrier, s.client)
	} else {
		n.tls = tls.Server(n.carrier, s.server)
	}
	return n
}

func (n *stranger) accept(deadline time.Time) (*link, error) {
	if err := n.carrier.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if err := n.shakeHands(); err != nil {
		return nil, err
	}
	if err := n.hearProof(); err != nil {
		return nil, err
	}
	l, err := n.links.admit(n)
	if err != nil {
		return nil, n.refuse(wire.CodeOverloaded, err)
	}
	if err := n.sendProof(); err != nil {
		n.links.dismiss(l)
		return nil, err
	}
	return n.grownUp(l)
}

func (n *stranger) open(ctx context.Context, want identity.ID) (*link, error) {
	if deadline, ok := ctx.Deadline(); ok {
		if err := n.carrier.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, func() { n.carrier.Conn.Close() })
	defer stop()
	if err := n.shakeHands(); err != nil {
		return nil, err
	}
	if !want.IsZero() && n.peer != want {
		return nil, &WrongPeerError{Want: want, Got: n.peer}
	}
	l, err := n.links.admit(n)
	if err != nil {
		return nil, err
	}
	// Once the proof is out the link may be up at the other end, with frames on
	// it: from here only the deadline, or Links.Close, ends the attempt.
	if !stop() {
		n.links.dismiss(l)
		return nil, context.Cause(ctx)
	}
	defer context.AfterFunc(n.links.ctx, func() { n.carrier.Conn.Close() })()
	if err := n.sendProof(); err != nil {
		n.links.dismiss(l)
		return nil, err
	}
	if err := n.hearProof(); err != nil {
		n.links.dismiss(l)
		return nil, err
	}
	return n.grownUp(l)
}

// shakeHands runs TLS and learns who is at the other end.
func (n *stranger) shakeHands() error {
	if err := n.tls.Handshake(); err != nil {
		return notCicada(err)
	}
	state := n.tls.ConnectionState()
	var err error
	if n.peer, err = peerID(state); err != nil {
		return fmt.Errorf("%w: %w", ErrNotCicada, err)
	}
	if n.peer == n.links.id {
		return ErrSelf
	}
	n.exporter, err = state.ExportKeyingMaterial(wire.ProofLabel, nil, exporterSize)
	return err
}

// sendProof proves that this peer is of the swarm.
func (n *stranger) sendProof() error {
	proof := n.links.membership.Proof(n.exporter, n.dialled)
	return n.send(wire.FrameProof, proof[:])
}

// hearProof waits until the other end proves that it is of the swarm. Who does
// not prove it learns that, and nothing else.
func (n *stranger) hearProof() error {
	var header [wire.FrameHeaderSize]byte
	if _, err := io.ReadFull(n.tls, header[:]); err != nil {
		return notCicada(err)
	}
	kind, length, err := wire.ParseFrameHeader(header[:])
	if err == nil && kind != wire.FrameProof && (kind != wire.FrameClose || !n.dialled) {
		err = fmt.Errorf("the first frame is a %v, want a %v", kind, wire.FrameProof)
	}
	if err != nil {
		return n.refuse(wire.CodeProtocol, fmt.Errorf("%w: %w", ErrNotCicada, err))
	}
	body := make([]byte, length) // a proof or a close: at most 130 bytes
	if _, err := io.ReadFull(n.tls, body); err != nil {
		return notCicada(err)
	}
	if kind == wire.FrameClose {
		code, reason, err := wire.ParseClose(body)
		return &CloseError{Code: code, Reason: reason, Remote: true, Err: err}
	}
	if !n.links.membership.CheckProof(n.exporter, !n.dialled, body) {
		return n.refuse(wire.CodeSwarm, nil)
	}
	return nil
}

// refuse tells the other end the code and nothing more, and returns the error to report.
func (n *stranger) refuse(code wire.Code, err error) error {
	if sendErr := n.send(wire.FrameClose, wire.AppendClose(nil, code, "")); sendErr == nil {
		n.farewell()
	}
	return &CloseError{Code: code, Err: err}
}

// farewell reads until the other end closes, for a moment: closing with bytes
// unread would reset the connection, and could destroy the last frame on its way.
func (n *stranger) farewell() {
	if err := n.carrier.SetDeadline(time.Now().Add(n.links.limits.CloseTimeout)); err == nil {
		_ = n.carrier.discard() // ends with the connection, whatever the reason
	}
}

func (n *stranger) send(kind wire.FrameKind, body []byte) error {
	frame, err := wire.AppendFrameHeader(nil, kind, len(body))
	if err != nil {
		return err
	}
	_, err = n.tls.Write(append(frame, body...))
	return err
}

// grownUp makes l, which admit reserved, a link.
func (n *stranger) grownUp(l *link) (*link, error) {
	if err := n.carrier.SetDeadline(time.Time{}); err != nil {
		n.links.dismiss(l)
		return nil, err
	}
	n.carrier.young = false
	return l, nil
}

// notCicada says in words why a handshake failed. Errors that only say that the
// connection or the time ended stay what they are.
func notCicada(err error) error {
	var netErr net.Error
	var number syscall.Errno
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it closed the connection", ErrNotCicada)
	case errors.As(err, &netErr) && netErr.Timeout(), errors.As(err, &number), errors.Is(err, net.ErrClosed):
		return fmt.Errorf("handshake: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrNotCicada, err)
}
