package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cicada/chord"
	"cicada/cmd/cicada/internal/lab"
	"cicada/swarm"
)

func routedGroup() group {
	return group{[]Metric{
		{"routed_1KiB_p50", "us one way", "18"},
		{"routed_1KiB_hops", "a message", ""},
		{"routed_1KiB_w64", "msg/s", ""},
		{"routed_1KiB_cpu", "us a hop, receipts included", "5"},
		{"routed_1KiB_allocs", "/hop, receipts included", "1"},
		{"routed_1KiB_writes", "/hop, receipts included", ""},
		{"routed_1KiB_lost", "", "0"},
	}, measureRouted}
}

// measureRouted sends over a ring of small tables, between peers that do not
// know each other. What receipts cost on their way back is counted to the
// messages, whose hops alone are divided by.
func measureRouted(ctx context.Context, b *bench) error {
	c, err := newCrowd(ctx, b.config.Peers, lab.Config{Ring: chord.Config{
		Successors: 4, FingerBase: 2, TableBudget: -1, StabilizeMin: 100 * time.Millisecond, StabilizeMax: time.Second,
	}})
	if err != nil {
		return err
	}
	defer c.close()
	settle, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.lab.AwaitIdeal(settle); err != nil {
		return err
	}
	if err := wait(ctx, time.Second); err != nil { // fingers
		return err
	}
	far := c.lab.Far(window)
	if len(far) == 0 {
		b.note("no routed figures: among %d peers everybody knows everybody", b.config.Peers)
		return nil
	}
	routed := swarm.SendOptions{Routed: true}
	for _, pair := range far {
		if _, err := pair[0].Send(ctx, pair[1].ID(), make([]byte, messageSize), routed); err != nil {
			return fmt.Errorf("first message: %w", err)
		}
	}
	stop, err := b.profile("routed_1KiB_p50")
	if err != nil {
		return err
	}
	d, err := oneWay(ctx, c, far, b.config.Duration)
	stop()
	if err != nil {
		return err
	}
	b.put("routed_1KiB_p50", percentile(d, .5))
	for len(far) < window {
		far = append(far, far[:min(len(far), window-len(far))]...)
	}
	l, err := b.load(ctx, "routed_1KiB_w64", far, routed)
	if err != nil {
		return err
	}
	b.put("routed_1KiB_hops", float64(l.hops)/float64(l.sent))
	b.put("routed_1KiB_w64", l.rate)
	if l.cpu >= 0 {
		b.put("routed_1KiB_cpu", l.cpu/float64(l.hops))
	}
	b.put("routed_1KiB_allocs", l.mallocs/float64(l.hops))
	b.putWrites("routed_1KiB", l.writes, l.hops)
	b.put("routed_1KiB_lost", float64(l.lost))
	return ctx.Err()
}

// oneWay measures how long messages take until the target's program has them, one at a time.
func oneWay(ctx context.Context, c *crowd, pairs [][2]*lab.Peer, d time.Duration) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	epoch := time.Now() // on the monotonic clock, from which messages say when they left
	c.listen(func(_ *lab.Peer, m swarm.Message) {
		took := time.Since(epoch) - time.Duration(binary.BigEndian.Uint64(m.Data))
		mu.Lock()
		defer mu.Unlock()
		all = append(all, took)
	})
	defer c.listen(nil)
	data := make([]byte, messageSize)
	end := time.Now().Add(d)
	for i := 0; time.Now().Before(end); i++ {
		pair := pairs[i%len(pairs)]
		binary.BigEndian.PutUint64(data, uint64(time.Since(epoch)))
		if _, err := pair[0].Send(ctx, pair[1].ID(), data, swarm.SendOptions{Routed: true}); err != nil {
			return nil, err
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(all) == 0 {
		return nil, errors.New("nothing arrived")
	}
	return slices.Clone(all), nil
}
