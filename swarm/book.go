package swarm

import (
	"bytes"
	"net/netip"
	"sync"

	"cicada/identity"
)

// A book remembers records that were verified, so that each is verified once
// though lists repeat it for ever. It may be used concurrently.
type book struct {
	points *identity.Points
	tell   func(*identity.Contact) // hears of every record, also of those verified before

	mu       sync.Mutex // guards the fields below
	verified map[signature]*identity.Contact
	order    []signature // a ring buffer: what was written down when
	next     int
}

// A signature names a record; one that is forged from it has another body.
type signature [identity.SignatureSize]byte

// bookSize bounds the records remembered; the oldest makes way.
const bookSize = 1024

func newBook(points *identity.Points) *book {
	return &book{points: points, tell: func(*identity.Contact) {}, verified: make(map[signature]*identity.Contact)}
}

// Verify returns the contact that r describes, or why r is not valid.
func (b *book) Verify(r identity.Record) (*identity.Contact, error) { return b.verify(r, b.points) }

func (b *book) verify(r identity.Record, points *identity.Points) (*identity.Contact, error) {
	if len(r.Signature) != identity.SignatureSize {
		return r.Verify(points) // which says what is wrong
	}
	name := signature(r.Signature)
	if c := b.find(name); c != nil && bytes.Equal(c.Record.Body, r.Body) {
		b.tell(c)
		return c, nil
	}
	c, err := r.Verify(points)
	if err != nil {
		return nil, err
	}
	b.tell(c)
	b.add(name, c)
	return c, nil
}

// A linkBook is the book for what comes by one link, whose peer has to account for the
// work that this takes.
type linkBook struct {
	book   *book
	points *identity.Points // a share of the book's
	peer   [8]byte          // the first bytes of its ID
}

func (b *book) of(peer identity.ID) *linkBook {
	return &linkBook{book: b, points: b.points.Share(), peer: [8]byte(peer[:])}
}

// Verify returns the contact that r describes, or why r is not valid.
func (b *linkBook) Verify(r identity.Record) (*identity.Contact, error) {
	return b.book.verify(r, b.points)
}

// Hint returns a contact of which nothing is proven but its place, and who named it.
func (b *linkBook) Hint(id identity.ID, claimed identity.Point, addresses []netip.AddrPort) (*identity.Contact, error) {
	c, err := b.points.Hint(id, claimed, addresses)
	if err == nil {
		c.Namer = b.peer
	}
	return c, err
}

func (b *book) find(name signature) *identity.Contact {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.verified[name]
}

func (b *book) add(name signature, c *identity.Contact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.verified[name] != nil {
		return
	}
	b.verified[name] = c
	if len(b.order) < bookSize {
		b.order = append(b.order, name)
		return
	}
	delete(b.verified, b.order[b.next])
	b.order[b.next] = name
	b.next = (b.next + 1) % bookSize
}
