package swarm

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"cicada/identity"
	"cicada/identity/pair"
	"cicada/routing"
	"cicada/seal"
	"cicada/trace"
)

// This file is where a peer asks its key file.

// answersAt dials an address and returns who proves to be there.
func (p *Peer) answersAt(ctx context.Context, a netip.AddrPort) (identity.ID, error) {
	link, err := p.links.Dial(ctx, a, identity.ID{})
	if err != nil {
		return identity.ID{}, err
	}
	return link.Peer(), nil
}

// pairWith returns the entry for a peer, for the sealer. In a first message there is
// often a record of who sent it, which says where that is.
func (p *Peer) pairWith(id identity.ID, first []byte) (*pair.Entry, error) {
	if c, err := parseContent(first); err == nil && c.record != nil && p.keys.ByAddress() {
		_, _ = p.book.Verify(*c.record) // the book tells the pairing
	}
	return p.pairing.entry(id)
}

// settleKeys waits until it is known whether the key file has an entry for target. Where
// entries are for addresses that takes to know where target is.
func (p *Peer) settleKeys(ctx context.Context, target identity.ID, point identity.Point) error {
	if p.pairing == nil || !p.keys.ByAddress() || p.sealer.Warmth(target) == seal.Warm {
		return nil
	}
	p.mu.Lock()
	known := p.contact(target, point)
	p.mu.Unlock()
	if known != nil && len(known.Record.Body) > 0 {
		p.pairing.claimed(known) // it may have been forgotten
	} else if _, _, err := p.LookupKey(ctx, point); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout(ctx))
	defer cancel()
	for {
		_, wait := p.pairing.decide(target)
		if len(wait) == 0 {
			return nil
		}
		select {
		case <-wait[0].done:
		case <-ctx.Done():
			return p.whyEnded(ctx)
		case <-p.ended:
			return ErrClosed
		}
	}
}

// keysError says how the keys of this peer and a target differ.
func keysError(why seal.Discord) error { return fmt.Errorf("%w: %w", ErrKeys, why) }

// discord reports a message that came under the wrong keys, or under none.
func (p *Peer) discord(a *routing.Arrival, origin identity.ID, err error) {
	var why seal.Discord
	errors.As(err, &why)
	p.counters.Refused++
	p.emit(trace.Event{Kind: trace.Refused, Message: a.Offer.Message, Other: origin, Reason: "keys: " + why.Error()})
}

// hasKeys reports whether there is, or may be, an entry for a peer.
func (p *Peer) hasKeys(id identity.ID) bool {
	entry, err := p.pairing.entry(id)
	return entry != nil || err != nil
}
