package chord

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// surveys has a trial look at the slot that holds 170, with these candidates, until the
// look is over, and returns whom the slot has then.
func surveys(t *testing.T, lies map[byte]func(Message) any, candidates ...byte) (x *trial, who []byte) {
	t.Helper()
	x = newTrial(t, 0, 0)
	x.config.FingerCandidates = 3
	longLists(x.Core)
	x.now = time.Minute
	i := x.slotOf(x.clockwise(at(170), false))
	for k := range x.fingers.slots {
		x.fingers.slots[k].checked = x.now
	}
	x.fingers.next, x.stabilizeAt = far, far
	x.fill(i, contacts(candidates...), true)
	x.Ready()
	x.key, _ = x.bounds(x.fingers.first + i)
	x.lies = lies
	for x.look(i); x.fingers.slots[i].asking; {
		ready := x.Ready()
		if len(ready.Messages) == 0 {
			x.Tick(x.Next())
		}
		if x.now > 2*time.Minute {
			t.Fatalf("the look goes on, having asked %v", x.asked)
		}
		for _, out := range ready.Messages {
			x.reply(out)
		}
	}
	for _, peer := range x.candidates(i) {
		who = append(who, peer.Point[0])
	}
	return x, who
}

// Whoever of a slot is asked, and whomever it names: the slot gets those who are there.
// The slot of 170 starts at 164.
func TestASlotIsSurveyed(t *testing.T) {
	friends := naming(true, 190, 220, 250)
	there := []byte{170, 180, 190}
	lying := func(Message) any { return friends }
	for _, test := range []struct {
		name       string
		lies       map[byte]func(Message) any
		candidates []byte
		want       []byte
		most       int // are asked
	}{
		{"all are honest", nil, []byte{170, 180}, there, 5},
		{"the asked one is not the first", nil, []byte{180}, there, 16},
		{"full of those further on", nil, []byte{180, 190, 200}, there, 16},
		{"new to the slot", nil, nil, there, 16},
		{"the one that is asked names friends", map[byte]func(Message) any{190: lying}, []byte{190}, there, 64},
		{"the one that is asked claims all", map[byte]func(Message) any{190: claims(150, 190, 220, 250)}, []byte{190}, there, 64},
		{"the first there names friends", map[byte]func(Message) any{170: claims(130, 170, 220, 250)}, []byte{170, 180}, there, 64},
		{"one is dead", map[byte]func(Message) any{180: silent}, []byte{180, 190}, []byte{170, 190, 200}, 16},
	} {
		x, who := surveys(t, test.lies, test.candidates...)
		if !slices.Equal(who, test.want) || len(x.asked) > test.most {
			t.Errorf("%s: the slot has %v, want %v; asked %v", test.name, who, test.want, x.asked)
		}
		if test.candidates != nil && test.candidates[0] == 180 && test.lies == nil && x.asked[1] != 170 {
			t.Errorf("%s: asked %v, want 170 as soon as it is named", test.name, x.asked)
		}
	}
}

// Of those who are named the nearest behind the key are remembered, and how often.
func TestSightings(t *testing.T) {
	s := &search{key: at(164).Point}
	s.sight(contacts(180, 150, 170))
	s.sight(contacts(170, 200, 180, 200))
	s.sight(contacts(165))
	var got []string
	for _, x := range s.seen {
		got = append(got, fmt.Sprint(x.peer.Point[0], "x", x.by))
	}
	if want := []string{"165x1", "170x2", "180x2", "200x1", "150x1"}; !slices.Equal(got, want) {
		t.Errorf("seen %v, want %v", got, want)
	}
	for n := range claimNames {
		s.sight(contacts(byte(166 + n)))
	}
	if n := len(s.seen); n != claimNames || s.seen[1].peer.Point[0] != 166 || s.seen[n-1].peer.Point[0] != 180 {
		t.Errorf("%d are seen, the last %v", n, s.seen[n-1])
	}
}

// Who is named by one alone is asked itself whether it is there.
func TestWhoIsNamedAloneIsAsked(t *testing.T) {
	x := newTrial(t, 0, 0)
	x.config.FingerCandidates = 3
	x.now = time.Minute
	i := x.slotOf(x.clockwise(at(170), false))
	s := &search{aim: forFinger, slot: x.fingers.first + i}
	s.key, _ = x.bounds(s.slot)
	s.verdict.owner = at(170)
	s.sight(contacts(170, 180))
	s.sight(contacts(170, 190))
	s.sight(contacts(110)) // is in a list, and not of the slot
	x.Ready()
	x.surveyed(s)
	var pinged []byte
	for _, out := range x.Ready().Messages {
		if out.Message.Kind == Ping {
			pinged = append(pinged, out.To.Point[0])
		}
	}
	if !slices.Equal(pinged, []byte{180, 190}) {
		t.Errorf("pinged %v, want 180 and 190", pinged)
	}
	s.slot = 10_000 // the lists changed, and the slot is gone
	x.surveyed(s)
}

// Where as many searches go on as may be, or looks, a slot waits for its turn.
func TestASurveyWaitsForItsTurn(t *testing.T) {
	for _, test := range []struct {
		aim   aim
		n     int
		waits bool
	}{{forLookup, maxSearches, true}, {forFinger, maxSurveys, true}, {forFinger, maxSurveys - 1, false}, {forLookup, maxSurveys, false}} {
		c, i := slotted(t)
		longLists(c)
		for range test.n {
			c.searches = append(c.searches, &search{aim: test.aim})
		}
		before := c.fingers.slots[i].checked
		c.look(i)
		s := c.fingers.slots[i]
		if soon := c.fingers.next > c.now && c.fingers.next <= c.now+c.config.StabilizeMin; s.asking == test.waits || s.checked != before || test.waits && !soon {
			t.Errorf("%d searches of aim %d: the slot is %+v, the next look at %v", test.n, test.aim, s, c.fingers.next)
		}
	}
}

// Searches leave room for what the ring itself asks; and where there is none all the same,
// a neighbour that is to be asked has to wait, and does not keep this peer busy.
func TestSearchesLeaveRoom(t *testing.T) {
	c := full()
	c.now = time.Minute
	wait := func(purpose purpose, n int) {
		for len(c.requests) < n {
			c.requests = append(c.requests, request{to: at(250), purpose: purpose, deadline: far})
		}
	}
	wait(forSearch, maxSearched)
	c.startSearch(&search{key: at(170).Point, branches: make([]branch, 2)})
	if queried(t, c) != 0 || len(c.searches) != 1 {
		t.Errorf("a search asks though %d answers are awaited", maxSearched)
	}
	if !c.ask(at(110), forProbe, 0) {
		t.Errorf("the neighbour is not asked where searches wait for %d", maxSearched)
	}
	wait(forHint, maxRequests)
	c.requests = slices.DeleteFunc(c.requests, func(r request) bool { return r.purpose == forProbe })
	wait(forHint, maxRequests)
	c.heardFrom[0] = lastHeard{c.successors[0], 0}
	c.stabilizeAt, c.newsAt, c.fingers.next, c.ownLook.at = far, far, far, far
	c.entry(at(90)).heard = c.now
	c.dueSet = false
	c.Tick(c.now)
	if wait := c.Next() - c.now; wait <= 0 || wait > askAgain {
		t.Errorf("the next tick is due in %v, want it in %v", wait, askAgain)
	}
}

// Where peers come and go all the time, or lists are so short that few must know, the
// first who must know is believed.
func TestNoSurveyWhereAllIsSoonOfThePast(t *testing.T) {
	c, i := slotted(t)
	if c.look(i); len(c.searches) > 0 {
		t.Error("a search with lists of three")
	}
	c, i = slotted(t)
	longLists(c)
	shortStay(c)
	c.look(i)
	if who := queried(t, c); who != 180 || len(c.searches) > 0 {
		t.Errorf("asked %d, with %d searches; want 180 and none", who, len(c.searches))
	}
	answered(t, c, i, 180, 190, 195)
	if got := c.candidates(i); holds(got, at(170)) {
		t.Error("170 is still there where peers come and go")
	}
}
