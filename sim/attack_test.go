package sim

import (
	"slices"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/trace"
)

// hostile is a small swarm, a fifth of it hostile, that is asked for all sorts of things.
func hostile(behaviour string) Config {
	return Config{
		Peers: 120, Seed: 3, Malicious: 0.2, Behaviour: behaviour, Duration: 20 * time.Second,
		Ring: chord.Config{TableBudget: -1}, Sends: 100, Duplicates: 2, Lookups: 40, IDLookups: 40,
	}
}

// Whatever a fifth of all peers does, every message is delivered, once, as it was sent;
// no honest peer gives up another; and the same seed gives the same run.
func TestAttacks(t *testing.T) {
	for _, behaviour := range Behaviours() {
		t.Run(behaviour, func(t *testing.T) {
			r := simulate(t, hostile(behaviour))
			if r.Malicious != 24 || r.Sends != 100 || r.Delivered != r.Sends || r.Authentic != r.Sends || r.Stuck > 0 {
				t.Errorf("%d hostile; %d of %d delivered, %d as sent, %d stuck; want 24, and all", r.Malicious, r.Delivered, r.Sends, r.Authentic, r.Stuck)
			}
			if r.Altered > 0 || r.DuplicateDeliveries > 0 || r.FalseBlames > 0 || r.Violations > 0 {
				t.Errorf("%d altered, %d delivered again, %d false blames, violated %q; want none", r.Altered, r.DuplicateDeliveries, r.FalseBlames, r.FirstViolation)
			}
			if again := simulate(t, hostile(behaviour)); again.TraceHash != r.TraceHash {
				t.Errorf("got hash %s, then %s with the same seed", r.TraceHash, again.TraceHash)
			}
		})
	}
}

// With real seals, too: nothing that was corrupted or replayed opens.
func TestAttacksOnSeals(t *testing.T) {
	for _, behaviour := range []string{"drop", "corrupt", "replay", "delay"} {
		c := hostile(behaviour)
		c.Seal, c.Sends = Noise, 60
		if r := simulate(t, c); r.Authentic != r.Sends || r.Altered > 0 || r.DuplicateDeliveries > 0 || r.Violations > 0 {
			t.Errorf("%s: %d of %d as sent, %d altered, %d delivered again, %q", behaviour, r.Authentic, r.Sends, r.Altered, r.DuplicateDeliveries, r.FirstViolation)
		}
	}
}

// Who is hostile changes nothing of who is there, and none being so changes nothing at all.
func TestHostilityIsDrawnApart(t *testing.T) {
	for _, c := range []Config{{Malicious: 0.1}, {Behaviour: "nothing"}, {Malicious: 1.5, Behaviour: "drop"}} {
		if c.Peers = 10; c.Validate() == nil {
			t.Errorf("%v %q: got no error", c.Malicious, c.Behaviour)
		}
	}
	honest := hostile("")
	honest.Malicious = 0
	none := hostile("drop")
	none.Malicious = 0
	a, b, c := simulate(t, honest), simulate(t, none), simulate(t, hostile("drop"))
	if a.TraceHash != b.TraceHash || a.TableMean != c.TableMean || a.TraceHash == c.TraceHash {
		t.Errorf("hashes %s, %s without foes, %s with; tables %v and %v", a.TraceHash, b.TraceHash, c.TraceHash, a.TableMean, c.TableMean)
	}
	if a.Malicious != 0 || a.PoisonedShare != 0 || c.PoisonedShare < 0.1 || c.PoisonedShare > 0.3 {
		t.Errorf("%d hostile, shares %v and %v", a.Malicious, a.PoisonedShare, c.PoisonedShare)
	}
}

// Who lies to lookups does not decide them: peers are found by their IDs, and nearly all
// keys have the right owner, of which a part would not if the first answer were believed.
// Where hostile peers deny what is theirs, some of that has no answer.
func TestLookupsAmongLiars(t *testing.T) {
	for _, behaviour := range []string{"lie-colluders", "lie-nearest", "lie-fresh", "lie-mixed"} {
		c := Config{
			Peers: 500, Seed: 5, Malicious: 0.25, Behaviour: behaviour, Duration: 20 * time.Second,
			Ring: chord.Config{TableBudget: -1}, Lookups: 150, IDLookups: 150,
		}
		r := simulate(t, c)
		c.Ring.Lookups = chord.FirstAnswer
		first := simulate(t, c)
		t.Logf("%s: %d keys and %d IDs right, %d and %d by first answers", behaviour, r.Right, r.IDRight, first.Right, first.IDRight)
		if r.IDRight != r.IDLookups || r.Right+r.Failed < r.Lookups*97/100 || r.Failed > 0 && behaviour != "lie-colluders" || r.Failed > r.Lookups/8 || r.Violations > 0 {
			t.Errorf("%s: %d of %d IDs and %d of %d keys right", behaviour, r.IDRight, r.IDLookups, r.Right, r.Lookups)
		}
		if first.Right > r.Lookups*9/10 || first.AskedP99 > 0 {
			t.Errorf("%s: %d keys right by first answers: they hardly lie", behaviour, first.Right)
		}
	}
}

// One round is one: no other ways, no lookup of the target. So what droppers drop is lost.
func TestOneRound(t *testing.T) {
	c := hostile("drop")
	c.Routing, c.Duplicates, c.Peers, c.Malicious = routing.Config{Rounds: 1}, 0, 400, 0.4
	one := simulate(t, c)
	c.Routing.Rounds = 0
	all := simulate(t, c)
	if one.Delivered == one.Sends || all.Delivered != all.Sends || one.CopiesPerSend >= all.CopiesPerSend {
		t.Errorf("%d of %d in one round for %.2f envelopes, %d of %d in all for %.2f",
			one.Delivered, one.Sends, one.CopiesPerSend, all.Delivered, all.Sends, all.CopiesPerSend)
	}
}

// Who lies about its neighbours gets no honest peer to leave out the next one, nor to
// give up another. The lists behind the first successor are what the liar says where it is
// one, until the peer sees how thin they are, and looks for itself; who believes the first
// answer never does.
func TestForgedListsMoveNoHead(t *testing.T) {
	const r = 8
	hidden := func(behaviour string, answers chord.Lookups) (hidden int) {
		w := perfect(Config{Peers: 200, Seed: 4, Ring: chord.Config{Successors: r, TableBudget: -1, Lookups: answers}, Malicious: 0.25, Behaviour: behaviour})
		w.turn()
		w.pass(t, 5*time.Minute)
		heads, n := 0, len(w.nodes)
		for i := range w.nodes { // in the order of the ring
			if w.foe(int32(i)) != nil {
				continue
			}
			list, back := w.nodes[i].ring.Successors(), w.nodes[i].ring.Predecessors()
			if list[0].ID != w.nodes[(i+1)%n].contact.ID || back[0].ID != w.nodes[(i+n-1)%n].contact.ID {
				heads++
			}
			for k := 1; k <= r; k++ {
				next := w.nodes[(i+k)%n].contact.ID
				if !slices.ContainsFunc(list, func(x *identity.Contact) bool { return x.ID == next }) {
					hidden++
				}
			}
		}
		if heads > 0 || w.count.blames > 0 {
			t.Errorf("%s: %d honest peers have another neighbour than they should, %d false blames", behaviour, heads, w.count.blames)
		}
		return hidden
	}
	for _, behaviour := range []string{"poison", "frame"} {
		if n := hidden(behaviour, chord.Weighed); n > 0 {
			t.Errorf("%s: %d places of lists are of others than they should be", behaviour, n)
		}
	}
	if some, all := hidden("sparse", chord.Weighed), hidden("sparse", chord.FirstAnswer); all < 100 || some > all/4 {
		t.Errorf("%d places are of others than they should be, and %d where nobody looks", some, all)
	}
}

// Tables that are refreshed by asking liars are poisoned no more than by their share,
// and some, while peers come and go.
func TestPoisonedTables(t *testing.T) {
	c := hostile("poison")
	c.Session, c.Duration = 5*time.Minute, 2*time.Minute
	liars := simulate(t, c)
	c.Behaviour = "drop"
	fair := simulate(t, c)
	t.Logf("of tables %.3f is hostile, %.3f where they do not lie", liars.PoisonedShare, fair.PoisonedShare)
	if liars.PoisonedShare > fair.PoisonedShare+0.1 {
		t.Errorf("of tables %.3f is hostile, %.3f where they do not lie", liars.PoisonedShare, fair.PoisonedShare)
	}
}

// What foes draw up their positions by.
func TestSurroundedIsWhoIsNear(t *testing.T) {
	w := perfect(Config{Peers: 100, Seed: 6, Malicious: 0.1, Behaviour: "surround-target"})
	w.turn()
	victim := w.nodes[w.front.target].contact.Point
	var nearest []identity.Point
	for i := range w.nodes {
		nearest = append(nearest, distance(w.nodes[i].contact.Point, victim))
	}
	slices.SortFunc(nearest, func(a, b identity.Point) int { return slices.Compare(a[:], b[:]) })
	for i := range w.nodes {
		own := distance(w.nodes[i].contact.Point, victim)
		near := slices.Compare(own[:], nearest[10][:]) <= 0
		if hostile := w.foe(int32(i)) != nil; hostile != (near && int32(i) != w.front.target) {
			t.Errorf("peer %d: hostile %v, one of the ten nearest %v", i, hostile, near)
		}
	}
}

// What is delivered once more counts, also when the end of the message was seen, and
// not if it had failed before.
func TestDeliveriesAfterTheEnd(t *testing.T) {
	for _, test := range []struct {
		name  string
		end   func(w *World, m trace.MessageID, origin identity.ID)
		twice int
	}{
		{"after the receipt", func(w *World, m trace.MessageID, origin identity.ID) { w.delivered(m, origin, 2); w.receipted(m) }, 1},
		{"before the receipt", func(w *World, m trace.MessageID, origin identity.ID) { w.delivered(m, origin, 2) }, 1},
		{"after a failure", func(w *World, m trace.MessageID, origin identity.ID) { w.sendFailed(m) }, 0},
	} {
		w := perfect(Config{Peers: 10, Seed: 1})
		w.recruit("drop", []int32{9})
		m, origin := w.messageID(), w.nodes[1].contact.ID
		w.load.sends[m] = &send{from: 1, to: 2, of: &w.load.messages}
		test.end(w, m, origin)
		w.delivered(m, origin, 2)
		if got := w.load.messages.twice; got != test.twice {
			t.Errorf("%s: got %d delivered again, want %d", test.name, got, test.twice)
		}
	}
}

// Five peers send all messages, each by one copy, and a quarter of the others drop what
// they are handed: soon the five begin with hops that do not. Where all send none sends enough for that.
func TestFewSendersLearn(t *testing.T) {
	c := hostile("drop")
	c.Peers, c.Malicious, c.Lookups, c.IDLookups, c.Duplicates = 300, 0.25, 0, 0, 0
	c.Sends, c.Duration = 1500, time.Minute
	all := simulate(t, c)
	c.Senders = 5
	few := simulate(t, c)
	if few.Delivered != few.Sends || all.Delivered != all.Sends {
		t.Errorf("%d and %d of %d delivered, want all", few.Delivered, all.Delivered, all.Sends)
	}
	if late := few.Sends - few.DeliveredIn1s; 2*late > all.Sends-all.DeliveredIn1s {
		t.Errorf("%d took longer than a second, %d where all send, want half of that at most", late, all.Sends-all.DeliveredIn1s)
	}
}
