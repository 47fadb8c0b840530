package swarm

import (
	"cicada/swarm/internal/codec"
	"cicada/transport"
	"cicada/wire/wirepb"
)

// screen reports whether a control message from the other end of link is worth
// reading whole. Up to 64 records are verified for that, so what answers nothing
// that was asked is dealt with before.
func (p *Peer) screen(link transport.Link, c *wirepb.Control) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.neighbour(link)
	if err != nil {
		return false, err
	}
	switch c.GetBody().(type) {
	case *wirepb.Control_State, *wirepb.Control_Notified, *wirepb.Control_Found, *wirepb.Control_Leave:
	default:
		return true, nil
	}
	message, err := codec.DecodeRing(c, nil)
	if err != nil {
		return false, err
	}
	return !p.ring.Unasked(p.now(), n.contact, message), nil
}
