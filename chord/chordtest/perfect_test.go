package chordtest

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
)

// resting returns a ring of size peers that is at rest from the start.
func resting(config NetConfig, size int) *Net {
	n := NewNet(config)
	n.Rest(Contacts(size, rand.New(rand.NewPCG(1, uint64(size)))))
	return n
}

// TestPerfectIsWhatRingsComeTo grows rings, lets each peer look after every finger
// some times, and compares it with one that was put in its place.
func TestPerfectIsWhatRingsComeTo(t *testing.T) {
	for _, test := range []struct {
		name   string
		config chord.Config
		r      int
		sizes  []int
	}{
		{"plain", chord.Config{TableBudget: -1}, 16, []int{1, 2, 3, 20, 33, 34, 40, 64}},
		{"classic", chord.Classic(), 3, []int{4, 7, 8, 64}},
		{"short lists", chord.Config{Successors: 2, TableBudget: -1}, 2, []int{5, 6, 64}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := NetConfig{Seed: 9, Chord: test.config} // lists of two may leave a finger of three one short, in about one ring of four
			for _, size := range test.sizes {
				if size > 100 && testing.Short() {
					continue
				}
				old, _ := grow(t, config, size)
				ideal(t, old, test.r, 5*time.Minute)
				old.Run(5 * time.Hour / 2)
				fresh := resting(config, size).Cores()
				rules := Rules{Successors: test.r, Owners: true, Redundancy: true}
				if bad := append(Check(fresh, rules), Ideal(fresh, test.r)...); len(bad) > 0 {
					t.Errorf("%d peers: got %v", size, bad[0])
				}
				for i, want := range old.Cores() {
					compareCores(t, size, fresh[i], want)
				}
			}
		})
	}
}

// compareCores compares where two cores stand and whom they know there.
func compareCores(t *testing.T, size int, got, want *chord.Core) {
	t.Helper()
	samePoints := func(a, b []*identity.Contact) bool { return slices.Equal(contactPoints(a), contactPoints(b)) }
	ownedBy := func(c *chord.Core) (after identity.Point) { after, _ = c.Owned(); return after }
	if got.Mode() != want.Mode() || ownedBy(got) != ownedBy(want) ||
		!samePoints(got.Successors(), want.Successors()) || !samePoints(got.Predecessors(), want.Predecessors()) {
		t.Errorf("%d peers: got %s, want %s", size, drawn([]*chord.Core{got}), drawn([]*chord.Core{want}))
	}
	if a, b := slices.Collect(got.Each), slices.Collect(want.Each); !samePoints(a, b) {
		t.Errorf("%d peers: got a table of %v, want %v", size, briefly(contactPoints(a)...), briefly(contactPoints(b)...))
	}
	fingers := got.Fingers()
	for i, finger := range want.Fingers() {
		if i >= len(fingers) || fingers[i].Start != finger.Start || fingers[i].End != finger.End ||
			!samePoints(fingers[i].Candidates, finger.Candidates) {
			t.Errorf("%d peers: finger %d: got %v of %d, want %v of %d", size, i, fingers, len(fingers), finger, len(want.Fingers()))
			return
		}
	}
}

// TestPerfectRests compares what a ring says in its first minute that was put
// there with what one says that grew and has been quiet for ten. What looks at slots cost
// goes by how long peers stay, and those that grew have measured that.
func TestPerfectRests(t *testing.T) {
	const size, windows = 300, 12 // of five seconds
	type said struct{ messages, bytes int }
	listen := func(n *Net) (list []said, all said) {
		for range windows {
			before := said{n.Messages, n.Bytes}
			n.Run(5 * time.Second)
			now := said{n.Messages - before.messages, n.Bytes - before.bytes}
			list = append(list, now)
			all = said{all.messages + now.messages, all.bytes + now.bytes}
		}
		return list, all
	}
	old, _ := grow(t, NetConfig{Seed: 8, Chord: chord.Config{TableBudget: -1}}, size)
	ideal(t, old, 16, 5*time.Minute)
	old.Run(10 * time.Minute)
	_, want := listen(old)
	fresh := resting(NetConfig{Seed: 8, Chord: chord.Config{TableBudget: -1}, Event: func(e trace.Event) {
		switch e.Kind {
		case trace.LookupSent, trace.LookupForwarded, trace.LookupAnswered, trace.LookupDone:
		default:
			t.Errorf("a quiet ring: got %v", e)
		}
	}, Sent: func(_, _ *identity.Contact, m chord.Message) {
		if m.Kind == chord.Notify || m.Lists != nil {
			t.Errorf("a quiet ring: got %s", Describe(&m))
		}
	}}, size)
	list, got := listen(fresh)
	t.Logf("in five seconds each: %v; in a minute: %v, one that grew: %v", list, got, want)
	if !near(got.messages, want.messages, 15) || !near(got.bytes, want.bytes, 25) {
		t.Errorf("got %v messages and bytes in a minute, want about %v", got, want)
	}
	for _, part := range list {
		if !near(windows*part.messages, want.messages, 30) || !near(windows*part.bytes, want.bytes, 50) {
			t.Errorf("got %v messages and bytes in five seconds, want about a twelfth of %v", part, want)
		}
	}
	fresh.Run(10 * time.Minute) // and nothing changes
}

// near reports whether a and b are no more than some percent apart.
func near(a, b, percent int) bool { return 100*max(a, b) <= (100+percent)*min(a, b) }

// BenchmarkPerfect puts one core in its place, among ten thousand and a million.
func BenchmarkPerfect(b *testing.B) {
	for _, size := range []int{10_000, 1_000_000} {
		contacts := Contacts(size, rand.New(rand.NewPCG(1, 1)))
		perfect := NewPerfect(contacts)
		random := rand.New(rand.NewPCG(1, 2))
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				core := chord.New(contacts[i%size], chord.Config{TableBudget: -1}, random)
				perfect.Restore(0, i%size, core)
			}
		})
	}
}
