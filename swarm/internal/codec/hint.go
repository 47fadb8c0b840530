package codec

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"cicada/identity"
	"cicada/wire"
)

// A hint begins with a byte that has the number of addresses, and this where the
// point is told.
const (
	pointTold    = 0x80
	mostAddress  = 0x0f
	addressBytes = 2 // of the port
)

// appendHint appends a peer as one of which nothing is proven.
func appendHint(b []byte, c *identity.Contact) []byte {
	addresses := c.Addresses[:min(len(c.Addresses), identity.HintAddresses)] // more are not taken
	head := byte(len(addresses))
	told := c.Point != identity.PlainPoint(c.ID)
	if told {
		head |= pointTold
	}
	b = append(append(b, head), c.ID[:]...)
	if told {
		b = append(b, c.Point[:]...)
	}
	for _, a := range addresses {
		ip := a.Addr().AsSlice()
		b = append(append(b, byte(len(ip))), ip...)
		b = binary.BigEndian.AppendUint16(b, a.Port())
	}
	return b
}

// hintBytes returns peers as those of which nothing is proven.
func hintBytes(list []*identity.Contact) (hints [][]byte) {
	for _, c := range list {
		hints = append(hints, appendHint(nil, c))
	}
	return hints
}

// hints reads what hintBytes wrote.
func (d *decoder) hints(list [][]byte) (peers []*identity.Contact) {
	for _, h := range list {
		if c := d.hint(h); c != nil {
			peers = append(peers, c)
		}
	}
	return peers
}

// hint reads a peer as one of which nothing is proven.
func (d *decoder) hint(b []byte) *identity.Contact {
	if d.err != nil || d.verifier == nil {
		return nil
	}
	c, err := readHint(b, d.verifier)
	if err != nil {
		d.err = err
	}
	return c
}

func readHint(b []byte, v Verifier) (*identity.Contact, error) {
	bad := &wire.Error{Code: wire.CodeProtocol, Reason: "a hint that is no hint"}
	head := b[0]
	b = b[1:]
	id, claimed := identity.ID(b[:len(identity.ID{})]), identity.Point{}
	b = b[len(id):]
	if head&pointTold != 0 {
		if len(b) < len(claimed) {
			return nil, bad
		}
		claimed, b = identity.Point(b[:len(claimed)]), b[len(claimed):]
	}
	addresses := make([]netip.AddrPort, 0, head&mostAddress)
	for range head & mostAddress {
		if len(b) == 0 || b[0] != 4 && b[0] != 16 || len(b) < 1+int(b[0])+addressBytes {
			return nil, bad
		}
		n := int(b[0])
		ip, _ := netip.AddrFromSlice(b[1 : 1+n])
		addresses = append(addresses, netip.AddrPortFrom(ip.Unmap(), binary.BigEndian.Uint16(b[1+n:])))
		b = b[1+n+addressBytes:]
	}
	if len(b) > 0 {
		return nil, bad
	}
	c, err := v.Hint(id, claimed, addresses)
	if errors.Is(err, identity.ErrRate) {
		return nil, err
	}
	if err != nil {
		return nil, &wire.Error{Code: wire.CodeProtocol, Reason: "a hint: " + err.Error()}
	}
	return c, nil
}
