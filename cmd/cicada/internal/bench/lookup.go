package bench

import (
	"context"
	"time"
)

func lookupGroup() group {
	return group{[]Metric{
		{"lookup_p50", "us", "30"},
		{"lookup_p99", "us", ""},
		{"lookup_ok", "", atLeast + "1"},
		{"lookup_msgs", "lookup and found messages", "2"},
	}, measureLookup}
}

// measureLookup looks up random peers, one after the other.
func measureLookup(ctx context.Context, b *bench) error {
	c, err := b.common(ctx)
	if err != nil {
		return err
	}
	stop, err := b.profile("lookup")
	if err != nil {
		return err
	}
	const lookups = 500
	d, failed := lookAll(ctx, c, lookups)
	stop()
	b.put("lookup_p50", percentile(d, .5))
	b.put("lookup_p99", percentile(d, .99))
	b.put("lookup_ok", float64(lookups-failed)/lookups)
	before := c.count.lookups.Load()
	c.count.on.Store(true) // only now: telling costs time
	lookAll(ctx, c, lookups)
	c.count.on.Store(false)
	b.put("lookup_msgs", float64(c.count.lookups.Load()-before)/lookups)
	return ctx.Err()
}

func lookAll(ctx context.Context, c *crowd, n int) (d []time.Duration, failed int) {
	for range n {
		from, to := c.pair()
		started := time.Now()
		if _, _, err := from.Lookup(ctx, to.ID()); err != nil {
			failed++
			continue
		}
		d = append(d, time.Since(started))
	}
	return d, failed
}
