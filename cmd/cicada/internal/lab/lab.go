// Package lab runs a swarm of many peers in one process, on loopback: it makes
// them, kills some without warning, and checks from outside, by nothing but the
// points, whether the ring is as it should be.
//
// It is not a simulator: peers, sockets, keys and time are real. Begin reading
// at Lab, then Lab.Ideal.
package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"cicada/chord"
	"cicada/swarm"
	"cicada/trace"
	"cicada/transport"
)

// A Config says what the peers of a lab are like.
type Config struct {
	// Ring holds the parameters of every peer's ring.
	Ring chord.Config
	// Mortal lets Kill and Silence work. It costs every peer a little speed.
	Mortal bool
	// Parallel is how many peers join at the same time. Zero means 1.
	Parallel int
	// Trace receives the events of all peers. Nil means none.
	Trace trace.Sink
	// Inbox is how many messages a peer keeps for its program. Zero means swarm's default.
	Inbox int
	// SendTimeout is swarm.Config's.
	SendTimeout time.Duration
}

// A Lab is a swarm in one process. Its methods may not be called concurrently,
// but for Ideal and AwaitIdeal.
type Lab struct {
	config Config

	mu    sync.Mutex // guards the fields below
	peers []*Peer    // alive, clockwise by point
	dead  []*Peer
}

// A Peer is one peer of a lab.
type Peer struct {
	*swarm.Peer
	plug *plug // nil where it cannot be killed
}

// New returns a lab without peers. Close must be called in the end.
func New(config Config) *Lab {
	config.Parallel = max(config.Parallel, 1)
	return &Lab{config: config}
}

// Peers returns the living peers clockwise, by point.
func (l *Lab) Peers() []*Peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.peers)
}

// Grow adds n peers that join the swarm through those already there, and tells
// progress, which may be nil, each time how many have. On error those that
// joined stay.
func (l *Lab) Grow(ctx context.Context, n int, progress func(joined int)) error {
	if len(l.Peers()) == 0 && n > 0 {
		first, err := l.listen(ctx)
		if err != nil {
			return err
		}
		l.add(first)
		n--
		tell(progress, 1)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	places := make(chan struct{}, l.config.Parallel)
	var joins sync.WaitGroup
	for range n {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		seed := l.seed()
		p, err := l.listen(ctx)
		if err != nil {
			cancel(err)
			break
		}
		joins.Go(func() {
			defer func() { <-places }()
			if err := p.Join(ctx, seed); err != nil {
				p.Close()
				cancel(err)
				return
			}
			tell(progress, l.add(p))
		})
	}
	joins.Wait()
	return context.Cause(ctx)
}

func tell(progress func(int), joined int) {
	if progress != nil {
		progress(joined)
	}
}

// listen makes a peer that is not yet in the swarm.
func (l *Lab) listen(ctx context.Context) (*Peer, error) {
	p := &Peer{}
	config := swarm.Config{
		Address: "127.0.0.1:0", Ring: l.config.Ring, Trace: l.config.Trace,
		InboxMessages: l.config.Inbox, SendTimeout: l.config.SendTimeout,
	}
	if l.config.Mortal {
		p.plug = newPlug(transport.TCP{})
		config.Network = p.plug
	}
	var err error
	p.Peer, err = swarm.Listen(ctx, config)
	return p, err
}

// add takes p among the living, and returns how many they are.
func (l *Lab) add(p *Peer) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, _ := slices.BinarySearchFunc(l.peers, p, clockwise)
	l.peers = slices.Insert(l.peers, i, p)
	return len(l.peers)
}

func clockwise(a, b *Peer) int {
	x, y := a.Point(), b.Point()
	return bytes.Compare(x[:], y[:])
}

// seed returns the address of a living peer.
func (l *Lab) seed() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peers[rand.IntN(len(l.peers))].Address().String()
}

// Kill ends peers at once, without a word to anybody: their sockets close, as
// when their process is killed.
func (l *Lab) Kill(victims []*Peer) error {
	if err := l.bury(victims, (*plug).cut); err != nil {
		return err
	}
	for _, p := range victims {
		go p.Close() // so that the dead take no time from the living; Lab.Close waits for it
	}
	return nil
}

// Silence has peers fall silent at once: their sockets stay open and nothing
// comes out of them any more, as when a cable is pulled.
func (l *Lab) Silence(victims []*Peer) error { return l.bury(victims, (*plug).silence) }

func (l *Lab) bury(victims []*Peer, end func(*plug)) error {
	if !l.config.Mortal {
		return errors.New("lab: its peers are not mortal")
	}
	for _, p := range victims {
		end(p.plug)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peers = slices.DeleteFunc(l.peers, func(p *Peer) bool { return slices.Contains(victims, p) })
	l.dead = append(l.dead, victims...)
	return nil
}

// Close has all living peers leave, and ends them all. It returns when nothing
// of them runs any more, or soon after ctx ends.
func (l *Lab) Close(ctx context.Context) error {
	l.mu.Lock()
	living, dead := l.peers, l.dead
	l.peers, l.dead = nil, nil
	l.mu.Unlock()
	errs := make(chan error, len(living)+len(dead))
	for _, p := range dead {
		p.plug.cut()
		go func() { errs <- p.Close() }()
	}
	for _, p := range living {
		go func() { errs <- p.Leave(ctx) }()
	}
	var all []error
	for range cap(errs) {
		select {
		case err := <-errs:
			all = append(all, err)
		case <-ctx.Done():
			return fmt.Errorf("lab: not all peers ended in time: %w", ctx.Err())
		}
	}
	return errors.Join(all...)
}
