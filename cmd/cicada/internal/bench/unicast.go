package bench

import (
	"context"
	"slices"
	"sync"
	"time"

	"cicada/cmd/cicada/internal/lab"
	"cicada/swarm"
)

const (
	window      = 64 // messages in flight
	repetitions = 3
)

func unicastGroup() group {
	var metrics []Metric
	for _, x := range []struct{ name, goalCPU, goalAllocs string }{
		{"unicast_1KiB_w1", "", ""}, {"unicast_1KiB_w64", "5", "2"}, {"unicast_1KiB_w64_pairs", "5", "12"},
	} {
		metrics = append(metrics, Metric{x.name, "msg/s", ""}, Metric{x.name + "_p50", "us, receipt included", ""},
			Metric{x.name + "_p99", "us, receipt included", ""}, Metric{x.name + "_cpu", "us/msg", x.goalCPU},
			Metric{x.name + "_allocs", "/msg", x.goalAllocs}, Metric{x.name + "_writes", "/msg", ""}, Metric{x.name + "_lost", "", "0"})
	}
	return group{metrics, measureUnicast}
}

// measureUnicast sends to known peers and waits for receipts: one at a time, 64
// of one sender, and 64 pairs with one each.
func measureUnicast(ctx context.Context, b *bench) error {
	c, err := b.common(ctx)
	if err != nil {
		return err
	}
	var one [2]*lab.Peer
	one[0], one[1] = c.pair()
	var pairs [][2]*lab.Peer
	for range window {
		from, to := c.pair()
		pairs = append(pairs, [2]*lab.Peer{from, to})
	}
	for _, x := range []struct {
		name  string
		lanes [][2]*lab.Peer // each has one message in flight
	}{
		{"unicast_1KiB_w1", [][2]*lab.Peer{one}},
		{"unicast_1KiB_w64", slices.Repeat([][2]*lab.Peer{one}, window)},
		{"unicast_1KiB_w64_pairs", pairs},
	} {
		if err := warm(ctx, x.lanes); err != nil {
			return err
		}
		l, err := b.load(ctx, x.name, x.lanes, swarm.SendOptions{})
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.put(x.name, l.rate)
		b.put(x.name+"_p50", percentile(l.latency, .5))
		b.put(x.name+"_p99", percentile(l.latency, .99))
		if l.cpu >= 0 {
			b.put(x.name+"_cpu", l.cpu/float64(l.sent))
		}
		b.put(x.name+"_allocs", l.mallocs/float64(l.sent))
		b.putWrites(x.name, l.writes, l.sent)
		b.put(x.name+"_lost", float64(l.lost))
	}
	return nil
}

// warm has every pair know each other.
func warm(ctx context.Context, lanes [][2]*lab.Peer) error {
	for _, lane := range lanes {
		for range 2 {
			if _, err := lane[0].Send(ctx, lane[1].ID(), make([]byte, messageSize), swarm.SendOptions{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// A load is what sending for a while came to.
type load struct {
	rate       float64 // messages a second, the median of the repetitions
	sent, lost int
	hops       int
	cpu        float64 // microseconds; negative: not known
	mallocs    float64
	writes     int64           // negative: not known
	latency    []time.Duration // of the last repetition
}

// load keeps one message of each lane in flight.
func (b *bench) load(ctx context.Context, name string, lanes [][2]*lab.Peer, options swarm.SendOptions) (load, error) {
	var total load
	var rates []float64
	stop, err := b.profile(name)
	if err != nil {
		return total, err
	}
	defer stop()
	before := readMeter()
	for range repetitions {
		started := time.Now()
		one := flood(ctx, lanes, options, b.config.Duration)
		rates = append(rates, float64(one.sent)/time.Since(started).Seconds())
		total.sent += one.sent
		total.lost += one.lost
		total.hops += one.hops
		total.latency = one.latency
	}
	after := readMeter()
	total.mallocs = float64(after.mallocs - before.mallocs)
	total.cpu, total.writes = -1, -1
	if after.cpu >= 0 {
		total.cpu = (after.cpu - before.cpu).Seconds() * 1e6
	}
	if after.writes >= 0 {
		total.writes = after.writes - before.writes
	}
	slices.Sort(rates)
	total.rate = rates[len(rates)/2]
	total.sent = max(total.sent, 1) // it is divided by
	total.hops = max(total.hops, 1)
	return total, nil
}

// putWrites reports how many calls of write(2) each of n messages or hops took.
func (b *bench) putWrites(name string, writes int64, n int) {
	if writes >= 0 {
		b.put(name+"_writes", float64(writes)/float64(n))
	}
}

func flood(ctx context.Context, lanes [][2]*lab.Peer, options swarm.SendOptions, d time.Duration) load {
	var mu sync.Mutex
	var all load
	var running sync.WaitGroup
	end := time.Now().Add(d)
	for _, lane := range lanes {
		running.Go(func() {
			var mine load
			mine.latency = make([]time.Duration, 0, 1<<14)
			data := make([]byte, messageSize)
			for now := time.Now(); now.Before(end) && ctx.Err() == nil; {
				receipt, err := lane[0].Send(ctx, lane[1].ID(), data, options)
				started := now
				now = time.Now()
				if err != nil {
					mine.lost++
					continue
				}
				mine.sent++
				mine.hops += receipt.Hops
				mine.latency = append(mine.latency, now.Sub(started))
			}
			mu.Lock()
			defer mu.Unlock()
			all.sent += mine.sent
			all.lost += mine.lost
			all.hops += mine.hops
			all.latency = append(all.latency, mine.latency...)
		})
	}
	running.Wait()
	return all
}
