package swarm

import (
	"bytes"
	"net/netip"
	"slices"

	"cicada/chord"
	"cicada/identity"
)

// A Status is what a peer knows of itself and its place on the ring at one
// moment. It belongs to the caller; the contacts in it are not to be changed.
type Status struct {
	ID      identity.ID
	Point   identity.Point
	Address netip.AddrPort // where it listens
	Mode    chord.Mode     // joining, small (it knows every peer) or full

	Successors   []*identity.Contact // the peers that follow, nearest first
	Predecessors []*identity.Contact // the peers that precede, nearest first
	Fingers      []chord.Finger      // clockwise from the peer; none in a small swarm
	Links        []LinkStatus        // by the ID of who is at the other end
	Reachable    bool                // another peer has dialled this one since it was started
	Keys         int                 // entries of Config.Keys
	Counters     Counters
}

// A LinkStatus is one open link.
type LinkStatus struct {
	Peer    identity.ID    // who is at the other end
	Remote  netip.AddrPort // its address as seen here
	Dialled bool           // this peer opened the link
}

// Counters count what a peer did since it was started.
type Counters struct {
	Sent       uint64 // messages of its own that a receipt came for
	Failed     uint64 // messages of its own that ended without delivery, as far as it knows
	Delivered  uint64 // messages and broadcasts that its program was given
	Refused    uint64 // messages and broadcasts it did not take
	Dropped    uint64 // messages and broadcasts it did not look at: their neighbour sent too many at once
	Envelopes  uint64 // envelopes it sent: its own, receipts, and those it passed on
	Broadcasts uint64 // broadcasts it sent to others: its own, passed on, and pulled from it
}

// Status returns how the peer stands.
func (p *Peer) Status() Status {
	p.mu.Lock()
	s := Status{
		ID: p.id, Point: p.point, Address: p.address, Mode: p.ring.Mode(),
		Successors:   slices.Clone(p.ring.Successors()),
		Predecessors: slices.Clone(p.ring.Predecessors()),
		Fingers:      p.ring.Fingers(),
		Reachable:    p.reachable,
		Keys:         p.keys.Len(),
		Counters:     p.counters,
	}
	p.mu.Unlock()
	for _, l := range p.links.Open() {
		s.Links = append(s.Links, LinkStatus{Peer: l.Peer(), Remote: l.Remote(), Dialled: l.Dialled()})
	}
	slices.SortFunc(s.Links, func(a, b LinkStatus) int { return bytes.Compare(a.Peer[:], b.Peer[:]) })
	return s
}
