package chord

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
	"unsafe"

	"cicada/chord/internal/model"
	"cicada/identity"
)

// wideCore returns a peer at rest among so many others, all of whom it knows.
func wideCore(t *testing.T, others int) *Core {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	var peers []*identity.Contact
	for i := range others + 1 {
		peer := randomContact(random)
		peer.Point[0], peer.Point[1] = byte(i>>8), byte(i)
		peers = append(peers, peer)
	}
	c := New(peers[0], Config{}, random)
	c.Restore(0, model.Place{Rest: &model.Rest{Ring: model.NewRing(peers), Version: func(*identity.Contact) uint64 { return 1 }}})
	if got := c.Reach(); got != others {
		t.Fatalf("it knows %d, want %d", got, others)
	}
	return c
}

// A peer that talks much of changes is heard for as long as the budget allows, and
// what it says makes no table larger than the ring can be.
func TestFloodsOfChangesAreBounded(t *testing.T) {
	c := wideCore(t, 200)
	random := rand.New(rand.NewPCG(2, 2))
	liar := c.successors[0]
	known := c.Reach()
	for i := range 200 {
		var hints []*identity.Contact
		for range maxJoined {
			hints = append(hints, randomContact(random))
		}
		c.Step(0, liar, Message{Kind: Changes, Request: uint64(i + 1), Hints: hints, Limits: []uint32{0xffffffff}})
		c.Ready()
	}
	if got, most := c.Reach(), known+2*200+2*maxDoubts; got == known || got > most {
		t.Errorf("it knows %d peers, want more than %d and at most %d", got, known, most)
	}
	if got, most := len(c.wide.spread.changes), 2000*allowedFor/hintBytes+maxJoined; got > most {
		t.Errorf("it passes on %d changes, want at most %d", got, most)
	}
	told, soon := 0, 0
	for at := time.Duration(0); at < 2*time.Minute; at += time.Second {
		c.Tick(at)
		for _, out := range c.Ready().Messages {
			if out.Message.Kind == Changes {
				told += out.Message.wideSize()
			}
		}
		if at == 5*time.Second {
			soon = told
		}
	}
	if soon > 2000*(allowedFor+20) {
		t.Errorf("it sent %d bytes of changes in five seconds", soon)
	}
	if most := 2000*(allowedFor+120) + 2000*allowedFor; told > most {
		t.Errorf("it sent %d bytes of changes, want at most %d", told, most)
	}
}

// A change that comes again is not passed on again, unless to those whom it was not
// to be told before.
func TestAChangeThatComesAgain(t *testing.T) {
	c := wideCore(t, 200)
	from := c.predecessors[0]
	gone := c.wide.relays.at(100)
	told := func(at time.Duration) (n int) {
		for ; at > 0; at -= time.Second {
			c.Tick(c.now + time.Second)
			for _, out := range c.Ready().Messages {
				if out.Message.Kind == Changes && slices.Contains(out.Message.Left, word(gone.Point)) {
					n++
					c.Step(c.now, out.To, Message{Kind: ChangesTaken, Request: out.Message.Request, Wide: true, Accepted: true})
				}
			}
		}
		return n
	}
	tell := func(request uint64, limit uint32) {
		c.Step(c.now, from, Message{Kind: Changes, Request: request, Left: []uint64{word(gone.Point)}, Limits: []uint32{limit}})
	}
	tell(1, limitAt(c.wide.relays.at(15).Point)) // to those at 1, 2, 4 and 8 places
	if got := told(3 * time.Second); got != 4 {
		t.Errorf("told %d, want 4", got)
	}
	tell(1, limitAt(c.wide.relays.at(15).Point))
	tell(2, limitAt(c.wide.relays.at(7).Point))
	if got := told(3 * time.Second); got != 0 {
		t.Errorf("the same again: told %d, want none", got)
	}
	tell(3, limitAt(c.wide.relays.at(63).Point)) // and now to those at 16 and 32, and whoever is behind the 15th
	if got := told(3 * time.Second); got < 2 || got > 3 {
		t.Errorf("more of them: told %d, want 2 or 3", got)
	}
}

// Of a hundred that stay a minute something happens every second: who has heard of no
// change for minutes is not told of any, and says that it is there.
func TestWhoIsToldNothingSpeaksUp(t *testing.T) {
	for _, x := range []struct {
		stay   uint32 // seconds
		silent time.Duration
		speaks bool
	}{{60, 3 * time.Minute, true}, {60, time.Minute, false}, {86400, 3 * time.Minute, false}} {
		c := wideCore(t, 100)
		c.begunWith(x.stay)
		c.config.TableBudget = MaxTableBudget
		c.now += x.silent
		c.decide()
		if spoke := slices.Contains(c.wide.spread.words, word(c.self.Point)); spoke != x.speaks {
			t.Errorf("stays of %d s, silence for %v: it spoke %v, want %v", x.stay, x.silent, spoke, x.speaks)
		}
		if c.decide(); len(c.wide.spread.words) > 1 {
			t.Error("it speaks up again at once")
		}
	}
}

// A peer whose budget is spent for minutes on end knows no more than its table, and
// tries it again later. One whose budget is spent now and then goes on.
func TestABudgetThatIsNotEnough(t *testing.T) {
	c := wideCore(t, 200)
	decide := func(spent bool) {
		c.wide.given = allowance{at: c.now}
		if spent {
			c.wide.given.spent = 2 * c.config.TableBudget * allowedFor
		}
		c.decide()
	}
	for range 3 {
		for range mostOver {
			decide(true)
		}
		if decide(false); !c.isWide() {
			t.Fatal("it gave up too soon")
		}
	}
	for range mostOver + 1 {
		decide(true)
	}
	if c.isWide() || c.Reach() != len(c.table) {
		t.Error("it goes on, whatever that takes")
	}
	if c.wide.decideAt < c.now+narrowFor/2 {
		t.Errorf("it tries again at %v", c.wide.decideAt)
	}
}

// One that is said to be gone, and about whom nobody asked for a minute, is forgotten
// where most of those that somebody asked about were gone, and only there: else it is a
// liar who says so. One that was heard meanwhile is not.
func TestDoubtsDoNotLast(t *testing.T) {
	for _, most := range []bool{true, false} {
		c := wideCore(t, 200)
		if most {
			c.lostMember(c.wide.relays.at(150))
			c.lostMember(c.wide.relays.at(151))
		}
		gone, back := c.wide.relays.at(100), c.wide.relays.at(110)
		for _, peer := range []*identity.Contact{gone, back} {
			c.suspect(peer, true)
		}
		c.heardMember(back)
		for _, at := range []time.Duration{doubtStays - 1, doubtStays} {
			c.now = at
			c.tend()
			if known := c.wide.find(gone.Point) != nil; known != (at < doubtStays || !most) {
				t.Errorf("most were gone: %v; after %v it is known: %v", most, at, known)
			}
		}
		if c.wide.find(back.Point) == nil || len(c.wide.doubts) > 0 {
			t.Errorf("one that was heard is forgotten, or doubts are left: %d", len(c.wide.doubts))
		}
	}
}

// A liar says of all that they are gone, by as many messages as it takes: they live, so
// hardly anybody is forgotten for it.
func TestLeavesOfAllAreNotBelieved(t *testing.T) {
	c := wideCore(t, 1000)
	liar := c.successors[0]
	var words []uint64
	for peer := range c.wide.relays.from(identity.Point{}) {
		words = append(words, word(peer.Point))
	}
	for i := 0; i < len(words); i += maxLeft {
		left := words[i:min(i+maxLeft, len(words))]
		c.Step(c.now, liar, Message{Kind: Changes, Request: uint64(i + 1), Left: left, Limits: []uint32{limitAt(liar.Point)}})
	}
	if c.probing() > maxAsked {
		t.Errorf("it asks %d peers at once", c.probing())
	}
	for end := c.now + 5*time.Minute; c.now < end; {
		for _, out := range c.Ready().Messages {
			switch m := out.Message; m.Kind {
			case Ping:
				c.Step(c.now, out.To, Message{Kind: Pong, Request: m.Request, Member: true})
			case Query:
				c.Step(c.now, out.To, Message{Kind: Peers, Request: m.Request, Member: true, Wide: true, Busy: true})
			case Changes:
				c.Step(c.now, out.To, Message{Kind: ChangesTaken, Request: m.Request, Wide: true, Accepted: true})
			}
		}
		c.now += 50 * time.Millisecond
		c.expire()
		c.tickWide()
	}
	if n := c.wide.size(); n < 990 || len(c.wide.doubts) > 0 {
		t.Errorf("it knows %d of 1000, and doubts %d", n, len(c.wide.doubts))
	}
}

// Somebody else's word for where a peer is does not put an end to what was known of
// that, nor anybody else in its place. Its own does.
func TestHearsayOfAddressesIsOnlyAdded(t *testing.T) {
	c := wideCore(t, 200)
	known := c.wide.relays.at(100)
	here, there := netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("192.0.2.2:2")
	hint := func(address netip.AddrPort) *identity.Contact {
		return &identity.Contact{ID: known.ID, Point: known.Point, Addresses: []netip.AddrPort{address}}
	}
	c.wide.relays.put(hint(here))
	tell := func(request uint64, from, about *identity.Contact) []netip.AddrPort {
		c.Step(c.now, from, Message{Kind: Changes, Request: request, Left: []uint64{word(known.Point)}, Limits: []uint32{1}})
		c.Step(c.now, from, Message{Kind: Changes, Request: request + 1, Hints: []*identity.Contact{about}, Limits: []uint32{1}})
		return c.wide.relays.find(known.Point).Addresses
	}
	if got := tell(1, c.successors[0], hint(there)); !slices.Equal(got, []netip.AddrPort{here, there}) {
		t.Errorf("another one's word: got %v, want both", got)
	}
	other := hint(there)
	other.ID[5]++
	tell(3, c.successors[0], other)
	if got := c.wide.find(known.Point); got.ID != known.ID {
		t.Errorf("another one is in its place: %v", got)
	}
	itself := *known
	itself.Addresses, itself.Fingerprint = []netip.AddrPort{there}, identity.Fingerprint{1}
	if got := tell(5, &itself, hint(here)); !slices.Equal(got, itself.Addresses) {
		t.Errorf("its own word: got %v, want %v alone", got, there)
	}
}

// Whoever asks for all peers again and again is told to wait, and keeps this one from
// nothing else.
func TestQuestionsForAllAreBounded(t *testing.T) {
	c := wideCore(t, 2000)
	asker := c.predecessors[0]
	busy, bytes := 0, 0
	for i := range 1000 {
		c.Step(c.now, asker, Message{Kind: Query, Request: uint64(i + 1), Wide: true, Table: true, Count: maxPage})
		for _, out := range c.Ready().Messages {
			if out.Message.Busy {
				busy++
			}
			bytes += out.Message.wideSize()
		}
	}
	if busy < 990 || bytes > 2*c.pageBudget()*allowedFor+1000*messageBytes+1000*hintBytes*maxNear || c.wide.given.spent > 0 {
		t.Errorf("%d were told to wait, %d bytes sent, %d of what changes may take", busy, bytes, c.wide.given.spent)
	}
	c = wideCore(t, 2000)
	for length, wait := range map[uint64]bool{0: true, 1 << 63: true, 1 << 57: false} {
		c.Step(c.now, asker, Message{Kind: Query, Request: length + 1, Wide: true, Table: true, Sum: 7, Length: length})
		for _, out := range c.Ready().Messages {
			if out.Message.Busy != wait && out.Message.Kind == Peers {
				t.Errorf("a sum over a length of %#x: told to wait %v, want %v", length, out.Message.Busy, wait)
			}
		}
	}
}

// Who is said to be gone says that it is not, at once; and if that is said again, again,
// but not more often than every so often.
func TestWhoIsSaidToBeGoneDeniesIt(t *testing.T) {
	c := wideCore(t, 200)
	c.now = time.Minute
	liar := c.successors[0]
	var denials []time.Duration
	said := func(request uint64) {
		c.Step(c.now, liar, Message{Kind: Changes, Request: request, Left: []uint64{c.origin[0]}, Limits: []uint32{limitAt(liar.Point) + uint32(request)}})
	}
	for request := uint64(1); request <= 3; request++ {
		said(request)
		for begin := c.now; c.now < begin+2*denyInterval; c.now += 100 * time.Millisecond {
			if before := c.wide.spread.denied; c.now == begin+time.Second {
				said(request + 10)
			} else if c.tickSpread(); c.wide.spread.denied != before {
				denials = append(denials, c.now)
			}
		}
	}
	for i, at := range denials {
		if i > 0 && at-denials[i-1] < denyInterval {
			t.Errorf("denied at %v and at %v", denials[i-1], at)
		}
	}
	if len(denials) != 6 || c.wide.spread.denyAt != far {
		t.Errorf("denied at %v, and once more at %v; want six times", denials, c.wide.spread.denyAt)
	}
}

// A change that was heard of long ago may happen again, and is passed on again.
func TestAChangeMayHappenAgain(t *testing.T) {
	c := wideCore(t, 200)
	from, gone := c.predecessors[0], c.wide.relays.at(100)
	for round := range 3 {
		c.Step(c.now, from, Message{Kind: Changes, Request: uint64(round + 1), Left: []uint64{word(gone.Point)}, Limits: []uint32{limitAt(c.wide.relays.at(15).Point)}})
		if c.wide.spread.sendAt == far {
			t.Fatalf("round %d: it is not passed on", round)
		}
		c.now = c.wide.spread.sendAt
		c.tickSpread()
		c.now += keepFor + time.Second
	}
}

// That a relay is none is its own word, and not another one's.
func TestHearsayMakesNobodyLessOfARelay(t *testing.T) {
	c := wideCore(t, 200)
	relay := c.wide.relays.at(100)
	c.Step(c.now, c.successors[0], Message{Kind: Changes, Request: 1, Others: []*identity.Contact{relay}, Limits: []uint32{1}})
	c.Step(c.now, c.successors[0], Message{Kind: Changes, Request: 2, Left: []uint64{word(relay.Point)}, Limits: []uint32{1}})
	c.Step(c.now, c.successors[0], Message{Kind: Changes, Request: 3, Others: []*identity.Contact{relay}, Limits: []uint32{1}})
	if c.wide.relays.find(relay.Point) == nil {
		t.Error("it is a relay no more")
	}
}

// Whoever was forgotten is not learned of again from who is late, for some minutes.
func TestTheForgottenMayComeBack(t *testing.T) {
	c := wideCore(t, 200)
	peer := c.wide.relays.at(100)
	hears := func() bool {
		c.takePage(&Message{Hints: []*identity.Contact{peer}}, c.self.Point)
		return c.wide.find(peer.Point) != nil
	}
	c.now = struckFor + time.Second
	c.tickWide()
	c.wide.strike(peer.Point)
	if hears() {
		t.Error("it is learned of again at once")
	}
	c.now += struckFor + time.Second
	c.tickWide()
	if !hears() {
		t.Error("it is never learned of again")
	}
}

// A page that ends the copying, though it tells of few, is not the end: the next source
// is asked. Where all tell what their lists hold, all is copied twice, and not for ever.
func TestACopyOfAllIsWhole(t *testing.T) {
	c := wideCore(t, 200)
	all := slices.Collect(c.wide.relays.from(c.self.Point))
	begin := func() {
		c.wide.relays, c.wide.complete = roll{}, false
		c.requests = nil
		c.beginFetch()
	}
	pages := func(answer Message) (n int) {
		for ; n < 20 && (!c.wide.complete || c.wide.fetch.rough || c.wide.fetch.again); n++ {
			c.now += fetchPause * 2
			c.wide.fetch.at = c.now
			c.tickFetch()
			for _, out := range c.Ready().Messages {
				if m := out.Message; m.Kind == Query && m.Wide {
					answer.Kind, answer.Request, answer.Member, answer.Wide = Peers, m.Request, true, true
					c.Step(c.now, out.To, answer)
				}
			}
		}
		return n
	}
	begin()
	if pages(Message{}); c.wide.complete {
		t.Error("an empty page is all there is")
	}
	begin()
	if n := pages(Message{Hints: all, Busy: true}); n > 4 || !c.wide.complete {
		t.Errorf("where nobody knows all: %d pages, and done: %v", n, c.wide.complete)
	}
}

// Without a budget nothing of all this takes memory but a pointer.
func TestNoBudgetNoMemory(t *testing.T) {
	c := New(randomContact(rand.New(rand.NewPCG(1, 1))), Config{TableBudget: -1}, rand.New(rand.NewPCG(1, 1)))
	if c.wide != nil || unsafe.Sizeof(c.wide) > 8 {
		t.Error("it has some")
	}
}

// What a table of all takes grows with how many there are and how short they stay.
func TestWideCost(t *testing.T) {
	for _, x := range []struct {
		n           int
		stay        time.Duration
		least, most int
	}{
		{64, 24 * time.Hour, 0, 400}, {10_000, 5194 * time.Second, 200, 500}, {100_000, 5194 * time.Second, 1800, 2250},
		{1000, 121 * time.Second, 1200, 2000}, {100_000, 10 * time.Minute, 10_000, 50_000},
	} {
		if got := wideCost(x.n, x.stay); got < x.least || got > x.most {
			t.Errorf("%d peers that stay %v: got %d B/s, want %d to %d", x.n, x.stay, got, x.least, x.most)
		}
	}
}

// Where a relay takes longer to compare what it knows than until the next is to be
// asked, that one waits; the clock of who waits does not stand still.
func TestAComparisonMayTakeLong(t *testing.T) {
	c := wideCore(t, 200)
	w := c.wide
	f := &w.fetch
	w.decideAt, w.tendAt, w.spread.sendAt, w.spread.denyAt = far, far, far, far
	for range 20 { // relays are drawn, and some are doubted
		if c.dueSet = false; !f.asking {
			c.compareStretch()
		}
	}
	if !f.asking {
		t.Fatal("nobody was asked")
	}
	c.now = f.at + 1
	c.dueSet = false
	if due := c.wideDue(); due <= c.now {
		t.Errorf("at %v the next question is due at %v, while one is awaited", c.now, due)
	}
	c.unpaged(&request{purpose: forStretch})
	if due := c.wideDue(); due > c.now {
		t.Errorf("nobody answered, and the next question is due at %v, want by %v", due, c.now)
	}
}
