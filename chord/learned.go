package chord

import (
	"encoding/binary"
	"slices"

	"cicada/identity"
)

// maxLearned is how many contacts met elsewhere are remembered.
const maxLearned = 256

// learned remembers contacts that are not in the table; the oldest goes first.
type learned struct {
	ring   []*identity.Contact
	words  []uint64 // the first of each one's point, to look through
	oldest int
	turn   int
}

// place returns where a contact of the peer at point is, or -1.
func (l *learned) place(point identity.Point) int {
	word := binary.BigEndian.Uint64(point[:])
	for i, w := range l.words {
		if w == word && l.ring[i].Point == point {
			return i
		}
	}
	return -1
}

func (l *learned) find(point identity.Point) *identity.Contact {
	if i := l.place(point); i >= 0 {
		return l.ring[i]
	}
	return nil
}

func (l *learned) add(peer *identity.Contact) {
	if i := l.place(peer.Point); i >= 0 {
		if peer.Newer(l.ring[i]) {
			l.ring[i] = peer
		}
		return
	}
	word := binary.BigEndian.Uint64(peer.Point[:])
	if len(l.ring) < maxLearned {
		l.ring, l.words = append(l.ring, peer), append(l.words, word)
		return
	}
	l.ring[l.oldest], l.words[l.oldest] = peer, word
	l.oldest = (l.oldest + 1) % maxLearned
}

// pick returns one of them in turn, or nil.
func (l *learned) pick() *identity.Contact {
	if len(l.ring) == 0 {
		return nil
	}
	l.turn = (l.turn + 1) % len(l.ring)
	return l.ring[l.turn]
}

func (l *learned) remove(peer *identity.Contact) {
	if i := l.place(peer.Point); i >= 0 && l.ring[i].ID == peer.ID {
		l.ring, l.words = slices.Delete(l.ring, i, i+1), slices.Delete(l.words, i, i+1)
		l.oldest = 0
	}
}

// clone returns a copy that shares nothing that changes.
func (l *learned) clone() learned {
	d := *l
	d.ring, d.words = slices.Clone(l.ring), slices.Clone(l.words)
	return d
}
