package transport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"cicada/identity"
	"cicada/wire"
)

// maxAddresses is how many addresses of one contact are tried.
const maxAddresses = 16

// Dial opens a link to want at address, or to whoever answers there where want is
// the zero ID, and returns when the link is up. A link that this peer already
// dialled to address is returned instead. It blocks until it is done, ctx ends or
// Limits.DialTimeout has passed.
//
// Errors match ErrWrongPeer (a *WrongPeerError), ErrOtherSwarm, ErrOverloaded,
// ErrNotCicada, ErrSelf, ErrClosed, a *CloseError where the other end said why it
// refuses, or are those of ctx and of the network.
func (s *Links) Dial(ctx context.Context, address netip.AddrPort, want identity.ID) (Link, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	if !s.begin() {
		return nil, ErrClosed
	}
	defer s.running.Done()
	if l := s.dialledTo(address, want); l != nil {
		return l, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	if err := s.takeTurn(ctx); err != nil {
		return nil, s.dialError(address, err)
	}
	defer s.endTurn()
	l, err := s.dial(ctx, address, want)
	if err != nil {
		return nil, s.dialError(address, err)
	}
	// Two dialled at once may leave another link than this one.
	<-l.ready
	if best := s.Link(l.peer); best != nil {
		return best, nil
	}
	return l, nil
}

// dialError says what was tried, and ErrClosed where that is the reason.
func (s *Links) dialError(address netip.AddrPort, err error) error {
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	return fmt.Errorf("transport: dial %v: %w", address, err)
}

// dialledTo returns an open link that this peer dialled to address, if it leads to want.
func (s *Links) dialledTo(address netip.AddrPort, want identity.ID) Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.all {
		if l.dialled && l.remote == address && (want.IsZero() || want == l.peer) {
			if p := s.peers[l.peer]; p != nil && p.mine == l {
				return l
			}
		}
	}
	return nil
}

// dial makes one attempt at one address.
func (s *Links) dial(ctx context.Context, address netip.AddrPort, want identity.ID) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limits.DialTimeout)
	defer cancel()
	conn, err := s.network.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	l, err := s.greet(ctx, conn, address, want)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	if err != nil {
		return nil, err
	}
	return l, s.start(l)
}

// takeTurn waits until one more connection may be dialled.
func (s *Links) takeTurn(ctx context.Context) error {
	select {
	case s.dials <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Links) endTurn() { <-s.dials }

// Send queues one frame, whose body is head followed by body, both copied, for a
// peer. Where it has a link the frame is queued there, and the link is returned,
// for the caller to flush. Else the frame waits until a link is up, and the link
// returned is nil: the contact's addresses are tried in order, and if all fail
// Handler.Unreachable is called, from another goroutine. Send does not block.
//
// ErrBacklog: too much waits for that peer, or frames wait for too many, or too many
// peers that somebody merely named did not answer when dialled. Other
// errors match ErrClosed, ErrSelf or ErrTooLarge. After an error nothing is queued.
func (s *Links) Send(to *identity.Contact, kind wire.FrameKind, head, body []byte) (Link, error) {
	for {
		s.mu.Lock()
		if p := s.peers[to.ID]; p != nil {
			if l := p.best(); l != nil {
				s.mu.Unlock()
				err := l.Queue(kind, head, body)
				if errors.Is(err, ErrClosed) {
					continue // it closed meanwhile, and is no longer the best
				}
				return l, err
			}
		}
		err := s.waitLocked(to, kind, head, body)
		s.mu.Unlock()
		return nil, err
	}
}

// waitLocked has a frame wait for a link to its peer, and has the peer dialled.
func (s *Links) waitLocked(to *identity.Contact, kind wire.FrameKind, head, body []byte) error {
	switch {
	case s.broken != nil:
		return s.broken
	case s.closed:
		return ErrClosed
	case to.ID == s.id:
		return ErrSelf
	}
	p := s.peerLocked(to.ID)
	defer s.tidyLocked(to.ID)
	if p.queue == nil {
		if s.waiting >= s.limits.MaxWaiting {
			return fmt.Errorf("%w: %d peers are waited for", ErrBacklog, s.waiting)
		}
		if p.idle() && isHint(to) && !s.ration.take(to, time.Now()) {
			return fmt.Errorf("%w: too many that were named did not answer", ErrBacklog)
		}
	} else if len(p.queue.b)+len(head)+len(body) > s.limits.DialBacklog {
		return ErrBacklog
	}
	queue, err := appendFrame(&s.pool, p.queue, kind, head, body)
	if err != nil {
		return err
	}
	if p.queue == nil {
		s.waiting++
	}
	p.queue, p.to = queue, to
	if p.idle() {
		s.dialLocked(p)
	}
	return nil
}

// dialLocked has a goroutine dial the peer that something waits for.
func (s *Links) dialLocked(p *peer) {
	if s.closed {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	p.dialling = cancel
	s.running.Add(1)
	go s.reach(ctx, p.to)
}

// reach dials a peer. However that ends, what waits for the peer has been moved to
// a link or reported as lost.
func (s *Links) reach(ctx context.Context, to *identity.Contact) {
	defer s.running.Done()
	dialled := false
	err := s.takeTurn(ctx)
	if err == nil {
		dialled, err = s.tryAddresses(ctx, to)
		s.endTurn()
	}
	s.mu.Lock()
	p := s.peers[to.ID]
	p.dialling()
	p.dialling = nil
	if isHint(to) && (!dialled || !p.idle()) {
		s.ration.giveBack(to)
	}
	lost := p.queue != nil && p.idle()
	if lost {
		s.dropQueueLocked(p)
	}
	s.tidyLocked(to.ID)
	s.mu.Unlock()
	if lost {
		s.handler.Unreachable(to.ID, err)
	}
}

// isHint reports whether nothing is proven of a contact.
func isHint(c *identity.Contact) bool { return c.Fingerprint.IsZero() }

// tryAddresses dials the addresses of a contact in order until one answers, or
// until the peer has a link of its own making. It reports whether it dialled any.
func (s *Links) tryAddresses(ctx context.Context, to *identity.Contact) (dialled bool, err error) {
	var errs []error
	for _, address := range to.Addresses[:min(len(to.Addresses), maxAddresses)] {
		if s.Link(to.ID) != nil || ctx.Err() != nil {
			break
		}
		err := ErrBackoff
		if !s.failing(place{address, to.ID}) {
			_, err = s.dial(ctx, address, to.ID)
		}
		if err == nil {
			return true, nil
		}
		dialled = dialled || !errors.Is(err, ErrBackoff)
		errs = append(errs, s.dialError(address, err))
		if !errors.Is(err, ErrBackoff) && ctx.Err() == nil {
			s.fail(place{address, to.ID})
		}
	}
	if len(errs) == 0 {
		return false, ErrNoAddress
	}
	return dialled, errors.Join(errs...)
}
