package sim

import (
	"time"

	"cicada/chord"
	"cicada/chord/chordtest"
)

// A watch is what is known of how the ring is.
type watch struct {
	violations int
	first      string // the first violation, for people
	assumption int    // members that lost all successors to crashes at one instant
	bereft     bool   // some member did, and the ring has not been ideal since
	idealAt    time.Duration
	killedAt   time.Duration
}

// observe looks at a peer after each of its events.
func (w *World) observe(i int32) {
	n := &w.nodes[i]
	after, owns := n.ring.Owned()
	w.claimed(i, claim{w.now, after, owns})
}

// cores returns those of all peers that are alive.
func (w *World) cores() []*chord.Core {
	cores := make([]*chord.Core, len(w.alive))
	for k, i := range w.alive {
		cores[k] = w.nodes[i].ring
	}
	return cores
}

// bereaved notes members that lost all their successors to crashes just now: what
// no ring can be asked to survive.
func (w *World) bereaved() {
	for _, i := range w.alive {
		list := w.nodes[i].ring.Successors()
		dead := 0
		for _, s := range list {
			if k, ok := w.byID[s.ID]; !ok || !w.nodes[k].alive {
				dead++
			}
		}
		if len(list) > 0 && dead == len(list) {
			w.watch.assumption++
			w.watch.bereft = true
		}
	}
}

// check looks at the ring as a whole.
func (w *World) check() {
	found := chordtest.Check(w.cores(), chordtest.Rules{Successors: w.config.successors()})
	if len(found) == 0 {
		return
	}
	if w.watch.bereft {
		w.watch.assumption += len(found)
		return
	}
	w.watch.violations += len(found)
	if w.watch.first == "" {
		w.watch.first = w.now.String() + ": " + found[0].String()
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
