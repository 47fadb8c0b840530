package identity

import (
	"crypto/sha256"
	"net/netip"
)

// A Contact is a peer as others know it. Outside simulations and tests it comes
// only from a verified record. It is shared and never changed once made.
type Contact struct {
	ID        ID
	Point     Point
	Addresses []netip.AddrPort // where it says it can be dialled, best first
	Sequence  uint64           // of the record; the highest wins
	Record    Record           // the signed form, as received

	// Fingerprint is the record's, worked out when the record was verified.
	Fingerprint Fingerprint
	// Namer says who named it here, where it is a hint: the first bytes of an ID.
	Namer [8]byte
}

// A Fingerprint names one record among those of a few peers: the first 8 bytes of SHA-256 over
// its body and its signature. Who has a record can be told by it which one is
// meant. Zero is the fingerprint of none.
type Fingerprint [8]byte

// IsZero reports whether f is the fingerprint of no record.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// fingerprint returns the fingerprint of r. All signatures have one length, so
// where the body ends is not in doubt.
func (r Record) fingerprint() (f Fingerprint) {
	h := sha256.New()
	h.Write(r.Body)
	h.Write(r.Signature)
	copy(f[:], h.Sum(nil))
	return f
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
