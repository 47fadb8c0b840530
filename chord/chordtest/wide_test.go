package chordtest

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
)

// wide returns a network of peers at rest that all know each other.
func wide(t *testing.T, size int, sent func(from, to *identity.Contact, m chord.Message)) (*Net, []*Peer) {
	t.Helper()
	n := resting(NetConfig{Seed: 4, Sent: sent}, size)
	live := n.Live()
	for _, p := range live {
		if got := p.Core.Reach(); got != size-1 {
			t.Fatalf("%v knows %d peers, want %d", p.Contact, got, size-1)
		}
	}
	return n, live
}

// stranger returns a peer that is in no ring of these tests.
func stranger() *identity.Contact { return Contacts(1, rand.New(rand.NewPCG(9, 9)))[0] }

// tellings counts how often each peer is told of a change.
type tellings map[identity.ID]int

func word(p identity.Point) uint64 { return binary.BigEndian.Uint64(p[:]) }

// TestAChangeIsToldOnce has a peer of a hundred vanish, and ten more that would pass on
// that it did: each of the others hears of it, hardly anybody twice, and then nobody
// knows it any more.
func TestAChangeIsToldOnce(t *testing.T) {
	const size = 100
	var gone uint64
	told := tellings{}
	n, live := wide(t, size, func(_, to *identity.Contact, m chord.Message) {
		for _, w := range m.Left {
			if w == gone {
				told[to.ID]++
			}
		}
	})
	victim := live[40]
	gone = word(victim.Contact.Point)
	n.Silence(victim)
	for i := 45; i < 95; i += 5 {
		n.Silence(live[i])
	}
	n.Run(time.Minute)
	messages := 0
	for _, p := range n.Live() {
		messages += told[p.Contact.ID]
		if told[p.Contact.ID] == 0 && p != live[41] {
			t.Errorf("%v was not told", p.Contact)
		}
	}
	if messages > size+size/4 {
		t.Errorf("told %d times, want about once each", messages)
	}
	n.Run(6 * time.Minute) // a look at fingers may bring it back for a while
	for _, p := range n.Live() {
		if p.Core.Find(victim.Contact.Point) != nil {
			t.Errorf("%v still knows it", p.Contact)
		}
	}
}

// TestAJoinIsTold has a peer join: all know it, and it knows all.
func TestAJoinIsTold(t *testing.T) {
	const size = 100
	n, live := wide(t, size, nil)
	p := n.Add(stranger())
	n.Join(p, live[3].Contact)
	n.Run(time.Minute)
	if p.Core.Reach() != size {
		t.Errorf("it knows %d peers, want %d", p.Core.Reach(), size)
	}
	for _, other := range live {
		if other.Core.Find(p.Contact.Point) == nil {
			t.Errorf("%v does not know it", other.Contact)
		}
	}
}

// TestForgedLeavesKillNobody has one member say of another, all round the ring, that
// it is gone: it says itself that it is not, and all go on knowing it.
func TestForgedLeavesKillNobody(t *testing.T) {
	const size = 60
	n, live := wide(t, size, nil)
	liar, victim := live[5], live[30]
	for i, p := range live {
		if p == victim || p == liar {
			continue
		}
		p.Core.Step(n.Now(), liar.Contact, chord.Message{Kind: chord.Changes, Request: uint64(i + 1),
			Left: []uint64{word(victim.Contact.Point)}, Limits: []uint32{uint32(word(liar.Contact.Point) >> 32)}})
		n.Do(p, func(time.Duration) {})
		if p.Core.Find(victim.Contact.Point) == nil {
			t.Errorf("%v believed it at once", p.Contact)
		}
	}
	n.Run(3 * time.Minute)
	for _, p := range live {
		if p != victim && p.Core.Find(victim.Contact.Point) == nil {
			t.Errorf("%v does not know it any more", p.Contact)
		}
	}
}

// TestForgedJoinsAreForgotten tells of a peer that does not exist: whoever uses it
// forgets it.
func TestForgedJoinsAreForgotten(t *testing.T) {
	n, live := wide(t, 60, nil)
	p := live[7]
	nobody := stranger()
	limit := []uint32{uint32(word(p.Contact.Point) >> 32)}
	p.Core.Step(n.Now(), live[8].Contact, chord.Message{Kind: chord.Changes, Request: 1, Hints: []*identity.Contact{nobody}, Limits: limit})
	if p.Core.Find(nobody.Point) == nil {
		t.Fatal("it is not known")
	}
	n.Do(p, func(now time.Duration) { p.Core.Doubt(now, nobody.ID) })
	n.Run(10 * time.Second)
	if p.Core.Find(nobody.Point) != nil {
		t.Error("it is still known")
	}
	nobody = Contacts(1, rand.New(rand.NewPCG(8, 8)))[0]
	p.Core.Step(n.Now(), live[8].Contact, chord.Message{Kind: chord.Changes, Request: 2, Hints: []*identity.Contact{nobody}, Limits: limit})
	if p.Core.Find(nobody.Point) == nil {
		t.Fatal("another one is not known")
	}
	p.Core.Unreachable(n.Now(), nobody.ID)
	if p.Core.Find(nobody.Point) != nil {
		t.Error("it is known, though it could not be dialled")
	}
}

// TestMixedSwarms has every third peer spend nothing on it: the others know all the
// same who comes and goes, also of those, to whom nothing is told and from whom nothing
// is heard.
func TestMixedSwarms(t *testing.T) {
	narrow := map[identity.ID]bool{}
	n := NewNet(NetConfig{Seed: 4, Sent: func(from, to *identity.Contact, m chord.Message) {
		if narrow[from.ID] && (m.Kind == chord.Changes || m.Wide) {
			t.Errorf("%v said %s", from, Describe(&m))
		}
	}})
	contacts := Contacts(90, rand.New(rand.NewPCG(3, 3)))
	for i, contact := range contacts {
		n.config.Chord.TableBudget = 0
		if i%3 == 0 {
			n.config.Chord.TableBudget, narrow[contact.ID] = -1, true
		}
		p := n.Add(contact)
		if i == 0 {
			n.Start(p)
		} else {
			n.Join(p, contacts[0])
		}
		n.Run(time.Second)
	}
	n.Run(20 * time.Minute)
	gone := []*Peer{n.Peer(contacts[30].ID), n.Peer(contacts[31].ID)} // one of each sort
	for _, p := range gone {
		n.Silence(p)
	}
	n.Run(10 * time.Minute)
	for _, p := range n.Live() {
		if narrow[p.Contact.ID] {
			continue
		}
		if got := p.Core.Reach(); got < 87-1 {
			t.Errorf("%v knows %d peers, want 87", p.Contact, got)
		}
		for _, g := range gone {
			if p.Core.Find(g.Contact.Point) != nil {
				t.Errorf("%v still knows one who is gone", p.Contact)
			}
		}
	}
}
