package chord

import (
	"encoding/binary"
	"slices"

	"cicada/identity"
)

// Print returns what names a peer in a question to whoever may know it: the first
// four bytes of its ID. Two peers of one name cost a look that was for nothing.
func Print(id identity.ID) uint32 { return binary.BigEndian.Uint32(id[:]) }

// prints returns those of the peers, in order.
func prints(list []*identity.Contact) []uint32 {
	if len(list) == 0 {
		return nil
	}
	named := make([]uint32, len(list))
	for i, peer := range list {
		named[i] = Print(peer.ID)
	}
	return named
}

// order puts peers into an answer to one who has those with these prints.
func (m *Message) order(has []uint32, peers []*identity.Contact) {
	if len(peers) > 0 {
		m.Order = make([]byte, len(peers))
	}
	for i, peer := range peers {
		if k := slices.Index(has, Print(peer.ID)); k >= 0 {
			m.Order[i] = knownMark | byte(k)
			continue
		}
		m.Order[i] = byte(len(m.Hints))
		m.Hints = append(m.Hints, peer)
	}
}

// faultOfPeers returns what is wrong with an answer whatever was asked, or "".
func (m *Message) faultOfPeers() string {
	if len(m.Hints)+len(m.Others) > maxPage || len(m.Order) > maxNear {
		return "too many peers"
	}
	if slices.Contains(m.Hints, nil) || slices.Contains(m.Others, nil) {
		return "a list with a hole"
	}
	for _, n := range m.Order {
		if n < knownMark && int(n) >= len(m.Hints) {
			return "a hint that is not there"
		}
	}
	return ""
}

// named returns the peers of an answer to a question that named some as known.
// Places that mean nothing are passed over.
func (m *Message) named(known []*identity.Contact) []*identity.Contact {
	peers := make([]*identity.Contact, 0, len(m.Order))
	for _, n := range m.Order {
		switch k := int(n &^ knownMark); {
		case n < knownMark:
			peers = append(peers, m.Hints[k])
		case k < len(known):
			peers = append(peers, known[k])
		}
	}
	return peers
}
