package chord

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cicada/chord/internal/model"
	"cicada/identity"
)

// A trial is a lookup of peer 100 in a ring of peers at 10, 20 … 250, of which some lie
// and some are dead. Its lookups and questions are answered as they would be.
type trial struct {
	*Core
	t       *testing.T
	key     identity.Point
	found   byte                       // whom the first answer of the lookup names; 0: nobody answers it
	lies    map[byte]func(Message) any // what they answer to a question: a Message, or nil for nothing
	asked   []byte
	answers []Answer
}

func newTrial(t *testing.T, key, found byte) *trial {
	return &trial{Core: full(), t: t, key: identity.Point{key}, found: found, lies: map[byte]func(Message) any{}}
}

// silent is a lie: none.
func silent(Message) any { return nil }

// claims returns the lie that a key is one's own, amid some neighbours.
func claims(neighbours ...byte) func(Message) any {
	return func(Message) any {
		m := naming(true, neighbours...)
		m.Owns = true
		return m
	}
}

// around returns peers of the ring, in order, from the first at or behind a key on.
func (x *trial) around(key byte, n int) (list []byte) {
	at := (int(key) + 9) / 10 * 10
	for ; len(list) < n; at += 10 {
		if at > 250 {
			at = 10
		}
		list = append(list, byte(at))
	}
	return list
}

// honest is what a good peer answers: what is in its lists of three, or who of ten
// steps round the ring is nearest to the key.
func (x *trial) honest(who byte, q Message) Message {
	key := q.Key[0]
	if d := int(who) - int(key); d > -30 && d < 30 {
		names := x.around(key, q.Count)
		m := Message{Exact: true, Owns: names[0] == who}
		if q.Behind {
			names = append([]byte{names[0] - 10}, names[:min(len(names), 4)]...)
		}
		m.order(nil, contacts(names...))
		return m
	}
	if who < key {
		return naming(false, key/10*10-10, key/10*10-20)
	}
	return naming(false, key/10*10+30, key/10*10+40)
}

// run has all that is asked answered, until the lookup is over.
func (x *trial) run() (owner byte, asked int) {
	x.t.Helper()
	for x.now < time.Minute {
		ready := x.Ready()
		x.answers = append(x.answers, ready.Answers...)
		if len(x.answers) > 0 {
			break
		}
		if len(ready.Messages) == 0 {
			x.Tick(x.Next())
		}
		for _, out := range ready.Messages {
			x.reply(out)
		}
	}
	if len(x.answers) != 1 {
		x.t.Fatalf("%d answers, having asked %v", len(x.answers), x.asked)
	}
	a := x.answers[0]
	if a.Err != nil {
		return 0, a.Asked
	}
	if last := a.Trail[len(a.Trail)-1]; last != a.Owner.ID || a.Trail[0] != x.self.ID {
		x.t.Errorf("the trail %v does not lead to the owner", a.Trail)
	}
	return a.Owner.Point[0], a.Asked
}

func (x *trial) reply(out Outgoing) {
	m, who := out.Message, out.To.Point[0]
	switch m.Kind {
	case Ping:
		x.Step(x.now, out.To, Message{Kind: Pong, Request: m.Request, Member: true})
	case Lookup:
		x.Step(x.now, out.To, Message{Kind: LookupTaken, Lookup: m.Lookup})
		if x.found != 0 {
			trail := append(slices.Clone(m.Trail), out.To.ID, at(x.found).ID)
			x.Step(x.now, out.To, Message{Kind: Found, Lookup: m.Lookup, Key: m.Key, Peer: at(x.found), Trail: trail})
		}
	case Query:
		if m.Key != x.key {
			return // a finger's
		}
		x.asked = append(x.asked, who)
		var answer any = x.honest(who, m)
		if lie := x.lies[who]; lie != nil {
			answer = lie(m)
		}
		if a, ok := answer.(Message); ok {
			a.Kind, a.Request, a.Member = Peers, m.Request, true
			x.Step(x.now, out.To, a)
		}
	}
}

// Whom the first answer names is asked itself, and three of those around it, or four
// where one of them stands too far behind to know.
func TestAnAnswerIsWeighed(t *testing.T) {
	x := newTrial(t, 205, 210)
	x.Lookup(0, x.key)
	if owner, asked := x.run(); owner != 210 || asked < 4 || asked > 5 || x.asked[0] != 210 || x.answers[0].Hops != 2 {
		t.Errorf("got %d with %d asked: %v, after %d hops; want 210 with 4 or 5, itself first, and the way of the lookup", owner, asked, x.asked, x.answers[0].Hops)
	}
}

// Who claims a key, and leaves out who stands nearer, is found out by any good peer that
// it names; and where it names none of these, for they would tell, by how far apart its friends stand.
func TestALiarIsFoundOut(t *testing.T) {
	for name, neighbours := range map[string][]byte{
		"amid good peers":     {200, 230, 240, 250},
		"with nobody":         {},
		"with itself alone":   {230},
		"between two friends": {190, 230, 231},
	} {
		x := newTrial(t, 205, 230)
		x.lies[230] = claims(neighbours...)
		for _, friend := range []byte{150, 10, 40, 190, 231} {
			x.lies[friend] = func(Message) any { return naming(true, 230, 10) }
		}
		x.Lookup(0, x.key)
		if owner, _ := x.run(); owner != 210 {
			t.Errorf("%s: got %d, having asked %v, want 210", name, owner, x.asked)
		}
	}
}

// tight returns a core at 100 whose next eight neighbours stand side by side.
func tight() *Core {
	c := New(at(100), Config{Successors: 8, FingerBase: 2, FingerCandidates: 3, TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
	c.Restore(0, model.Place{Successors: contacts(101, 102, 103, 104, 105, 106, 107, 108), Predecessors: contacts(99, 98, 97, 96, 95, 94, 93, 92)})
	c.Ready()
	return c
}

// Friends of a liar stand further apart than all peers do. Whom it names beside them are
// as close as usual; of too few nothing can be told, unless all lists are short.
func TestDensity(t *testing.T) {
	every := func(step, n int) (list []*identity.Contact) {
		for i := range n {
			list = append(list, at(byte(10+i*step)))
		}
		return list
	}
	for _, test := range []struct {
		step, n int
		want    bool
	}{{1, 16, true}, {2, 16, false}, {4, 16, false}, {1, 8, true}, {2, 8, false}, {1, 7, false}, {1, 0, false}} {
		if got := tight().dense(at(10).Point, every(test.step, test.n)); got != test.want {
			t.Errorf("%d peers, every %d: dense %v", test.n, test.step, got)
		}
	}
	if c := full(); !c.dense(at(10).Point, every(40, 3)) || c.dense(at(10).Point, every(1, 2)) {
		t.Error("with lists of three: want three to be enough, and two too few")
	}
}

// A peer that is not near a key cannot know who owns it, and so not that it does itself.
func TestWhoIsFarCannotKnow(t *testing.T) {
	for n, want := range map[byte]bool{210: true, 160: true, 250: true, 150: false, 10: false, 90: false} {
		if got := tight().canKnow(at(n), at(205).Point); got != want {
			t.Errorf("%d can know who owns 205: %v", n, got)
		}
	}
	x := newTrial(t, 205, 70)
	for _, far := range []byte{70, 80, 90, 110} {
		x.lies[far] = claims(190, far, 80, 90, 110)
	}
	x.Lookup(0, x.key)
	if owner, _ := x.run(); owner != 210 {
		t.Errorf("got %d, having asked %v, want 210", owner, x.asked)
	}
}

// Who is said to own a key and does not answer, or does not say so, is no owner, and the
// lookup goes on without.
func TestWhoIsSaidToOwnAKeySaysSo(t *testing.T) {
	for name, lie := range map[string]func(Message) any{"silent": silent, "denies it": func(Message) any { return naming(false) }} {
		x := newTrial(t, 205, 220)
		x.lies[220] = lie
		x.Lookup(0, x.key)
		if owner, _ := x.run(); owner != 210 {
			t.Errorf("%s: got %d, having asked %v, want 210", name, owner, x.asked)
		}
	}
}

// A witness may still know one who died a moment ago: that one is asked, and then another witness.
func TestTheDeadOwnNothing(t *testing.T) {
	x := newTrial(t, 205, 220)
	x.lies[210] = silent
	x.lies[220] = claims(200, 220, 230, 240)
	for _, late := range []byte{200, 230} {
		x.lies[late] = func(Message) any { return naming(true, 210, 220) }
	}
	for _, known := range []byte{180, 190, 240, 250} {
		x.lies[known] = func(Message) any { return naming(true, 220, 230) }
	}
	x.Lookup(0, x.key)
	if owner, _ := x.run(); owner != 220 || !slices.Contains(x.asked, 210) {
		t.Errorf("got %d, having asked %v, want 220, and 210 asked", owner, x.asked)
	}
}

// Who stands at the point that is sought is found whoever says that it is not there; and
// that nobody does takes many branches to be sure of.
func TestSeeking(t *testing.T) {
	x := newTrial(t, 210, 230)
	x.lies[230] = claims(200, 230, 240, 250)
	for _, liar := range []byte{110, 120, 190, 220, 240} {
		x.lies[liar] = func(Message) any { return naming(true, 230, 240) }
	}
	x.Seek(0, x.key)
	if owner, _ := x.run(); owner != 210 {
		t.Errorf("got %d, having asked %v, want 210", owner, x.asked)
	}
	for _, seek := range []bool{false, true} {
		x := newTrial(t, 205, 210)
		if x.Lookup(0, x.key); seek {
			x = newTrial(t, 205, 210)
			x.Seek(0, x.key)
		}
		if owner, asked := x.run(); owner != 210 || asked > 5 != seek {
			t.Errorf("seek %v: got %d with %d asked, want 210, and more than 5 where it is sought", seek, owner, asked)
		}
	}
}

// What nobody answers fails in time, also where somebody is said to own the key.
func TestNobodyKnows(t *testing.T) {
	for _, found := range []byte{0, 210} {
		x := newTrial(t, 205, found)
		for n := byte(10); n <= 250 && n >= 10; n += 10 {
			x.lies[n] = silent
		}
		x.Lookup(0, x.key)
		if owner, _ := x.run(); owner == 100 && found == 0 {
			continue // as far as it knows all others are dead by then
		} else if owner != 0 || !errors.Is(x.answers[0].Err, ErrNoAnswer) || x.now > 11*time.Second {
			t.Errorf("found %d: got %d, %v at %v", found, owner, x.answers[0].Err, x.now)
		}
	}
}

// The ways to look up: with the first answer nobody is asked, and searched all are.
func TestWaysToLookUp(t *testing.T) {
	for _, way := range []Lookups{FirstAnswer, Searched} {
		x := newTrial(t, 205, 230)
		x.config.Lookups = way
		x.Lookup(0, x.key)
		owner, asked := x.run()
		if first := way == FirstAnswer; first != (owner == 230) || first != (asked == 0) || !first && owner != 210 {
			t.Errorf("way %d: got %d with %d asked", way, owner, asked)
		}
	}
	if (Config{Lookups: FirstAnswer + 1}).Validate() == nil {
		t.Error("there is one way too many")
	}
}

// More lookups at a time than searches: all are weighed, one after the other.
func TestManyAreWeighed(t *testing.T) {
	x := newTrial(t, 205, 210)
	const n = maxSearches + maxRequests
	for range n {
		x.Lookup(0, x.key)
	}
	right := 0
	for x.now < time.Minute && right < n {
		ready := x.Ready()
		for _, a := range ready.Answers {
			if a.Err == nil && a.Owner.Point[0] == 210 && a.Asked >= 4 {
				right++
			}
		}
		if len(ready.Messages) == 0 {
			x.Tick(x.Next())
		}
		for _, out := range ready.Messages {
			x.reply(out)
		}
	}
	going := slices.DeleteFunc(x.searches, func(s *search) bool { return s.aim != forLookup })
	if right != n || len(going) > 0 {
		t.Errorf("%d of %d are right, %d searches go on", right, n, len(going))
	}
}

// How many have to agree, before it is enough: three witnesses, or six branches where there
// is doubt; and many where a peer that is sought is not there, or the owner denies it.
func TestHowManyAreEnough(t *testing.T) {
	words := func(owner byte, chain bool, n int) (list []testimony) {
		for range n {
			list = append(list, testimony{at(owner).ID, chain})
		}
		return list
	}
	for _, test := range []struct {
		name            string
		v               verdict
		reached, enough bool
	}{
		{"nothing", verdict{}, false, false},
		{"found", verdict{owner: at(1), found: true, seeks: true}, true, true},
		{"two witnesses", verdict{owner: at(1), words: words(1, false, 2)}, false, true},
		{"three", verdict{owner: at(1), words: words(1, false, 3)}, true, true},
		{"three of another", verdict{owner: at(1), words: words(2, false, 3)}, false, true},
		{"three, in doubt", verdict{owner: at(1), doubtful: true, words: words(1, false, 3)}, false, true},
		{"five branches, in doubt", verdict{owner: at(1), doubtful: true, words: words(1, true, 5)}, false, true},
		{"six", verdict{owner: at(1), doubtful: true, words: words(1, true, 6)}, true, true},
		{"not there, by two branches", verdict{owner: at(1), seeks: true, words: words(1, true, 2)}, false, false},
		{"by three", verdict{owner: at(1), seeks: true, words: words(1, true, 3)}, false, true},
		{"by all but one", verdict{owner: at(1), seeks: true, words: words(1, true, seekChains-1)}, false, true},
		{"by all", verdict{owner: at(1), seeks: true, words: words(1, true, seekChains)}, true, true},
		{"denied, by two", verdict{denier: at(1), words: words(1, true, 2)}, false, false},
		{"denied, by three", verdict{denier: at(1), words: words(1, true, 3)}, false, true},
		{"denied, by six", verdict{denier: at(1), words: words(1, true, 6)}, true, true},
		{"denied, and claimed behind it", verdict{owner: at(2), denier: at(1), words: append(words(1, true, 6), words(2, true, 1)...)}, true, true},
	} {
		v := test.v
		if got := v.reached(); got != test.reached || got && v.owner != nil && v.owner.ID == at(2).ID {
			t.Errorf("%s: reached %v, by %v", test.name, got, v.owner)
		}
		v = test.v
		if got := v.enough(); got != test.enough {
			t.Errorf("%s: enough %v", test.name, got)
		}
	}
}

// While somebody is still to be asked who is said to own the key instead, nothing is decided.
func TestADisputeIsHeardOut(t *testing.T) {
	c := full()
	for _, test := range []struct {
		name string
		s    search
		want bool
	}{
		{"asked", search{branches: []branch{{asking: true, owner: true}}}, true},
		{"to be asked", search{branches: []branch{{candidates: []candidate{{peer: at(9), owner: true}}}}}, true},
		{"was asked", search{claimed: []identity.ID{at(9).ID}, branches: []branch{{candidates: []candidate{{peer: at(9), owner: true}}}}}, false},
		{"somebody else", search{branches: []branch{{asking: true, candidates: []candidate{{peer: at(9)}}}}}, false},
		{"found already", search{verdict: verdict{found: true}, branches: []branch{{asking: true, owner: true}}}, false},
	} {
		if got := c.disputed(&test.s); got != test.want {
			t.Errorf("%s: disputed %v", test.name, got)
		}
	}
}

// Who stands at the point that is sought is found, also while no key is its own yet.
func TestWhoOwnsNothingYetIsFound(t *testing.T) {
	x := newTrial(t, 210, 220)
	x.lies[210] = func(Message) any { return naming(true, 220, 230) }
	x.Seek(0, x.key)
	if owner, _ := x.run(); owner != 210 {
		t.Errorf("got %d, having asked %v, want 210", owner, x.asked)
	}
}

// Whom this peer knows to stand nearer than the claimant, it asks, whatever all others say.
func TestOwnKnowledgeContradicts(t *testing.T) {
	x := newTrial(t, 105, 130)
	x.lies[130] = claims(140, 130, 150, 160)
	for _, friend := range []byte{140, 150, 160} {
		x.lies[friend] = func(Message) any { return naming(true, 130, 140) }
	}
	x.Lookup(0, x.key)
	if owner, _ := x.run(); owner != 110 {
		t.Errorf("got %d, having asked %v, want 110", owner, x.asked)
	}
}

// weighing returns a core with a search for 205 that begins with one said to own it: 220.
func weighing(t *testing.T) (*Core, *search) {
	t.Helper()
	c := full()
	id := c.Lookup(0, identity.Point{205})
	out := c.Ready().Messages
	i := slices.IndexFunc(out, func(o Outgoing) bool { return o.Message.Kind == Lookup })
	m := out[i].Message
	c.Step(0, out[i].To, Message{Kind: Found, Lookup: m.Lookup, Key: m.Key, Peer: at(220), Trail: append(m.Trail, at(220).ID)})
	c.Ready()
	s := c.searchFor(id)
	if s == nil || len(c.searches) != 1 {
		t.Fatalf("%d searches", len(c.searches))
	}
	return c, s
}

// A search goes on while one is asked who may own the key instead, though witnesses agree;
// and it ends three seconds after the first claim, whoever is still asked.
func TestASearchHearsAllOutForAWhile(t *testing.T) {
	for _, agree := range []bool{true, false} {
		c, s := weighing(t)
		s.verdict.owner, s.verdict.since = at(220), c.now
		for range enoughWords {
			if agree {
				s.verdict.words = append(s.verdict.words, testimony{owner: at(220).ID})
			}
		}
		c.goOn(s)
		c.now = weighMost - 1
		c.tickSearches()
		if len(c.searches) != 1 || len(c.Ready().Answers) > 0 {
			t.Errorf("agree %v: it ended though somebody may own the key instead", agree)
		}
		c.now = weighMost
		c.tickSearches()
		if answers := c.Ready().Answers; len(c.searches) > 0 || len(answers) != 1 || answers[0].Owner.ID != at(220).ID {
			t.Errorf("agree %v: it did not end in time: %+v", agree, answers)
		}
	}
}

// Who is said to own a key is asked twice, others in vain once.
func TestTheOwnerIsAskedTwice(t *testing.T) {
	c, s := weighing(t)
	r := request{purpose: forSearch, version: s.number, whole: true}
	if c.passesOver(&r) || c.tries(&r) != 2 {
		t.Error("the owner is given up too soon, or asked too often")
	}
	if r.whole = false; !c.passesOver(&r) {
		t.Error("others are asked again")
	}
}

// One that did not own the key when it was asked, and is named by a later answer, is asked again.
func TestALaterAnswerCounts(t *testing.T) {
	c, s := weighing(t)
	i := slices.IndexFunc(c.requests, func(r request) bool { return r.purpose == forSearch })
	c.unanswered(i)
	before := s.queries
	c.Ready()
	c.alsoSaid(s, at(220))
	asked := false
	for i := range c.requests {
		asked = asked || c.requests[i].whole && same(c.requests[i].to, at(220))
	}
	if !asked && !slices.ContainsFunc(s.branches, func(b branch) bool {
		return slices.ContainsFunc(b.candidates, func(x candidate) bool { return x.owner && same(x.peer, at(220)) })
	}) {
		t.Errorf("220 is not asked again, after %d questions", before)
	}
}
