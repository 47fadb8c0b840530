package swarm

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
)

// Lookup asks the ring for target, and returns where it can be dialled and the
// peers the question went through: this one first, target last. Without a
// deadline in ctx it waits Config.SendTimeout. Errors match ErrNoSuchPeer,
// ErrNoAnswer, ErrClosed, or are ctx's.
func (p *Peer) Lookup(ctx context.Context, target identity.ID) (*identity.Contact, []identity.ID, error) {
	point, err := p.points.PointOf(target)
	if err != nil {
		return nil, nil, fmt.Errorf("swarm: lookup %s: %w", target.Short(), err)
	}
	owner, trail, err := p.lookUp(ctx, point, p.ring.Seek)
	if err == nil && owner.ID != target {
		return nil, trail, &TargetError{Target: target, Nearest: owner, Err: ErrNoSuchPeer}
	}
	return owner, trail, err
}

// LookupKey asks the ring who owns a key: the first peer at or after it. See Lookup.
func (p *Peer) LookupKey(ctx context.Context, key identity.Point) (*identity.Contact, []identity.ID, error) {
	return p.lookUp(ctx, key, p.ring.Lookup)
}

// lookUp waits for a lookup that begin starts.
func (p *Peer) lookUp(ctx context.Context, key identity.Point, begin func(time.Duration, identity.Point) trace.MessageID) (*identity.Contact, []identity.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout(ctx))
	defer cancel()
	done := make(chan chord.Answer, 1)
	p.mu.Lock()
	if p.isClosed() {
		p.mu.Unlock()
		return nil, nil, ErrClosed
	}
	id := begin(p.now(), key)
	p.lookups[id] = func(a chord.Answer) { done <- a }
	p.settleAndUnlock()
	var err error
	select {
	case a := <-done:
		if a.Err == nil {
			return a.Owner, a.Trail, nil
		}
		err = ErrNoAnswer // also where this peer is no member yet: there is nobody to ask
	case <-ctx.Done():
		err = p.whyEnded(ctx)
	case <-p.ended:
		err = ErrClosed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.lookups, id)
	return nil, nil, fmt.Errorf("swarm: lookup %.8s: %w", key, err)
}

// answerLookup ends a lookup of this peer.
func (p *Peer) answerLookup(a chord.Answer) {
	if done := p.lookups[a.Lookup]; done != nil {
		delete(p.lookups, a.Lookup)
		done(a)
	}
}

// Resolve returns the ID of whom text names: an ID in base32, or the "host:port"
// of a peer, which is dialled to learn who proves to be there. Errors match
// ErrAddress where text is neither, ErrUnreachable, ErrOtherSwarm, ErrClosed, or are
// ctx's.
func (p *Peer) Resolve(ctx context.Context, text string) (identity.ID, error) {
	if id, err := identity.ParseID(text); err == nil {
		return id, nil
	}
	d, err := parseDialling(text)
	if err != nil {
		return identity.ID{}, fmt.Errorf("%w, or an ID of 52 characters", err)
	}
	addresses, err := d.addresses(ctx, p.lookupHost)
	if err != nil {
		return identity.ID{}, fmt.Errorf("swarm: %w", err)
	}
	if id, ok := p.answeredAt(addresses); ok {
		return id, nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout(ctx))
	defer cancel()
	c, err := p.greet(ctx, addresses)
	if errors.Is(err, ErrSelf) {
		return p.id, nil
	}
	var at *addressError
	switch {
	case err == nil:
		return c.ID, nil
	case errors.As(err, &at) && at.address == text:
		return identity.ID{}, fmt.Errorf("swarm: %w", err)
	}
	return identity.ID{}, fmt.Errorf("swarm: %s: %w", text, err)
}

// answeredAt returns who proved to be at one of addresses and still has a link to this peer.
func (p *Peer) answeredAt(addresses []netip.AddrPort) (identity.ID, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range addresses {
		if id, ok := p.answered[a]; ok && p.greeted[id] != nil {
			return id, true
		}
	}
	return identity.ID{}, false
}
