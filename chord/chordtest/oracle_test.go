package chordtest

import (
	"fmt"
	"slices"

	"cicada/chord"
	"cicada/identity"
)

// What follows is the checker as it would be written down without a thought to
// its cost, which grows as the square of the peers: what the fast one must agree with.

// A plainRing is what the checker sees: all live peers, by point.
type plainRing struct {
	rules   Rules
	cores   []*chord.Core // members and joiners
	members []*chord.Core
	live    map[identity.Point]*chord.Core // members
	found   []Violation
}

// plainCheck looks at all live peers at once and returns which invariants are
// broken. Cores that left or crashed must not be among them.
func plainCheck(cores []*chord.Core, rules Rules) []Violation {
	r := newPlainRing(cores, rules)
	r.lists()
	r.joiners()
	if rules.Owners {
		r.owners()
	}
	full := !slices.ContainsFunc(r.members, func(c *chord.Core) bool { return c.Mode() == chord.Small })
	if len(r.members) == 0 || !(rules.Base || full) || !r.successors() {
		return r.found
	}
	if rules.Base && len(r.principals()) < rules.Successors+1 {
		r.report("I2 SufficientPrincipals", "too few", r.principals()...)
	}
	r.shape()
	return r.found
}

func newPlainRing(cores []*chord.Core, rules Rules) *plainRing {
	r := &plainRing{rules: rules, cores: cores, live: make(map[identity.Point]*chord.Core)}
	for _, c := range cores {
		if c.Mode() != chord.Joining {
			r.members = append(r.members, c)
			r.live[c.Self().Point] = c
		}
	}
	slices.SortFunc(r.members, func(a, b *chord.Core) int { return byPoint(a.Self(), b.Self()) })
	return r
}

func (r *plainRing) report(invariant, text string, peers ...identity.Point) {
	r.found = append(r.found, Violation{Invariant: invariant, Peers: peers, Text: text})
}

// lists checks what concerns one peer's list alone: I3, I4, I14.
func (r *plainRing) lists() {
	for _, c := range r.members {
		self := c.Self().Point
		for _, side := range [...]struct {
			name string
			list []*identity.Contact
			back bool
		}{{"successor", c.Successors(), false}, {"predecessor", c.Predecessors(), true}} {
			before := self
			for i, peer := range side.list {
				a, x, b := before, peer.Point, self
				if side.back {
					a, b = self, before
				}
				switch {
				case peer.Point == self && i == 0:
					r.report("I14 NoSelfSuccessor", "is its own "+side.name, self)
				case peer.Point == self || has(side.list[:i], peer.Point):
					r.report("I4 NoDuplicates", side.name+" list has itself or a peer twice", self, peer.Point)
				case i > 0 && !chord.Between(a, x, b):
					r.report("I3 OrderedLists", side.name+" list out of order", self, before, peer.Point)
				}
				before = peer.Point
			}
		}
	}
}

// joiners checks I11: who is not a member yet is in nobody's list.
func (r *plainRing) joiners() {
	for _, j := range r.cores {
		if j.Mode() != chord.Joining {
			continue
		}
		for _, c := range r.members {
			if has(c.Successors(), j.Self().Point) || has(c.Predecessors(), j.Self().Point) {
				r.report("I11 JoinersUnseen", "is in a list before it is a member", j.Self().Point, c.Self().Point)
			}
		}
	}
}

// owners checks that no key has two owners. It is enough to try each peer's own
// point, and the one right behind each.
func (r *plainRing) owners() {
	for _, c := range r.members {
		behind := c.Self().Point
		for i := len(behind) - 1; i >= 0; i-- {
			if behind[i]++; behind[i] != 0 {
				break
			}
		}
		for _, key := range [...]identity.Point{c.Self().Point, behind} {
			var owners []identity.Point
			for _, d := range r.members {
				if d.Owns(key) {
					owners = append(owners, d.Self().Point)
				}
			}
			if len(owners) > 1 {
				r.report("I16 OneOwner", fmt.Sprintf("key %d has several", key[0]), owners...)
			}
		}
	}
}

// best returns the first live successor of c, or nil. A peer of a
// small ring that has outlived all it knows is a ring of its own.
func (r *plainRing) best(c *chord.Core) *chord.Core {
	if r.alone(c) {
		return c
	}
	for _, peer := range c.Successors() {
		if d := r.live[peer.Point]; d != nil {
			return d
		}
	}
	return nil
}

// successors checks I1 and I15, and reports whether every member has a live successor.
func (r *plainRing) successors() bool {
	all := true
	for _, c := range r.members {
		if r.alone(c) {
			continue
		}
		count := 0
		for _, peer := range c.Successors() {
			if r.live[peer.Point] != nil {
				count++
			}
		}
		switch {
		case count == 0:
			r.report("I1 OneLiveSuccessor", "has none", c.Self().Point)
			all = false
		case r.rules.Redundancy && 2*count < min(r.rules.Successors, len(r.members)-1):
			r.report("I15 LiveRedundancy", fmt.Sprintf("has only %d live successors", count), c.Self().Point)
		}
	}
	return all
}

// alone reports whether c is a small ring of one: nobody it knows is alive.
func (r *plainRing) alone(c *chord.Core) bool {
	return c.Mode() == chord.Small && !slices.ContainsFunc(c.Successors(), func(p *identity.Contact) bool { return r.live[p.Point] != nil })
}

// plainPrincipals returns the points of the members that no member's list skips.
func plainPrincipals(cores []*chord.Core) []identity.Point {
	return newPlainRing(cores, Rules{}).principals()
}

func (r *plainRing) principals() []identity.Point {
	var list []identity.Point
	for _, p := range r.members {
		if !slices.ContainsFunc(r.members, func(c *chord.Core) bool { return plainSkips(c, p.Self().Point) }) {
			list = append(list, p.Self().Point)
		}
	}
	return list
}

// plainSkips reports whether a list of c, with c in front, passes over point.
func plainSkips(c *chord.Core, point identity.Point) bool {
	before := c.Self().Point
	for _, peer := range c.Successors() {
		if chord.Between(before, point, peer.Point) {
			return true
		}
		before = peer.Point
	}
	return false
}

// shape checks the ring as a whole: I7 to I9. Two more follow from what was
// checked before, and could not fail here: where every member has a live
// successor, a walk along them must close, so there is a ring (I6); and a ring
// goes all the way round, past every point, so a peer that no list passes over
// is on it (I5).
func (r *plainRing) shape() {
	on := map[identity.Point]int{} // ring members, by the number of their ring
	rings := 0
	for _, c := range r.members {
		if _, known := on[c.Self().Point]; known {
			continue
		}
		if cycle := r.cycle(c); cycle != nil {
			rings++
			for _, d := range cycle {
				on[d.Self().Point] = rings
			}
		}
	}
	if len(r.members) == 1 {
		return
	}
	if rings > 1 {
		r.report("I7 AtMostOneRing", fmt.Sprintf("there are %d rings", rings), points(r.members)...)
	}
	for _, c := range r.members {
		if on[c.Self().Point] == 0 {
			r.appendage(c, on)
			continue
		}
		for _, d := range r.members {
			if on[d.Self().Point] > 0 && chord.Between(c.Self().Point, d.Self().Point, r.best(c).Self().Point) {
				r.report("I8 OrderedRing", "the ring passes over a member of it", c.Self().Point, d.Self().Point)
			}
		}
	}
}

// cycle returns the ring that c is a member of, or nil.
func (r *plainRing) cycle(c *chord.Core) []*chord.Core {
	var cycle []*chord.Core
	for d := c; ; {
		cycle = append(cycle, d)
		if d = r.best(d); d == nil || len(cycle) > len(r.members) {
			return nil
		}
		if d == c {
			return cycle
		}
	}
}

// appendage checks I9 for a member that is not on the ring.
func (r *plainRing) appendage(c *chord.Core, on map[identity.Point]int) {
	d := c
	for range r.members {
		if d = r.best(d); d == nil || on[d.Self().Point] > 0 {
			break
		}
	}
	if d == nil || on[d.Self().Point] == 0 {
		r.report("I9 ConnectedAppendages", "does not reach the ring", c.Self().Point)
	}
}

// plainIdeal checks I13, what a quiet ring must come to: all live peers members,
// every list exactly right, every key with its owner.
func plainIdeal(cores []*chord.Core, successors int) []Violation {
	r := newPlainRing(cores, Rules{Successors: successors})
	for _, c := range cores {
		if c.Mode() == chord.Joining {
			r.report("I13 Ideal", "is not a member", c.Self().Point)
		}
	}
	size := len(r.members)
	n := min(successors, size-1)
	for i, c := range r.members {
		self := c.Self().Point
		for side, list := range [...][]*identity.Contact{c.Successors(), c.Predecessors()} {
			right := len(list) == n
			for j := 0; right && j < n; j++ {
				want := r.members[(i+(j+1)*(1-2*side)+size*n)%size]
				right = list[j].Point == want.Self().Point
			}
			if !right {
				r.report("I13 Ideal", [...]string{"successors", "predecessors"}[side]+" are not right", append([]identity.Point{self}, contactPoints(list)...)...)
			}
		}
		before := r.members[(i-1+size)%size].Self().Point
		switch {
		case !c.Owns(self):
			r.report("I13 Ideal", "does not own its own point", self)
		case size > 1 && c.Owns(before):
			r.report("I13 Ideal", "owns its predecessor's point", self, before)
		case size > 1 && c.Predecessor() == nil:
			r.report("I13 Ideal", "has not heard from its predecessor", self)
		}
	}
	r.owners()
	return r.found
}
