package chord

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cicada/identity"
)

// However often an allowance is looked at, what was earned is all taken off.
func TestAllowanceKeepsFractions(t *testing.T) {
	const rate, spent = 2000, 100_000
	for _, step := range []time.Duration{70 * time.Microsecond, 333 * time.Microsecond, 700 * time.Microsecond, 1100 * time.Microsecond, time.Second} {
		a := allowance{spent: spent}
		var now time.Duration
		for ; now < 10*time.Second; now += step {
			a.settle(now, rate)
		}
		a.settle(now, rate)
		if want := spent - int(now*rate/time.Second); a.spent < want || a.spent > want+1 {
			t.Errorf("looked at every %v: got %d spent, want %d", step, a.spent, want)
		}
	}
}

// A link that tells as much as it may leaves others a part of what this peer hears.
func TestOneLinkLeavesOthersTheirPart(t *testing.T) {
	c := wideCore(t, 200)
	random := rand.New(rand.NewPCG(2, 2))
	liar, honest := c.successors[0], c.predecessors[0]
	for i := range 200 {
		var hints []*identity.Contact
		for range maxJoined {
			hints = append(hints, randomContact(random))
		}
		c.Step(0, liar, Message{Kind: Changes, Request: uint64(i + 1), Hints: hints, Limits: []uint32{0xffffffff}})
		c.Ready()
	}
	told, most := c.wide.taken.all.spent, c.config.TableBudget*allowedFor*linkPart/linkParts
	if told < most || told > most+messageBytes+4+maxJoined*hintBytes {
		t.Errorf("the liar was heard for %d bytes, want %d and at most a message more", told, most)
	}
	gone := word(c.wide.relays.at(100).Point)
	c.Step(0, honest, Message{Kind: Changes, Request: 1, Left: []uint64{gone}, Limits: []uint32{0xffffffff}})
	if !slices.Contains(c.wide.spread.words, gone) {
		t.Error("an honest link was not heard")
	}
}

// What links told is remembered of a bounded number, and of those that told most.
func TestTakingsAreBounded(t *testing.T) {
	var all takings
	all.spend(0, 2000, identity.ID{1, 1}, 1_000_000)
	for i := range 3 * maxTakings {
		all.spend(0, 2000, identity.ID{2, byte(i)}, 10)
	}
	if got := len(all.links); got != maxTakings {
		t.Errorf("got %d links, want %d", got, maxTakings)
	}
	all.all = allowance{}
	if !all.full(0, 2000, identity.ID{1, 1}) || all.full(0, 2000, identity.ID{3}) {
		t.Error("who told most was forgotten, or who told nothing is refused")
	}
}

// A flood of changes pushes out its own, and none that others told of.
func TestFloodOfChangesLosesItsOwn(t *testing.T) {
	c := wideCore(t, 200)
	s := &c.wide.spread
	random := rand.New(rand.NewPCG(3, 3))
	const honest = 20
	for i := range uint64(honest) {
		c.hearOf(i+1, change{limit: 0xffffffff, from: 1 + i%2})
	}
	for range 2 * maxChanges {
		c.hearOf(random.Uint64()|1<<32, change{limit: 0xffffffff, from: 9})
	}
	if got := len(s.changes); got > maxChanges || len(s.words) != got {
		t.Errorf("got %d changes, %d words, want at most %d", got, len(s.words), maxChanges)
	}
	for i := range uint64(honest) {
		if !slices.Contains(s.words, i+1) {
			t.Errorf("change %d of another link was forgotten", i)
		}
	}
	for i := range s.changes { // what was sent goes before all else
		s.changes[i].sent = s.words[i] > honest && i%2 == 0
	}
	unsent := len(slices.DeleteFunc(slices.Clone(s.changes), func(x change) bool { return x.sent }))
	s.makeRoom()
	if got := len(slices.DeleteFunc(slices.Clone(s.changes), func(x change) bool { return x.sent })); got != unsent {
		t.Errorf("got %d changes that wait, want all %d", got, unsent)
	}
}

// An old record of a peer, told once more, takes nobody's place: neither that of a newer
// record nor, as a hint, that of any.
func TestOldRecordsAreNotTakenBack(t *testing.T) {
	record := func(peer *identity.Contact, sequence uint64) *identity.Contact {
		x := *peer
		x.Sequence, x.Fingerprint = sequence, identity.Fingerprint{byte(sequence)}
		return &x
	}
	c := full()
	newer := record(at(33), 7)
	c.Learn(newer)
	c.Learn(record(at(33), 6))
	if c.Known(newer.Point) != newer {
		t.Error("of a peer that is only known of an older record was taken back")
	}
	w := wideCore(t, 200)
	member := w.wide.relays.at(100)
	if w.entry(member) != nil {
		t.Fatal("the story is of a peer that is not in the table")
	}
	newer = record(member, 7)
	w.enrol(newer, true)
	for name, old := range map[string]*identity.Contact{"record": record(member, 6), "hint": {ID: member.ID, Point: member.Point}} {
		w.enrol(old, true)
		if got := w.wide.find(member.Point); got != newer {
			t.Errorf("an older %s of one of all peers was taken back: number %d", name, got.Sequence)
		}
	}
}
