package pair

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"cicada/identity"
)

// Keys are the entries of a key file. They do not change, and may be used
// concurrently. Nil Keys have no entries.
type Keys struct {
	entries []*Entry
	peers   map[identity.ID]*Entry          // by ID
	numbers map[[32]byte]*Entry             // by decimal: an ID, or the hash of "host:port"
	hosts   map[netip.Addr]*Entry           // by address without
	ports   map[netip.Addr][]netip.AddrPort // that have entries, by host
	names   []*Entry                        // whose host is a name that was not resolved
}

// ErrTwice says that two entries are for the same peer.
var ErrTwice = errors.New("another entry is for the same peer")

// newKeys returns entries, ready to be looked up, or the first that is for the same
// as an earlier one.
func newKeys(entries []*Entry) (*Keys, *Entry) {
	k := &Keys{
		entries: entries, peers: make(map[identity.ID]*Entry), numbers: make(map[[32]byte]*Entry),
		hosts: make(map[netip.Addr]*Entry), ports: make(map[netip.Addr][]netip.AddrPort),
	}
	named := make(map[target]bool)
	for _, e := range entries {
		t := e.target
		ip, err := netip.ParseAddr(t.host)
		known := false
		switch {
		case t.kind == byID:
			known = k.peers[t.id] != nil || k.numbers[t.id] != nil
			k.peers[t.id] = e
		case t.kind == byNumber:
			known = k.numbers[t.id] != nil || k.peers[t.id] != nil
			k.numbers[t.id] = e
		case err != nil:
			known = named[t]
			named[t] = true
			k.names = append(k.names, e)
		default:
			known = !k.stand(e, ip)
		}
		if known {
			return nil, e
		}
	}
	return k, nil
}

// stand notes that e is for who is at ip, unless another entry is.
func (k *Keys) stand(e *Entry, ip netip.Addr) bool {
	if e.target.port == 0 {
		if k.hosts[ip] != nil {
			return false
		}
		k.hosts[ip] = e
		return true
	}
	a := netip.AddrPortFrom(ip, e.target.port)
	if k.Place(a) != nil {
		return false
	}
	k.numbers[hash(a)] = e
	k.ports[ip] = append(k.ports[ip], a)
	return true
}

// Len returns how many entries there are.
func (k *Keys) Len() int {
	if k == nil {
		return 0
	}
	return len(k.entries)
}

// Resolve returns the same entries with addresses in the place of names, as lookup
// finds them. Where an address has an entry of its own, that holds. The error names
// the line of a name that has no address.
func (k *Keys) Resolve(ctx context.Context, lookup func(ctx context.Context, name string) ([]netip.Addr, error)) (*Keys, error) {
	if k == nil || len(k.names) == 0 {
		return k, nil
	}
	resolved, _ := newKeys(slices.DeleteFunc(slices.Clone(k.entries), func(e *Entry) bool { return slices.Contains(k.names, e) }))
	for _, e := range k.names {
		ips, err := lookup(ctx, e.target.host)
		if err != nil {
			return nil, fmt.Errorf("pair: %s:%d: address: %w", e.file, e.line, err)
		}
		for _, ip := range ips {
			resolved.stand(e, ip.Unmap())
		}
	}
	resolved.entries = k.entries
	return resolved, nil
}

// ByAddress reports whether there are entries that hold for an address, so that it
// matters where a peer is.
func (k *Keys) ByAddress() bool { return k != nil && len(k.entries) > len(k.peers) }

// Peer returns the entry for an ID, or nil.
func (k *Keys) Peer(id identity.ID) *Entry {
	if k == nil {
		return nil
	}
	if e := k.peers[id]; e != nil {
		return e
	}
	return k.numbers[id]
}

// Place returns the entry for the peer that answers at an address with its port, or nil.
func (k *Keys) Place(a netip.AddrPort) *Entry {
	if k == nil {
		return nil
	}
	return k.numbers[hash(a)]
}

// hash returns what stands for an address where a key file has a decimal.
func hash(a netip.AddrPort) [32]byte {
	return sha256.Sum256([]byte(netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()))
}

// Host returns the entry for all peers of a host that have none of their own, or nil.
func (k *Keys) Host(ip netip.Addr) *Entry {
	if k == nil {
		return nil
	}
	return k.hosts[ip.Unmap()]
}

// Ports returns the addresses of a host that have entries with a port.
func (k *Keys) Ports(ip netip.Addr) []netip.AddrPort {
	if k == nil {
		return nil
	}
	return k.ports[ip.Unmap()]
}

// Find returns the most specific entry for a peer that is proven to answer at places,
// or nil: that for its ID, else for one of the places with its port, else for a host.
func (k *Keys) Find(id identity.ID, places ...netip.AddrPort) *Entry {
	if e := k.Peer(id); e != nil {
		return e
	}
	for _, a := range places {
		if e := k.Place(a); e != nil {
			return e
		}
	}
	for _, a := range places {
		if e := k.Host(a.Addr()); e != nil {
			return e
		}
	}
	return nil
}

// String returns how many entries there are, for people.
func (k *Keys) String() string { return fmt.Sprintf("%d keys for other peers", k.Len()) }
