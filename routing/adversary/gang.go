package adversary

import (
	"bytes"
	"slices"

	"cicada/chord"
	"cicada/identity"
)

// A Gang is the foes that work together. Each knows all of it, and who else there is.
type Gang struct {
	Victim    identity.Point // whom it is after, where it is after one
	members   []*identity.Contact
	everybody []*identity.Contact
	ids       map[identity.ID]bool
}

// NewGang returns the gang of these peers, who know who else there is, besides: everybody.
func NewGang(members, everybody []*identity.Contact) *Gang {
	g := &Gang{members: slices.Clone(members), everybody: slices.Clone(everybody), ids: make(map[identity.ID]bool, len(members))}
	for _, list := range [...][]*identity.Contact{g.members, g.everybody} {
		slices.SortFunc(list, byPoint)
	}
	for _, m := range members {
		g.ids[m.ID] = true
	}
	return g
}

// Met takes in who has come: one of the gang, or another peer.
func (g *Gang) Met(peer *identity.Contact, member bool) {
	insert(&g.everybody, peer)
	if member {
		insert(&g.members, peer)
		g.ids[peer.ID] = true
	}
}

// Lost takes in who has gone.
func (g *Gang) Lost(peer *identity.Contact) {
	same := func(x *identity.Contact) bool { return x.ID == peer.ID }
	g.everybody, g.members = slices.DeleteFunc(g.everybody, same), slices.DeleteFunc(g.members, same)
	delete(g.ids, peer.ID)
}

func insert(list *[]*identity.Contact, peer *identity.Contact) {
	i, _ := slices.BinarySearchFunc(*list, peer, byPoint)
	*list = slices.Insert(*list, i, peer)
}

func byPoint(a, b *identity.Contact) int { return bytes.Compare(a.Point[:], b.Point[:]) }

// Has reports whether a peer is of the gang.
func (g *Gang) Has(id identity.ID) bool { return g.ids[id] }

// Size returns how many are of the gang.
func (g *Gang) Size() int { return len(g.members) }

// after returns up to n members that follow a point, nearest first.
func (g *Gang) after(point identity.Point, n int) []*identity.Contact {
	return g.from(g.members, point, n, 1)
}

// before returns up to n members that come before a point, nearest first.
func (g *Gang) before(point identity.Point, n int) []*identity.Contact {
	return g.from(g.members, point, n, -1)
}

// from returns up to n peers of a sorted list, from a point on, one way or the other.
func (g *Gang) from(all []*identity.Contact, point identity.Point, n, step int) (list []*identity.Contact) {
	at, there := slices.BinarySearchFunc(all, point, func(m *identity.Contact, p identity.Point) int {
		return bytes.Compare(m.Point[:], p[:])
	})
	if step < 0 {
		at--
	} else if there {
		at++
	}
	size := len(all)
	for k := range min(n, size) {
		m := all[((at+k*step)%size+size)%size]
		if m.Point == point {
			break
		}
		list = append(list, m)
	}
	return list
}

// distance returns how far two points are apart, the shorter way round.
func distance(a, b identity.Point) identity.Point {
	one, two := chord.Clockwise(a, b), chord.Clockwise(b, a)
	if bytes.Compare(one[:], two[:]) < 0 {
		return one
	}
	return two
}
