package swarm

import (
	"cicada/swarm/internal/codec"
	"cicada/transport"
	"cicada/wire/wirepb"
)

// screen returns the book to read a control message from the other end of link with, or
// nil where it is not worth reading whole. Up to 64 records are verified for that, or the
// places of 480 peers worked out, so what answers nothing that was asked is dealt with
// before.
func (p *Peer) screen(link transport.Link, c *wirepb.Control) (*linkBook, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.neighbour(link)
	if err != nil {
		return nil, err
	}
	switch c.GetBody().(type) {
	case *wirepb.Control_State, *wirepb.Control_Notified, *wirepb.Control_Found, *wirepb.Control_Leave, *wirepb.Control_Peers:
	default:
		return n.book, nil
	}
	message, err := codec.DecodeRing(c, nil)
	if err != nil {
		return nil, err
	}
	if p.ring.Unasked(p.now(), n.contact, message) {
		return nil, nil
	}
	return n.book, nil
}
