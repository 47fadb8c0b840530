package chord

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/quick"

	"cicada/chord/internal/model"
	"cicada/identity"
)

// small returns point n of a ring of 64.
func small(n int) identity.Point { return identity.Point{byte(n << 2)} }

// walk is Between on a ring of 64 points, too simple to be wrong.
func walk(a, x, b int) bool {
	for at := (a + 1) % 64; at != b; at = (at + 1) % 64 {
		if at == x {
			return true
		}
		if at == a {
			break
		}
	}
	return false
}

func TestBetweenIsAWalk(t *testing.T) {
	for a := range 64 {
		for x := range 64 {
			for b := range 64 {
				if got, want := Between(small(a), small(x), small(b)), walk(a, x, b); got != want {
					t.Fatalf("Between(%d, %d, %d): got %v, want %v", a, x, b, got, want)
				}
			}
		}
	}
}

// TestBetweenLaws checks the lemmas that proofs about Chord rest on, on all points of a ring of 64.
func TestBetweenLaws(t *testing.T) {
	var all [64][64][64]bool
	for a := range 64 {
		for x := range 64 {
			for b := range 64 {
				all[a][x][b] = Between(small(a), small(x), small(b))
			}
		}
	}
	between := func(a, x, b int) bool { return all[a][x][b] }
	for a := range 64 {
		for b := range 64 {
			if got, want := between(a, b, a), a != b; got != want {
				t.Fatalf("AnyBetweenAny: Between(%d, %d, %d): got %v, want %v", a, b, a, got, want)
			}
			for x := range 64 {
				if between(a, x, b) && between(a, b, x) && a != b {
					t.Fatalf("IncludedReversesBetween: %d and %d each lie before the other, from %d", x, b, a)
				}
				if a != x && x != b && a != b && between(a, x, b) == between(b, x, a) {
					t.Fatalf("IncludedReversesBetween: %d lies on both sides, or on none, of %d and %d", x, a, b)
				}
			}
		}
	}
	for a := range 64 {
		for b := range 64 {
			for x := range 64 {
				for y := range 64 {
					if between(a, x, b) && between(x, y, b) && !between(a, y, b) {
						t.Fatalf("ChainedIntervals: %d in (%d, %d), %d in (%d, %d), not in (%d, %d)", x, a, b, y, x, b, a, b)
					}
				}
			}
		}
	}
}

func TestDistanceIsTheShorterWay(t *testing.T) {
	for a := range 64 {
		for b := range 64 {
			there := (b - a + 64) % 64
			if got, want := Clockwise(small(a), small(b)), small(there); got != want {
				t.Fatalf("Clockwise(%d, %d): got %v, want %v", a, b, got, want)
			}
			if got, want := Distance(small(a), small(b)), small(min(there, (64-there)%64)); got != want && there != 0 {
				t.Fatalf("Distance(%d, %d): got %v, want %v", a, b, got, want)
			}
		}
	}
}

func TestSpanArithmetic(t *testing.T) {
	undone := func(a, b identity.Point) bool {
		x, y := spanOf(a), spanOf(b)
		return x.plus(y).minus(y) == x && x.minus(y).plus(y) == x && x.point() == a && x.distance(y) == y.distance(x)
	}
	if err := quick.Check(undone, &quick.Config{MaxCount: 10_000}); err != nil {
		t.Error(err)
	}
}

// TestTowardIsTheLeastDistance compares Toward, where no delays are known, with a look at every peer.
func TestTowardIsTheLeastDistance(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for size := range 60 {
		c := ringOf(size, random)
		crowd := randomPoint(random) // some stand so near each other that first words tell nothing
		for range size / 2 {
			peer := randomContact(random)
			copy(peer.Point[:8+random.IntN(20)], crowd[:])
			c.mark(peer)
		}
		for try := range 200 {
			target := randomPoint(random)
			if try%2 == 0 {
				copy(target[:8+random.IntN(20)], crowd[:])
			}
			refused := byte(random.IntN(4))
			ok := func(p *identity.Contact) bool { return p.ID[0]&3 != refused }
			var want *identity.Contact
			best := spanOf(c.self.Point).distance(spanOf(target))
			for i := range c.table {
				peer := c.table[i].contact
				if d := spanOf(peer.Point).distance(spanOf(target)); d.less(best) && ok(peer) {
					best, want = d, peer
				}
			}
			if got := c.Toward(target, ok); got != want {
				t.Fatalf("%d peers: got %v, want %v", size, got, want)
			}
		}
	}
}

// ringOf returns a core whose table has size random peers.
func ringOf(size int, random *rand.Rand) *Core {
	c := New(randomContact(random), Config{TableBudget: -1}, random)
	c.Start(0)
	for range size {
		c.mark(randomContact(random))
	}
	return c
}

func randomContact(random *rand.Rand) *identity.Contact {
	return &identity.Contact{ID: identity.ID(randomPoint(random)), Point: randomPoint(random), Sequence: 1}
}

func randomPoint(random *rand.Rand) (p identity.Point) {
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	return p
}

func TestReadsDoNotAllocate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	c := ringOf(170, random)
	target := randomPoint(random)
	known := c.table[17].contact.Point
	ok := func(*identity.Contact) bool { return true }
	for _, test := range []struct {
		name string
		call func()
	}{
		{"Toward", func() { c.Toward(target, ok) }},
		{"Find", func() { c.Find(known) }},
		{"Known", func() { c.Known(target) }},
		{"Next", func() { c.Next() }},
		{"Owns", func() { c.Owns(target) }},
	} {
		if got := testing.AllocsPerRun(100, test.call); got != 0 {
			t.Errorf("%s: got %v allocations, want 0", test.name, got)
		}
	}
}

func BenchmarkToward(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	c := ringOf(170, random)
	targets := make([]identity.Point, 256)
	for i := range targets {
		targets[i] = randomPoint(random)
	}
	ok := func(*identity.Contact) bool { return true }
	for i := 0; b.Loop(); i++ {
		c.Toward(targets[i&255], ok)
	}
}

func BenchmarkFind(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	c := ringOf(170, random)
	for i := 0; b.Loop(); i++ {
		c.Find(c.table[i%170].contact.Point)
	}
}

// Peers are found, and which of two is nearer is right, also where they are so close
// together that the beginnings of their ways do not tell.
func TestNearerOfClosePeers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	near := func() identity.Point {
		return identity.Point{110, 0, 0, byte(random.IntN(4)), byte(random.IntN(256)), byte(random.IntN(256))}
	}
	var list []*identity.Contact
	for n := range byte(8) {
		list = append(list, &identity.Contact{ID: identity.ID{n, 1}, Point: near(), Sequence: 1})
	}
	slices.SortFunc(list, func(a, b *identity.Contact) int { return bytes.Compare(a.Point[:], b.Point[:]) })
	c := New(at(100), Config{Successors: 8, TableBudget: -1}, random)
	c.Restore(0, model.Place{Successors: list, Predecessors: contacts(90, 80)})
	for _, peer := range list {
		if k, found := c.place(peer.Point); !found || c.table[k].contact != peer {
			t.Errorf("%x is not found at its place", peer.Point[:6])
		}
	}
	for range 1000 {
		goal := spanOf(near()).minus(c.origin)
		i, j := random.IntN(8), random.IntN(8)
		if got, want := c.nearer(i, j, goal), c.way(i).distance(goal).less(c.way(j).distance(goal)); got != want {
			t.Fatalf("%x nearer to %x than %x: got %v", c.way(i), goal, c.way(j), got)
		}
	}
}
