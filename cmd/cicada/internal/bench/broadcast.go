package bench

import (
	"context"
	"sync/atomic"
	"time"

	"cicada/cmd/cicada/internal/lab"
	"cicada/swarm"
)

func broadcastGroup() group {
	return group{[]Metric{
		{"bcast_all", "us", "3000"},
		{"bcast_reach", "", atLeast + "1"},
		{"bcast_msgs_per_receiver", "", "1"},
	}, measureBroadcast}
}

// measureBroadcast measures how long a broadcast takes until the programs of all
// others have it, and how many messages it takes.
func measureBroadcast(ctx context.Context, b *bench) error {
	c, err := b.common(ctx)
	if err != nil {
		return err
	}
	const times = 10
	others := b.config.Peers - 1
	casts := func() (n uint64) {
		for _, p := range c.lab.Peers() {
			n += p.Status().Counters.Broadcasts
		}
		return n
	}
	stop, err := b.profile("bcast")
	if err != nil {
		return err
	}
	defer stop()
	var d []time.Duration
	reached := 0
	before := casts()
	for range times {
		took, n, err := castOnce(ctx, c, others)
		if err != nil {
			return err
		}
		reached += n
		if n == others {
			d = append(d, took)
		}
	}
	b.put("bcast_all", percentile(d, .5))
	b.put("bcast_reach", float64(reached)/times/float64(others))
	b.put("bcast_msgs_per_receiver", float64(casts()-before)/times/float64(others))
	return nil
}

func castOnce(ctx context.Context, c *crowd, others int) (took time.Duration, reached int, err error) {
	const size = 1000
	from, _ := c.pair()
	var count atomic.Int64
	all := make(chan struct{})
	started := time.Now()
	c.listen(func(_ *lab.Peer, m swarm.Message) {
		if m.Broadcast && count.Add(1) == int64(others) {
			close(all)
		}
	})
	defer c.listen(nil)
	if _, err = from.Broadcast(ctx, make([]byte, size)); err != nil {
		return 0, int(count.Load()), err
	}
	select {
	case <-all:
		return time.Since(started), others, nil
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	case <-time.After(3 * time.Second):
		return 0, int(count.Load()), nil
	}
}
