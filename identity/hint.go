package identity

import (
	"fmt"
	"net/netip"
)

// PlainPoint returns the point of an ID where there is no difficulty.
func PlainPoint(id ID) Point { return hashPoint(id[:]) }

// HintAddresses is how many addresses of a hint are taken: it costs nothing to name a
// peer, and whoever is said to be there gets a dial for each.
const HintAddresses = 2

// hintSpare is the part of all runs that hints leave to records: who joins is let in,
// whatever strangers name.
const hintSpare = 0.5

// Hint returns a contact of which nothing is proven but that its ID belongs at its
// point: who can be dialled there, if anybody, TLS tells. It has no record, and any
// record of that peer replaces it. claimed is the point that it is said to have, zero
// where nothing is said. It costs an argon2 run where p does not know the ID yet. Errors
// wrap ErrID, ErrRecord and ErrDifficulty, or are ErrRate.
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
	point, err := p.pointOf(id, hintSpare)
	if err != nil {
		return nil, err
	}
	if !claimed.IsZero() && claimed != point {
		return nil, fmt.Errorf("%w: %s is said to stand where it does not", ErrRecord, id.Short())
	}
	return &Contact{ID: id, Point: point, Addresses: addresses[:min(len(addresses), HintAddresses)]}, nil
}
