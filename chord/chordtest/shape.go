package chordtest

import (
	"fmt"
	"slices"

	"cicada/chord"
	"cicada/identity"
)

// follow finds the best of every member: the first live successor. Who is alone
// follows itself.
func (r *ring) follow() {
	n := len(r.members)
	counts := make([]int, 2*n)
	r.best, r.living = counts[:n], counts[n:]
	for i, c := range r.members {
		r.best[i] = none
		near := i + 1
		for _, peer := range c.Successors() {
			place, lives := r.search(peer.Point, near)
			if near = place; !lives {
				continue
			}
			near++
			if r.living[i]++; r.best[i] == none {
				r.best[i] = place
			}
		}
		if r.alone(i) {
			r.best[i] = i
		}
	}
}

// alone reports whether the member at place i, which was followed, is a small
// ring of one: nobody it knows is alive.
func (r *ring) alone(i int) bool { return r.living[i] == 0 && r.members[i].Mode() == chord.Small }

// successors checks I1 and I15, and reports whether every member has a live successor.
func (r *ring) successors() bool {
	r.follow()
	all := true
	for i, c := range r.members {
		switch count := r.living[i]; {
		case r.best[i] == none:
			r.report("I1 OneLiveSuccessor", "has none", c.Self().Point)
			all = false
		case count > 0 && r.rules.Redundancy && 2*count < min(r.rules.Successors, len(r.members)-1):
			r.report("I15 LiveRedundancy", fmt.Sprintf("has only %d live successors", count), c.Self().Point)
		}
	}
	return all
}

// Principals returns the points of the members that no member's list skips.
func Principals(cores []*chord.Core) []identity.Point {
	return newRing(cores, Rules{}).principals()
}

func (r *ring) principals() []identity.Point {
	n := len(r.members)
	skipped := newCover(n)
	for i, c := range r.members {
		before, from := r.points[i], i+1 // from: the first place behind before
		for _, peer := range c.Successors() {
			to, at := r.search(peer.Point, from)
			from %= n
			next := at && to == from // which skips nobody, and is cheap to say
			if !next && chord.Between(before, r.points[from], peer.Point) {
				skipped.add(from, to)
			}
			if before, from = peer.Point, to; at {
				from++
			}
		}
	}
	var list []identity.Point
	for i, lists := range skipped.counts() {
		if lists == 0 {
			list = append(list, r.points[i])
		}
	}
	return list
}

// shape checks the ring as a whole: I7 and I8. Three more follow from what was
// checked before, and could not fail here: where every member has a live
// successor, a walk along them must close, so there is a ring (I6), and whoever
// is beside it reaches it (I9); and a ring goes all the way round, past every
// point, so a peer that no list passes over is on it (I5).
func (r *ring) shape() {
	if len(r.members) == 1 {
		return
	}
	on, rings := r.rings()
	if rings > 1 {
		r.report("I7 AtMostOneRing", fmt.Sprintf("there are %d rings", rings), slices.Clone(r.points)...)
	}
	for _, i := range on {
		next := (i + 1) % len(r.members)
		if r.best[i] == next {
			continue
		}
		for _, part := range inside(on, next, r.best[i]) {
			for _, passed := range part {
				r.report("I8 OrderedRing", "the ring passes over a member of it", r.points[i], r.points[passed])
			}
		}
	}
}

// rings returns the places of the members that a walk along the best brings
// back to where they are, in order, and how many rings they make.
func (r *ring) rings() (on []int, rings int) {
	walks := make([]int, len(r.members)) // whose walk came by here first: that place and one
	for i := range r.members {
		at := i
		for walks[at] == 0 {
			walks[at] = i + 1
			at = r.best[at]
		}
		if walks[at] != i+1 {
			continue // into what was walked before
		}
		rings++
		for first := at; ; {
			on = append(on, at)
			if at = r.best[at]; at == first {
				break
			}
		}
	}
	slices.Sort(on)
	return on, rings
}
