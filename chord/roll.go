package chord

import (
	"encoding/binary"
	"slices"
	"sort"

	"cicada/identity"
)

// A roll is a set of peers in the order of their points. It is made for many that
// change slowly: beside a long list that never changes, and that many rolls may
// share, it keeps what has changed since, and makes a list of its own when that has
// become much. So a peer takes 16 bytes, and of a shared list none.
type roll struct {
	list  column // not changed
	gone  []int32
	fresh column // who is not in the list
}

// A column is peers in the order of their points.
type column struct {
	words []uint64 // the first of each point, to look through
	peers []*identity.Contact
}

// rollSlack is how many changes a roll keeps beside its list, whatever its length,
// and rollPart how much of its length they may be.
const (
	rollSlack = 64
	rollPart  = 8
)

// word returns the first word of a point.
func word(point identity.Point) uint64 { return binary.BigEndian.Uint64(point[:]) }

// search returns the place of the peer at point, or where it would be.
func (l *column) search(point identity.Point) (place int, found bool) {
	w := word(point)
	i, _ := slices.BinarySearch(l.words, w)
	for i < len(l.words) && l.words[i] == w && spanOf(l.peers[i].Point).less(spanOf(point)) {
		i++
	}
	return i, i < len(l.words) && l.peers[i].Point == point
}

func (l *column) insert(i int, peer *identity.Contact) {
	l.words = slices.Insert(l.words, i, word(peer.Point))
	l.peers = slices.Insert(l.peers, i, peer)
}

func (l *column) remove(i int) {
	l.words, l.peers = slices.Delete(l.words, i, i+1), slices.Delete(l.peers, i, i+1)
}

// size returns how many peers there are.
func (r *roll) size() int { return len(r.list.peers) - len(r.gone) + len(r.fresh.peers) }

// find returns the peer at point, or nil.
func (r *roll) find(point identity.Point) *identity.Contact {
	if i, found := r.fresh.search(point); found {
		return r.fresh.peers[i]
	}
	if i, found := r.list.search(point); found && !r.isGone(i) {
		return r.list.peers[i]
	}
	return nil
}

func (r *roll) isGone(place int) bool {
	_, gone := slices.BinarySearch(r.gone, int32(place))
	return gone
}

// put enters a peer, in place of another one at its point.
func (r *roll) put(peer *identity.Contact) {
	i, found := r.fresh.search(peer.Point)
	if found {
		r.fresh.peers[i] = peer
		return
	}
	if k, found := r.list.search(peer.Point); found {
		at, gone := slices.BinarySearch(r.gone, int32(k))
		switch {
		case gone && r.list.peers[k] == peer:
			r.gone = slices.Delete(r.gone, at, at+1)
			return
		case !gone && r.list.peers[k] == peer:
			return
		case !gone:
			r.gone = slices.Insert(r.gone, at, int32(k))
		}
	}
	r.fresh.insert(i, peer)
	r.compact()
}

// remove takes out the peer at point, and returns it, or nil.
func (r *roll) remove(point identity.Point) *identity.Contact {
	if i, found := r.fresh.search(point); found {
		peer := r.fresh.peers[i]
		r.fresh.remove(i)
		return peer
	}
	k, found := r.list.search(point)
	at, gone := slices.BinarySearch(r.gone, int32(k))
	if !found || gone {
		return nil
	}
	peer := r.list.peers[k]
	r.gone = slices.Insert(r.gone, at, int32(k))
	r.compact()
	return peer
}

// compact makes a new list when much has changed.
func (r *roll) compact() {
	if len(r.gone)+len(r.fresh.peers) <= rollSlack+len(r.list.peers)/rollPart {
		return
	}
	n := r.size()
	list := column{words: make([]uint64, 0, n), peers: make([]*identity.Contact, 0, n)}
	for peer := range r.from(identity.Point{}) {
		list.words, list.peers = append(list.words, word(peer.Point)), append(list.peers, peer)
	}
	*r = roll{list: list}
}

// rank returns how many peers stand from point 0 on before point.
func (r *roll) rank(point identity.Point) int {
	i, _ := r.fresh.search(point)
	k, _ := r.list.search(point)
	gone, _ := slices.BinarySearch(r.gone, int32(k))
	return i + k - gone
}

// at returns the peer before which so many stand, counted all round.
func (r *roll) at(rank int) *identity.Contact {
	n := r.size()
	if n == 0 {
		return nil
	}
	rank = (rank%n + n) % n
	fresh := sort.Search(len(r.fresh.peers), func(i int) bool { return r.rank(r.fresh.peers[i].Point) >= rank })
	if fresh < len(r.fresh.peers) && r.rank(r.fresh.peers[fresh].Point) == rank {
		return r.fresh.peers[fresh]
	}
	k := rank - fresh // of those that are in the list and not gone
	gone := sort.Search(len(r.gone), func(g int) bool { return int(r.gone[g])-g > k })
	return r.list.peers[k+gone]
}

// from yields all peers clockwise, the first being that at point or behind it.
func (r *roll) from(point identity.Point) func(func(*identity.Contact) bool) {
	return func(yield func(*identity.Contact) bool) {
		if r.between(point, true, yield) {
			r.between(point, false, yield)
		}
	}
}

// between yields the peers from point up to the end of the ring, or those before
// point, and reports whether it may go on.
func (r *roll) between(point identity.Point, behind bool, yield func(*identity.Contact) bool) bool {
	i, _ := r.list.search(point)
	k, _ := r.fresh.search(point)
	last, lastFresh := len(r.list.peers), len(r.fresh.peers)
	if !behind {
		i, k, last, lastFresh = 0, 0, i, k
	}
	gone, _ := slices.BinarySearch(r.gone, int32(i))
	for i < last || k < lastFresh {
		if i < last && gone < len(r.gone) && r.gone[gone] == int32(i) {
			i, gone = i+1, gone+1
			continue
		}
		var peer *identity.Contact
		if i < last && (k == lastFresh || r.before(i, k)) {
			peer, i = r.list.peers[i], i+1
		} else {
			peer, k = r.fresh.peers[k], k+1
		}
		if !yield(peer) {
			return false
		}
	}
	return true
}

// before reports whether place i of the list comes before place k of the fresh.
func (r *roll) before(i, k int) bool {
	if a, b := r.list.words[i], r.fresh.words[k]; a != b {
		return a < b
	}
	return spanOf(r.list.peers[i].Point).less(spanOf(r.fresh.peers[k].Point))
}

// clone returns a copy that shares nothing that changes.
func (r *roll) clone() roll {
	return roll{list: r.list, gone: slices.Clone(r.gone),
		fresh: column{words: slices.Clone(r.fresh.words), peers: slices.Clone(r.fresh.peers)}}
}
