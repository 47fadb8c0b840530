package identity

import "net/netip"

// A Contact is a peer as others know it. Outside simulations and tests it comes
// only from a verified record. It is shared and never changed once made.
type Contact struct {
	ID        ID
	Point     Point
	Addresses []netip.AddrPort // where it says it can be dialled, best first
	Sequence  uint64           // of the record; the highest wins
	Record    Record           // the signed form, as received
}

// String returns the short ID and the first address, for people.
func (c *Contact) String() string {
	if len(c.Addresses) == 0 {
		return c.ID.Short()
	}
	return c.ID.Short() + "@" + c.Addresses[0].String()
}

// Newer reports whether c replaces old, which may be nil: it is of the same
// peer and has a higher sequence. Of two with the same one the first stays.
func (c *Contact) Newer(old *Contact) bool {
	return old == nil || c.ID == old.ID && c.Sequence > old.Sequence
}
