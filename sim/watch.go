package sim

import (
	"slices"
	"strings"
	"time"

	"cicada/chord"
	"cicada/chord/chordtest"
	"cicada/identity"
)

// A watch is what is known of how the ring is.
type watch struct {
	violations int
	first      string // the first violation, for people
	assumption int    // members that lost all successors to crashes at one instant
	bereft     bool   // some member did, and the ring has not been ideal since
	unsure     int    // faults under way that no invariant is promised under
	apart      bool   // the swarm was cut apart until it was healed, and the ring has not been ideal since
	spins      int    // times that a peer kept wanting to be ticked
	heal       heal
	quietAfter time.Duration // how long after the last fault the ring was ideal; never: it was not in time
}

// observe looks at a peer after each of its events.
func (w *World) observe(i int32) {
	n := &w.nodes[i]
	after, owns := n.ring.Owned()
	w.claimed(i, claim{w.now, after, owns})
}

// A peer that wants to be ticked at once so many times in a row would keep its
// machine busy with nothing: it is made to wait.
const (
	spinLimit = 64
	spinPause = 10 * time.Millisecond
)

// again returns when a peer is ticked that is due already.
func (w *World) again(i int32) time.Duration {
	n := &w.nodes[i]
	if n.tickedAt != w.now || n.ticks < spinLimit {
		return w.now
	}
	if w.watch.spins++; w.watch.spins == 1 {
		w.violated(n.contact.ID.Short() + " wants to be ticked without end, and nothing comes of it")
	}
	return w.now + spinPause
}

// cores returns those of all peers that are alive.
func (w *World) cores() []*chord.Core {
	cores := make([]*chord.Core, len(w.alive))
	for k, i := range w.alive {
		cores[k] = w.nodes[i].ring
	}
	return cores
}

// bereaved notes members that lost all their successors to crashes, cuts and pauses
// just now: what no ring can be asked to survive. Who stands still for longer than
// others wait is dead to them.
func (w *World) bereaved() {
	for _, i := range w.alive {
		list := w.nodes[i].ring.Successors()
		if len(list) > 0 && !slices.ContainsFunc(list, func(s *identity.Contact) bool { return w.reaches(i, s.ID) }) {
			w.watch.assumption++
			w.watch.bereft = true
		}
	}
}

// reaches reports whether a peer is there, does not stand still, and is on the same
// side of every cut.
func (w *World) reaches(i int32, id identity.ID) bool {
	k, known := w.numberOf(id)
	return known && w.spots[k].alive && w.nodes[k].resumeAt <= w.now && !slices.ContainsFunc(w.cuts, func(c *cut) bool { return c.group(i) != c.group(k) })
}

// sides returns the cores of each part that the swarm is cut into, which is a ring
// of its own.
func (w *World) sides() [][]*chord.Core {
	sides := [][]*chord.Core{w.cores()}
	for _, c := range w.cuts {
		var next [][]*chord.Core
		for _, side := range sides {
			groups := make([][]*chord.Core, len(c.bounds))
			for _, core := range side {
				g := c.group(w.number(core.Self().ID))
				groups[g] = append(groups[g], core)
			}
			next = append(next, groups...)
		}
		sides = next
	}
	return sides
}

// check looks at the ring as a whole.
func (w *World) check() {
	if (w.watch.apart || w.watch.bereft) && len(w.cuts)+w.watch.unsure == 0 && w.ideal() {
		w.watch.apart, w.watch.bereft = false, false
	}
	for _, side := range w.sides() {
		w.checkRing(side)
	}
}

// checkRing looks at all the peers of a ring.
func (w *World) checkRing(cores []*chord.Core) {
	found := chordtest.Check(cores, chordtest.Rules{Successors: w.config.successors()})
	if w.restarts > 0 {
		found = slices.DeleteFunc(found, w.ofEarlierLife)
	}
	if len(found) == 0 {
		return
	}
	if w.watch.bereft || w.watch.apart || w.watch.unsure > 0 {
		w.watch.assumption += len(found)
		return
	}
	w.watch.violations += len(found) - 1
	w.violated(found[0].String())
}

// ofEarlierLife reports whether a finding is that a peer which joins is in a list
// (I11) where it was before it was restarted: others still take it for what it was.
func (w *World) ofEarlierLife(v chordtest.Violation) bool {
	return strings.HasPrefix(v.Invariant, "I11 ") && slices.ContainsFunc(w.alive, func(i int32) bool {
		return w.nodes[i].lives > 1 && w.nodes[i].contact.Point == v.Peers[0]
	})
}

// violated notes a violation.
func (w *World) violated(what string) {
	w.watch.violations++
	if w.watch.first == "" {
		w.watch.first = w.now.String() + ": " + what
	}
}

// ideal reports whether the ring is exactly as it should be.
func (w *World) ideal() bool {
	for _, i := range w.alive {
		if w.nodes[i].ring.Mode() == chord.Joining {
			return false
		}
	}
	return len(chordtest.Ideal(w.cores(), w.config.successors())) == 0
}

// everyCheck checks the ring until a time.
func (w *World) everyCheck(until time.Duration) {
	var next func()
	next = func() {
		w.check()
		if w.now+w.config.Check <= until {
			w.at(w.now+w.config.Check, next)
		}
	}
	w.at(w.now, next)
}
