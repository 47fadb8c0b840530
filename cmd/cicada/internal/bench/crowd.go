package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"cicada/cmd/cicada/internal/lab"
	"cicada/swarm"
	"cicada/trace"
)

const (
	messageSize   = 1024
	parallelJoins = 4
	inboxSize     = 1 << 16
	patience      = time.Minute // for a swarm to form
)

// A crowd is a swarm to be measured. Its peers' programs read what arrives.
type crowd struct {
	lab   *lab.Lab
	count *counter
	read  sync.WaitGroup
	stop  context.CancelFunc
	heard atomic.Pointer[func(*lab.Peer, swarm.Message)]
}

// newCrowd makes a swarm of n peers. It returns when all have joined.
func newCrowd(ctx context.Context, n int, config lab.Config) (*crowd, error) {
	c := &crowd{count: &counter{}}
	config.Trace, config.Inbox = c.count, inboxSize
	config.Parallel = parallelJoins
	c.lab = lab.New(config)
	reading, stop := context.WithCancel(context.Background())
	c.stop = stop
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.lab.Grow(ctx, n, nil); err != nil {
		c.close()
		return nil, err
	}
	for _, p := range c.lab.Peers() {
		c.read.Go(func() {
			for {
				m, err := p.Receive(reading)
				if err != nil {
					return
				}
				if heard := c.heard.Load(); heard != nil {
					(*heard)(p, m)
				}
			}
		})
	}
	return c, nil
}

// listen has what arrives anywhere told to heard; nil ends that.
func (c *crowd) listen(heard func(*lab.Peer, swarm.Message)) {
	if heard == nil {
		c.heard.Store(nil)
		return
	}
	c.heard.Store(&heard)
}

func (c *crowd) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = c.lab.Close(ctx) // what was measured is not changed by how it ends
	c.stop()
	c.read.Wait()
}

// pair returns two living peers by chance.
func (c *crowd) pair() (from, to *lab.Peer) {
	peers := c.lab.Peers()
	i := rand.IntN(len(peers))
	return peers[i], peers[(i+1+rand.IntN(len(peers)-1))%len(peers)]
}

// common returns the swarm of the default configuration that several groups share.
func (b *bench) common(ctx context.Context) (*crowd, error) {
	if b.swarm != nil {
		return b.swarm, nil
	}
	c, err := newCrowd(ctx, b.config.Peers, lab.Config{})
	if err != nil {
		return nil, err
	}
	b.swarm = c
	if err := awaitUsable(ctx, c); err != nil {
		return nil, err
	}
	return c, b.awaitIdeal(ctx, c)
}

// right reports whether m random lookups, some at a time, end at the right peer within limit.
func right(ctx context.Context, c *crowd, m int, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var wrong atomic.Int64
	var running sync.WaitGroup
	places := make(chan struct{}, 8)
	for range m {
		from, to := c.pair()
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			if _, _, err := from.Lookup(ctx, to.ID()); err != nil {
				wrong.Add(1)
			}
		})
	}
	running.Wait()
	return wrong.Load() == 0
}

// awaitUsable waits until 200 of 200 lookups end at the right peer.
func awaitUsable(ctx context.Context, c *crowd) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !right(ctx, c, 200, 5*time.Second) {
		if ctx.Err() != nil {
			return errors.New("lookups did not all end at the right peer within a minute")
		}
	}
	return nil
}

// A counter is a trace.Sink that counts the messages of lookups while it is on.
type counter struct {
	on      atomic.Bool
	lookups atomic.Int64
}

var _ trace.Sink = (*counter)(nil)

// Enabled reports whether events are wanted now.
func (c *counter) Enabled() bool { return c.on.Load() }

// Emit takes in an event.
func (c *counter) Emit(e trace.Event) {
	if e.Kind == trace.RingSent && (e.Name == "lookup" || e.Name == "found") {
		c.lookups.Add(1)
	}
}
