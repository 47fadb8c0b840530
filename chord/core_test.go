package chord

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"cicada/chord/internal/model"
	"cicada/identity"
	"cicada/trace"
)

// at returns the peer whose point begins with n.
func at(n byte) *identity.Contact {
	return &identity.Contact{ID: identity.ID{n, 1}, Point: identity.Point{n}, Sequence: 1, Fingerprint: identity.Fingerprint{n, 1}}
}

func contacts(points ...byte) []*identity.Contact {
	var list []*identity.Contact
	for _, n := range points {
		list = append(list, at(n))
	}
	return list
}

// full returns peer 100 in a ring in full mode: 70 80 90 [100] 110 120 130.
func full() *Core {
	c := New(at(100), Config{Successors: 3, FingerBase: 2, TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
	c.Restore(0, model.Place{Successors: contacts(110, 120, 130), Predecessors: contacts(90, 80, 70)})
	c.Ready()
	return c
}

// longLists has the peer told to keep lists of so many that it doubts what others say.
func longLists(c *Core) { c.config.Successors = leastNames }

// replies returns the messages of a kind that were sent to a peer, and forgets all others.
func replies(c *Core, to byte, kind Kind) []Message {
	var list []Message
	for _, out := range c.Ready().Messages {
		if out.To.ID == at(to).ID && out.Message.Kind == kind {
			list = append(list, out.Message)
		}
	}
	return list
}

// whole returns lists of which the asker knows nothing.
func whole(predecessor *identity.Contact, successors ...byte) *Lists {
	return NewLists(nil, predecessor, contacts(successors...), nil)
}

// told returns m, a State, as it is read by who knows nothing.
func told(m Message) Message {
	m.read(nil)
	return m
}

func points(list []*identity.Contact) string {
	var b []byte
	for _, c := range list {
		b = append(b, c.Point[0])
	}
	return string(b)
}

func state(c *Core) string { return string(c.AppendState(nil)) }

// TestOwnedIsWhatIsOwned compares the bounds of a peer's keys with the keys.
func TestOwnedIsWhatIsOwned(t *testing.T) {
	alone := New(at(100), Config{TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
	alone.Start(0)
	for _, test := range []struct {
		name  string
		core  *Core
		after byte
		ok    bool
		keys  string // of 89 90 91 99 100 101
	}{
		{"of a ring", full(), 90, true, "..xxx."},
		{"alone", alone, 100, true, "xxxxxx"},
		{"joining", New(at(100), Config{TableBudget: -1}, rand.New(rand.NewPCG(1, 1))), 0, false, "......"},
	} {
		after, ok := test.core.Owned()
		if ok != test.ok || ok && after != (identity.Point{test.after}) {
			t.Errorf("%s: got all after %v, %v, want %d, %v", test.name, after, ok, test.after, test.ok)
		}
		keys := ""
		for _, key := range []byte{89, 90, 91, 99, 100, 101} {
			if owns := test.core.Owns(identity.Point{key}); owns {
				keys += "x"
			} else {
				keys += "."
			}
		}
		if keys != test.keys {
			t.Errorf("%s: got keys %s, want %s", test.name, keys, test.keys)
		}
	}
}

// TestForgeriesChangeNothing sends what nobody asked for, and what breaks the rules.
func TestForgeriesChangeNothing(t *testing.T) {
	long := make([]*identity.Contact, maxList+1)
	for i := range long {
		long[i] = at(byte(i))
	}
	for _, test := range []struct {
		name    string
		message Message
		blamed  bool
	}{
		{"a pong nobody asked for", Message{Kind: Pong, Request: 99, Member: true}, true},
		{"a state nobody asked for", Message{Kind: State, Request: 99, Member: true, Lists: whole(nil, 105)}, true},
		{"a state without a request", Message{Kind: State, Member: true, Lists: whole(at(105))}, true},
		{"a notified nobody asked for", Message{Kind: Notified, Request: 99, Accepted: true, Predecessor: at(95)}, true},
		{"a found nobody looked for", Message{Kind: Found, Lookup: trace.MessageID{7}, Peer: at(105)}, false},
		{"a found without an owner", Message{Kind: Found}, true},
		{"a list too long", Message{Kind: Leave, Successors: long}, true},
		{"a list with a hole", Message{Kind: Leave, Successors: []*identity.Contact{nil}}, true},
		{"a trail too long", Message{Kind: Lookup, Trail: make([]identity.ID, maxTrail+1)}, true},
		{"a lookup from nowhere", Message{Kind: Lookup}, true},
		{"a lookup by another way", Message{Kind: Lookup, Trail: []identity.ID{at(1).ID}}, true},
		{"a suspect without a name", Message{Kind: Suspect}, true},
		{"no kind", Message{}, true},
		{"an unknown kind", Message{Kind: 200}, true},
		{"a taken lookup that is not", Message{Kind: LookupTaken, Lookup: trace.MessageID{7}}, false},
		{"a stuck lookup that is not", Message{Kind: LookupStuck, Lookup: trace.MessageID{7}}, false},
		{"a suspect of a stranger", Message{Kind: Suspect, Silent: at(33).ID}, false},
		{"a stranger who leaves", Message{Kind: Leave}, false},
		{"a stranger's word on a member", Message{Kind: Suspect, Silent: at(110).ID}, false},
	} {
		c := full()
		before := state(c)
		c.Step(time.Millisecond, at(50), test.message)
		if state(c) != before {
			t.Errorf("%s: it changed the state", test.name)
		}
		blamed := slices.ContainsFunc(c.Ready().Events, func(e trace.Event) bool { return e.Kind == trace.Violation && e.Other == at(50).ID })
		if blamed != test.blamed {
			t.Errorf("%s: blamed: got %v, want %v", test.name, blamed, test.blamed)
		}
	}
}

// TestLateRepliesAreNoOffence answers a request a second time.
func TestLateRepliesAreNoOffence(t *testing.T) {
	c := full()
	c.Stabilize(0)
	ask := replies(c, 110, Ask)[0]
	answer := Message{Kind: State, Request: ask.Request, Member: true, Lists: whole(at(100), 120, 130, 140)}
	c.Step(1, at(110), answer)
	c.Ready()
	answer.Lists = whole(at(100), 150)
	c.Step(2, at(110), answer)
	if got, want := points(c.Successors()), "\x6e\x78\x82"; got != want {
		t.Errorf("successors: got %x, want %x", got, want)
	}
	for _, e := range c.Ready().Events {
		if e.Kind == trace.Violation {
			t.Errorf("got %v", e)
		}
	}
}

// TestNotifyCannotDisplaceTheLiving has somebody behind the predecessor claim its place.
func TestNotifyCannotDisplaceTheLiving(t *testing.T) {
	c := full()
	c.Step(1, at(85), Message{Kind: Notify, Request: 5})
	if got := c.Predecessor(); got.ID != at(90).ID {
		t.Fatalf("before 90 was asked: got %v", got.Point[0])
	}
	ping := replies(c, 90, Ping)
	if len(ping) != 1 {
		t.Fatalf("90 was asked %d times, want 1", len(ping))
	}
	c.Step(2, at(90), Message{Kind: Pong, Request: ping[0].Request, Member: true})
	got := replies(c, 85, Notified)
	if len(got) != 1 || got[0].Accepted || got[0].Request != 5 || got[0].Predecessor.ID != at(90).ID {
		t.Errorf("85 was told %+v, want that 90 precedes", got)
	}
	if c.Owns(identity.Point{88}) || !c.Owns(identity.Point{95}) {
		t.Error("what it owns has changed")
	}
}

// TestNotifyReplacesTheDead is the same where 90 does not answer.
func TestNotifyReplacesTheDead(t *testing.T) {
	c := full()
	c.Step(1, at(85), Message{Kind: Notify, Request: 5})
	c.Ready()
	c.Unreachable(2, at(90).ID)
	c.Ready()
	c.Unreachable(3, at(90).ID)
	got := replies(c, 85, Notified)
	if len(got) != 1 || !got[0].Accepted {
		t.Fatalf("85 was told %+v, want that it is accepted", got)
	}
	if c.Find(at(90).Point) != nil || !c.Owns(identity.Point{88}) {
		t.Error("90 is still known, or its keys are nobody's")
	}
}

// TestBusyRevealsNothing asks while an answer is awaited, and again when it came.
func TestBusyRevealsNothing(t *testing.T) {
	c := full()
	c.Stabilize(0)
	ask := replies(c, 110, Ask)[0]
	c.Step(1, at(90), Message{Kind: Ask, Request: 8})
	got := replies(c, 90, State)
	if len(got) != 1 || !got[0].Busy || got[0].Lists != nil {
		t.Fatalf("got %+v, want busy and no lists", got)
	}
	c.Step(2, at(90), Message{Kind: Ping, Request: 9})
	if got := replies(c, 90, Pong); len(got) != 1 {
		t.Error("a busy peer did not answer a ping")
	}
	c.Step(3, at(110), Message{Kind: State, Request: ask.Request, Member: true, Lists: whole(at(100), 120, 125, 130)})
	got = replies(c, 90, State)
	if len(got) != 1 || got[0].Busy || got[0].Request != 8 || points(told(got[0]).Successors) != "\x6e\x78\x7d" {
		t.Errorf("got %+v, want the new lists", got)
	}
}

// TestBusyCycleFinishes has all of a ring wait for each other: deadlines end it.
func TestBusyCycleFinishes(t *testing.T) {
	c := full()
	c.Stabilize(0)
	ask := replies(c, 110, Ask)[0]
	for range 3 { // a peer cannot hold another up by being busy again and again
		c.Step(1, at(110), Message{Kind: State, Request: ask.Request, Busy: true, Member: true})
	}
	c.Step(1, at(90), Message{Kind: Ask, Request: 8})
	c.Ready()
	for now := c.Next(); now < 2*time.Second; now = c.Next() {
		c.Tick(now)
		for _, m := range replies(c, 90, State) {
			if !m.Busy && points(told(m).Successors) == "\x6e\x78\x82" {
				return
			}
		}
	}
	t.Error("the question was not answered within two seconds")
}

// TestPendingIsAdoptedOnlyWithItsList learns of a nearer successor that does not answer.
func TestPendingIsAdoptedOnlyWithItsList(t *testing.T) {
	c := full()
	c.Stabilize(0)
	ask := replies(c, 110, Ask)[0]
	c.Step(1, at(110), Message{Kind: State, Request: ask.Request, Member: true, Lists: whole(at(105), 120, 130, 140)})
	if got := c.Successors()[0]; got.ID != at(110).ID {
		t.Fatalf("before 105 answered: got %d", got.Point[0])
	}
	b := replies(c, 105, Ask)
	if len(b) != 1 {
		t.Fatal("105 was not asked")
	}
	c.Unreachable(2, at(105).ID)
	if got := c.Successors()[0]; got.ID != at(110).ID {
		t.Fatalf("105 does not answer: got %d", got.Point[0])
	}
	if got := replies(c, 110, Notify); len(got) != 1 {
		t.Error("110 was not notified")
	}
}

// TestLostPeerIsLookedAtAgain hears of a nearer successor that was found dead a
// moment ago: it is not asked now, but the answer that names it is asked for again.
func TestLostPeerIsLookedAtAgain(t *testing.T) {
	c := full()
	c.lost.add(at(105), 0, false)
	answer := Message{Kind: State, Member: true, Version: 7, Lists: whole(at(105), 120, 130)}
	for i, now := range []time.Duration{1, lostFor + time.Second} {
		c.Stabilize(now)
		ask := replies(c, 110, Ask)
		if len(ask) == 0 {
			t.Fatalf("round %d: 110 was not asked", i)
		}
		if ask[0].Version != 0 {
			t.Errorf("round %d: asked with version %d, want the whole lists", i, ask[0].Version)
		}
		answer.Request = ask[0].Request
		c.Step(now, at(110), answer)
		if got := len(replies(c, 105, Ask)); got != i {
			t.Errorf("round %d: 105 was asked %d times, want %d", i, got, i)
		}
	}
}

// TestFloodsStayBounded sends much of everything.
func TestFloodsStayBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	c := full()
	c.Stabilize(0) // from now on it is busy
	for i := range 5000 {
		from := randomContact(random)
		c.Step(1, from, Message{Kind: Ask, Request: uint64(i)})
		c.Step(1, from, Message{Kind: Notify, Request: uint64(i)})
		c.Step(1, from, Message{Kind: Lookup, Lookup: trace.MessageID{byte(i), byte(i >> 8), 1}, Key: randomPoint(random), Trail: []identity.ID{from.ID}})
		c.Learn(randomContact(random))
		c.Lookup(1, randomPoint(random))
		if i%100 == 0 {
			c.Ready()
		}
	}
	for _, bound := range []struct {
		name       string
		got, limit int
	}{
		{"questions", len(c.waiting), maxWaiting}, {"hops", len(c.hops), maxHops}, {"lookups", len(c.own), maxOwn},
		{"learned", len(c.learned.ring), maxLearned}, {"learned words", len(c.learned.words), maxLearned},
		{"requests", len(c.requests), maxRequests}, {"lost", len(c.lost.peers), lostLimit},
		{"successors", len(c.successors), 3}, {"predecessors", len(c.predecessors), 3},
	} {
		if bound.got > bound.limit {
			t.Errorf("%s: got %d, want at most %d", bound.name, bound.got, bound.limit)
		}
	}
}

// TestHearsayMakesNoMember names strangers to a small peer.
func TestHearsayMakesNoMember(t *testing.T) {
	c := New(at(100), Config{Successors: 3, TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
	c.Start(0)
	c.Step(1, at(110), Message{Kind: Notify, Request: 1})
	c.Ready()
	c.Stabilize(2)
	ask := replies(c, 110, Ask)[0]
	c.Step(3, at(110), Message{Kind: State, Request: ask.Request, Member: true, Small: true, Lists: whole(at(100), 120, 90, 100)})
	if got := points(c.Successors()); got != "\x6e" {
		t.Fatalf("named only: got %x, want 110 alone", got)
	}
	var pings []Outgoing
	for _, out := range c.Ready().Messages {
		if out.Message.Kind == Ping {
			pings = append(pings, out)
		}
	}
	if len(pings) != 2 {
		t.Fatalf("got %d pings, want 2", len(pings))
	}
	for _, out := range pings {
		c.Step(4, out.To, Message{Kind: Pong, Request: out.Message.Request, Member: out.To.Point[0] == 120})
	}
	if got := points(c.Successors()); got != "\x6e\x78" {
		t.Errorf("one says it is a member, one that it is not: got %x, want 110 and 120", got)
	}
}

func TestJoinFails(t *testing.T) {
	c := New(at(100), Config{TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
	c.Join(0, at(100))
	if got := c.Ready().JoinFail; !errors.Is(got, ErrSelf) {
		t.Errorf("through itself: got %v", got)
	}
	c.Join(0, at(5))
	c.Ready()
	c.Unreachable(1, at(5).ID)
	c.Ready()
	for range 20 {
		c.Tick(c.Next())
		c.Unreachable(c.Next()-1, at(5).ID)
		if err := c.Ready().JoinFail; err != nil {
			if !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), at(5).ID.Short()) {
				t.Errorf("through a seed that is not there: got %v", err)
			}
			return
		}
	}
	t.Error("through a seed that is not there: it goes on for ever")
}

func TestLookupOfAJoinerFails(t *testing.T) {
	c := New(at(100), Config{TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
	id := c.Lookup(0, identity.Point{1})
	got := c.Ready().Answers
	if len(got) != 1 || got[0].Lookup != id || !errors.Is(got[0].Err, ErrNotMember) {
		t.Errorf("got %+v", got)
	}
}

func TestWhoLeftIsSilent(t *testing.T) {
	c := full()
	c.Leave(1)
	r := c.Ready()
	if len(r.Messages) != 2 || r.Messages[0].Message.Kind != Leave || r.Messages[1].Message.Kind != Leave {
		t.Fatalf("got %+v, want two farewells", r.Messages)
	}
	c.Step(2, at(90), Message{Kind: Ping, Request: 1})
	c.Tick(time.Hour)
	if got := c.Ready().Messages; len(got) > 0 || c.Mode() != Joining || c.Next() != far {
		t.Errorf("got %+v", got)
	}
}

// TestNewerContactsReplaceOlder learns a record with a higher sequence number.
func TestNewerContactsReplaceOlder(t *testing.T) {
	c := full()
	shared := c.Successors()
	newer := at(110)
	newer.Sequence = 2
	c.Learn(newer)
	if c.Successors()[0] != newer || c.Find(newer.Point) != newer {
		t.Error("the newer contact is not everywhere")
	}
	if shared[0] == newer {
		t.Error("a list that was handed out has changed")
	}
	c.Learn(at(110))
	if c.Find(newer.Point) != newer {
		t.Error("an older contact replaced a newer")
	}
	c.Learn(at(33))
	if c.Find(at(33).Point) != nil || c.Known(at(33).Point) == nil {
		t.Error("a contact learned is to be known, and in no list")
	}
	forged := at(110)
	forged.ID = identity.ID{66}
	forged.Sequence = 9
	c.Learn(forged)
	if got := c.Find(newer.Point); got != newer {
		t.Error("another ID took a peer's place")
	}
}

// TestEachIsClockwise lists the table from self on.
func TestEachIsClockwise(t *testing.T) {
	c := full()
	var got []byte
	c.Each(func(p *identity.Contact) bool { got = append(got, p.Point[0]); return true })
	if want := []byte{110, 120, 130, 70, 80, 90}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestFingerSlotsCoverTheRing checks that slots follow each other without a gap, in every base.
func TestFingerSlotsCoverTheRing(t *testing.T) {
	for base := 2; base <= 256; base *= 2 {
		c := New(at(100), Config{FingerBase: base, TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
		count := 2*c.offsets() - 1
		for n := range count {
			start, end := c.bounds(n)
			if next, _ := c.bounds((n + 1) % count); n < count-1 && end != next || n == count-1 && end != c.self.Point {
				t.Fatalf("base %d: slot %d ends at %v, the next starts at %v", base, n, end, next)
			}
			if !Between(c.self.Point, start, end) && start != end && end != c.self.Point {
				t.Fatalf("base %d: slot %d is not clockwise: %v to %v", base, n, start, end)
			}
		}
	}
}

func TestConfigValidates(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		want   string
	}{
		{"zero", Config{}, ""}, {"classic", Classic(), ""},
		{"many successors", Config{Successors: 32}, "successors"},
		{"an odd base", Config{FingerBase: 12}, "finger base"},
		{"many candidates", Config{FingerCandidates: 99}, "candidates"},
		{"a large budget", Config{TableBudget: MaxTableBudget + 1}, "budget"}, {"no budget", Config{TableBudget: -5}, ""},
		{"a negative time", Config{ProbeInterval: -1}, "negative"},
		{"shortest above longest", Config{StabilizeMin: 2, StabilizeMax: 1}, "shortest"},
	} {
		got := ""
		if err := test.config.Validate(); err != nil {
			got = err.Error()
		}
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if f := test.config.filled(); f.Validate() != nil {
			t.Errorf("%s: filled to %+v, which is not valid", test.name, f)
		}
	}
}

func TestKindsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for k := Ping; k <= Leave; k++ {
		if name := k.String(); name == "" || seen[name] {
			t.Errorf("kind %d: got %q", k, name)
		}
		seen[k.String()] = true
	}
	if got := Kind(77).String(); got != "kind 77" {
		t.Errorf("got %q", got)
	}
}

// FuzzSteps feeds a core with calls made from bytes. Nothing may panic, grow
// without bound, or put a peer in its own lists.
func FuzzSteps(f *testing.F) {
	f.Add([]byte("a lookup, a state and a pong walk into a core"))
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 200, 201, 255, 0, 17})
	f.Add([]byte(strings.Repeat("\x03\x70\x01\x04\x6f\x02\x05\x71\x03", 20)))
	f.Fuzz(func(t *testing.T, script []byte) {
		c := full()
		if len(script) > 0 && script[0]&1 == 1 {
			c = New(at(100), Config{Successors: 2, TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
			c.Start(0)
		}
		now := time.Duration(0)
		next := func() byte {
			if len(script) == 0 {
				return 0
			}
			b := script[0]
			script = script[1:]
			return b
		}
		for len(script) > 0 {
			now += time.Duration(next()) * 10 * time.Millisecond
			switch op := next(); op % 16 {
			case 13:
				c.Tick(now)
			case 14:
				c.Unreachable(now, at(next()).ID)
			case 15:
				c.Lookup(now, identity.Point{next()})
			default:
				from := at(next())
				m := Message{Kind: Kind(op % 16), Request: uint64(next()), Key: identity.Point{next()}, Trail: []identity.ID{from.ID},
					Member: op&16 == 0, Small: op&32 != 0, Busy: op&64 != 0 && op&16 != 0, Accepted: op&128 != 0}
				binary.BigEndian.PutUint16(m.Lookup[:], uint16(next()))
				m.Peer, m.Predecessor = at(next()), at(next())
				for n := next() % 8; n > 0; n-- {
					m.Successors = append(m.Successors, at(next()))
				}
				m.Lists = NewLists([]identity.Fingerprint{at(next()).Fingerprint}, m.Predecessor, m.Successors, nil)
				if len(m.Lists.Predecessor) > 0 && op&128 != 0 {
					m.Lists.Predecessor[0] = next()
				}
				if op&64 != 0 && len(c.requests) > 0 { // a reply to something that was asked
					r := c.requests[int(m.Request)%len(c.requests)]
					from, m.Request, m.Kind = r.to, r.number, answers(r.purpose.kind())
				}
				c.Step(now, from, m)
			}
			if next()&1 == 1 {
				c.Ready()
			}
			if holds(c.Successors(), c.self) || holds(c.Predecessors(), c.self) || len(c.requests) > maxRequests || len(c.table) > 700 {
				t.Fatalf("successors %x, predecessors %x, %d requests", points(c.Successors()), points(c.Predecessors()), len(c.requests))
			}
			if len(c.ways) != len(c.table) {
				t.Fatalf("%d ways for %d peers", len(c.ways), len(c.table))
			}
		}
		c.Next()
	})
}
