package chord

import (
	"math/bits"
	"time"

	"cicada/identity"
)

// choices is how many peers, the nearest to a target, are weighed against each
// other for the next hop.
const choices = 16

// progress is how much more distance counts than delay. With 12, 10 000 peers are 2.79
// hops apart and a message takes 2.1 times as long as it would directly; with 1 it is
// 3.18 and 2.01, and by distance alone 2.78 and 2.75.
const progress = 12

// Toward returns the peer of the table to go by to target, among those that ok
// lets pass and that are strictly nearer to it than self, the shorter way round;
// nil where there is none. It is the target itself, if that is in the table; else
// whoever promises the shortest time, that to itself and what is to be expected
// from there on (as in Dabek and others, "Designing a DHT for low latency and high
// throughput", 2004). Peers that missed an answer come only after all others, nearest
// first. Where this peer knows of all others they count as well. A nil ok lets all pass; it is asked about nearer peers first.
func (c *Core) Toward(target identity.Point, ok func(*identity.Contact) bool) *identity.Contact {
	c.settle()
	var best, doubtful *identity.Contact
	var least uint64
	left, stay := choices, c.stay()
	c.nearest(target, func(e *entry, distance uint64) bool {
		if best != nil && c.beyond(distance) >= least {
			return false // none of those that follow can be better
		}
		if ok != nil && !ok(e.contact) {
			return true
		}
		if !e.sound() {
			if doubtful == nil {
				doubtful = e.contact
			}
			return true
		}
		if e.contact.Point == target {
			best = e.contact
			return false
		}
		if cost := c.delay(e, stay) + c.beyond(distance); best == nil || cost < least {
			best, least = e.contact, cost
		}
		left--
		return left > 0
	})
	if c.isWide() && (best == nil || best.Point != target) {
		best = c.widely(target, ok, best, least)
	}
	if best == nil {
		return doubtful
	}
	return best
}

// nearest yields the entries that are nearer to target than self, nearest first,
// each with the first word of its distance, until yield returns false.
func (c *Core) nearest(target identity.Point, yield func(e *entry, distance uint64) bool) {
	goal := spanOf(target).minus(c.origin)
	c.outward(target, func(e *entry, distance uint64) bool {
		return c.nearerThanSelf(e, distance, goal) && yield(e, distance)
	})
}

// outward yields all entries, those nearest to target first, each with the first
// word of its distance, until yield returns false.
func (c *Core) outward(target identity.Point, yield func(e *entry, distance uint64) bool) {
	n := len(c.table)
	goal := spanOf(target).minus(c.origin)
	up, _ := c.place(target)
	down := up - 1 // peers from up on lie at or after target, from down on before it
	for range n {
		down, up = (down+n)%n, up%n
		i := up
		if c.nearer(down, up, goal) {
			i = down
			down--
		} else {
			up++
		}
		if !yield(&c.table[i], about(c.way(i)[0], goal[0])) {
			return
		}
	}
}

// RoundTrip returns how long a peer of the table takes to answer, and how much that
// varies, as TCP smoothes both (RFC 6298); 0 if it was never measured.
func (c *Core) RoundTrip(peer *identity.Contact) (mean, deviation time.Duration) {
	e := c.entry(peer)
	if e == nil || e.srtt == 0 {
		return 0, 0
	}
	return time.Duration(e.srtt) * time.Microsecond, time.Duration(c.variation(e)) * time.Microsecond
}

// delay returns how long it is expected to take to hear from the peer of e, in
// microseconds: a round trip, and what it costs to find out that it is dead, as
// likely as that is by now, where peers stay so long.
func (c *Core) delay(e *entry, stay time.Duration) uint64 {
	trip := uint64(e.srtt)
	if trip == 0 {
		trip = uint64(c.typical) + uint64(c.typical)/4
	}
	silent := c.now - e.since()
	if e.heard == never || silent > stay {
		silent = stay
	}
	return trip + wasted*uint64(c.typical)*uint64(silent/time.Millisecond)/uint64(stay/time.Millisecond)
}

// wasted is how many typical round trips a dead peer costs.
const wasted = 1

// beyond returns how long the way from a peer at a distance from the target is
// expected to take: as many typical round trips as there are hops, each of which
// shortens the distance by the base of the fingers, until the target is in a list.
// Lists do not all reach as far as this peer's own: within three fifths of that the
// target is all but surely in one, and up to 13 tenths it more and more often is not.
// A quarter of a hop at the end of that keeps 0.4 % of the ways between 100 000 peers
// longer than four hops; with a sharp end at the reach it was 3.5 %.
func (c *Core) beyond(distance uint64) uint64 {
	const eighths, unsure = 8, 4
	hop := progress * uint64(c.typical)
	near, far := c.reach/5*3, c.reach+c.reach/10*3
	switch {
	case distance <= near:
		return 0
	case distance <= far:
		return (distance - near) / max(1, (far-near)/max(1, hop/unsure))
	}
	step := uint64(bits.Len(uint(c.config.FingerBase))-1) * eighths
	return hop/unsure + hop*(logarithm(distance)-logarithm(far))/step
}

// logarithm returns eight times the logarithm of x to the base 2, or a little less.
func logarithm(x uint64) uint64 {
	n := uint64(bits.Len64(x | 8))
	return n*8 + (x|8)>>(n-4)&7
}

// measureReach notes how far the nearer end of both lists is.
func (c *Core) measureReach() {
	c.reach = 1
	if c.mode == Full && len(c.successors) > 0 && len(c.predecessors) > 0 {
		c.reach = max(1, min(c.clockwise(c.successors[len(c.successors)-1], false)[0],
			c.clockwise(c.predecessors[len(c.predecessors)-1], true)[0]))
	}
}

// about returns the first word of the distance between two ways, or one more or less.
func about(a, b uint64) uint64 { return min(a-b, b-a) }

// nearer reports whether the peer at place i is nearer to goal than the one at
// place j. The beginnings of the ways decide, unless they are as good as equal.
func (c *Core) nearer(i, j int, goal span) bool {
	near := func(k int) uint64 { // to it, or one or two more or less
		d := c.ways[k] - goal.beginning()
		return uint64(min(d, -d))
	}
	if a, b := near(i), near(j); a > b+4 || b > a+4 {
		return a < b
	}
	return c.way(i).distance(goal).less(c.way(j).distance(goal))
}

// nearerThanSelf reports whether the peer of e, at a distance from goal, is nearer to
// it than self.
func (c *Core) nearerThanSelf(e *entry, distance uint64, goal span) bool {
	if own := about(0, goal[0]); distance > own+1 || own > distance+1 {
		return distance < own
	}
	return spanOf(e.contact.Point).minus(c.origin).distance(goal).less(goal.distance(span{}))
}
