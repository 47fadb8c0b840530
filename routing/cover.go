package routing

import (
	"bytes"
	"slices"

	"cicada/identity"
)

// A span is a part of the ring, as distances from this peer: from is in it, to is
// not. 0 as to means all round.
type span struct{ from, to identity.Point }

// one is the least distance.
var one = identity.Point{31: 1}

// holds reports whether a distance is in s.
func (s span) holds(d identity.Point) bool {
	return bytes.Compare(d[:], s.from[:]) >= 0 && s.ends(d)
}

// ends reports whether s ends behind d.
func (s span) ends(d identity.Point) bool {
	return s.to.IsZero() || bytes.Compare(d[:], s.to[:]) < 0
}

// A cover is what of the ring is covered: spans in order that do not touch.
type cover []span

// holds reports whether a distance is covered.
func (v cover) holds(d identity.Point) bool {
	return slices.ContainsFunc(v, func(s span) bool { return s.holds(d) })
}

// add covers s, and returns what of it was not covered. Once there are too many
// spans it covers nothing more: others are then asked for it in vain.
func (v *cover) add(s span) (gaps []span) {
	rest, from, open := cover(nil), s.from, true // from where on s is not covered, if at all
	whole := s
	for _, x := range *v {
		if !s.ends(x.from) && s.to != x.from || !x.ends(s.from) && x.to != s.from {
			rest = append(rest, x)
			continue
		}
		if open && bytes.Compare(from[:], x.from[:]) < 0 {
			gaps = append(gaps, span{from, x.from})
		}
		if bytes.Compare(x.from[:], whole.from[:]) < 0 {
			whole.from = x.from
		}
		if !whole.to.IsZero() && x.ends(whole.to) {
			whole.to = x.to
		}
		if x.ends(from) {
			from, open = x.to, !x.to.IsZero()
		}
	}
	if open && s.ends(from) {
		gaps = append(gaps, span{from, s.to})
	}
	if len(rest) >= maxParts {
		return nil
	}
	i, _ := slices.BinarySearchFunc(rest, whole, func(a, b span) int { return bytes.Compare(a.from[:], b.from[:]) })
	*v = slices.Insert(rest, i, whole)
	return gaps
}
