package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
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
	weighed := config.Peers >= weighable
	before := uint64(0)
	if weighed {
		before = inUse()
	}
	began := time.Now()
	r := &runner{World: w, progress: progress, told: began}
	err := r.start(ctx)
	if err == nil {
		if weighed {
			measuring := time.Now()
			w.memory = (max(inUse(), before) - before) / uint64(config.Peers)
			began = began.Add(time.Since(measuring))
		}
		err = r.watchFor(ctx)
	}
	switch {
	case errors.Is(err, errFound):
		w.age()
		w.stopped = w.count
	case err != nil:
		return nil, err
	}
	return w.result(time.Since(began)), nil
}

// weighable is how many peers have their memory measured, at least.
const weighable = 1000

// errFound ends a run at a violation, where that was asked for, or where there is no going on.
var errFound = errors.New("sim: a violation")

// inUse returns how many bytes of memory are in use once what nobody needs is gone.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
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
		if r.config.StopAtViolation && r.watch.violations > 0 {
			return errFound
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
	contacts := newContacts(r.random, r.config.Peers)
	if r.config.Start == Ideal {
		r.phase = "restoring"
		return r.restore(ctx, contacts)
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

// replay has peers join as Config.Joins says.
func (r *runner) replay(ctx context.Context, contacts []*identity.Contact) error {
	for i, join := range r.config.Joins {
		contacts[i].Point = join.Point
		r.at(join.At, func() { r.join(r.spawn(contacts[i])) })
	}
	return r.until(ctx, r.config.Joins[len(contacts)-1].At)
}

// grow has peers join one after the other, or as they are told to, and waits until the ring is ideal.
func (r *runner) grow(ctx context.Context, contacts []*identity.Contact) error {
	if len(r.config.Joins) > 0 {
		if err := r.replay(ctx, contacts); err != nil {
			return err
		}
		contacts = nil
	}
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
			what := fmt.Sprintf("%d peers joined, and the ring is not ideal after %v", len(r.alive), r.now.Round(time.Second))
			if r.config.IdealWithin == 0 {
				return errors.New("sim: " + what)
			}
			r.violated(what)
			return errFound
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
	w.age()
	w.measured, w.watchedAt = w.count, w.now
	end := w.now + c.Duration
	w.turn()
	w.spread(c.Lookups, c.Duration, w.lookUpKey)
	w.spread(c.IDLookups, c.Duration, w.lookUpID)
	w.spread(c.Sends, c.Duration, w.sendMessage)
	w.spread(c.Broadcasts, c.Duration, w.broadcast)
	if c.Session > 0 {
		for _, i := range w.alive {
			w.liveOn(i)
		}
	}
	if c.Kill > 0 {
		w.at(w.now+c.Duration/4, w.kill)
	}
	for _, s := range c.Steps {
		w.at(w.now+s.At, func() { s.Fault.begin(w) })
	}
	w.everyCheck(end)
	if err := r.until(ctx, end); err != nil {
		return err
	}
	w.age()
	w.stopped = w.count
	w.settled = true
	if err := r.quiet(ctx); err != nil {
		return err
	}
	r.phase = "waiting for the last answers"
	const most = time.Minute
	for limit := w.now + most; w.now < limit && w.load.pending(); {
		if err := r.until(ctx, w.now+time.Second); err != nil {
			return err
		}
	}
	return nil
}

// kill does what Config.Kill says, and what is asked for right after it.
func (w *World) kill() {
	Crash{Share: w.config.Kill}.begin(w)
	b := Burst{Sends: w.config.SendsAfterKill, Broadcasts: w.config.BroadcastsAfterKill}
	if b.validate() == nil {
		b.begin(w)
	}
}

// quiet waits until the ring is ideal, where the configuration demands that.
func (r *runner) quiet(ctx context.Context) error {
	w := r.World
	if w.config.IdealWithin == 0 {
		return nil
	}
	r.phase = "waiting for the ring to be ideal"
	began := w.now
	for limit := w.now + w.config.IdealWithin; ; {
		w.check()
		if w.ideal() {
			w.watch.quietAfter = w.now - began
			w.watch.heal.right(w)
			return nil
		}
		if w.now >= limit {
			break
		}
		if err := r.until(ctx, min(w.now+lookEvery, limit)); err != nil {
			return err
		}
	}
	w.watch.quietAfter = never
	if w.watch.bereft {
		return nil // nothing can be demanded of it
	}
	found := chordtest.Ideal(w.cores(), w.config.successors())
	w.violated(fmt.Sprintf("%d findings %v after the last fault, the first %s", len(found), w.config.IdealWithin, found[0]))
	return nil
}

// restore puts peers at their places of a perfect ring.
func (w *World) restore(ctx context.Context, contacts []*identity.Contact) error {
	slices.SortFunc(contacts, func(a, b *identity.Contact) int { return bytes.Compare(a.Point[:], b.Point[:]) })
	ring := chordtest.NewPerfect(contacts)
	ring.RoundTrip = func(a, b *identity.Contact) time.Duration { return 2 * w.direct(w.number(a.ID), w.number(b.ID)) }
	ring.Stay = time.Duration(float64(w.config.Session) / math.Ln2)
	w.nodes, w.spots, w.alive = slices.Grow(w.nodes, len(contacts)), slices.Grow(w.spots, len(contacts)), slices.Grow(w.alive, len(contacts))
	for _, contact := range contacts {
		w.spawn(contact)
	}
	for i := range w.nodes {
		if i%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		ring.Restore(w.now, i, w.nodes[i].ring)
		w.settle(int32(i))
	}
	return nil
}
