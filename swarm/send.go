package swarm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// Limits of Send and Broadcast.
const (
	MaxMessage    = wire.MaxMessage // bytes in one message: 1 MiB
	MaxDuplicates = 63              // extra copies of one message
)

// Send sends data to target and returns when the target has acknowledged it. The
// message is sealed to the target: no peer in between can read or change it. It
// is delivered once, or not at all.
//
// Without a deadline in ctx it waits Config.SendTimeout. Whether a target that no
// path leads to is in the swarm at all is known after some seconds; with less
// time the error is ErrNoAnswer. Lookup knows at once.
//
// Errors are *TargetError and match ErrTooLarge, ErrDuplicates, ErrNoSuchPeer,
// ErrNoAnswer (also where ctx's deadline passed), ErrRefused, ErrKeys, ErrInboxFull,
// ErrBusy, ErrOutcomeUnknown, ErrClosed, identity.ErrID (the zero ID, too), or
// context.Canceled.
func (p *Peer) Send(ctx context.Context, target identity.ID, data []byte, options SendOptions) (Receipt, error) {
	receipt, err := p.send(ctx, target, data, options)
	if err != nil {
		var known *TargetError
		if !errors.As(err, &known) {
			err = &TargetError{Target: target, Err: err}
		}
	}
	return receipt, err
}

func (p *Peer) send(ctx context.Context, target identity.ID, data []byte, options SendOptions) (Receipt, error) {
	switch {
	case len(data) > MaxMessage:
		return Receipt{}, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(data), MaxMessage)
	case options.Duplicates < 0 || options.Duplicates > MaxDuplicates:
		return Receipt{}, fmt.Errorf("%w: %d, want 0 to %d", ErrDuplicates, options.Duplicates, MaxDuplicates)
	case target.IsZero():
		return Receipt{}, identity.ErrID
	case ctx.Err() != nil:
		return Receipt{}, p.whyEnded(ctx)
	case target == p.id:
		return p.sendSelf(data)
	}
	point, err := p.points.PointOf(target)
	if err != nil {
		return Receipt{}, err
	}
	if err := p.settleKeys(ctx, target, point); err != nil {
		return Receipt{}, err
	}
	s, err := p.begin(sending{target: target, point: point, data: data, options: options}, p.timeout(ctx))
	if err != nil {
		return Receipt{}, err
	}
	return p.await(ctx, s)
}

// timeout is how long a call may take.
func (p *Peer) timeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return p.config.SendTimeout
}

// whyEnded is the error of a call that waited in vain until ctx or the peer ended.
func (p *Peer) whyEnded(ctx context.Context) error {
	switch err := ctx.Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrNoAnswer
	case err != nil:
		return err
	}
	return ErrClosed
}

// await returns how s ended, or ends it.
func (p *Peer) await(ctx context.Context, s *sending) (Receipt, error) {
	var err error
	select {
	case o := <-s.done:
		p.reuse(s)
		return o.receipt, o.err
	case <-s.timer.C:
		err = ErrNoAnswer
	case <-ctx.Done():
		err = p.whyEnded(ctx)
	case <-p.ended:
		err = ErrClosed
	}
	p.mu.Lock()
	defer p.settleAndUnlock()
	if p.sending[s.id] == s {
		p.finish(s, outcome{err: err})
	}
	o := <-s.done // what ended it first counts
	return o.receipt, o.err
}

// sendSelf delivers a message to this peer itself.
func (p *Peer) sendSelf(data []byte) (Receipt, error) {
	p.mu.Lock()
	defer p.settleAndUnlock()
	if p.isClosed() {
		return Receipt{}, ErrClosed
	}
	m := Message{ID: p.newMessageID(), From: p.id, Data: bytes.Clone(data), Path: Direct}
	if addresses := p.ring.Self().Addresses; len(addresses) > 0 {
		m.Address = addresses[0]
	}
	if !p.inbox.put(m) {
		return Receipt{}, ErrInboxFull
	}
	p.counters.Sent++
	p.counters.Delivered++
	p.emit(trace.Event{Kind: trace.Delivered, Message: m.ID, Other: p.id})
	return Receipt{ID: m.ID, Copies: 1, Path: Direct}, nil
}

func (p *Peer) isClosed() bool {
	select {
	case <-p.ended:
		return true
	default:
		return p.leaving
	}
}

func (p *Peer) newMessageID() (m trace.MessageID) {
	binary.LittleEndian.PutUint64(m[:8], p.random.Uint64())
	binary.LittleEndian.PutUint64(m[8:], p.random.Uint64())
	return m
}
