package routing

import (
	"bytes"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// covered is the share of the honest peers that have a broadcast.
func (w *world) covered(message trace.MessageID) float64 {
	have, all := 0, 0
	for _, p := range w.peers[1:] {
		if !p.drops && !p.dead {
			all++
			have += p.casts[message]
		}
	}
	return float64(have) / float64(all)
}

// A share of all peers takes intervals, says that they are done, and passes nothing
// on. What the tree leaves out, the others give each other.
func TestBroadcastIsPulledAroundDroppers(t *testing.T) {
	const n = 1000
	for _, x := range []struct {
		share       float64
		first, last float64 // covered at least after one pull, and after two
	}{{0, 1, 1}, {0.05, 0.97, 1}, {0.1, 0.92, 1}, {0.2, 0.9, 0.999}, {0.25, 0.83, 0.99}} {
		w := newWorld(t, 7, n, wide, Config{})
		for _, i := range w.random.Perm(n - 1)[:int(x.share*n)] {
			w.peers[i+1].drops = true
		}
		for _, p := range w.peers {
			for _, k := range w.random.Perm(len(p.ring.table))[:24] {
				p.core.Up(p.ring.table[k].ID)
				w.byID[p.ring.table[k].ID].core.Up(p.contact.ID)
			}
		}
		message := w.peers[0].broadcast("hear this")
		w.run(tellAfter - time.Second)
		tree := w.covered(message)
		w.run(time.Second + tellSoon/2)
		first, told := w.covered(message), w.told
		w.run(tellSoon)
		second := w.covered(message)
		w.run(tellSoon)
		third := w.covered(message)
		w.run(20 * time.Second)
		t.Logf("%.0f %%: %.4f by the tree, %.4f after a pull, %.4f after two, %.4f after three, %.4f at last; told %d, %d; %d given",
			100*x.share, tree, first, second, third, w.covered(message), told, w.told, w.given)
		if first < x.first || second < x.last || w.covered(message) < 1 {
			t.Errorf("%.0f %%: got %v, %v", 100*x.share, first, second)
		}
		for _, p := range w.peers {
			if p.casts[message] > 1 {
				t.Errorf("delivered %d times", p.casts[message])
			}
		}
		before := w.told
		w.run(time.Minute)
		if w.told != before {
			t.Errorf("told %d times of what is old", w.told-before)
		}
		w.run(5 * time.Minute)
		w.empty()
	}
}

// tellsOf is a peer that has one broadcast of another, and has just told two
// neighbours of it.
func tellsOf(t *testing.T) (w *world, has *Core, tag Tag, m BroadcastMessage) {
	t.Helper()
	w = line(t, []byte{0, 10, 20}, map[int][]int{0: {1, 2}})
	has = w.peers[0].core
	m = BroadcastMessage{Message: w.message(), Body: append(bytes.Clone(w.peers[1].contact.ID[:]), "young"...)}
	if err := has.Broadcast(0, m.Message, m.Body, checksumOf(m.Body)); err != nil {
		t.Fatal(err)
	}
	for _, b := range has.Ready().Broadcasts {
		has.BroadcastDone(0, b.To.ID, m.Message, b.Broadcast.Limit, Outcome{Reached: 1})
	}
	has.Tick(tellAfter)
	for _, b := range has.Ready().BroadcastTags {
		tag = b.Tags[0]
	}
	return w, has, tag, m
}

// A peer gives a broadcast to those whom it told of it, once each.
func TestBroadcastIsGivenOnce(t *testing.T) {
	w, has, tag, m := tellsOf(t)
	for _, x := range []struct {
		name string
		from identity.ID
		want int
	}{
		{"a neighbour", w.peers[1].contact.ID, 1}, {"again", w.peers[1].contact.ID, 0},
		{"a stranger", throwaway(1), 0}, {"another neighbour", w.peers[2].contact.ID, 1},
	} {
		has.BroadcastPull(tellAfter, x.from, []Tag{tag, tag, {1}})
		g := has.Ready().BroadcastGifts
		if len(g) != x.want {
			t.Fatalf("%s: got %d, want %d", x.name, len(g), x.want)
		}
		if len(g) > 0 && (!bytes.Equal(g[0].Broadcast.Body, m.Body) || g[0].Broadcast.Age != tellAfter || g[0].To != x.from) {
			t.Errorf("%s: got %+v", x.name, g[0])
		}
	}
}

// What is old is not given, and nothing is told of it.
func TestBroadcastGrowsOld(t *testing.T) {
	w, has, tag, _ := tellsOf(t)
	old := BroadcastYoung + 2*tellEvery
	has.BroadcastPull(old, w.peers[1].contact.ID, []Tag{tag})
	if g := has.Ready().BroadcastGifts; len(g) != 0 {
		t.Errorf("got %d, want none", len(g))
	}
}

// An answer holds no more than it may, and one broadcast at least.
func TestPullIsBounded(t *testing.T) {
	w := line(t, []byte{0, 10}, map[int][]int{0: {1}})
	c, other := w.peers[0].core, w.peers[1].contact.ID
	var tags []Tag
	for range 6 {
		message := w.message()
		if err := c.Broadcast(0, message, make([]byte, maxPull/2-100), nil); err != nil {
			t.Fatal(err)
		}
		tags = append(tags, TagOf(w.peers[0].contact.ID, message))
		for _, b := range c.Ready().Broadcasts {
			c.BroadcastDone(0, b.To.ID, message, b.Broadcast.Limit, Outcome{Reached: 1})
		}
	}
	c.Tick(tellAfter)
	for i, want := range []int{2, 2, 2, 0} {
		c.Ready()
		c.BroadcastPull(tellAfter, other, tags)
		if g := c.Ready().BroadcastGifts; len(g) != want {
			t.Errorf("question %d: got %d broadcasts, want %d", i, len(g), want)
		}
	}
}

// Whoever tells of broadcasts that nobody has is asked for a bounded number of them,
// leaves room to others, and is forgotten. A body that was not asked for is not looked at.
func TestTellingOfNothing(t *testing.T) {
	w := line(t, []byte{0, 10}, map[int][]int{0: {1}})
	c := w.peers[0].core
	tags := func(k byte) (list []Tag) {
		for i := range 2 * maxWants {
			list = append(list, Tag{k, byte(i)})
		}
		return list
	}
	asked := func() (n int) {
		for _, b := range c.Ready().BroadcastTags {
			n += len(b.Tags)
		}
		return n
	}
	for i, want := range []int{maxWants / 2, maxWants / 4, maxWants / 8} {
		c.BroadcastTold(0, throwaway(i), tags(byte(i)))
		if got := asked(); got < want || got > want+1 {
			t.Errorf("liar %d: asked for %d, want %d", i, got, want)
		}
	}
	c.Tick(pullWait)
	if got := asked(); got != 0 || len(c.wants) != 0 || c.links.byID[throwaway(0)].wants != 0 {
		t.Errorf("asked for %d more, %d are wanted: want none", got, len(c.wants))
	}
	body := append(bytes.Clone(w.peers[1].contact.ID[:]), "unasked"...)
	c.BroadcastGiven(0, throwaway(0), w.peers[1].contact.ID, BroadcastMessage{Message: w.message(), Body: body, Signature: checksumOf(body)})
	if a := c.Ready().BroadcastArrivals; len(a) != 0 {
		t.Errorf("got %d to verify, want none", len(a))
	}
}

// The first that told of a broadcast does not give it, or gives a forgery: the next
// is asked. The tree brings it late: it is delivered once, and counted.
func TestNextTellerIsAsked(t *testing.T) {
	w := line(t, []byte{0, 10}, map[int][]int{0: {1}})
	p, boss := w.peers[0], w.peers[1].contact.ID
	body := append(bytes.Clone(boss[:]), "true"...)
	m := BroadcastMessage{Message: w.message(), Body: body, Signature: checksumOf(body), Age: time.Second}
	tag := TagOf(boss, m.Message)
	p.core.BroadcastTold(0, throwaway(1), []Tag{tag})
	p.core.BroadcastTold(0, throwaway(2), []Tag{tag})
	if r := p.core.Ready().BroadcastTags; len(r) != 1 || r[0].To != throwaway(1) || !r[0].Pull {
		t.Fatalf("asked %v, want the first", r)
	}
	forged := m
	forged.Signature = []byte("x")
	p.core.BroadcastGiven(0, throwaway(1), boss, forged)
	p.pump()
	p.core.Tick(pullWait)
	if r := p.core.Ready().BroadcastTags; len(r) != 1 || r[0].To != throwaway(2) {
		t.Fatalf("asked %v, want the second", r)
	}
	w.now = pullWait
	p.core.BroadcastGiven(w.now, throwaway(2), boss, m)
	p.pump()
	if got := p.casts[m.Message]; got != 1 || len(p.core.wants) != 0 {
		t.Fatalf("delivered %d times, %d wanted; want once and none", got, len(p.core.wants))
	}
	m.Limit = p.contact.Point
	p.core.BroadcastIn(w.now, boss, m)
	a := p.core.Ready().BroadcastAnswers
	if last := len(a) - 1; last < 0 || !a[last].Done || a[last].Reached != 1 {
		t.Errorf("got answers %v, want one peer counted", a)
	}
	p.core.BroadcastIn(w.now, throwaway(3), m)
	if a := p.core.Ready().BroadcastAnswers; a[len(a)-1].Reached != 0 || p.casts[m.Message] != 1 {
		t.Errorf("counted %d times more, delivered %d times", a[len(a)-1].Reached, p.casts[m.Message])
	}
}

// What is kept for others is bounded, a link makes room at its own cost, and leaves
// room to others.
func TestShelfIsBounded(t *testing.T) {
	const size = 1000 // takes 2048
	w := line(t, []byte{0, 10}, map[int][]int{0: {1}})
	c := New(w.peers[0].ring, Config{KeepBroadcasts: 10 * 2048}, w.random)
	bring := func(from identity.ID) {
		m := BroadcastMessage{Message: w.message(), Body: make([]byte, size), Limit: w.peers[0].contact.Point}
		c.BroadcastIn(0, from, m)
		c.BroadcastAccepted(0, c.Ready().BroadcastArrivals[0].Offer, from)
	}
	for range 30 {
		bring(throwaway(1))
	}
	if l := c.links.byID[throwaway(1)]; l.shelved != 5*2048 || c.shelved != 5*2048 || c.pool.held != 5*2048 || l.bytes != 0 {
		t.Errorf("one link keeps %d of %d bytes, %d are held: want half of the bound", l.shelved, c.shelved, c.pool.held)
	}
	bring(throwaway(2))
	if l := c.links.byID[throwaway(2)]; l.shelved != 2048 {
		t.Errorf("another keeps %d bytes, want 2048", l.shelved)
	}
	c.Tick(2 * time.Minute)
	c.Ready()
	c.Ready() // what was handed out is given back
	if c.shelved != 0 || c.pool.held != 0 || len(c.tags) != 0 {
		t.Errorf("%d bytes are kept at last, %d held, %d tags", c.shelved, c.pool.held, len(c.tags))
	}
}
