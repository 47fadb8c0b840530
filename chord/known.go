package chord

import (
	"slices"

	"cicada/identity"
)

// Neighbours hold nearly the same records. Who asks for lists and expects news
// names the records that it has; the answer names those by their place in the
// question, and carries only the others. The one who answers remembers nothing
// of it, and the one who asked keeps what it offered for as long as it waits.

const (
	maxKnown  = 64  // records that a question names
	knownMark = 128 // set in a number that is a place in the question
)

// Lists are the lists of a State as they travel. Each byte in them names a peer:
// one below 128 is a place in Records; any other, less 128, a place among the
// records that the question offered. Lists are never changed once made.
type Lists struct {
	Records      []*identity.Contact // those of them that were not offered
	Predecessor  []byte              // one or none
	Successors   []byte              // nearest first
	Predecessors []byte              // nearest first
}

// NewLists returns lists for a peer that has the records with these fingerprints.
func NewLists(known []identity.Fingerprint, predecessor *identity.Contact, successors, predecessors []*identity.Contact) *Lists {
	l := &Lists{Successors: make([]byte, len(successors)), Predecessors: make([]byte, len(predecessors))}
	for i, peer := range successors {
		l.Successors[i] = l.number(known, peer)
	}
	for i, peer := range predecessors {
		l.Predecessors[i] = l.number(known, peer)
	}
	if predecessor != nil {
		l.Predecessor = []byte{l.number(known, predecessor)}
	}
	return l
}

// number returns what names peer in l. A record that is not known is put in, once.
func (l *Lists) number(known []identity.Fingerprint, peer *identity.Contact) byte {
	if !peer.Fingerprint.IsZero() {
		if i := slices.Index(known, peer.Fingerprint); i >= 0 {
			return knownMark | byte(i)
		}
	}
	for i, x := range l.Records {
		if x == peer || x.Fingerprint == peer.Fingerprint && !peer.Fingerprint.IsZero() {
			return byte(i)
		}
	}
	l.Records = append(l.Records, peer)
	return byte(len(l.Records) - 1)
}

// Fault returns what is wrong with the lists, which come with so many records,
// whatever was offered; or "".
func (l *Lists) Fault(records int) string {
	if records > maxList || len(l.Predecessor) > 1 || len(l.Successors) > maxList || len(l.Predecessors) > maxList {
		return "a list too long"
	}
	for _, list := range [...][]byte{l.Predecessor, l.Successors, l.Predecessors} {
		var seen [256]bool
		for _, n := range list {
			if seen[n] {
				return "a peer twice in a list"
			}
			if seen[n] = true; n < knownMark && int(n) >= records {
				return "a record that is not there"
			}
		}
	}
	return ""
}

// read puts the lists of m, whose fault is none, where its reader looks for
// them. offered is what the question named. It reports whether that is enough.
func (m *Message) read(offered []*identity.Contact) bool {
	m.Predecessor, m.Successors, m.Predecessors = nil, nil, nil
	if m.Lists == nil {
		return true
	}
	all := true
	peers := func(list []byte) []*identity.Contact {
		if len(list) == 0 {
			return nil
		}
		named := make([]*identity.Contact, 0, len(list))
		for _, n := range list {
			switch {
			case n < knownMark:
				named = append(named, m.Lists.Records[n])
			case int(n-knownMark) < len(offered):
				named = append(named, offered[n-knownMark])
			default:
				all = false
			}
		}
		return named
	}
	m.Successors, m.Predecessors = peers(m.Lists.Successors), peers(m.Lists.Predecessors)
	if p := peers(m.Lists.Predecessor); len(p) > 0 {
		m.Predecessor = p[0]
	}
	return all
}

// readState reads the lists of m where this peer awaits them of from, and
// returns what is wrong with them, or "".
func (c *Core) readState(from *identity.Contact, m *Message) string {
	switch i := c.awaited(from, m); {
	case i < 0:
	case m.Base != 0 && m.Base != c.requests[i].version:
		return "a difference to lists that were not named"
	case !m.read(c.requests[i].offered):
		return "a record that was not offered"
	}
	return ""
}

// offer returns the records that a question for lists on some sides to a peer whose
// lists are not known is to name.
func (c *Core) offer(to *identity.Contact, sides Sides) []*identity.Contact {
	successors, predecessors := c.successors, c.predecessors
	switch {
	case c.mode != Full || sides&After != 0 && sides&Before != 0:
	case sides&After != 0:
		predecessors = nil
	case sides&Before != 0:
		successors = nil
	}
	list := make([]*identity.Contact, 0, min(2*c.config.Successors+2, maxKnown))
	for _, near := range [...][]*identity.Contact{{c.self}, successors, predecessors, c.members, c.join.met} {
		for _, peer := range near {
			if len(list) < cap(list) && !same(peer, to) && !peer.Fingerprint.IsZero() && !holds(list, peer) {
				list = append(list, peer)
			}
		}
	}
	return list
}

// fingerprints returns those of the peers, in order.
func fingerprints(list []*identity.Contact) []identity.Fingerprint {
	if len(list) == 0 {
		return nil
	}
	prints := make([]identity.Fingerprint, len(list))
	for i, peer := range list {
		prints[i] = peer.Fingerprint
	}
	return prints
}
