package chord

import (
	"slices"
	"testing"

	"cicada/identity"
)

// A searcher is a core whose lookup of a key far off nobody answers, so that it
// searches for it, and all whom it asks.
type searcher struct {
	*Core
	asked   []byte
	answers []Answer
}

// searching returns one that has just begun to search for 200.
func searching(t *testing.T) *searcher {
	t.Helper()
	c := full()
	c.Lookup(0, identity.Point{200})
	c.now = searchAfter - 1
	if c.tickSearches(); len(c.searches) > 0 {
		t.Fatal("it searches too soon")
	}
	c.Ready()
	c.now = searchAfter
	c.tickSearches()
	if c.tickSearches(); len(c.searches) != 1 {
		t.Fatalf("it searches %d times", len(c.searches))
	}
	return &searcher{Core: c}
}

// answer has whoever was asked answer as it is told, until nobody is asked any more.
func (s *searcher) answer(t *testing.T, as func(who byte) Message) {
	t.Helper()
	for round := 0; ; round++ {
		var questions []Outgoing
		ready := s.Ready()
		s.answers = append(s.answers, ready.Answers...)
		for _, out := range ready.Messages {
			if out.Message.Kind == Query {
				questions = append(questions, out)
			}
		}
		if len(questions) == 0 {
			return
		}
		if round > 2*searchBudget {
			t.Fatal("it asks on and on")
		}
		for _, q := range questions {
			who := q.To.Point[0]
			s.asked = append(s.asked, who)
			m := as(who)
			m.Kind, m.Request, m.Member = Peers, q.Message.Request, true
			s.Step(s.now, q.To, m)
		}
	}
}

// naming returns an answer that names some peers.
func naming(exact bool, who ...byte) Message {
	m := Message{Exact: exact}
	m.order(nil, contacts(who...))
	return m
}

// Three branches begin with three peers. Whom one of them has asked no other asks: all
// of them hear of the same two peers, and each is asked once.
func TestBranchesShareNoPeer(t *testing.T) {
	s := searching(t)
	s.answer(t, func(who byte) Message { return naming(false, 195, 190) })
	slices.Sort(s.asked)
	if len(s.asked) < searchBranches+1 || len(slices.Compact(slices.Clone(s.asked))) != len(s.asked) {
		t.Errorf("asked %v: want several, each once", s.asked)
	}
	if len(s.answers) > 0 || len(s.searches) > 0 {
		t.Error("it did not end, or ended with an answer")
	}
}

// Who leads a branch on and on, by peers that are nearer and nearer, has it for a few
// steps: then it begins anew elsewhere. All in all there are not too many questions.
func TestABranchIsNotLedOnForEver(t *testing.T) {
	s := searching(t)
	next := byte(140)
	led := map[byte]int{} // how many steps from an honest peer on
	s.answer(t, func(who byte) Message {
		if next++; next >= 200 || len(s.asked) > searchBudget {
			return naming(false)
		}
		led[next] = led[who] + 1
		return naming(false, next)
	})
	if len(s.asked) > searchBudget {
		t.Errorf("%d questions", len(s.asked))
	}
	for _, who := range s.asked {
		if led[who] >= searchSteps {
			t.Errorf("%d was asked after %d steps", who, led[who])
		}
	}
	for _, who := range []byte{130, 120, 110, 70, 80, 90} {
		if !slices.Contains(s.asked, who) {
			t.Errorf("asked %v, and not %d", s.asked, who)
		}
	}
}

// Who knows the owner names it first, and that one is asked next, before peers that
// are nearer on the other side. What it says of itself, and those around it, ends the
// search and the lookup.
func TestASearchEndsWithTheOwnersWord(t *testing.T) {
	s := searching(t)
	s.answer(t, func(who byte) Message {
		switch who {
		case 210:
			m := naming(true, 199, 210, 215, 220)
			m.Owns = true
			return m
		case 130, 199, 215, 220:
			return naming(true, 210, 199)
		}
		return naming(false)
	})
	if at := slices.Index(s.asked, 210); at < 0 || at > searchBranches || len(s.searches) > 0 || len(s.own) > 0 {
		t.Errorf("asked %v; %d searches go on", s.asked, len(s.searches))
	}
	if len(s.answers) != 1 || s.answers[0].Owner.ID != at(210).ID || s.answers[0].Hops != 2 || s.answers[0].Asked != len(s.asked) {
		t.Errorf("answered with %+v, want 210, after two hops", s.answers)
	}
}

// An answer that claims to be exact, and names nobody, leads nowhere.
func TestAnExactAnswerMayNameNobody(t *testing.T) {
	s := searching(t)
	s.answer(t, func(who byte) Message {
		if who == 130 {
			return naming(false, 190, 192, 195)
		}
		return naming(true)
	})
	if len(s.searches) > 0 || len(s.answers) > 0 {
		t.Error("it goes on, or ended with an answer")
	}
}

// Somebody of the table may have been lost a moment ago, on others' word: a search that
// has nobody else asks that one as well, once, and does not look for it for ever.
func TestASearchAmongTheLost(t *testing.T) {
	c := full()
	for i := range c.table {
		c.lost.add(c.table[i].contact, c.now, true)
	}
	c.Lookup(0, at(55).Point)
	c.Ready()
	c.beginSearch(&c.own[0])
	asked := map[identity.ID]int{}
	for len(c.searches) > 0 && len(asked) < 100 {
		i := slices.IndexFunc(c.requests, func(r request) bool { return r.purpose == forSearch })
		if i < 0 {
			t.Fatal("a search asks nobody")
		}
		asked[c.requests[i].to.ID]++
		c.unanswered(i)
	}
	if len(asked) != len(c.table) {
		t.Errorf("asked %d peers of %d: %v", len(asked), len(c.table), asked)
	}
	for id, n := range asked {
		if n != 1 {
			t.Errorf("%v was asked %d times", id, n)
		}
	}
}
