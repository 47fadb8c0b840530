package chord

import (
	"errors"
	"slices"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// TestLookupEndsInTime asks a ring that does not answer.
func TestLookupEndsInTime(t *testing.T) {
	c := full()
	id := c.Lookup(0, identity.Point{200})
	for now := c.Next(); now < time.Minute; now = c.Next() {
		c.Tick(now)
		for _, a := range c.Ready().Answers {
			alone := c.Mode() == Small && a.Owner == c.self // all others are dead by then
			if a.Lookup != id || !errors.Is(a.Err, ErrNoAnswer) && !alone || now > 11*time.Second {
				t.Errorf("at %v: got %+v", now, a)
			}
			return
		}
	}
	t.Error("it never ended")
}

// TestStuckGoesBackAndOnAnotherWay has the next hop refuse.
func TestStuckGoesBackAndOnAnotherWay(t *testing.T) {
	c := full()
	id := trace.MessageID{1}
	c.Step(1, at(50), Message{Kind: Lookup, Lookup: id, Key: identity.Point{115}, Hops: 1, Trail: []identity.ID{at(50).ID}})
	for try, next := range []byte{120, 130, 110} {
		out := c.Ready().Messages
		i := slices.IndexFunc(out, func(o Outgoing) bool { return o.Message.Kind == Lookup })
		if i < 0 || out[i].To.ID != at(next).ID || out[i].Message.Hops != 2 {
			t.Fatalf("try %d: got %+v, want %d", try, out, next)
		}
		c.Step(2, at(next), Message{Kind: LookupStuck, Lookup: id, Key: identity.Point{115}})
	}
	if got := replies(c, 50, LookupStuck); len(got) != 1 {
		t.Errorf("after all refused: got %+v, want stuck", got)
	}
	if len(c.hops) > 0 {
		t.Error("the lookup is still remembered")
	}
}

func TestFoundIsForAnotherKey(t *testing.T) {
	c := full()
	c.Lookup(0, identity.Point{115})
	out := replies(c, 120, Lookup)[0]
	c.Step(1, at(120), Message{Kind: Found, Lookup: out.Lookup, Key: identity.Point{116}, Peer: at(120), Trail: out.Trail})
	r := c.Ready()
	if len(r.Answers) > 0 || len(r.Events) != 1 || r.Events[0].Kind != trace.Violation {
		t.Errorf("got %+v", r)
	}
}

// flood sends a core n lookups of one neighbour, and returns how many were taken.
func flood(c *Core, from byte, n int) (taken int) {
	for i := range n {
		c.Step(1, at(from), Message{Kind: Lookup, Lookup: trace.MessageID{from, byte(i), byte(i >> 8)}, Key: identity.Point{200}, Trail: []identity.ID{at(from).ID}})
		taken += len(replies(c, from, LookupTaken))
	}
	return taken
}

// TestALookupBegunBeforeOwningIsAnswered asks for a key that becomes the peer's own
// while it waits.
func TestALookupBegunBeforeOwningIsAnswered(t *testing.T) {
	c := full()
	c.accepted = false
	id := c.Lookup(0, identity.Point{95})
	c.accept()
	for c.now < c.config.LookupTimeout {
		c.Tick(c.Next())
		if answers := c.Ready().Answers; len(answers) > 0 {
			if answers[0].Lookup != id || answers[0].Owner != c.self {
				t.Fatalf("got %+v, want itself", answers[0])
			}
			return
		}
	}
	t.Error("no answer")
}

// TestOneNeighbourCannotFloodLookups has one send many, then others a few.
func TestOneNeighbourCannotFloodLookups(t *testing.T) {
	c := full()
	if got := flood(c, 50, 2); got != 2 {
		t.Fatalf("the honest one: got %d taken, want 2", got)
	}
	if got := flood(c, 51, 5000); got != maxHopsFrom {
		t.Errorf("the flooder: got %d taken, want %d", got, maxHopsFrom)
	}
	c.Step(2, at(51), Message{Kind: Lookup, Lookup: trace.MessageID{9}, Key: identity.Point{200}, Trail: []identity.ID{at(51).ID}})
	if got := len(replies(c, 51, LookupStuck)); got != 1 {
		t.Errorf("one too many: got %d times stuck, want 1 at once", got)
	}
	if got := c.hopOf(trace.MessageID{50}); got < 0 {
		t.Error("the honest one's lookup is forgotten")
	}
}

// TestOwnLookupsStayWhateverOthersAsk has a crowd send many.
func TestOwnLookupsStayWhateverOthersAsk(t *testing.T) {
	c := full()
	id := c.Lookup(0, identity.Point{115})
	out := replies(c, 120, Lookup)[0]
	for from := byte(1); from < 60; from++ {
		flood(c, from, maxHopsFrom)
	}
	if len(c.hops) != maxHops || c.hopOf(out.Lookup) < 0 {
		t.Errorf("got %d hops, the own one at %d, want %d and the own one among them", len(c.hops), c.hopOf(out.Lookup), maxHops)
	}
	found := Message{Kind: Found, Lookup: out.Lookup, Key: identity.Point{116}, Peer: at(120), Trail: out.Trail}
	c.hops = nil // as if it had given way to other own ones
	c.Step(2, at(120), found)
	if r := c.Ready(); len(r.Answers) != 0 || len(r.Events) != 1 || r.Events[0].Kind != trace.Violation {
		t.Errorf("for another key: got %+v, want a violation", r)
	}
	found.Key = out.Key
	c.Step(3, at(120), found)
	if got := c.Ready().Answers; len(got) != 1 || got[0].Lookup != id || got[0].Err != nil {
		t.Errorf("without its hop: got %+v, want the answer", got)
	}
}

// Who owns a key as the lists have it is the first at or behind it, on either side, and
// nobody where the key is beyond them.
func TestListedOwner(t *testing.T) {
	c := full() // 70 80 90 [100] 110 120 130
	all := func(*identity.Contact) bool { return true }
	for key := range byte(255) {
		var want *identity.Contact
		for _, n := range []byte{80, 90, 110, 120, 130} {
			if key <= n && key > n-10 {
				want = at(n)
			}
		}
		if got := c.listedOwner(identity.Point{key}, all); !same(got, want) {
			t.Errorf("%d: got %v, want %v", key, got, want)
		}
	}
}
