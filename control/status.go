package control

import (
	"bytes"
	"net/netip"
	"slices"

	"cicada/identity"
	"cicada/swarm"
)

// Status is how a peer stands. Lists are of IDs, nearest first.
type Status struct {
	Event        string         `json:"event"` // "status"
	ID           identity.ID    `json:"id"`
	Point        identity.Point `json:"point"`
	Address      netip.AddrPort `json:"address"` // where it listens
	Mode         string         `json:"mode"`    // joining, small (it knows every peer) or full
	Successors   []identity.ID  `json:"successors"`
	Predecessors []identity.ID  `json:"predecessors"`
	Contacts     []Contact      `json:"contacts"`  // everybody in its lists and its finger table, by ID
	Links        []Link         `json:"links"`     // by ID
	Mappings     []string       `json:"mappings"`  // addresses that routers map to this peer; none, as routers are not asked yet
	Reachable    bool           `json:"reachable"` // another peer has dialled this one since it was started
	Keys         int            `json:"keys"`      // entries of the file of --keys
	Counters     Counters       `json:"counters"`
}

// Contact is a peer and where it can be dialled, best first.
type Contact struct {
	ID        identity.ID      `json:"id"`
	Addresses []netip.AddrPort `json:"addresses"`
}

// Link is one open link.
type Link struct {
	ID      identity.ID    `json:"id"` // who is at the other end
	Remote  netip.AddrPort `json:"remote"`
	Dialled bool           `json:"dialled"` // by this peer
}

// Counters count what a peer did since it was started. See swarm.Counters.
type Counters struct {
	Sent       uint64 `json:"sent"`
	Failed     uint64 `json:"failed"`
	Delivered  uint64 `json:"delivered"`
	Refused    uint64 `json:"refused"`
	Envelopes  uint64 `json:"envelopes"`
	Broadcasts uint64 `json:"broadcasts"`
	Dropped    uint64 `json:"dropped"`
}

// NewStatus returns the record of a status.
func NewStatus(s swarm.Status) Status {
	c := s.Counters
	record := Status{
		Event: "status", ID: s.ID, Point: s.Point, Address: s.Address, Mode: s.Mode.String(),
		Successors: ids(s.Successors), Predecessors: ids(s.Predecessors),
		Contacts: contacts(s), Links: make([]Link, len(s.Links)), Mappings: []string{}, Reachable: s.Reachable, Keys: s.Keys,
		Counters: Counters{c.Sent, c.Failed, c.Delivered, c.Refused, c.Envelopes, c.Broadcasts, c.Dropped},
	}
	for i, l := range s.Links {
		record.Links[i] = Link{l.Peer, l.Remote, l.Dialled}
	}
	return record
}

// contacts returns everybody whom a status names, once.
func contacts(s swarm.Status) []Contact {
	lists := [][]*identity.Contact{s.Successors, s.Predecessors}
	for _, f := range s.Fingers {
		lists = append(lists, f.Candidates)
	}
	seen := make(map[identity.ID]bool)
	all := []Contact{}
	for _, list := range lists {
		for _, c := range list {
			if !seen[c.ID] {
				seen[c.ID] = true
				all = append(all, Contact{c.ID, c.Addresses})
			}
		}
	}
	slices.SortFunc(all, func(a, b Contact) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return all
}
