package swarm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/wire"
)

// joinPause is how long to wait before seeds are tried again, at first and at most.
const (
	joinPauseMin = 250 * time.Millisecond
	joinPauseMax = 4 * time.Second
)

// joinTry is how long one attempt may take, about, at first and at most.
const (
	joinTryMin = 2 * time.Second
	joinTryMax = 10 * time.Second
)

// Join makes this peer a member of the swarm that the peers at the given
// addresses ("host:port") belong to. All are dialled at once, and again until
// one lets this peer in or ctx ends; without a deadline that may be for ever.
// Names are looked up each time; one that cannot be harms no other seed. Only
// text that can never be an address is an error at once. Join returns when this
// peer has its place on the ring. Errors are *JoinError and match ErrAddress,
// ErrOtherSwarm, ErrSelf, ErrNoAnswer, ErrClosed, or are ctx's.
func (p *Peer) Join(ctx context.Context, addresses ...string) error {
	seeds, err := parseSeeds(addresses)
	pause, limit := joinPauseMin, joinTryMin
	for err == nil {
		var permanent bool
		// Who waits for this peer in turn can be joined, or join, while it does not wait.
		try, cancel := context.WithTimeout(ctx, limit/2+rand.N(limit))
		permanent, err = p.joinOnce(try, seeds)
		cancel()
		if err == nil {
			return nil
		}
		limit = min(2*limit, joinTryMax)
		if permanent {
			break
		}
		last := err
		timer := time.NewTimer(pause/2 + rand.N(pause)) // peers that wait for each other must not do so in step
		select {
		case <-timer.C:
			err = nil
		case <-p.ended:
			err = ErrClosed
		case <-ctx.Done():
			err = fmt.Errorf("%w: %w", ErrNoAnswer, last)
			if errors.Is(ctx.Err(), context.Canceled) {
				err = ctx.Err()
			}
		}
		timer.Stop()
		pause = min(2*pause, joinPauseMax)
	}
	return &JoinError{Address: strings.Join(addresses, ", "), Err: err}
}

// parseSeeds reads what to dial.
func parseSeeds(texts []string) ([]dialling, error) {
	if len(texts) == 0 {
		return nil, errors.New("no address given")
	}
	seeds := make([]dialling, len(texts))
	for i, text := range texts {
		var err error
		if seeds[i], err = parseDialling(text); err != nil {
			return nil, err
		}
	}
	return seeds, nil
}

// nameTimeout is how long a round waits for the addresses of a seed: the others
// are not to be tried again only when the DNS has given up.
const nameTimeout = 5 * time.Second

// greetSeed dials a seed and returns who proves to be there.
func (p *Peer) greetSeed(ctx context.Context, seed dialling) (*identity.Contact, error) {
	resolving, cancel := context.WithTimeout(ctx, nameTimeout)
	defer cancel()
	addresses, err := seed.addresses(resolving, p.lookupHost)
	if err != nil {
		return nil, err
	}
	return p.greet(ctx, addresses)
}

// joinOnce dials all seeds and joins through the first that lets this peer in.
// It reports whether trying again makes no sense.
func (p *Peer) joinOnce(ctx context.Context, seeds []dialling) (permanent bool, err error) {
	type greeting struct {
		contact *identity.Contact
		err     error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	greetings := make(chan greeting, len(seeds))
	for _, seed := range seeds {
		go func() {
			c, err := p.greetSeed(ctx, seed)
			greetings <- greeting{c, err}
		}()
	}
	permanent = true
	var errs []error
	for range seeds {
		g := <-greetings
		if g.err == nil {
			g.err = p.joinThrough(ctx, g.contact)
			if g.err == nil {
				return false, nil
			}
		}
		permanent = permanent && (errors.Is(g.err, ErrOtherSwarm) || errors.Is(g.err, ErrSelf) || errors.Is(g.err, ErrClosed))
		errs = append(errs, g.err)
	}
	return permanent, errors.Join(errs...)
}

// joinThrough has the ring join through a seed, and waits how that ends.
func (p *Peer) joinThrough(ctx context.Context, seed *identity.Contact) error {
	done := make(chan error, 1)
	p.mu.Lock()
	if p.isClosed() {
		p.mu.Unlock()
		return ErrClosed
	}
	if p.joining != nil {
		p.mu.Unlock()
		return errors.New("another join is under way")
	}
	p.joining = done
	p.ring.Join(p.now(), seed)
	p.settleAndUnlock()
	select {
	case err := <-done:
		return err
	case <-p.ended:
		return ErrClosed
	case <-ctx.Done():
		p.mu.Lock()
		defer p.settleAndUnlock()
		if p.joining == done {
			p.joining = nil
			p.stayAlone()
		}
		return ctx.Err()
	}
}

// endJoin ends the join under way.
func (p *Peer) endJoin(err error) {
	if p.joining != nil {
		p.joining <- err
		p.joining = nil
	}
	if err != nil {
		p.stayAlone()
	}
}

// stayAlone makes a peer that could not join a ring of one again, so that others
// can come to it meanwhile.
func (p *Peer) stayAlone() {
	if p.ring.Mode() == chord.Joining && !p.leaving {
		p.ring.Start(p.now())
	}
}

// greet dials addresses in turn and returns who proves to be there, once its
// hello came.
func (p *Peer) greet(ctx context.Context, addresses []netip.AddrPort) (*identity.Contact, error) {
	var errs []error
	for _, a := range addresses {
		link, err := p.links.Dial(ctx, a, identity.ID{})
		if err == nil {
			var c *identity.Contact
			if c, err = p.awaitHello(ctx, link.Peer()); err == nil {
				p.noteAnswered(a, c.ID)
				return c, nil
			}
		}
		errs = append(errs, newAddressError(a, err))
	}
	return nil, errors.Join(errs...)
}

// helloTimeout is how long a peer that was dialled may take to say who it is.
const helloTimeout = 5 * time.Second

// awaitHello waits until the peer at the other end of a link has said who it is.
func (p *Peer) awaitHello(ctx context.Context, id identity.ID) (*identity.Contact, error) {
	timeout := time.NewTimer(helloTimeout)
	defer timeout.Stop()
	for {
		p.mu.Lock()
		n := p.greeted[id]
		var contact *identity.Contact
		if n != nil {
			contact = n.contact
		}
		p.mu.Unlock()
		switch {
		case n == nil:
			return nil, errors.New("the link broke before a hello")
		case contact != nil:
			return contact, nil
		}
		select {
		case <-n.hello:
		case <-timeout.C:
			n.link.Close(wire.CodeTimeout, "no hello")
			return nil, errors.New("it did not say hello in time")
		case <-p.ended:
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// maxAnswered bounds the addresses remembered with who answered there.
const maxAnswered = 1024

// noteAnswered remembers who answered at an address that was dialled.
func (p *Peer) noteAnswered(a netip.AddrPort, id identity.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.answered) >= maxAnswered {
		clear(p.answered)
	}
	p.answered[a] = id
}
