package chord

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"cicada/identity"
)

// TestRollIsASortedSet plays random changes on a roll and on a plain sorted list,
// with points that crowd, and compares all that can be asked of both. What the roll
// shares with others stays as it was.
func TestRollIsASortedSet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	point := func() (p identity.Point) {
		p[0], p[31] = byte(random.Uint32()), byte(random.Uint32()&1) // often the same first word
		return p
	}
	byPoint := func(a, b *identity.Contact) int { return bytes.Compare(a.Point[:], b.Point[:]) }
	var want []*identity.Contact
	for range 200 {
		if p := point(); !slices.ContainsFunc(want, func(c *identity.Contact) bool { return c.Point == p }) {
			want = append(want, &identity.Contact{Point: p})
		}
	}
	slices.SortFunc(want, byPoint)
	var r roll
	for _, peer := range want {
		r.list.words, r.list.peers = append(r.list.words, word(peer.Point)), append(r.list.peers, peer)
	}
	shared := slices.Clone(want)
	base := r.list
	for step := range 3000 {
		p := point()
		i, found := slices.BinarySearchFunc(want, &identity.Contact{Point: p}, byPoint)
		switch {
		case random.IntN(2) == 0 && found:
			r.remove(p)
			want = slices.Delete(want, i, i+1)
		case found:
			want[i] = &identity.Contact{Point: p}
			r.put(want[i])
		case random.IntN(2) == 0:
			if r.remove(p) != nil {
				t.Fatalf("step %d: took out who is not there", step)
			}
		default:
			peer := &identity.Contact{Point: p}
			if k := slices.IndexFunc(shared, func(c *identity.Contact) bool { return c.Point == p }); k >= 0 {
				peer = shared[k] // it is back
			}
			want = slices.Insert(want, i, peer)
			r.put(peer)
		}
		compareRoll(t, &r, want, point())
	}
	if !slices.Equal(base.peers, shared) {
		t.Error("the shared list was changed")
	}
	if len(r.gone)+len(r.fresh.peers) > rollSlack+len(r.list.peers)/rollPart {
		t.Errorf("got %d gone and %d fresh beside a list of %d", len(r.gone), len(r.fresh.peers), len(r.list.peers))
	}
}

func compareRoll(t *testing.T, r *roll, want []*identity.Contact, p identity.Point) {
	t.Helper()
	if r.size() != len(want) {
		t.Fatalf("got %d peers, want %d", r.size(), len(want))
	}
	i, found := slices.BinarySearchFunc(want, p, func(c *identity.Contact, p identity.Point) int { return bytes.Compare(c.Point[:], p[:]) })
	if got := r.find(p); found && got != want[i] || !found && got != nil {
		t.Fatalf("find: got %v", got)
	}
	if got := r.rank(p); got != i {
		t.Fatalf("rank: got %d, want %d", got, i)
	}
	for k := range want {
		if got := r.at(k - len(want)); got != want[k] {
			t.Fatalf("at %d: got another one", k)
		}
	}
	if got := slices.Collect(r.from(p)); !slices.Equal(got, slices.Concat(want[i:], want[:i])) {
		t.Fatalf("from: got %d peers in another order", len(got))
	}
}
