package chord

import (
	"math/rand/v2"
	"testing"
)

// TestJoinIsNotSeenBeforeItsListIsWhole follows a join question by question. Until the
// successor's list is there the joiner tells nobody that it is a member, and says no
// when asked; then it is one, in one step, with the whole list.
func TestJoinIsNotSeenBeforeItsListIsWhole(t *testing.T) {
	c := New(at(100), Config{Successors: 3, FingerBase: 2}, rand.New(rand.NewPCG(1, 1)))
	unseen := func(when string) {
		t.Helper()
		for _, out := range c.Ready().Messages {
			if out.Message.Kind == Notify {
				t.Errorf("%s: it tells %d that it is a member", when, out.To.Point[0])
			}
		}
		c.Step(1, at(55), Message{Kind: Ping, Request: 1})
		c.Step(1, at(55), Message{Kind: Ask, Request: 2})
		for _, out := range c.Ready().Messages {
			if out.Message.Member {
				t.Errorf("%s: it says that it is a member: %v", when, out.Message.Kind)
			}
		}
		if len(c.Successors()) > 0 || c.Mode() != Joining {
			t.Errorf("%s: it is %v, with successors %x", when, c.Mode(), points(c.Successors()))
		}
	}
	c.Join(0, at(20))
	query := replies(c, 20, Query)
	if len(query) != 1 {
		t.Fatal("the seed was not asked")
	}
	unseen("at first")
	c.Step(1, at(20), Message{Kind: Peers, Request: query[0].Request, Member: true, Exact: true, Order: []byte{0, 1}, Hints: contacts(90, 110)})
	before := replies(c, 90, Ask)
	if len(before) != 1 {
		t.Fatal("who is before it was not asked")
	}
	unseen("when it knows between whom")
	c.Step(1, at(90), Message{Kind: State, Request: before[0].Request, Member: true, Lists: whole(at(80), 110)})
	after := replies(c, 110, Ask)
	if len(after) != 1 {
		t.Fatal("who is behind it was not asked")
	}
	unseen("when it has a successor")
	c.Step(1, at(110), Message{Kind: State, Request: after[0].Request, Member: true, Lists: whole(at(90), 120, 130, 140)})
	if points(c.Successors()) != "\x6e\x78\x82" || c.Mode() != Full {
		t.Errorf("at last it is %v, with successors %x", c.Mode(), points(c.Successors()))
	}
	if len(replies(c, 110, Notify)) == 0 {
		t.Error("it does not tell its successor")
	}
}
