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

// Newer reports whether c replaces old, which may be nil: it is of the same
// peer and has a higher sequence. Of two with the same one the first stays.
func (c *Contact) Newer(old *Contact) bool {
	return old == nil || c.ID == old.ID && c.Sequence > old.Sequence
}
