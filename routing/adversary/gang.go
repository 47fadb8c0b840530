package adversary

import (
	"bytes"
	"slices"

	"cicada/chord"
	"cicada/identity"
)

// A Gang is the foes that work together. Each knows all of it.
type Gang struct {
	Victim  identity.Point // whom it is after, where it is after one
	members []*identity.Contact
	ids     map[identity.ID]bool
}

// NewGang returns the gang of these peers.
func NewGang(members []*identity.Contact) *Gang {
	g := &Gang{members: slices.Clone(members), ids: make(map[identity.ID]bool, len(members))}
	slices.SortFunc(g.members, func(a, b *identity.Contact) int { return bytes.Compare(a.Point[:], b.Point[:]) })
	for _, m := range members {
		g.ids[m.ID] = true
	}
	return g
}

// Has reports whether a peer is of the gang.
func (g *Gang) Has(id identity.ID) bool { return g.ids[id] }

// Size returns how many are of the gang.
func (g *Gang) Size() int { return len(g.members) }

// after returns up to n members that follow a point, nearest first.
func (g *Gang) after(point identity.Point, n int) []*identity.Contact { return g.from(point, n, 1) }

// before returns up to n members that come before a point, nearest first.
func (g *Gang) before(point identity.Point, n int) []*identity.Contact { return g.from(point, n, -1) }

func (g *Gang) from(point identity.Point, n, step int) (list []*identity.Contact) {
	at, there := slices.BinarySearchFunc(g.members, point, func(m *identity.Contact, p identity.Point) int {
		return bytes.Compare(m.Point[:], p[:])
	})
	if step < 0 {
		at--
	} else if there {
		at++
	}
	size := len(g.members)
	for k := range min(n, size) {
		m := g.members[((at+k*step)%size+size)%size]
		if m.Point == point {
			break
		}
		list = append(list, m)
	}
	return list
}

// nearest returns up to n members nearest to a point, either way round.
func (g *Gang) nearest(point identity.Point, n int) []*identity.Contact {
	list := append(g.after(point, n), g.before(point, n)...)
	slices.SortStableFunc(list, func(a, b *identity.Contact) int {
		x, y := distance(a.Point, point), distance(b.Point, point)
		return bytes.Compare(x[:], y[:])
	})
	list = slices.CompactFunc(list, func(a, b *identity.Contact) bool { return a.ID == b.ID })
	return list[:min(n, len(list))]
}

// distance returns how far two points are apart, the shorter way round.
func distance(a, b identity.Point) identity.Point {
	one, two := chord.Clockwise(a, b), chord.Clockwise(b, a)
	if bytes.Compare(one[:], two[:]) < 0 {
		return one
	}
	return two
}
