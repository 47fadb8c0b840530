package sim

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"cicada/chord/chordtest"
	"cicada/identity"
)

// A Progress is told now and then how far a run is.
type Progress func(phase string, virtual time.Duration, events uint64)

// Run simulates a swarm and returns what was measured. It calls progress, unless
// that is nil, about once a second of real time. Errors say what is wrong with the
// configuration, that the ring never came about, or are ctx's.
func Run(ctx context.Context, config Config, progress Progress) (*Result, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.filled()
	w := newWorld(config)
	began := time.Now()
	r := &runner{World: w, progress: progress, told: began}
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	if err := r.watchFor(ctx); err != nil {
		return nil, err
	}
	return w.result(time.Since(began)), nil
}

// A runner leads a world through the phases of a run.
type runner struct {
	*World
	progress Progress
	told     time.Time
	phase    string
}

// chunk is how much virtual time passes between two looks at the real one.
const chunk = 100 * time.Millisecond

// until lets time pass.
func (r *runner) until(ctx context.Context, t time.Duration) error {
	for r.now < t {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := r.World.run(ctx, min(t, r.now+chunk)); err != nil {
			return err
		}
		if r.progress != nil && time.Since(r.told) > time.Second {
			r.told = time.Now()
			r.progress(r.phase, r.now, r.count.events)
		}
	}
	return nil
}

// start brings the swarm about.
func (r *runner) start(ctx context.Context) error {
	contacts := make([]*identity.Contact, r.config.Peers)
	for i := range contacts {
		contacts[i] = newContact(r.random)
	}
	if r.config.Start == Ideal {
		r.phase = "restoring"
		r.restore(contacts)
		return nil
	}
	r.phase = "joining"
	return r.grow(ctx, contacts)
}

// How a swarm grows: by a tenth a second, and by five at least.
const (
	growLeast = 5
	growTenth = 10
	growLimit = 30 * time.Minute // of virtual time, after the last has begun to join
)

// grow has peers join one after the other, and waits until the ring is ideal.
func (r *runner) grow(ctx context.Context, contacts []*identity.Contact) error {
	for len(contacts) > 0 {
		n := min(max(len(r.alive)/growTenth, growLeast), len(contacts))
		for k, contact := range contacts[:n] {
			r.at(r.now+time.Duration(k)*time.Second/time.Duration(n), func() { r.join(r.spawn(contact)) })
		}
		contacts = contacts[n:]
		if err := r.until(ctx, r.now+time.Second); err != nil {
			return err
		}
	}
	for limit := r.now + growLimit; !r.ideal(); {
		if r.now > limit {
			return fmt.Errorf("sim: %d peers joined, and the ring is not ideal after %v", len(r.alive), r.now.Round(time.Second))
		}
		if err := r.until(ctx, r.now+time.Second); err != nil {
			return err
		}
	}
	return nil
}

// watchFor does to the swarm what was asked for, and measures.
func (r *runner) watchFor(ctx context.Context) error {
	r.phase = "watching"
	w, c := r.World, &r.config
	w.measured, w.watchedAt = w.count, w.now
	end := w.now + c.Duration
	w.spread(c.Lookups, c.Duration, w.lookUpKey)
	w.spread(c.IDLookups, c.Duration, w.lookUpID)
	w.spread(c.Sends, c.Duration, w.sendMessage)
	w.spread(c.Broadcasts, c.Duration, w.broadcast)
	if c.Session > 0 {
		for _, i := range w.alive {
			w.live(i)
		}
	}
	if c.Kill > 0 {
		w.at(w.now+c.Duration/4, func() { w.killShare(c.Kill) })
	}
	w.everyCheck(end)
	if err := r.until(ctx, end); err != nil {
		return err
	}
	w.stopped = w.count
	r.phase = "waiting for the last answers"
	w.settled = true
	const most = time.Minute
	for limit := w.now + most; w.now < limit && w.load.pending(); {
		if err := r.until(ctx, w.now+time.Second); err != nil {
			return err
		}
	}
	return nil
}

// live has a peer crash when its session is over, and another one join.
func (w *World) live(i int32) {
	mean := float64(w.config.Session) / math.Ln2
	w.at(w.now+time.Duration(w.random.ExpFloat64()*mean), func() {
		if !w.nodes[i].alive || w.settled {
			return
		}
		w.crash(i)
		w.forsake()
		w.bereaved()
		k := w.spawn(newContact(w.random))
		w.join(k)
		w.live(k)
	})
}

// killShare crashes a share of all peers at the same instant.
func (w *World) killShare(share float64) {
	n := int(math.Round(share * float64(len(w.alive))))
	for range min(n, len(w.alive)-1) {
		w.crash(w.alive[w.random.IntN(len(w.alive))])
	}
	w.forsake()
	w.bereaved()
	w.watch.killedAt, w.watch.idealAt = w.now, never
	var look func()
	look = func() {
		if w.ideal() {
			w.watch.idealAt, w.watch.bereft = w.now, false
		} else if !w.settled {
			w.at(w.now+time.Second, look)
		}
	}
	w.at(w.now, look)
}

// restore puts peers at their places of a perfect ring.
func (w *World) restore(contacts []*identity.Contact) {
	slices.SortFunc(contacts, func(a, b *identity.Contact) int { return bytes.Compare(a.Point[:], b.Point[:]) })
	ring := chordtest.NewPerfect(contacts)
	ring.RoundTrip = func(a, b *identity.Contact) time.Duration { return 2 * w.direct(w.byID[a.ID], w.byID[b.ID]) }
	ring.Stay = time.Duration(float64(w.config.Session) / math.Ln2)
	for _, contact := range contacts {
		w.spawn(contact)
	}
	for i := range w.nodes {
		ring.Restore(w.now, i, w.nodes[i].ring)
		w.settle(int32(i))
	}
}
