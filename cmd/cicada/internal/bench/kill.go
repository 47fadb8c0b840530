package bench

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"cicada/cmd/cicada/internal/lab"
	"cicada/swarm"
)

func killGroup() group {
	return group{[]Metric{
		{"kill50_ok_at_once", "", atLeast + "1"},
		{"kill50_all_ok_after", "s (-1: not within 40 s)", "0.5"},
		{"kill50_ideal_after", "s (-1: not within 40 s)", ""},
		{"kill25m_ok_at_once", "", atLeast + "0.999"},
		{"kill25m_all_ok_after", "s (-1: not within 40 s)", "1"},
		{"kill25m_ideal_after", "s (-1: not within 40 s)", ""},
	}, measureKill}
}

// measureKill ends peers at once: half of them, whose sockets close, and, in
// another swarm, a quarter that only falls silent.
func measureKill(ctx context.Context, b *bench) error {
	for _, x := range []struct {
		name  string
		share float64
		end   func(*lab.Lab, []*lab.Peer) error
	}{{"kill50", .5, (*lab.Lab).Kill}, {"kill25m", .25, (*lab.Lab).Silence}} {
		if !b.mayEmit[x.name+"_ok_at_once"] && !b.mayEmit[x.name+"_all_ok_after"] && !b.mayEmit[x.name+"_ideal_after"] {
			continue
		}
		if err := b.killSome(ctx, x.name, x.share, x.end); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) killSome(ctx context.Context, name string, share float64, end func(*lab.Lab, []*lab.Peer) error) error {
	const messages = 200
	victims := int(share * float64(b.config.Peers))
	if victims == 0 || b.config.Peers-victims < 2 {
		b.note("no %s figures: too few of %d peers would die, or survive", name, b.config.Peers)
		return nil
	}
	c, err := newCrowd(ctx, b.config.Peers, lab.Config{Mortal: true, SendTimeout: time.Second})
	if err != nil {
		return err
	}
	defer c.close()
	settle, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.lab.AwaitIdeal(settle); err != nil {
		return err
	}
	stop, err := b.profile(name)
	if err != nil {
		return err
	}
	defer stop()
	peers := c.lab.Peers()
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	if err := end(c.lab, peers[:victims]); err != nil {
		return err
	}
	killed := time.Now()
	b.put(name+"_ok_at_once", delivered(ctx, c, messages))
	b.put(name+"_all_ok_after", since(ctx, killed, func() bool {
		return delivered(ctx, c, messages) == 1 && c.lab.HeadsRight() == nil
	}))
	b.put(name+"_ideal_after", since(ctx, killed, func() bool { return c.lab.Ideal() == nil }))
	return ctx.Err()
}

// since returns how many seconds after began all was well, or -1 where that was
// not within 40 s.
func since(ctx context.Context, began time.Time, well func() bool) float64 {
	for time.Since(began) < 40*time.Second && ctx.Err() == nil {
		at := time.Since(began)
		if well() {
			return at.Seconds()
		}
		_ = wait(ctx, 10*time.Millisecond) // the loop sees how ctx ended
	}
	return -1
}

// delivered sends messages between random living peers, all at once, and returns
// the share that was acknowledged within a second.
func delivered(ctx context.Context, c *crowd, messages int) float64 {
	var good atomic.Int64
	var running sync.WaitGroup
	for range messages {
		from, to := c.pair()
		running.Go(func() {
			if _, err := from.Send(ctx, to.ID(), make([]byte, 64), swarm.SendOptions{}); err == nil {
				good.Add(1)
			}
		})
	}
	running.Wait()
	return float64(good.Load()) / float64(messages)
}
