package chord

import (
	"math/rand/v2"
	"slices"
	"testing"

	"cicada/identity"
	"cicada/trace"
)

// TestListsAreReadAsTheyWere names peers to somebody who has some of the records.
func TestListsAreReadAsTheyWere(t *testing.T) {
	successors, predecessors := contacts(110, 120, 130, 140), contacts(90, 80, 140)
	for _, test := range []struct {
		name    string
		known   []*identity.Contact
		records int
	}{
		{"nothing", nil, 6}, {"a stranger", contacts(1), 6}, {"some", contacts(80, 1, 120), 4},
		{"all", contacts(80, 90, 110, 120, 130, 140), 0},
	} {
		l := NewLists(fingerprints(test.known), predecessors[0], successors, predecessors)
		if got := len(l.Records); got != test.records {
			t.Errorf("known: %s: got %d records, want %d", test.name, got, test.records)
		}
		m := Message{Kind: State, Lists: l}
		if fault := m.fault(); fault != "" || !m.read(test.known) {
			t.Errorf("known: %s: got fault %q", test.name, fault)
		}
		if !same(m.Predecessor, predecessors[0]) || points(m.Successors) != points(successors) || points(m.Predecessors) != points(predecessors) {
			t.Errorf("known: %s: got %x and %x", test.name, points(m.Successors), points(m.Predecessors))
		}
	}
	unsigned := at(110)
	unsigned.Fingerprint = identity.Fingerprint{}
	if l := NewLists([]identity.Fingerprint{{}}, nil, []*identity.Contact{unsigned}, nil); len(l.Records) != 1 {
		t.Error("a record without a fingerprint was taken for one that is known")
	}
	newer := at(110)
	newer.Fingerprint[1]++
	if l := NewLists(fingerprints(contacts(110)), nil, []*identity.Contact{newer}, nil); len(l.Records) != 1 {
		t.Error("a newer record was taken for the one that is known")
	}
}

// TestListsThatBreakRulesAreRefused answers a question with numbers that mean
// nothing, and then rightly: only the right answer counts.
func TestListsThatBreakRulesAreRefused(t *testing.T) {
	const known = knownMark
	two := contacts(120, 130)
	for _, test := range []struct {
		name  string
		lists Lists
	}{
		{"a record that is not there", Lists{Records: two, Successors: []byte{0, 2}}},
		{"one that was not offered", Lists{Records: two, Successors: []byte{0, known + 6}}},
		{"the last number there is", Lists{Records: two, Predecessors: []byte{255}}},
		{"a predecessor that was not offered", Lists{Predecessor: []byte{known + 63}}},
		{"a record twice", Lists{Records: two, Successors: []byte{0, 1, 0}}},
		{"a known one twice", Lists{Records: two, Predecessors: []byte{known, known}}},
		{"two predecessors", Lists{Records: two, Predecessor: []byte{0, 1}}},
		{"too long a list", Lists{Records: two, Successors: make([]byte, maxList+1)}},
		{"too many records", Lists{Records: make([]*identity.Contact, maxList+1)}},
		{"a hole", Lists{Records: []*identity.Contact{nil}}},
	} {
		c := full()
		c.Stabilize(0)
		ask := replies(c, 110, Ask)[0]
		before := state(c)
		answer := Message{Kind: State, Request: ask.Request, Member: true, Lists: &test.lists}
		c.Step(1, at(110), answer)
		blamed := slices.ContainsFunc(c.Ready().Events, func(e trace.Event) bool { return e.Kind == trace.Violation && e.Other == at(110).ID })
		if !blamed || state(c) != before {
			t.Errorf("%s: blamed %v, changed %v, want blamed and unchanged", test.name, blamed, state(c) != before)
		}
		answer.Lists = NewLists(ask.Known, c.self, contacts(120, 125, 130), nil)
		c.Step(2, at(110), answer)
		if got, want := points(c.Successors()), "\x6e\x78\x7d"; got != want {
			t.Errorf("%s, then a right answer: got %x, want %x", test.name, got, want)
		}
	}
}

// TestNumbersNeedAnOffer answers a question that offered nothing with places in it.
func TestNumbersNeedAnOffer(t *testing.T) {
	c := full()
	c.Stabilize(0)
	ask := replies(c, 110, Ask)[0]
	c.requests[slices.IndexFunc(c.requests, func(r request) bool { return r.number == ask.Request })].offered = nil
	c.Step(1, at(110), Message{Kind: State, Request: ask.Request, Member: true, Lists: &Lists{Successors: []byte{knownMark}}})
	if events := c.Ready().Events; len(events) != 1 || events[0].Kind != trace.Violation {
		t.Errorf("got %v, want a violation", events)
	}
}

// TestOfferIsWhatIsNear looks at what a question names as known.
func TestOfferIsWhatIsNear(t *testing.T) {
	c := full()
	c.Stabilize(0)
	ask := c.requests[slices.IndexFunc(c.requests, func(r request) bool { return r.purpose == forSuccessor })]
	if got, want := points(ask.offered), "\x64\x78\x82"; got != want {
		t.Errorf("offered to 110: got %x, want %x: itself, and the successors but 110", got, want)
	}
	sent := replies(c, 110, Ask)[0]
	var again []Message
	for len(again) == 0 {
		c.Tick(c.Next())
		again = replies(c, 110, Ask)
	}
	if len(again) != 1 || again[0].Request != sent.Request || !slices.Equal(again[0].Known, sent.Known) {
		t.Errorf("asked again: got %+v, want %+v", again, sent)
	}
	most := New(at(0), Config{Successors: maxSuccessors, TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
	for n := range byte(100) {
		most.members = append(most.members, at(n+1))
	}
	if got := len(most.offer(at(200), After|Before)); got != maxKnown {
		t.Errorf("of 100 peers: offered %d, want %d", got, maxKnown)
	}
}

// TestNewsIsAskedOfWhoHasIt has a peer hear of news from its neighbours: it asks
// whose news it is, for the difference to what it has; both, where there is none.
func TestNewsIsAskedOfWhoHasIt(t *testing.T) {
	const after, before = 7, 8 // versions that it has seen
	for _, test := range []struct {
		name string
		from byte
		says Message
		asks []uint64
	}{
		{"what is known", 110, Message{Kind: Ping, Version: 7}, []uint64{after, before}},
		{"a stranger's version", 50, Message{Kind: Ping, Version: 9}, []uint64{after, before}},
		{"the successor's new version", 110, Message{Kind: Ping, Version: 9}, []uint64{after}},
		{"the predecessor's new version", 90, Message{Kind: Ping, Version: 9}, []uint64{before}},
		{"news of the successor", 110, Message{Kind: Notify}, []uint64{after}},
		{"news of the predecessor", 90, Message{Kind: Notify}, []uint64{before}},
	} {
		c := full()
		c.period, c.quiet, c.knownTo, c.heed = c.config.StabilizeMax, true, true, 0
		c.seenOf, c.seenVersion, c.seenBefore = at(110).ID, after, before
		c.Step(1, at(test.from), test.says)
		c.Stabilize(2)
		var asks []uint64
		for _, out := range c.Ready().Messages {
			if m := out.Message; m.Kind == Ask {
				asks = append(asks, m.Version)
				if want := map[uint64]Sides{after: After, before: Before}[m.Version]; len(m.Known) > 0 || m.Sides != want {
					t.Errorf("heard %s: got sides %d and %d records, want %d and none", test.name, m.Sides, len(m.Known), want)
				}
			}
		}
		if !slices.Equal(asks, test.asks) {
			t.Errorf("heard %s: asked with versions %v, want %v", test.name, asks, test.asks)
		}
	}
}

// TestDifferencesAreToWhatWasTold has a peer tell its lists twice, the second time to
// one that has the first.
func TestDifferencesAreToWhatWasTold(t *testing.T) {
	for _, sides := range []Sides{After, Before, After | Before} {
		c := full()
		c.Step(0, at(90), Message{Kind: Ask, Request: 1, Sides: sides})
		first := replies(c, 90, State)[0]
		first.read(nil)
		c.Step(1, at(105), Message{Kind: Notify, Request: 5})
		c.Step(1, at(95), Message{Kind: Notify, Request: 5}) // a predecessor, and news
		c.setSuccessors(contacts(105, 110, 120))
		c.Ready()
		c.Step(2, at(90), Message{Kind: Ask, Request: 2, Sides: sides, Version: first.Version})
		second := replies(c, 90, State)[0]
		has := first.edition()
		if second.Base != first.Version || !second.read(has.peers(sides, at(90))) {
			t.Fatalf("sides %d: got %+v, want a difference to %d", sides, second, first.Version)
		}
		var after, before string
		if sides&After != 0 {
			after = points(c.Successors())
		}
		if sides&Before != 0 {
			before = points(c.Predecessors())
		}
		if points(second.Successors) != after || points(second.Predecessors) != before || !same(second.Predecessor, c.Predecessor()) {
			t.Errorf("sides %d: got %x and %x, want %x and %x", sides, points(second.Successors), points(second.Predecessors), after, before)
		}
		if n := len(second.Lists.Records); n > 2 {
			t.Errorf("sides %d: got %d records, want those two that are new at most", sides, n)
		}
		c.Step(3, at(90), Message{Kind: Ask, Request: 3, Sides: sides, Version: 12345})
		if whole := replies(c, 90, State)[0]; whole.Base != 0 || !whole.read(nil) {
			t.Errorf("sides %d: got %+v, want all, for nobody was told version 12345", sides, whole)
		}
	}
}

// TestADifferenceToAnotherVersionIsRefused answers a question with a difference to
// lists that the asker never had.
func TestADifferenceToAnotherVersionIsRefused(t *testing.T) {
	c := full()
	c.Stabilize(0)
	ask := replies(c, 110, Ask)[0]
	c.Step(1, at(110), Message{Kind: State, Request: ask.Request, Member: true, Version: 9, Base: 3, Lists: whole(c.self, 120)})
	if events := c.Ready().Events; len(events) != 1 || events[0].Kind != trace.Violation {
		t.Errorf("got %v, want a violation", events)
	}
}

// TestAnswersOfAnEarlierLifeAreNotRead restarts a peer that waits for lists.
func TestAnswersOfAnEarlierLifeAreNotRead(t *testing.T) {
	ask := func(seed uint64) (*Core, Message) {
		c := New(at(100), Config{Successors: 3, TableBudget: -1}, rand.New(rand.NewPCG(seed, 1)))
		c.Join(0, at(1))
		c.joinAsk(at(110), forJoinAfter)
		return c, replies(c, 110, Ask)[0]
	}
	_, before := ask(1)
	c, now := ask(2)
	if before.Request == now.Request {
		t.Fatalf("both lives begin with request %d", now.Request)
	}
	c.Step(1, at(110), Message{Kind: State, Request: before.Request, Member: true, Lists: whole(at(90), 120)})
	if got := c.Mode(); got != Joining || c.join.met != nil {
		t.Errorf("an answer to an earlier life was read: %v", got)
	}
}

// TestOwnersAnswerAndOthersPassOn looks up a key of the peer, and one of another.
func TestOwnersAnswerAndOthersPassOn(t *testing.T) {
	c := full()
	m := Message{Kind: Lookup, Lookup: trace.MessageID{1}, Key: identity.Point{95}, Trail: []identity.ID{at(50).ID}}
	c.Step(1, at(50), m)
	if got := replies(c, 50, Found); len(got) != 1 || got[0].Peer != c.self {
		t.Errorf("got %+v, want itself", got)
	}
	m.Lookup, m.Key = trace.MessageID{2}, identity.Point{115}
	c.Step(1, at(50), m)
	if passed := replies(c, 120, Lookup); len(passed) != 1 || passed[0].Key != m.Key {
		t.Errorf("passed on as %+v", passed)
	}
}
