package chord

import (
	"testing"
	"time"

	"cicada/identity"
)

// slotted returns the core of full, one of whose slots has candidates 170 and 180,
// both heard of: 170 later. The place of the slot is the second result.
func slotted(t *testing.T) (*Core, int) {
	t.Helper()
	c := full()
	c.config.FingerCandidates = 3
	i := c.slotOf(c.clockwise(at(170), false))
	if i < 0 {
		t.Fatal("there is no slot at 170")
	}
	c.now = time.Minute
	c.fill(i, contacts(170, 180), true)
	c.entry(at(170)).heard, c.entry(at(180)).heard = 30*time.Second, 20*time.Second
	return c, i
}

// queried returns the first byte of the point of the one who was sent a Query, or 0.
func queried(t *testing.T, c *Core) byte {
	t.Helper()
	var who []byte
	for _, out := range c.Ready().Messages {
		if out.Message.Kind == Query {
			who = append(who, out.To.Point[0])
		}
	}
	if len(who) > 1 {
		t.Fatalf("asked %v, want one", who)
	}
	return append(who, 0)[0]
}

// Of a slot's candidates that one is asked which was silent for longest; not one that
// has just missed an answer, while there is another; and where nothing good is known
// of any, whoever stands before the slot.
func TestALookIsAtTheMostSilent(t *testing.T) {
	for _, test := range []struct {
		name   string
		misses map[byte]uint8
		want   byte
	}{
		{"all are sound", nil, 180},
		{"the most silent missed an answer", map[byte]uint8{180: 1}, 170},
		{"all missed one", map[byte]uint8{170: 1, 180: 1}, 130},
		{"so did who stands before", map[byte]uint8{170: 1, 180: 1, 130: 1}, 120},
		{"so did everybody", map[byte]uint8{170: 1, 180: 1, 130: 1, 120: 1, 110: 1, 90: 1, 80: 1, 70: 1}, 180},
	} {
		c, i := slotted(t)
		for n, misses := range test.misses {
			c.entry(at(n)).misses = misses
		}
		c.look(i)
		if got := queried(t, c); got != test.want {
			t.Errorf("%s: %d was asked, want %d", test.name, got, test.want)
		}
	}
}

// Where peers stay for half a minute, one that was silent for longer than half of that is
// asked only if all were, and then the one that was silent for the shortest time: every other
// time, so that everybody's turn comes.
func TestALookIsAtWhoIsLikelyThere(t *testing.T) {
	for _, test := range []struct {
		heard170, heard180 time.Duration // before now
		want               byte
	}{{10 * time.Second, 14 * time.Second, 180}, {10 * time.Second, 16 * time.Second, 170}, {16 * time.Second, 10 * time.Second, 180}, {20 * time.Second, 30 * time.Second, 170}} {
		c, i := slotted(t)
		c.begunWith(30)
		c.entry(at(170)).heard, c.entry(at(180)).heard = c.now-test.heard170, c.now-test.heard180
		c.fingers.slots[i].wary = false
		c.look(i)
		if got := queried(t, c); got != test.want {
			t.Errorf("silent for %v and %v: %d was asked, want %d", test.heard170, test.heard180, got, test.want)
		}
		c.requests = nil
		c.look(i)
		if got, longest := queried(t, c), map[bool]byte{true: 170, false: 180}[test.heard170 > test.heard180]; got != longest {
			t.Errorf("silent for %v and %v, the next time: %d was asked, want %d", test.heard170, test.heard180, got, longest)
		}
	}
}

// Where a question about a slot goes unanswered the slot is looked at again soon.
func TestASlotIsLookedAtAgainSoon(t *testing.T) {
	c, i := slotted(t)
	shortStay(c)
	c.fingers.next = far
	c.look(i)
	c.dead(at(180), "a test")
	if soon := c.now + c.config.StabilizeMin; c.fingers.next > soon || c.fingers.slots[i].asking {
		t.Errorf("the next look is at %v, want one before %v", c.fingers.next, soon)
	}
}

// Who asks for peers near a key is told of those for whom there is more than hearsay,
// and of others only where there is nobody else.
func TestHearsayIsBetterThanNothing(t *testing.T) {
	c, i := slotted(t)
	c.entry(at(170)).heard, c.entry(at(170)).flags = never, finger
	c.entry(at(130)).heard = c.now
	c.fill(i, contacts(190), false)
	if got := points(c.closest(identity.Point{171}, 2, at(50))); got != points(contacts(180, 130)) {
		t.Errorf("named %v, want 180 and 130", []byte(got))
	}
	for k := range c.table {
		c.table[k].heard, c.table[k].flags = never, c.table[k].flags&^(backed|listed)
	}
	if got := points(c.closest(identity.Point{171}, 2, at(50))); got != points(contacts(170, 180)) {
		t.Errorf("where all is hearsay: named %v, want 170 and 180", []byte(got))
	}
}

// Who never answered is given up after two questions; who did, after three.
func TestHintsAreGivenUpSooner(t *testing.T) {
	for _, test := range []struct {
		name  string
		heard time.Duration
		want  int
	}{{"never heard of", never, minMisses - 1}, {"heard of", 30 * time.Second, minMisses}} {
		c, i := slotted(t)
		for _, n := range []byte{170, 180} {
			c.entry(at(n)).heard = test.heard
		}
		shortStay(c)
		c.look(i)
		questions := 0
		for c.entry(at(170)) != nil && c.entry(at(180)) != nil && questions < 10 {
			questions += len(replies(c, 170, Query)) + len(replies(c, 180, Query))
			c.now += maxRTO
			c.expire()
			c.settle()
		}
		if questions != test.want {
			t.Errorf("%s: asked %d times, want %d", test.name, questions, test.want)
		}
	}
}

// Whoever copies a table is told of nobody who is there by what another table said
// alone: the dead would go from table to table for ever.
func TestPagesAreNoHearsay(t *testing.T) {
	c, i := slotted(t)
	c.entry(at(170)).heard, c.entry(at(180)).heard = never, never
	c.fill(i, contacts(190), false)
	c.Step(c.now, at(90), Message{Kind: Query, Request: 1, Table: true, Count: 9, Key: identity.Point{140}})
	answers := replies(c, 90, Peers)
	if len(answers) != 1 {
		t.Fatalf("got %d answers", len(answers))
	}
	if got := points(answers[0].named(nil)); got != points(contacts(170, 180, 70, 80)) {
		t.Errorf("told of %v, want 170 and 180, for which one spoke who must know, and neighbours", []byte(got))
	}
}

// An answer says whether the key is its sender's own.
func TestAnswersSayWhoseTheKeyIs(t *testing.T) {
	for key, want := range map[byte]bool{95: true, 100: true, 90: false, 105: false} {
		c := full()
		c.Step(1, at(50), Message{Kind: Query, Request: 1, Key: identity.Point{key}, Count: 4})
		answers := replies(c, 50, Peers)
		if len(answers) != 1 || answers[0].Owns != want {
			t.Errorf("key %d: got %+v, want it to be its own: %v", key, answers, want)
		}
	}
}

// Whoever copies a table from one that tells it the same again and again, or ever more,
// is done with it after some pages.
func TestACopyEnds(t *testing.T) {
	for _, again := range []bool{true, false} {
		c := full()
		c.config.FingerCandidates = 3
		c.copyTable(at(110), at(131).Point)
		pages, next := 0, uint64(0)
		for ; c.fingers.copying && !c.fingers.again; pages++ {
			if pages > maxPages {
				t.Fatalf("the same again: %v: it asks on and on", again)
			}
			asks := replies(c, 110, Query)
			m := Message{Kind: Peers, Request: asks[0].Request, Member: true}
			var peers []*identity.Contact
			if again {
				next = 0
			}
			for range maxNear {
				next++
				peer := at(132)
				peer.ID[9], peer.ID[10], peer.Point[20], peer.Point[21] = byte(next>>8), byte(next), byte(next>>8), byte(next)
				peers = append(peers, peer)
			}
			m.order(nil, peers)
			c.Step(c.now, at(110), m)
		}
		if want := map[bool]int{true: 2, false: maxPages}[again]; pages != want {
			t.Errorf("the same again: %v: %d pages, want %d", again, pages, want)
		}
	}
}

// A hint makes way for the record of the peer, whatever number that has.
func TestAHintMakesWayForARecord(t *testing.T) {
	c, _ := slotted(t)
	hint := &identity.Contact{ID: at(170).ID, Point: at(170).Point}
	record := *at(170)
	record.Sequence = 0
	c.entry(at(170)).contact = hint
	if got := c.meet(&record); got != &record || c.entry(at(170)).contact != &record {
		t.Errorf("got %+v, want the one with a record", got)
	}
	if got := c.meet(hint); got != &record {
		t.Error("the hint comes back")
	}
}

// answered has the peer that a look asks name peers, as one that must know who stands there.
func answered(t *testing.T, c *Core, i int, who byte, named ...byte) {
	t.Helper()
	c.fingers.slots[i].asking = false
	c.askNear(at(who), i)
	asks := replies(c, who, Query)
	if len(asks) != 1 {
		t.Fatalf("%d was asked %d times", who, len(asks))
	}
	m := naming(true, named...)
	m.Kind, m.Request, m.Member = Peers, asks[0].Request, true
	c.Step(c.now, at(who), m)
}

// shortStay has peers seem to stay for half of what is long enough to doubt what others say.
func shortStay(c *Core) {
	c.stays = stays{lived: 10 * doubtStay / 2, ended: 10, told: true, since: c.now}
}

// Who stands too far from a slot to have it in a list cannot know who is there.
func TestWhoIsFarKnowsNoSlot(t *testing.T) {
	c := tight()
	i := c.slotOf(c.clockwise(at(170), false))
	c.fill(i, contacts(170, 180), true)
	answered(t, c, i, 30, 190, 195)
	if got := c.candidates(i); holds(got, at(190)) || len(got) != 2 {
		t.Errorf("candidates are %v, want 170 and 180", got)
	}
}

// A peer that begins copies the table of its predecessor, too: who is nearer than those whom the
// successor named takes their place.
func TestTwoTablesAreCopied(t *testing.T) {
	c := full()
	longLists(c)
	c.copyTable(at(110), at(131).Point)
	asks := replies(c, 110, Query)
	m := naming(false, 190)
	m.Kind, m.Request, m.Member = Peers, asks[0].Request, true
	c.Step(c.now, at(110), m)
	again := replies(c, 90, Query)
	if len(again) != 1 || !again[0].Table || len(again[0].Prints) == 0 {
		t.Fatalf("the predecessor got %+v, want a question for its table, with what is known", again)
	}
	m = naming(false, 170, 190)
	m.Kind, m.Request, m.Member = Peers, again[0].Request, true
	c.Step(c.now, at(90), m)
	i := c.slotOf(c.clockwise(at(190), false))
	if got := c.candidates(i); len(got) != 1 || !same(got[0], at(170)) || c.fingers.copying || c.fingers.again {
		t.Errorf("candidates are %v, want 170, the nearest; copying %v", got, c.fingers.copying)
	}
}
