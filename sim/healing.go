package sim

import (
	"bytes"
	"slices"
	"time"

	"cicada/chord"
	"cicada/identity"
)

// How often it is looked whether a ring has healed: its heads, and all of it.
const (
	lookEvery  = 250 * time.Millisecond
	idealEvery = time.Second
)

// healing measures from now on how long the ring takes until it is right again.
func (w *World) healing() {
	h := &w.watch.heal
	*h = heal{number: h.number + 1, from: w.now, before: w.count.upkeep, most: never, heads: never, ideal: never}
	mine := h.number
	var look func()
	look = func() {
		if h.number != mine || w.settled && w.config.IdealWithin == 0 {
			return // something else was done to the swarm since
		}
		if h.look(w); h.ideal == never {
			w.at(w.now+lookEvery, look)
		}
	}
	w.at(w.now, look)
}

// A heal is how far the ring has healed from what was done to it last.
type heal struct {
	number int           // of what was done
	from   time.Duration // when that was
	before uint64        // bytes of upkeep until then, and until everything was right
	until  uint64
	most   time.Duration // when 98 % of the heads were right,
	heads  time.Duration // all of them,
	ideal  time.Duration // and everything
}

// look notes what is right by now.
func (h *heal) look(w *World) {
	right, all := w.heads()
	if h.most == never && 100*right >= 98*all {
		h.most = w.now
	}
	if h.heads == never && right == all {
		h.heads = w.now
	}
	if right == all && (w.now-h.from)%idealEvery == 0 && w.ideal() {
		h.right(w)
		w.watch.apart, w.watch.bereft = false, false
	}
}

// right notes that the ring is ideal.
func (h *heal) right(w *World) {
	if h.ideal == never {
		h.until = w.count.upkeep
	}
	h.most, h.heads, h.ideal = min(h.most, w.now), min(h.heads, w.now), min(h.ideal, w.now)
}

// clockwise returns the members, in the order of their points.
func (w *World) clockwise() []int32 {
	if w.orderOf != w.population {
		w.order = append(w.order[:0], w.alive...)
		slices.SortFunc(w.order, func(a, b int32) int {
			return bytes.Compare(w.nodes[a].contact.Point[:], w.nodes[b].contact.Point[:])
		})
		w.orderOf = w.population
	}
	members := make([]int32, 0, len(w.order))
	for _, i := range w.order {
		if w.nodes[i].ring.Mode() != chord.Joining {
			members = append(members, i)
		}
	}
	return members
}

// heads counts the members, and those whose successor is right.
func (w *World) heads() (right, all int) {
	members := w.clockwise()
	for k, i := range members {
		next := w.nodes[members[(k+1)%len(members)]].contact
		list := w.nodes[i].ring.Successors()
		if len(list) == 0 && len(members) == 1 || len(list) > 0 && list[0].ID == next.ID {
			right++
		}
	}
	return right, len(members)
}

// evicted counts the members that somebody does not know who should: one of the r
// before it, or of the r behind.
func (w *World) evicted() (count int) {
	members := w.clockwise()
	n := len(members)
	far := min(w.config.successors(), n-1)
	for k, i := range members {
		if w.nodes[i].resumeAt > w.now {
			continue
		}
		peer := w.nodes[i].contact
		for d := 1; d <= far; d++ {
			before, behind := &w.nodes[members[(k-d+n)%n]], &w.nodes[members[(k+d)%n]]
			if lacks(before.ring.Successors(), peer) || lacks(behind.ring.Predecessors(), peer) {
				count++
				break
			}
		}
	}
	return count
}

func lacks(list []*identity.Contact, peer *identity.Contact) bool {
	return !slices.ContainsFunc(list, func(c *identity.Contact) bool { return c.ID == peer.ID })
}
