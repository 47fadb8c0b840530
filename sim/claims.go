package sim

import (
	"encoding/binary"
	"slices"
	"time"

	"cicada/chord"
	"cicada/identity"
)

// remember is how long a claim that has ended is remembered: longer than a lookup
// can take.
const remember = 30 * time.Second

// claimed notes what a peer owns from now on.
func (w *World) claimed(i int32, c claim) {
	n := &w.nodes[i]
	brief := binary.LittleEndian.Uint64(c.after[:])<<1 | 1 // not 0, which is none
	if !c.owns {
		brief = 2
	}
	if n.claimed == brief { // two points that are alike in so many bits are one
		return
	}
	n.claimed = brief
	// What was followed by something else long ago is of no use any more.
	old := 0
	for old+1 < len(n.claims) && n.claims[old+1].from+remember < w.now {
		old++
	}
	n.claims = append(slices.Delete(n.claims, 0, old), c)
}

// owned reports whether a peer owned key at any instant from a time on.
func (w *World) owned(i int32, key identity.Point, since time.Duration) bool {
	n := &w.nodes[i]
	for k, c := range n.claims {
		if k+1 < len(n.claims) && n.claims[k+1].from < since {
			continue // it had ended
		}
		if c.owns && within(c.after, key, n.contact.Point) {
			return true
		}
	}
	return false
}

// within reports whether key is in (after, to], which is everything where both are
// the same.
func within(after, key, to identity.Point) bool {
	return key == to || after == to || chord.Between(after, key, to)
}
