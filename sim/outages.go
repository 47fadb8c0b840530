package sim

import (
	"errors"
	"fmt"
	"math"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// Pause has a share of the peers stand still, as a process that is stopped: what
// arrives waits, and so do its timers, and when it goes on it handles all at once.
type Pause struct {
	Share float64
	For   time.Duration // one pause
	// Every, if positive, has other peers stand still again and again, as long as
	// During says.
	Every, During time.Duration
}

// Crash ends a share of the peers at the same instant, without a word.
type Crash struct {
	Share float64
	// Back, if positive, is after how long the same peers are there again: with all
	// they knew, as a machine that was asleep, while what was sent to them is lost.
	Back time.Duration
	// Forget has them come back as a program that is started again: with their
	// identity and four peers that they remember, through which they join.
	Forget bool
}

// Leaving has a share of the peers leave in order, all at the same instant.
type Leaving struct {
	Share float64
}

// Growth has peers join until there are so many, evenly over a time.
type Growth struct {
	To  int
	For time.Duration
}

// Burst asks much of the swarm at one instant. See [Result.Burst].
type Burst struct {
	Sends, Broadcasts int
}

func (p Pause) validate() error {
	switch {
	case p.Every < 0 || p.During < 0 || p.Every == 0 != (p.During == 0):
		return errors.New("sim: pause: again and again, or not? every and during belong together")
	case p.During > 0 && p.During/p.Every > 1_000_000:
		return fmt.Errorf("sim: pause: every %v is too often", p.Every)
	}
	return errors.Join(part("pause", p.Share), lasting("pause", p.For))
}

func (c Crash) validate() error {
	switch {
	case c.Back < 0:
		return errors.New("sim: crash: a time is negative")
	case c.Forget && c.Back == 0:
		return errors.New("sim: crash: only who is back can have forgotten")
	}
	return part("crash", c.Share)
}

func (l Leaving) validate() error { return part("leave", l.Share) }

func (g Growth) validate() error {
	if g.To < 1 || g.To > MaxPeers {
		return fmt.Errorf("sim: grow to %d peers: want 1 to %d", g.To, MaxPeers)
	}
	return lasting("grow", g.For)
}

func (b Burst) validate() error {
	if b.Sends < 0 || b.Broadcasts < 0 || b.Sends+b.Broadcasts == 0 {
		return errors.New("sim: burst: want sends or broadcasts")
	}
	return nil
}

func (p Pause) lasts() time.Duration   { return p.For + p.During }
func (c Crash) lasts() time.Duration   { return c.Back }
func (l Leaving) lasts() time.Duration { return 0 }
func (g Growth) lasts() time.Duration  { return g.For }
func (b Burst) lasts() time.Duration   { return 0 }

// String returns "pause: 0.1, for: 5s, every: 10s, during: 1m0s".
func (p Pause) String() string {
	return text("pause", p.Share, "for", p.For, "every", p.Every, "during", p.During)
}

// String returns "crash: 0.5, back: 20s, forget: true".
func (c Crash) String() string { return text("crash", c.Share, "back", c.Back, "forget", c.Forget) }

// String returns "leave: 0.1".
func (l Leaving) String() string { return text("leave", l.Share) }

// String returns "grow: 1000, for: 1m0s".
func (g Growth) String() string { return text("grow", g.To, "for", g.For) }

// String returns "burst: 1000, broadcasts: 3".
func (b Burst) String() string { return text("burst", b.Sends, "broadcasts", b.Broadcasts) }

// some returns a share of all peers, drawn at random, but never all of them.
func (w *World) some(share float64) []int32 {
	all := append([]int32(nil), w.alive...)
	n := min(int(math.Round(share*float64(len(all)))), len(all)-1)
	for i := range n {
		k := i + w.random.IntN(len(all)-i)
		all[i], all[k] = all[k], all[i]
	}
	return all[:max(n, 0)]
}

func (p Pause) begin(w *World) {
	end := w.now + p.During
	var next func()
	next = func() {
		for _, i := range w.some(p.Share) {
			w.nodes[i].resumeAt = max(w.nodes[i].resumeAt, w.now+p.For)
		}
		w.bereaved()
		if p.Every > 0 && w.now+p.Every <= end {
			w.at(w.now+p.Every, next)
		}
	}
	next()
}

// postpone keeps what a paused peer would handle until it goes on.
func (w *World) postpone(e event) {
	n := &w.nodes[e.node]
	if e.slot == timer {
		if e.at != n.tickAt {
			return // another one took its place
		}
		n.tickAt = n.resumeAt
	}
	w.queue.push(n.resumeAt, e.node, e.slot)
}

func (c Crash) begin(w *World) {
	n := int(math.Round(c.Share * float64(len(w.alive))))
	for range min(n, len(w.alive)-1) {
		i := w.alive[w.random.IntN(len(w.alive))]
		switch {
		case c.Back == 0:
			w.crash(i)
		case c.Forget:
			known := w.remembered(i)
			w.crash(i)
			w.at(w.now+c.Back, func() { w.restart(i, known) })
		default:
			w.unlist(i, "away")
			w.at(w.now+c.Back, func() { w.wake(i) })
		}
	}
	w.forsake()
	w.bereaved()
	w.healing()
	if c.Back > 0 {
		w.at(w.now+c.Back, w.healing)
	}
}

// wake has a peer go on that was away, with all it knew.
func (w *World) wake(i int32) {
	n := &w.nodes[i]
	if n.ring == nil || w.spots[i].alive {
		return // it died in its sleep
	}
	w.list(i)
	w.tell(i, trace.Event{Kind: trace.PeerUp, Key: n.contact.Point})
	n.tickAt = w.now
	w.queue.push(w.now, i, timer)
	w.bereaved()                       // of itself
	if len(n.ring.Successors()) == 0 { // it was alone among strangers when it fell asleep
		w.watch.assumption++
		w.watch.bereft = true
	}
}

// rememberedPeers is how many peers one remembers that starts again.
const rememberedPeers = 4

// remembered returns some of the peers that one knows.
func (w *World) remembered(i int32) []*identity.Contact {
	var known []*identity.Contact
	for peer := range w.nodes[i].ring.Each {
		known = append(known, peer)
	}
	w.random.Shuffle(len(known), func(a, b int) { known[a], known[b] = known[b], known[a] })
	return known[:min(rememberedPeers, len(known))]
}

// restart has a peer begin anew under its old identity.
func (w *World) restart(i int32, known []*identity.Contact) {
	w.restarts++
	w.revive(i)
	w.enlist(i)
	w.nodes[i].seeds = known
	w.join(i)
}

func (l Leaving) begin(w *World) {
	for _, i := range w.some(l.Share) {
		w.leave(i)
	}
	w.forsake()
	w.bereaved()
	w.healing()
}

// leave has a peer hand over to its neighbours, and go.
func (w *World) leave(i int32) {
	w.nodes[i].ring.Leave(w.now)
	w.settleRing(i)
	w.end(i, "left")
}

func (g Growth) begin(w *World) {
	began, more := w.now, g.To-len(w.alive)
	for k := range max(more, 0) {
		w.at(began+time.Duration(float64(g.For)*float64(k)/float64(more)), func() {
			i := w.spawn(newContact(w.random))
			w.join(i)
			if w.config.Session > 0 {
				w.live(i)
			}
		})
	}
}

func (b Burst) begin(w *World) {
	for range b.Sends {
		w.sendOne(&w.load.burst)
	}
	for range b.Broadcasts {
		w.broadcastOne(&w.load.burstCasts)
	}
}
