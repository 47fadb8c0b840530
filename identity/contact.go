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

// A Record is a contact signed by its own key. Body and signature are kept as
// received, verified so, and passed on untouched.
type Record struct {
	Body      []byte
	Signature []byte
}
