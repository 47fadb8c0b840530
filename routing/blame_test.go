package routing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"cicada/identity"
	"cicada/wire"
)

// crossing is four peers in a row: an origin, an honest hop, one that is nearer to the
// target, and the target, which both know.
func crossing(t *testing.T) (w *world, origin, far, near, target *peer) {
	w = line(t, []byte{0, 16, 18, 20}, map[int][]int{0: {1, 2}, 1: {3}, 2: {3}, 3: {0}})
	return w, w.peers[0], w.peers[1], w.peers[2], w.peers[3]
}

// firstHop sends a message, waits for its receipt, and returns whom it was handed to first.
func (p *peer) firstHop(to *peer) *peer {
	p.world.t.Helper()
	message, _ := p.send(to, "x", Sending{Routed: true})
	p.world.run(5 * time.Second)
	if _, ok := p.receipts[message]; !ok {
		p.world.t.Errorf("no receipt after 5 s")
	}
	return p.world.peers[p.world.trail(message, "message")[0]]
}

func (p *peer) score(of *peer) int {
	l := p.core.links.byID[of.contact.ID]
	if l == nil {
		return 0
	}
	return l.blame.now(p.world.now)
}

// The best first hop swallows all. After two messages the third begins with another,
// also where it forges receipts; when that was long ago, it has its chance again.
func TestOriginLearnsWhoSwallows(t *testing.T) {
	for _, forges := range []bool{false, true} {
		t.Run(fmt.Sprintf("forges %v", forges), func(t *testing.T) {
			w, origin, far, near, target := crossing(t)
			near.mute = true
			if forges {
				w.meddle = func(from, to *peer, e wire.Envelope) wire.Envelope {
					if to == near {
						forged := receipt(origin, [16]byte(e.Message()), "forged")
						forged[len(forged)-1] ^= 0x55
						nonce := e.Nonce()
						copy(forged[32:48], nonce[:])
						w.cross(near, origin.contact.ID, 0, func(origin *peer) { origin.core.Envelope(w.now, near.contact.ID, forged) })
					}
					return e
				}
			}
			for i, want := range []*peer{near, near, far, far, far} {
				if got := origin.firstHop(target); got != want {
					t.Errorf("message %d began with %v, want %v", i, got.contact.Point[0], want.contact.Point[0])
				}
			}
			w.run(blameForgot)
			near.mute = false
			if got := origin.firstHop(target); got != near {
				t.Errorf("began with %v after all was forgotten, want %v", got.contact.Point[0], near.contact.Point[0])
			}
		})
	}
}

// With copies it is the same: those that were lost in a round without receipt count,
// although the receipt comes back by another way, too.
func TestOriginLearnsFromCopies(t *testing.T) {
	w := line(t, []byte{0, 14, 15, 16, 18, 20}, map[int][]int{0: {1, 2, 3, 4}, 1: {5}, 2: {5}, 3: {5}, 4: {5}, 5: {0}})
	origin, target := w.peers[0], w.peers[5]
	w.meddle = func(from, to *peer, e wire.Envelope) wire.Envelope { // the first round is lost, behind all first hops
		if s := origin.core.sends[[16]byte(e.Message())]; from != origin && to == target && s != nil && s.round == 1 {
			w.cross(to, from.contact.ID, 0, func(back *peer) { back.core.Ack(w.now, to.contact.ID, [16]byte(e.Message()), e.Copy()) })
			return nil
		}
		return e
	}
	message, _ := origin.send(target, "dup", Sending{Duplicates: 1, Routed: true})
	w.run(5 * time.Second)
	if _, ok := origin.receipts[message]; !ok {
		t.Fatal("no receipt after 5 s")
	}
	blamed := 0
	for _, p := range w.peers[1:5] {
		if origin.score(p) > 0 {
			blamed++
		}
	}
	if blamed == 0 || blamed > 2 {
		t.Errorf("%d are blamed, want one or two: those of the first round that did not get the second through", blamed)
	}
}

// A hostile peer behind an honest first hop drops all that comes for one target. Where
// as much goes well that way the hop stays the first. Where nothing else goes there it
// is behind others for a minute and a half at most, whatever was dropped before.
func TestWhoIsBehindCannotFrame(t *testing.T) {
	for _, others := range []bool{true, false} {
		t.Run(fmt.Sprintf("others %v", others), func(t *testing.T) {
			w := line(t, []byte{0, 30, 32, 33, 36, 40}, map[int][]int{0: {1, 2}, 1: {5}, 2: {3, 4}, 3: {2}, 4: {5}, 5: {0}})
			origin, framed, other, bad, target := w.peers[0], w.peers[2], w.peers[3], w.peers[4], w.peers[5]
			bad.mute = true
			longest, since := time.Duration(0), time.Duration(0)
			for range 120 {
				if others {
					if got := origin.firstHop(other); got != framed {
						t.Fatalf("%v: a message that has nothing to do with the hostile peer began with %v", w.now, got.contact.Point[0])
					}
				}
				at := w.now
				if origin.firstHop(target) == framed {
					longest, since = max(longest, at-since), at
				}
			}
			longest = max(longest, w.now-since)
			if most := blameHalf*3/2 + 10*time.Second; longest > most {
				t.Errorf("the framed one was behind others for %v, want %v at most", longest, most)
			}
		})
	}
}

// What a relay says costs nobody anything: it refuses, or complains of another, or the
// target is not there at all.
func TestWordsBlameNobody(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		w, origin, far, near, target := crossing(t)
		near.ring.table = nil // knows nobody nearer
		for range 5 {
			if got := origin.firstHop(target); got != near {
				t.Errorf("began with %v, want %v", got.contact.Point[0], near.contact.Point[0])
			}
			for _, p := range []*peer{far, near} {
				origin.core.Refusal(w.now, target.contact.ID, w.message(), 0, wire.ReasonStuck)
				if got := origin.score(p); got != 0 {
					t.Errorf("got score %d, want 0", got)
				}
			}
		}
	})
	t.Run("refused in a round that failed", func(t *testing.T) {
		w, origin, far, near, target := crossing(t)
		near.ring.table = nil
		far.mute = true
		w.at(100*time.Millisecond, func() { far.mute = false })
		if got := origin.firstHop(target); got != near {
			t.Errorf("began with %v, want %v", got.contact.Point[0], near.contact.Point[0])
		}
		if got := origin.score(near); got != 0 {
			t.Errorf("got score %d, want 0", got)
		}
	})
	t.Run("no target", func(t *testing.T) {
		w, origin, far, near, target := crossing(t)
		target.dead = true
		for range 5 {
			message, _ := origin.send(target, "x", Sending{Routed: true})
			w.run(15 * time.Second)
			if origin.failures[message] == nil {
				t.Fatal("got no failure")
			}
		}
		if a, b := origin.score(far), origin.score(near); a != 0 || b != 0 {
			t.Errorf("got scores %d and %d, want 0", a, b)
		}
	})
}

// A target that lets the first round pass, and answers the second, is not blamed as a
// hop; and one that answers what is its own is not forgiven what it drops of others.
func TestTargetsAreNoHops(t *testing.T) {
	w := line(t, []byte{0, 16, 18, 20}, map[int][]int{0: {1, 2}, 1: {2, 3}, 2: {3}, 3: {0}})
	origin, near, target := w.peers[0], w.peers[2], w.peers[3]
	near.ring.table = append(near.ring.table, origin.contact)
	deaf := true
	w.meddle = func(from, to *peer, e wire.Envelope) wire.Envelope {
		if to == near && deaf && from == origin {
			w.cross(near, origin.contact.ID, 0, func(back *peer) { back.core.Ack(w.now, near.contact.ID, [16]byte(e.Message()), e.Copy()) })
			return nil
		}
		return e
	}
	origin.firstHop(near)
	if got := origin.score(near); got != 0 {
		t.Errorf("the target got score %d, want 0", got)
	}
	origin.firstHop(target)
	lost := origin.score(near)
	if lost == 0 {
		t.Error("the same peer as a hop got score 0, want more")
	}
	deaf = false
	origin.core.links.byID[near.contact.ID].blame.lose(w.now)
	lost = origin.score(near)
	if !origin.core.links.shuns(w.now, near.contact.ID) {
		t.Error("it is not shunned after two losses")
	}
	before := w.now
	if got := origin.firstHop(near); got != near {
		t.Errorf("a message to it began with %v", got.contact.Point[0])
	}
	if got, want := origin.score(near), lost-lost/4; got < want && w.now-before < blameHalf/2 {
		t.Errorf("got score %d after a message to itself, want %d or more", got, want)
	}
}

// Whoever is blamed, there are as many paths as before; if all are, it is the paths of before.
func TestBlameCostsNoPath(t *testing.T) {
	for _, s := range []shape{full, classic, wide} {
		w := newWorld(t, 51, 40, s, Config{})
		moved := 0
		for range 200 {
			from, to := w.pair()
			m := Sending{Duplicates: w.random.IntN(8), Routed: true}
			want := from.core.Paths(to.contact.Point, m.Duplicates+1)
			share := w.random.Float64()
			for _, contact := range from.ring.table {
				if w.random.Float64() < share {
					from.core.links.reach(contact.ID).blame = blame{mostBlame, w.now}
					from.core.links.blamed = w.now + blameForgot
				}
			}
			message, got := from.send(to, "x", m)
			if got != want {
				t.Fatalf("%v: got %d copies, want %d", s, got, want)
			}
			for _, i := range w.trail(message, "message")[:got] {
				if from.score(w.peers[i]) == 0 && share > 0.3 {
					moved++
				}
			}
			w.run(5 * time.Second)
			if _, ok := from.receipts[message]; !ok {
				t.Fatalf("%v: no receipt", s)
			}
			for _, l := range from.core.links.byID {
				l.blame = blame{}
			}
		}
		if moved == 0 {
			t.Errorf("%v: nobody was chosen for not being blamed: the story did not happen", s)
		}
	}
}

// From the fourth round on blame counts for nothing, and in each round for the first try only.
func TestBlameEnds(t *testing.T) {
	w := line(t, []byte{0, 14, 16, 18, 20}, map[int][]int{0: {1, 2, 3}, 2: {4}, 3: {4}, 4: {0}})
	origin, far, near, target := w.peers[0], w.peers[2], w.peers[3], w.peers[4]
	shun := func() {
		origin.core.links.reach(near.contact.ID).blame = blame{mostBlame, w.now}
		origin.core.links.blamed = w.now + blameForgot
	}
	shun()
	far.dead, w.peers[1].dead = true, true
	message, _ := origin.send(target, "x", Sending{Routed: true})
	w.run(time.Second)
	if got, want := w.trail(message, "message"), []int{2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("got trail %v, want %v: who is shunned is next where the other is silent", got, want)
	}
	far.dead = false
	w.run(maxSuspicion)
	shun()
	s := &send{}
	for round, want := range []*peer{far, far, far, near} {
		x := &entry{send: s, round: round + 1, from: origin.core.own}
		e := seal(wire.EnvelopeMessage, w.message(), origin.contact.ID, "x")
		copy(x.header[:], e)
		target := target.contact.Point
		copy(x.header[48:80], target[:])
		if _, got := origin.core.choose(w.now, x); got != want.contact {
			t.Errorf("round %d began with %v, want %v", round+1, got.Point[0], want.contact.Point[0])
		}
	}
}

// A first hop that is much further away than the one that is shunned is none in its place,
// unless it is as near as the neighbours.
func TestAsGood(t *testing.T) {
	w := line(t, []byte{0, 4, 200}, map[int][]int{0: {1, 2}})
	origin := w.peers[0]
	for _, test := range []struct {
		other, best identity.Point
		near        int
		want        bool
	}{
		{identity.Point{100}, identity.Point{101}, 0, true},
		{identity.Point{100 - 16}, identity.Point{101}, 0, true},
		{identity.Point{100 - 32}, identity.Point{101}, 0, false},
		{identity.Point{100 + 32}, identity.Point{101}, 0, false},
		{identity.Point{100 - 32}, identity.Point{100}, 0, false},
		{identity.Point{104}, identity.Point{100, 1}, 1, true},
		{identity.Point{104, 1}, identity.Point{100, 1}, 1, false},
		{identity.Point{104}, identity.Point{100, 1}, 0, false},
	} {
		origin.ring.near = test.near
		if got := origin.core.isAsGood(identity.Point{100}, &test.other, &test.best); got != test.want {
			t.Errorf("%v for %v, %d neighbours: got %v, want %v", test.other[:2], test.best[:2], test.near, got, test.want)
		}
	}
}

// Blame has a bound, and is half as much after a minute: who was blamed most is shunned no
// more after a minute and a half.
func TestBlameDecays(t *testing.T) {
	var b blame
	b.lose(1)
	b.lose(1) // the same message
	if got := b.now(1); got != oneLoss {
		t.Errorf("got %d, want %d", got, oneLoss)
	}
	for i := range 100 {
		b.lose(time.Duration(i + 2))
	}
	for _, test := range []struct {
		age  time.Duration
		want int
	}{
		{0, mostBlame}, {30 * time.Second, mostBlame * 3 / 4}, {time.Minute, mostBlame / 2}, {90 * time.Second, shunned},
		{91 * time.Second, shunned - 4}, {2 * time.Minute, oneLoss}, {12 * time.Minute, 0},
	} {
		if got := b.now(101 + test.age); got != test.want {
			t.Errorf("got %d after %v, want %d", got, test.age, test.want)
		}
	}
	b.forgive(101)
	if got := b.now(101); got != oneLoss {
		t.Errorf("got %d after a copy that got through, want %d", got, oneLoss)
	}
}

// Blame is kept with what is remembered of a neighbour anyhow, and no longer: newcomers
// displace who is blamed as they do anybody.
func TestBlameIsForgottenWithItsLink(t *testing.T) {
	w, origin, _, near, _ := crossing(t)
	c := origin.core
	c.links.reach(near.contact.ID).blame.lose(w.now + 1)
	for i := range 2 * maxLinks {
		c.links.use(throwaway(i))
	}
	if c.links.byID[near.contact.ID] != nil || len(c.links.byID) > maxLinks {
		t.Errorf("got %d links, one of them blamed: %v; want %d and no", len(c.links.byID), c.links.byID[near.contact.ID] != nil, maxLinks)
	}
}
