package identity

import (
	"fmt"
	"net/netip"
)

// PlainPoint returns the point of an ID where there is no difficulty.
func PlainPoint(id ID) Point { return hashPoint(id[:]) }

// Hint returns a contact of which nothing is proven: who can be dialled there, if
// anybody, TLS tells. It has no record, and any record of that peer replaces it. Its
// point is the right one where that takes no work; else the claimed one, which a
// record will confirm or not. Errors wrap ErrID and ErrRecord.
func (p *Points) Hint(id ID, claimed Point, addresses []netip.AddrPort) (*Contact, error) {
	if err := id.checkBytes(); err != nil {
		return nil, err
	}
	if len(addresses) > MaxAddresses {
		return nil, fmt.Errorf("%w: %d addresses are over the limit of %d", ErrRecord, len(addresses), MaxAddresses)
	}
	for _, address := range addresses {
		if err := checkAddress(address); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRecord, err)
		}
	}
	point, known := p.Known(id)
	if !known {
		if !passesScreen(id) {
			return nil, ErrDifficulty
		}
		point = claimed
	}
	return &Contact{ID: id, Point: point, Addresses: addresses}, nil
}
