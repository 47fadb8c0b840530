package chord

import (
	"math/rand/v2"
	"testing"
	"time"

	"cicada/chord/internal/model"
	"cicada/identity"
)

// missOnce lets time go by until a probe has missed its answer once more.
func missOnce(c *Core) {
	for i := range c.requests {
		if r := &c.requests[i]; r.purpose == forProbe {
			for until := r.deadline; c.now < until; {
				c.Tick(c.Next())
			}
			return
		}
	}
}

// The successor misses an answer: whoever is behind it is told, once, and is to have it call.
func TestSilenceIsToldBehind(t *testing.T) {
	c := full()
	c.probe(c.successors[0])
	c.Ready()
	missOnce(c)
	told := replies(c, 120, Suspect)
	if len(told) != 1 || told[0].Silent != at(110).ID || !told[0].Call {
		t.Fatalf("120 was told %+v, want that 110 does not answer, and is to call", told)
	}
	missOnce(c)
	if again := replies(c, 120, Suspect); len(again) != 0 {
		t.Errorf("after the second miss 120 was told %+v, want nothing more", again)
	}
}

// Where much gets lost a miss says little, and two do.
func TestOneMissSaysLittleWhereMuchIsLost(t *testing.T) {
	c := full()
	for range 64 {
		c.weigh(1)
		c.weigh(2) // a third of all is missed
	}
	c.probe(c.predecessors[0])
	c.Ready()
	for n := 1; n <= 4; n++ {
		missOnce(c)
		if got := len(replies(c, 80, Suspect)); got != 0 != (n == 4) {
			t.Errorf("after %d misses 80 was told %d times", n, got)
		}
	}
}

// Who is told of a silent neighbour asks it, and has it call: once while that lasts.
func TestWhoIsSilentIsToldToCall(t *testing.T) {
	for _, call := range []bool{true, false} {
		c := full()
		for range 2 {
			c.Step(1, at(120), Message{Kind: Suspect, Silent: at(110).ID, Call: call})
		}
		pings, calls := 0, 0
		for _, out := range c.Ready().Messages {
			switch m := out.Message; {
			case out.To.ID != at(110).ID:
				t.Errorf("%d was sent a %v", out.To.Point[0], m.Kind)
			case m.Kind == Ping:
				pings++
			case m.Kind == Suspect && m.Silent == at(120).ID && !m.Call:
				calls++
			}
		}
		if want := map[bool]int{true: 1}[call]; pings != 1 || calls != want {
			t.Errorf("call %v: 110 was asked %d times and told to call %d times, want 1 and %d", call, pings, calls, want)
		}
	}
}

// A liar says of all that they are silent: there is room left for questions of one's own.
func TestSuspicionsAreBounded(t *testing.T) {
	var place model.Place
	for n := range byte(32) {
		place.Successors = append(place.Successors, at(110+n))
		place.Predecessors = append(place.Predecessors, at(90-n))
	}
	c := New(at(100), Config{Successors: 32, FingerBase: 2, TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
	c.Restore(0, place)
	c.Ready()
	liar := c.successors[0]
	for i := range c.table {
		c.Step(0, liar, Message{Kind: Suspect, Silent: c.table[i].contact.ID, Call: true})
	}
	if n := len(c.Ready().Messages); n > 2*maxAsked || n < maxAsked {
		t.Errorf("%d suspicions caused %d messages, want %d to %d", len(c.table), n, maxAsked, 2*maxAsked)
	}
}

// A peer out of one neighbour's reach calls it, and stays.
func TestACallKeepsThePeer(t *testing.T) {
	c := full()
	c.probe(c.successors[0])
	missOnce(c)
	missOnce(c)
	c.Step(c.now, at(110), Message{Kind: Ping, Request: 1})
	missOnce(c)
	if c.Find(at(110).Point) == nil {
		t.Error("110 called and is taken for dead all the same")
	}
}

// One found dead leads to the next that were silent, four of them, not to who was just heard.
func TestADeathHasOthersAskedAfter(t *testing.T) {
	c := New(at(100), Config{Successors: 8, FingerBase: 2, TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
	after, before := contacts(110, 112, 114, 116, 118, 120, 122, 124), contacts(90, 88, 86, 84, 82, 80, 78, 76)
	for _, test := range []struct {
		name  string
		dead  *identity.Contact
		asked string
	}{
		{"a successor", at(114), points(contacts(110, 116, 118, 120))},
		{"a predecessor", at(86), points(contacts(90, 84, 82, 80))},
	} {
		c.Restore(0, model.Place{Successors: after, Predecessors: before})
		c.Tick(c.config.ProbeInterval * 2)
		c.Step(c.now, at(112), Message{Kind: Pong})
		c.Step(c.now, at(88), Message{Kind: Pong})
		c.requests = nil
		c.Ready()
		c.dead(test.dead, "no answer")
		var asked []*identity.Contact
		for _, out := range c.Ready().Messages {
			if out.Message.Kind == Ping {
				asked = append(asked, out.To)
			}
		}
		if got := points(asked); got != test.asked {
			t.Errorf("%s died: asked were %v, want %v", test.name, []byte(got), []byte(test.asked))
		}
	}
}

// Who claims the place of a peer found it dead itself, so that one miss less is enough.
func TestAClaimIsEvidence(t *testing.T) {
	for _, claimed := range []bool{false, true} {
		c := full()
		c.probe(c.predecessors[0])
		if claimed {
			c.Step(1, at(85), Message{Kind: Notify, Request: 5})
		}
		missOnce(c)
		if c.Find(at(90).Point) == nil {
			t.Fatalf("claimed %v: 90 is dead after one miss", claimed)
		}
		missOnce(c)
		if gone := c.Find(at(90).Point) == nil; gone != claimed {
			t.Errorf("claimed %v: after two misses 90 is gone: %v", claimed, gone)
		}
	}
	c := full()
	for range 64 {
		c.weigh(2) // half of all is missed
	}
	c.claimant = claim{peer: at(85)}
	if got := c.enough(c.entry(at(90))); got < 8 {
		t.Errorf("where half of all is missed %d misses are enough, want 8 at least", got)
	}
}

// When many of the lists are gone within a moment, news of more waits less; where one
// goes now and then it does not, though that be many in the long run.
func TestNewsOfManyDeathsIsHurried(t *testing.T) {
	c := full()
	wait := func() (longest time.Duration) {
		for range 100 {
			c.newsAt = far
			c.news(After)
			longest = max(longest, c.newsAt-c.now)
		}
		return longest
	}
	minute := time.Duration(0)
	for n := range byte(20) {
		minute += time.Minute
		c.advance(minute)
		c.stays.since = c.now
		c.departed(contacts(110, 200-n), contacts(110), false)
	}
	if got := wait(); got < c.config.StabilizeMin {
		t.Errorf("one a minute: news waits %v at most, want over %v", got, c.config.StabilizeMin)
	}
	c.departed(contacts(110, 120, 130), contacts(110), false)
	if got := wait(); got > c.config.StabilizeMin/2 {
		t.Errorf("two at once: news waits up to %v, want less than %v", got, c.config.StabilizeMin/2)
	}
	c.advance(minute + 5*time.Minute)
	if got := wait(); got < c.config.StabilizeMin {
		t.Errorf("minutes later: news waits %v at most, want over %v", got, c.config.StabilizeMin)
	}
}

// Where nobody at all answers, or some do too late, this peer's own line is as likely to
// blame as all others: the last successor is kept for a while. If only somebody else does
// answer in time, it is dead.
func TestTheLastSuccessorIsKeptWhereNobodyAnswers(t *testing.T) {
	for _, test := range []struct {
		others      string
		least, most time.Duration
	}{
		{"are silent", unheardMost, 3 * unheardMost},
		{"answer", 0, unheardMost},
		{"answer late", lateMost, 3 * lateMost},
	} {
		c := full()
		c.now = time.Minute
		c.drop(at(110))
		c.drop(at(120))
		c.Ready()
		var lost time.Duration
		for lost == 0 && c.now < 3*time.Minute {
			for _, out := range c.Ready().Messages {
				if out.Message.Kind == Ping && test.others == "answer" && out.To.ID != at(130).ID {
					c.Step(c.now, out.To, Message{Kind: Pong, Request: out.Message.Request, Member: true})
				}
			}
			if test.others == "answer late" { // what was asked long ago
				c.Step(c.now, at(90), Message{Kind: Pong, Request: c.unasked + 1, Member: true})
			}
			if c.Tick(c.Next()); !holds(c.successors, at(130)) {
				lost = c.now - time.Minute
			}
		}
		if lost < test.least || lost > test.most {
			t.Errorf("others %s: lost after %v, want %v to %v", test.others, lost, test.least, test.most)
		}
	}
}
