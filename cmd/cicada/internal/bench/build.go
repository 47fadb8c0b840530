package bench

import (
	"context"
	"runtime/debug"
	"time"

	"cicada/cmd/cicada/internal/lab"
)

func buildGroup() group {
	return group{[]Metric{
		{"build_usable", "s", "0.6"},
		{"join_calls", "s", ""},
		{"links_per_node", "", ""},
		{"rss_per_node", "KiB", "512"},
		{"rss_per_node_raw", "KiB before GC", ""},
		{"goroutines_per_node", "", "24"},
		{"idle_cpu_per_node", "us/s", "50"},
		{"idle_tcp_tx_per_node", "B/s", "60"},
	}, measureBuild}
}

// measureBuild measures how long a swarm takes to form, and what it costs at rest.
func measureBuild(ctx context.Context, b *bench) error {
	debug.FreeOSMemory()
	base := readMeter()
	stop, err := b.profile("build")
	if err != nil {
		return err
	}
	started := time.Now()
	c, err := newCrowd(ctx, b.config.Peers, lab.Config{})
	if err != nil {
		stop()
		return err
	}
	b.swarm = c
	b.put("join_calls", time.Since(started).Seconds())
	err = awaitUsable(ctx, c)
	took := time.Since(started).Seconds()
	stop()
	if err != nil {
		return err
	}
	b.put("build_usable", took)
	return b.measureRest(ctx, c, base)
}

// measureRest measures what the swarm costs while nobody sends. base was read
// before there was any peer.
func (b *bench) measureRest(ctx context.Context, c *crowd, base meter) error {
	if err := b.awaitIdeal(ctx, c); err != nil {
		return err
	}
	// Links that nobody needs close, and the time between stabilisations grows.
	if err := wait(ctx, 20*b.config.Duration); err != nil {
		return err
	}
	n := float64(b.config.Peers)
	links := 0
	for _, p := range c.lab.Peers() {
		links += len(p.Status().Links)
	}
	b.put("links_per_node", float64(links)/n)
	raw := readMeter()
	debug.FreeOSMemory()
	if err := b.heapProfile("rest"); err != nil {
		return err
	}
	stop, err := b.profile("idle")
	if err != nil {
		return err
	}
	before := readMeter()
	err = wait(ctx, 4*b.config.Duration)
	after := readMeter()
	stop()
	if err != nil {
		return err
	}
	seconds := after.at.Sub(before.at).Seconds()
	b.put("goroutines_per_node", float64(after.goroutines-base.goroutines)/n)
	if after.cpu >= 0 {
		b.put("idle_cpu_per_node", (after.cpu-before.cpu).Seconds()/seconds/n*1e6)
	}
	if after.resident < 0 || after.written < 0 {
		b.note("no memory and traffic figures: this system has no /proc/self")
		return nil
	}
	b.put("rss_per_node_raw", float64(raw.resident-base.resident)/n/1024)
	b.put("rss_per_node", float64(after.resident-base.resident)/n/1024)
	b.put("idle_tcp_tx_per_node", float64(after.written-before.written)/seconds/n)
	return nil
}

// awaitIdeal waits until all lists are right, so that what is measured next is not
// the forming of the ring. Where that takes over a minute it is said, and all goes on.
func (b *bench) awaitIdeal(ctx context.Context, c *crowd) error {
	ideal, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.lab.AwaitIdeal(ideal); err != nil && ctx.Err() == nil {
		b.note("the ring is not at rest after a minute: %v", err)
	}
	return ctx.Err()
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
