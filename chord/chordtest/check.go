package chordtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"cicada/chord"
	"cicada/identity"
)

// A Violation is an invariant of the ring that does not hold, and of whom.
type Violation struct {
	Invariant string // "I4 NoDuplicates", …
	Peers     []identity.Point
	Text      string // what is wrong, for people
}

// String says what is wrong, with the first byte of each point.
func (v Violation) String() string {
	names := make([]string, len(v.Peers))
	for i, p := range v.Peers {
		names[i] = fmt.Sprint(p[0])
	}
	return v.Invariant + ": " + v.Text + " [" + strings.Join(names, " ") + "]"
}

// Rules says what a ring is checked against.
type Rules struct {
	// Successors is r, as the cores are configured.
	Successors int
	// Base demands what holds only of rings that never shrank below r+1 peers
	// in full mode: I2 and what follows from it.
	Base bool
	// Owners demands I16: no key has two owners. A peer that dies or leaves may
	// break it for a moment: where it alone knew of the joiner before it, the one
	// behind takes the joiner's part for its own until the joiner says so.
	Owners bool
	// Redundancy demands I15, which failure bursts may break for a while.
	Redundancy bool
}

// A ring is what the checker sees: all live peers. Members are named by their
// place among all of them, so that a stretch of the ring is two numbers and
// nothing here costs more than the lists are long, times a search.
type ring struct {
	rules   Rules
	cores   []*chord.Core    // members and joiners
	members []*chord.Core    // clockwise from point 0
	points  []identity.Point // theirs
	best    []int            // of each member, the place of its first live successor, or none
	living  []int            // of each member, how many successors live
	found   []Violation
}

// none is the place of nobody.
const none = -1

// Check looks at all live peers at once and returns which invariants are
// broken. Cores that left or crashed must not be among them, and no two may
// stand at one point.
func Check(cores []*chord.Core, rules Rules) []Violation {
	r := newRing(cores, rules)
	r.lists()
	r.joiners()
	if rules.Owners {
		r.owners()
	}
	full := !slices.ContainsFunc(r.members, func(c *chord.Core) bool { return c.Mode() == chord.Small })
	if len(r.members) == 0 || !(rules.Base || full) || !r.successors() {
		return r.found
	}
	if rules.Base {
		if principals := r.principals(); len(principals) < rules.Successors+1 {
			r.report("I2 SufficientPrincipals", "too few", principals...)
		}
	}
	r.shape()
	return r.found
}

func newRing(cores []*chord.Core, rules Rules) *ring {
	r := &ring{rules: rules, cores: cores, members: make([]*chord.Core, 0, len(cores))}
	for _, c := range cores {
		if c.Mode() != chord.Joining {
			r.members = append(r.members, c)
		}
	}
	slices.SortFunc(r.members, func(a, b *chord.Core) int { return byPoint(a.Self(), b.Self()) })
	r.points = points(r.members)
	return r
}

// search returns the place of the first member at point or behind it, which is
// len(r.members) where none is before point 0, and whether it is at point. It
// looks at place near first.
func (r *ring) search(point identity.Point, near int) (place int, at bool) {
	if near == len(r.points) {
		near = 0
	}
	if near < len(r.points) && r.points[near] == point {
		return near, true
	}
	return slices.BinarySearchFunc(r.points, point, comparePoints)
}

func (r *ring) report(invariant, text string, peers ...identity.Point) {
	r.found = append(r.found, Violation{Invariant: invariant, Peers: peers, Text: text})
}

// lists checks what concerns one peer's list alone: I3, I4, I14.
func (r *ring) lists() {
	for _, c := range r.members {
		r.list(c.Self().Point, c.Successors(), false)
		r.list(c.Self().Point, c.Predecessors(), true)
	}
}

func (r *ring) list(self identity.Point, list []*identity.Contact, back bool) {
	if ordered(self, list, back) {
		return
	}
	name, before := "successor", self
	if back {
		name = "predecessor"
	}
	for i, peer := range list {
		switch {
		case peer.Point == self && i == 0:
			r.report("I14 NoSelfSuccessor", "is its own "+name, self)
		case peer.Point == self || has(list[:i], peer.Point):
			r.report("I4 NoDuplicates", name+" list has itself or a peer twice", self, peer.Point)
		case i > 0 && !further(self, before, peer.Point, back):
			r.report("I3 OrderedLists", name+" list out of order", self, before, peer.Point)
		}
		before = peer.Point
	}
}

// ordered reports whether list goes on and on from self without coming back to
// it: then nobody is in it twice. It is what further says of each step, but a
// comparison of two points is much cheaper.
func ordered(self identity.Point, list []*identity.Contact, back bool) bool {
	on := -1 // how a point compares to those further on
	if back {
		on = 1
	}
	before, turned := &self, false // turned: past point 0
	for _, peer := range list {
		way := bytes.Compare(before[:], peer.Point[:])
		if way == 0 || way != on && turned {
			return false
		}
		if turned = turned || way != on; turned && bytes.Compare(peer.Point[:], self[:]) != on {
			return false
		}
		before = &peer.Point
	}
	return true
}

// further reports whether a list of self may go on from a to b.
func further(self, a, b identity.Point, back bool) bool {
	if back {
		return chord.Between(self, b, a)
	}
	return chord.Between(a, b, self)
}

// joiners checks I11: who is not a member yet is in nobody's list.
func (r *ring) joiners() {
	if len(r.members) == len(r.cores) {
		return
	}
	seen := make(map[identity.Point][]identity.Point) // of each joiner, in whose lists it is
	for _, j := range r.cores {
		if j.Mode() == chord.Joining {
			seen[j.Self().Point] = nil
		}
	}
	for _, c := range r.members {
		for _, list := range [...][]*identity.Contact{c.Successors(), c.Predecessors()} {
			for _, peer := range list {
				in, joins := seen[peer.Point]
				if joins && (len(in) == 0 || in[len(in)-1] != c.Self().Point) {
					seen[peer.Point] = append(in, c.Self().Point)
				}
			}
		}
	}
	for _, j := range r.cores {
		if j.Mode() != chord.Joining {
			continue
		}
		for _, point := range seen[j.Self().Point] {
			r.report("I11 JoinersUnseen", "is in a list before it is a member", j.Self().Point, point)
		}
	}
}

// owners checks that no key has two owners. It is enough to try each peer's own
// point, key 2i for the peer at place i, and the one right behind it, key 2i+1.
func (r *ring) owners() {
	keys := newCover(2 * len(r.members))
	for i := range r.members {
		if from, to, ok := r.owned(i); ok {
			keys.add(from, to)
		}
	}
	several := keys.above(1)
	if len(several) == 0 {
		return
	}
	owners := make(map[int][]identity.Point)
	for i := range r.members {
		from, to, ok := r.owned(i)
		if !ok {
			continue
		}
		for _, part := range inside(several, from, to) {
			for _, key := range part {
				owners[key] = append(owners[key], r.points[i])
			}
		}
	}
	for _, key := range several {
		point := r.points[key/2]
		if key%2 == 1 {
			point = behind(point)
		}
		r.report("I16 OneOwner", fmt.Sprintf("key %d has several", point[0]), owners[key]...)
	}
}

// owned returns which keys the member at place i owns, from the first on, up to but without the second.
func (r *ring) owned(i int) (from, to int, ok bool) {
	after, ok := r.members[i].Owned()
	if !ok {
		return 0, 0, false
	}
	place, at := r.search(after, max(i-1, 0))
	from = 2 * place
	if at {
		from++ // the point is not owned, the one behind it is
	}
	return from % (2 * len(r.members)), 2*i + 1, true
}

// behind returns the point that follows p.
func behind(p identity.Point) identity.Point {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i]++; p[i] != 0 {
			break
		}
	}
	return p
}

// Ideal checks I13, what a quiet ring must come to: all live peers members,
// every list exactly right, every key with its owner.
func Ideal(cores []*chord.Core, successors int) []Violation {
	r := newRing(cores, Rules{Successors: successors})
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
				right = list[j].Point == r.points[(i+(j+1)*(1-2*side)+size*n)%size]
			}
			if !right {
				r.report("I13 Ideal", [...]string{"successors", "predecessors"}[side]+" are not right", append([]identity.Point{self}, contactPoints(list)...)...)
			}
		}
		before := r.points[(i-1+size)%size]
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

func has(list []*identity.Contact, point identity.Point) bool {
	return slices.ContainsFunc(list, func(c *identity.Contact) bool { return c.Point == point })
}

func points(cores []*chord.Core) []identity.Point {
	list := make([]identity.Point, len(cores))
	for i, c := range cores {
		list[i] = c.Self().Point
	}
	return list
}

func contactPoints(contacts []*identity.Contact) []identity.Point {
	list := make([]identity.Point, len(contacts))
	for i, c := range contacts {
		list[i] = c.Point
	}
	return list
}
