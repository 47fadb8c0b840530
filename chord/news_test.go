package chord

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cicada/identity"
)

// resting returns full() long after its last change: the next stabilisation is at 10 s.
func resting() *Core {
	c := full()
	c.period, c.quiet, c.knownTo, c.heed, c.newsAt = c.config.StabilizeMax, true, true, 0, far
	c.stabilizeAt, c.remindAt[0] = 10*time.Second, 0
	return c
}

// skip lets time pass for c, as if it had been ticked all along, and awaits nothing.
func (c *Core) skip(now time.Duration) {
	c.now, c.requests = now, c.requests[:0]
}

// asked returns whom c asked for lists, and forgets all it wanted sent.
func asked(c *Core) (peers []byte) {
	for _, out := range c.Ready().Messages {
		if out.Message.Kind == Ask {
			peers = append(peers, out.To.Point[0])
		}
	}
	return peers
}

// TestNewsPutsNothingOff has news of one side come again and again: the other side is
// asked no later for it.
func TestNewsPutsNothingOff(t *testing.T) {
	c := resting()
	for now := time.Second; now < 9*time.Second; now += 2 * time.Second {
		c.skip(now)
		c.Step(now, at(90), Message{Kind: Notify})
		c.Stabilize(now)
		if got := asked(c); !slices.Equal(got, []byte{90}) {
			t.Fatalf("at %v: asked %v, want 90", now, got)
		}
		if c.stabilizeAt != 10*time.Second {
			t.Fatalf("at %v: the next stabilisation is at %v, want 10s", now, c.stabilizeAt)
		}
	}
	c.skip(10 * time.Second)
	if c.Stabilize(10 * time.Second); !slices.Equal(asked(c), []byte{110, 90}) {
		t.Error("when it was due the successor was not asked")
	}
}

// TestNewsOutlivesAnOperation has news come while this peer waits for an answer: it
// is looked at when that is over.
func TestNewsOutlivesAnOperation(t *testing.T) {
	c := resting()
	c.operation.purpose = forSuccessor
	c.Step(1, at(90), Message{Kind: Notify})
	c.skip(2 * time.Second)
	c.Stabilize(2 * time.Second)
	if got := asked(c); len(got) > 0 {
		t.Errorf("asked %v while it waits for an answer", got)
	}
	if c.newsAt < 2*time.Second || c.newsAt > 3*time.Second {
		t.Errorf("it looks again at %v", c.newsAt)
	}
	c.operation.purpose = 0
	c.skip(3 * time.Second)
	if c.Stabilize(3 * time.Second); !slices.Equal(asked(c), []byte{90}) {
		t.Error("the news was forgotten")
	}
}

// TestLostAreAskedInTurmoil has each stabilisation come of news: those who were lost
// are asked whether they are back all the same, but not each time.
func TestLostAreAskedInTurmoil(t *testing.T) {
	c := resting()
	c.lost.add(at(200), 0, false)
	pings := 0
	for now := 5 * time.Second; now < 6*time.Second; now += 200 * time.Millisecond {
		c.skip(now)
		c.Step(now, at(90), Message{Kind: Notify})
		c.Stabilize(now)
		pings += len(replies(c, 200, Ping))
	}
	if pings != 1 {
		t.Errorf("asked %d times in a second, want once", pings)
	}
}

// TestLeftOutIsLookedAtAgain reads a list that names a peer which was found dead a
// moment ago. It may be back, so the list is read again before long, not only when
// a peer at rest looks.
func TestLeftOutIsLookedAtAgain(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(c *Core, asks map[byte]uint64)
	}{
		{"successors", func(c *Core, asks map[byte]uint64) {
			c.Step(1, at(110), Message{Kind: State, Request: asks[110], Member: true, Version: 7, Lists: whole(at(100), 120, 130, 140)})
		}},
		{"predecessors", func(c *Core, asks map[byte]uint64) {
			c.Step(1, at(90), Message{Kind: State, Request: asks[90], Member: true, Version: 7, Lists: NewLists(nil, at(80), nil, contacts(80, 70, 60))})
		}},
		{"a pending peer", func(c *Core, asks map[byte]uint64) {
			c.Step(1, at(110), Message{Kind: State, Request: asks[110], Member: true, Version: 7, Lists: whole(at(105), 130, 140)})
		}},
		{"of its own list", func(c *Core, asks map[byte]uint64) {
			if c.Step(1, at(90), Message{Kind: Notify, Request: 3}); c.unread&Before == 0 {
				t.Error("the predecessor's list would not be read again")
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := resting()
			for _, n := range []byte{105, 120, 80} {
				c.lost.add(at(n), 0, false)
			}
			c.Stabilize(0)
			asks := make(map[byte]uint64)
			for _, out := range c.Ready().Messages {
				if out.Message.Kind == Ask {
					asks[out.To.Point[0]] = out.Message.Request
				}
			}
			c.stabilizeAt = time.Minute
			test.answer(c, asks)
			if c.stabilizeAt > 2*lostFor {
				t.Errorf("it looks again at %v", c.stabilizeAt)
			}
		})
	}
}

// TestWhatWasLeftOutIsReadOnceMore has a neighbour say that its lists are the same, which
// name a peer that was lost when they were told, or is lost since. When that may be back
// they are read once more, without being sent once more.
func TestWhatWasLeftOutIsReadOnceMore(t *testing.T) {
	for _, side := range []struct {
		name      string
		neighbour byte
		lost      byte
		lists     *Lists
		without   string
		with      string
		have      func(c *Core) []*identity.Contact
	}{
		{"successors", 110, 120, whole(at(100), 120, 130, 140), "\x6e\x82\x8c", "\x6e\x78\x82", (*Core).Successors},
		{"predecessors", 90, 80, NewLists(nil, at(80), nil, contacts(80, 70, 60)), "\x5a\x46\x3c", "\x5a\x50\x46", (*Core).Predecessors},
	} {
		c := resting()
		c.lost.add(at(side.lost), 0, false)
		round := func(name string, version uint64, answer Message, want string) {
			t.Helper()
			c.stabilizeAt, c.operation = c.now, operation{}
			c.Stabilize(c.now)
			asks := replies(c, side.neighbour, Ask)
			if len(asks) != 1 || asks[0].Version != version {
				t.Fatalf("%s, %s: asks %+v, want one, with version %d", side.name, name, asks, version)
			}
			answer.Kind, answer.Request, answer.Member, answer.Version = State, asks[0].Request, true, 7
			c.Step(c.now, at(side.neighbour), answer)
			if got := points(side.have(c)); got != want {
				t.Errorf("%s, %s: got %x, want %x", side.name, name, got, want)
			}
			c.skip(c.now + time.Second)
		}
		same := Message{Unchanged: true}
		round("told while it is lost", 0, Message{Lists: side.lists}, side.without)
		c.skip(2 * lostFor)
		round("the same, when it may be back", 7, same, side.with)
		c.dead(at(side.lost), "a test")
		round("lost since", 7, same, side.without)
		c.skip(5 * lostFor)
		round("back again", 7, same, side.with)
		round("and nothing is left to be read", 7, same, side.with)
		if c.unread != 0 {
			t.Errorf("%s: to be read again: %d", side.name, c.unread)
		}
	}
}

// TestEarlierLifeMakesWay has the successor begin anew, and ask for its place where it
// stands already: it is asked whether it is a member, and makes way for itself.
func TestEarlierLifeMakesWay(t *testing.T) {
	c := full()
	c.Step(1, at(110), Message{Kind: Ask, Request: 5, Sides: Head})
	ping := replies(c, 110, Ping)
	if len(ping) != 1 {
		t.Fatalf("it was asked %d times", len(ping))
	}
	if c.Step(2, at(110), Message{Kind: Pong, Request: ping[0].Request}); points(c.Successors()) != "\x78\x82" {
		t.Errorf("got successors %x, want those without 110", points(c.Successors()))
	}
	c.Step(3, at(55), Message{Kind: Ask, Request: 6, Sides: Head})
	if got := replies(c, 55, Ping); len(got) > 0 {
		t.Error("a stranger that joins was asked, too")
	}
}

// TestLastWordsThatGotLost has a neighbour in a small ring lack a member: that one is
// asked, and stays if it answers.
func TestLastWordsThatGotLost(t *testing.T) {
	for _, lives := range []bool{true, false} {
		c := New(at(100), Config{Successors: 3}, rand.New(rand.NewPCG(1, 1)))
		c.Start(0)
		for _, n := range []byte{110, 120, 90} {
			c.Step(1, at(n), Message{Kind: Notify, Request: 1})
		}
		c.Ready()
		c.Stabilize(2)
		ask := replies(c, 110, Ask)[0]
		c.Step(3, at(110), Message{Kind: State, Request: ask.Request, Member: true, Small: true, Lists: whole(at(100), 90, 100)})
		pings := replies(c, 120, Ping)
		if len(pings) != 1 {
			t.Fatalf("120 was asked %d times", len(pings))
		}
		if lives {
			c.Step(4, at(120), Message{Kind: Pong, Request: pings[0].Request, Member: true})
		} else {
			c.Unreachable(4, at(120).ID)
			c.Ready()
			c.Unreachable(5, at(120).ID)
		}
		if holds(c.members, at(120)) != lives {
			t.Errorf("answers %v: got members %x", lives, points(c.members))
		}
	}
}

// TestDroppedMemberIsNamedAgain has a member of a small ring not answer: neighbours are
// asked for all that they know, for it may be alive.
func TestDroppedMemberIsNamedAgain(t *testing.T) {
	c := New(at(100), Config{Successors: 3}, rand.New(rand.NewPCG(1, 1)))
	c.Start(0)
	for _, n := range []byte{110, 120, 90} {
		c.Step(1, at(n), Message{Kind: Notify, Request: 1})
	}
	c.seenOf, c.seenVersion, c.seenBefore = at(110).ID, 7, 8
	if c.dead(at(120), "no answer"); c.seen(at(110)) != 0 || c.seenBefore != 0 {
		t.Error("they would say that nothing has changed")
	}
}

// TestHintThatFailedIsNamedAgain has a neighbour name a member that does not answer: the
// next question is for the whole list, for the line there may be bad only for a while.
func TestHintThatFailedIsNamedAgain(t *testing.T) {
	c := New(at(100), Config{Successors: 3}, rand.New(rand.NewPCG(1, 1)))
	c.Start(0)
	c.Step(1, at(110), Message{Kind: Notify, Request: 1})
	c.Ready()
	c.Stabilize(2)
	ask := replies(c, 110, Ask)[0]
	c.Step(3, at(110), Message{Kind: State, Request: ask.Request, Member: true, Small: true, Version: 7, Lists: whole(at(100), 120, 100)})
	if got := c.seen(at(110)); got != 7 {
		t.Errorf("it knows version %d, want 7", got)
	}
	if len(replies(c, 120, Ping)) != 1 {
		t.Fatal("120 was not asked")
	}
	if c.Unreachable(4, at(120).ID); c.seen(at(110)) != 0 {
		t.Error("it would not hear of 120 again")
	}
}

// A notify that is not answered is sent again, though the successor have no news and name
// this peer before it: it may have that from others, and own this one's keys still.
func TestANotifyThatGotLostIsSentAgain(t *testing.T) {
	c := full()
	c.accepted, c.knownTo = true, true
	c.seenOf, c.seenVersion = at(110).ID, 7
	c.requests = nil
	c.ask(at(110), forNotify, 0)
	c.unanswered(len(c.requests) - 1)
	c.operation = operation{}
	c.Ready()
	c.askSuccessor()
	asks := replies(c, 110, Ask)
	if len(asks) != 1 || asks[0].Version != 0 {
		t.Fatalf("the successor got %+v, want a question for its lists, whatever their version", asks)
	}
	c.Step(c.now, at(110), Message{Kind: State, Request: asks[0].Request, Member: true, Version: 7, Lists: whole(at(100), 120, 130, 140)})
	if len(replies(c, 110, Notify)) != 1 {
		t.Error("it is not told again")
	}
}
