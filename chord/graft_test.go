package chord

import (
	"slices"
	"testing"
	"time"

	"cicada/identity"
)

// A member that says so is put at its place of a list that leaves it out: behind the
// first, and before the last.
func TestGraftsStandAtTheirPlace(t *testing.T) {
	for _, test := range []struct {
		peer          byte
		after, before string
	}{
		{105, "\x6e\x78\x82", "\x5a\x50\x46"}, // in front of the first: for stabilisation
		{110, "\x6e\x78\x82", "\x5a\x50\x46"}, // the first itself
		{115, "\x6e\x73\x78\x82", "\x5a\x50\x46"},
		{125, "\x6e\x78\x7d\x82", "\x5a\x50\x46"},
		{120, "\x6e\x78\x82", "\x5a\x50\x46"}, // there already
		{95, "\x6e\x78\x82", "\x5a\x50\x46"},  // in front of the first predecessor
		{135, "\x6e\x78\x82", "\x5a\x50\x46"}, // behind the last
		{85, "\x6e\x78\x82", "\x5a\x55\x50\x46"},
		{60, "\x6e\x78\x82", "\x5a\x50\x46"},
	} {
		c := full()
		longLists(c)
		c.operation.purpose = forSuccessor // so that nobody comes nearer meanwhile
		c.Step(time.Second, at(test.peer), Message{Kind: Notify})
		if a, b := points(c.Successors()), points(c.Predecessors()); a != test.after || b != test.before {
			t.Errorf("%d: lists are %x and %x, want %x and %x", test.peer, a, b, test.after, test.before)
		}
	}
	c := full()
	if got := points(withGraft(c, c.successors, at(115), false)); got != "\x6e\x73\x78" {
		t.Errorf("of three, the list is %x, want 110, 115 and 120", got)
	}
	longLists(c)
	shortStay(c)
	c.Step(time.Second, at(115), Message{Kind: Notify})
	if holds(c.successors, at(115)) || c.graft(c.self) {
		t.Error("grafted where peers come and go, or itself")
	}
}

// grafting returns the core of full with 115 on its list, and its answer to whatever the successor tells.
func grafting(t *testing.T) (c *Core, told func(version uint64, list ...byte)) {
	c = full()
	c.now = time.Minute
	c.graft(at(115))
	return c, func(version uint64, list ...byte) {
		t.Helper()
		c.requests, c.operation = nil, operation{}
		c.Ready()
		c.askSuccessor()
		asks := replies(c, 110, Ask)
		if len(asks) != 1 {
			t.Fatal("the successor is not asked")
		}
		c.Step(c.now, at(110), Message{Kind: State, Request: asks[0].Request, Member: true, Version: version, Lists: whole(at(100), list...)})
	}
}

// A graft stays while the successor leaves it out, and is asked whether it lives; once
// the successor names it, it stays for as long as the successor does so.
func TestGraftsStayUntilTheyAreTold(t *testing.T) {
	c, told := grafting(t)
	c.entry(at(115)).heard = c.now - c.config.ProbeInterval - 1
	told(7, 120, 130)
	if got := points(c.Successors()); got != "\x6e\x73\x78" || !c.asking(at(115), forProbe) {
		t.Errorf("left out, the list is %x, want 110, 115 and 120; 115 asked: %v", got, c.asking(at(115), forProbe))
	}
	told(8, 115, 120)
	if e := c.entry(at(115)); e == nil || e.is(grafted) {
		t.Error("it is a graft though the successor tells of it")
	}
	told(9, 120, 130)
	if got := points(c.Successors()); got != "\x6e\x78\x82" {
		t.Errorf("told of no more, the list is %x, want 110, 120 and 130", got)
	}
}

// A graft that is silent for long is asked whether it lives; and if it does not answer, it is gone.
func TestGraftsDie(t *testing.T) {
	c, told := grafting(t)
	c.entry(at(115)).heard = c.now
	c.now += graftSilent
	if c.probeGrafts(); c.asking(at(115), forProbe) {
		t.Error("it is asked too soon")
	}
	c.now++
	if c.Stabilize(c.now); !c.asking(at(115), forProbe) {
		t.Fatal("it is not asked")
	}
	c.dead(at(115), "a test")
	told(8, 120, 130)
	if got := points(c.Successors()); got != "\x6e\x78\x82" || c.entry(at(115)) != nil {
		t.Errorf("dead, the list is %x, want 110, 120 and 130", got)
	}
}

// Not all grafts are asked at once.
func TestGraftsAreAskedByAndBy(t *testing.T) {
	c := tight()
	for k := range byte(6) {
		c.entry(at(102 + k)).flags |= grafted
	}
	c.now += time.Hour
	c.requests = nil
	c.probeGrafts()
	if n := c.probing(); n != graftsAskedMax {
		t.Errorf("%d of six are asked, want %d", n, graftsAskedMax)
	}
}

// Friends of a liar stand further apart than all do, as the fingers tell. Of few fingers nothing can be told.
func TestThinLists(t *testing.T) {
	c := tight()
	i := c.slotOf(c.clockwise(at(170), false))
	start, _ := c.bounds(c.fingers.first + i)
	close := func(slot int, gap byte) {
		from, _ := c.bounds(c.fingers.first + slot)
		var peers []*identity.Contact
		for k := range byte(3) {
			peers = append(peers, at(from[0]+(k+1)*gap))
		}
		c.fill(slot, peers, true)
	}
	close(i, 1)
	if c.thin(contacts(110, 120, 130)) {
		t.Errorf("thin, as far as the three fingers from %v on tell", start[0])
	}
	for slot := range c.fingers.slots {
		close(slot, 1)
	}
	for _, test := range []struct {
		list []*identity.Contact
		thin bool
	}{{c.successors, false}, {contacts(101, 102, 104), false}, {contacts(101, 103, 106), true}, {nil, false}} {
		if got := c.thin(test.list); got != test.thin {
			t.Errorf("%x: thin: %v, want %v", points(test.list), got, test.thin)
		}
	}
}

// The successor names friends alone. Those behind it name the others: these are asked
// whether they are members, come on the list, and hear of it.
func TestWhoIsHiddenIsFound(t *testing.T) {
	x := newTrial(t, 0, 0)
	x.config.FingerCandidates = 3
	longLists(x.Core)
	x.now = time.Minute
	x.stabilizeAt, x.fingers.next = far, far
	for i := range x.fingers.slots {
		start, _ := x.bounds(x.fingers.first + i)
		x.fill(i, contacts(start[0]+1, start[0]+11, start[0]+21), true)
	}
	c := x.Core
	c.setSuccessors(contacts(110, 190, 250))
	x.lies[110] = func(q Message) any { return claims(100, 110, 190, 250)(q) }
	c.lost.add(at(140), x.now, false)
	x.Ready()
	c.accepted = false
	if c.tickOwnLook(); len(c.searches) > 0 {
		t.Error("it looks though it owns nothing yet")
	}
	c.accepted, c.ownLook.at = true, x.now
	if c.tickOwnLook(); c.ownLook.at <= x.now || len(c.searches) != 1 {
		t.Fatalf("%d searches go on, the next at %v", len(c.searches), c.ownLook.at)
	}
	x.key = c.searches[0].key
	told, pinged := map[byte]bool{}, map[byte]bool{}
	for len(c.searches) > 0 || c.asking(at(120), forHint) {
		ready := x.Ready()
		if len(ready.Messages) == 0 {
			x.Tick(x.Next())
		}
		for _, out := range ready.Messages {
			told[out.To.Point[0]] = told[out.To.Point[0]] || out.Message.Kind == Notify
			if q := out.Message; q.Kind == Query && q.Count != claimNames {
				t.Errorf("%d is to name %d, want %d", out.To.Point[0], q.Count, claimNames)
			}
			pinged[out.To.Point[0]] = pinged[out.To.Point[0]] || out.Message.Kind == Ping
			x.reply(out)
		}
	}
	for _, out := range x.Ready().Messages {
		told[out.To.Point[0]] = told[out.To.Point[0]] || out.Message.Kind == Notify
	}
	if got := c.Successors(); !slices.EqualFunc(got, contacts(110, 120, 130, 150, 160, 170, 180, 190), same) || !told[120] {
		t.Errorf("the list is %x, want all but 140 up to 190; 120 told: %v; asked %v", points(got), told[120], x.asked)
	}
	if pinged[140] || pinged[190] || !pinged[150] {
		t.Errorf("pinged %v, want 150, and neither 140, which was lost just now, nor 190, which is in the list", pinged)
	}
	if c.ownLook.pause != firstOwnLook || c.ownLook.at > x.now+3*firstOwnLook {
		t.Errorf("the next look is at %v, and then after %v; want it soon: there may be more", c.ownLook.at, c.ownLook.pause)
	}
}

// Who stands in no list is no graft, though a slot has it.
func TestFingersAreNoGrafts(t *testing.T) {
	c, _ := slotted(t)
	c.entry(at(170)).flags |= grafted
	c.stale = true
	if c.settle(); c.entry(at(170)) == nil || c.entry(at(170)).is(grafted) {
		t.Error("170 is a graft")
	}
}

// A list as thick as it should be is looked into no more, and less and less often compared.
func TestOwnLooksGetSeldom(t *testing.T) {
	c := full()
	c.stabilizeAt, c.newsAt, c.fingers.next = far, far, far
	c.ownLook.at, c.dueSet = c.now+1, false
	if c.Next() != c.ownLook.at {
		t.Errorf("the next tick is due at %v, want %v", c.Next(), c.ownLook.at)
	}
	var pauses []time.Duration
	for range 6 {
		c.now = c.ownLook.at
		c.tickOwnLook()
		pauses = append(pauses, c.ownLook.pause)
	}
	if most := c.stay() / ownLooksAStay; pauses[0] != 2*firstOwnLook || pauses[5] != min(most, 64*firstOwnLook) || len(c.searches) > 0 {
		t.Errorf("pauses of %v, at most %v; %d searches", pauses, most, len(c.searches))
	}
}
