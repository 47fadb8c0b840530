package swarm

import (
	"bytes"
	"sync"

	"cicada/identity"
)

// A book remembers records that were verified, so that each is verified once
// though lists repeat it for ever. It implements codec.Verifier and may be used
// concurrently.
type book struct {
	points *identity.Points

	mu       sync.Mutex // guards the fields below
	contacts map[identity.ID]*identity.Contact
	order    []identity.ID // a ring buffer: who was written down when
	next     int
}

// bookSize bounds the records remembered; the oldest makes way.
const bookSize = 1024

func newBook(points *identity.Points) *book {
	return &book{points: points, contacts: make(map[identity.ID]*identity.Contact)}
}

// Verify returns the contact that r describes, or why r is not valid.
func (b *book) Verify(r identity.Record) (*identity.Contact, error) {
	if id, ok := r.ClaimedID(); ok {
		b.mu.Lock()
		c := b.contacts[id]
		b.mu.Unlock()
		if c != nil && bytes.Equal(c.Record.Signature, r.Signature) && bytes.Equal(c.Record.Body, r.Body) {
			return c, nil
		}
	}
	c, err := r.Verify(b.points)
	if err != nil {
		return nil, err
	}
	b.add(c)
	return c, nil
}

// add writes c down, unless a newer record of the same peer is known.
func (b *book) add(c *identity.Contact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old := b.contacts[c.ID]; old != nil {
		if c.Sequence >= old.Sequence {
			b.contacts[c.ID] = c
		}
		return
	}
	b.contacts[c.ID] = c
	if len(b.order) < bookSize {
		b.order = append(b.order, c.ID)
		return
	}
	delete(b.contacts, b.order[b.next])
	b.order[b.next] = c.ID
	b.next = (b.next + 1) % bookSize
}

// find returns the newest known contact of a peer, or nil.
func (b *book) find(id identity.ID) *identity.Contact {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.contacts[id]
}
