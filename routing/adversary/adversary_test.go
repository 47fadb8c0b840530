package adversary

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/wire"
)

// at returns a peer that stands at a place of a ring of 256.
func at(place byte) *identity.Contact {
	return &identity.Contact{ID: identity.ID{place, 1}, Point: identity.Point{place}, Sequence: 7, Fingerprint: identity.Fingerprint{place, 1}}
}

func places(list []*identity.Contact) (p []byte) {
	for _, x := range list {
		p = append(p, x.Point[0])
	}
	return p
}

// A ring is whom a foe knows, all of them its neighbours, in no order.
type ring struct {
	routing.Ring
	peers []*identity.Contact
}

func (r ring) Each(yield func(*identity.Contact) bool) {
	for _, p := range r.peers {
		if !yield(p) {
			return
		}
	}
}
func (r ring) Successors() []*identity.Contact   { return r.peers }
func (r ring) Predecessors() []*identity.Contact { return r.peers }
func (r ring) Find(point identity.Point) *identity.Contact {
	i := slices.IndexFunc(r.peers, func(p *identity.Contact) bool { return p.Point == point })
	if i < 0 {
		return nil
	}
	return r.peers[i]
}
func (r ring) Toward(point identity.Point, _ func(*identity.Contact) bool) *identity.Contact {
	return slices.MinFunc(r.peers, func(a, b *identity.Contact) int {
		x, y := distance(a.Point, point), distance(b.Point, point)
		return bytes.Compare(x[:], y[:])
	})
}

// band is a foe at 100, of a gang at 20, 100, 180 and 240, that knows peers at 90, 110 and 140.
func band(b Behaviour) *Foe {
	gang := []*identity.Contact{at(240), at(20), at(100), at(180)}
	f := New(at(100), NewGang(gang, append(gang, at(90), at(110), at(140), at(200))), b, rand.New(rand.NewPCG(1, 2)))
	f.Ring = ring{peers: []*identity.Contact{at(90), at(110), at(140)}}
	f.Gang.Victim = identity.Point{200}
	return f
}

// letter is a copy that came from 90.
func letter(kind wire.EnvelopeKind, target, number, colours byte) Message {
	e := wire.AppendEnvelopeHeader(nil, wire.EnvelopeHeader{TTL: 9, Hops: 1, Kind: kind, Colours: colours, Copy: number, Message: [16]byte{5}, Target: identity.Point{target}})
	return Message{Link: at(90).ID, Envelope: append(e, "sealed"...)}
}

// What is done to one copy: whether the foe's own hop has it, and what it says itself.
func TestCopies(t *testing.T) {
	const message, receipt = wire.EnvelopeMessage, wire.EnvelopeReceipt
	for _, test := range []struct {
		name      string
		behaviour Behaviour
		in        Message
		pass      bool
		acks      int
		to        byte // whom it goes to; 0: nobody
	}{
		{"drop", Drop{}, letter(message, 200, 0, 0), false, 1, 0},
		{"drop a receipt", Drop{}, letter(receipt, 200, 0, 0), false, 1, 0},
		{"drop, but it is its own", Drop{}, letter(message, 100, 0, 0), true, 0, 0},
		{"swallow a receipt", Drop{Only: Answers}, letter(receipt, 200, 0, 0), false, 1, 0},
		{"swallow, but it is a message", Drop{Only: Answers}, letter(message, 200, 0, 0), true, 0, 0},
		{"drop one of several", Drop{Only: Copies}, letter(message, 200, 0, 3), false, 1, 0},
		{"drop one of several that has no colour", Drop{Only: Copies}, letter(message, 200, 1, 0), false, 1, 0},
		{"drop copies, but it is alone", Drop{Only: Copies}, letter(message, 200, 0, 0), true, 0, 0},
		{"drop for the victim", Drop{Only: Victims}, letter(message, 200, 0, 0), false, 1, 0},
		{"drop for the victim, but it is another's", Drop{Only: Victims}, letter(message, 201, 0, 0), true, 0, 0},
		{"corrupt", Corrupt{}, letter(message, 200, 0, 0), true, 0, 0},
		{"misroute: to whom is furthest", Misroute{}, letter(message, 200, 0, 0), false, 1, 110},
		{"delay", Delay{Ack: time.Millisecond, Hold: time.Second}, letter(message, 200, 0, 0), false, 1, 140},
		{"lag: in silence", Lag{Most: time.Second}, letter(message, 200, 0, 0), false, 0, 0},
		{"lie: copies are none of its business", Lie{}, letter(message, 200, 0, 0), true, 0, 0},
		{"frame", Frame{}, letter(message, 200, 0, 0), false, 1, 0},
		{"churn", Churn{Every: 1}, letter(message, 200, 0, 0), false, 1, 0},
		{"surround", Surround{}, letter(message, 200, 0, 0), false, 1, 0},
		{"replay", new(Replay), letter(message, 200, 0, 0), true, 0, 0},
	} {
		f, before := band(test.behaviour), slices.Clone(test.in.Envelope)
		pass := f.Hear(0, test.in)
		out, _ := f.Take()
		acks, to := 0, byte(0)
		for _, m := range out {
			if m.Ack != nil && m.Link == test.in.Link && m.Ack.Copy == test.in.Envelope.Copy() {
				acks++
			} else if m.Envelope != nil {
				to = m.Link[0]
			}
		}
		if pass != test.pass || acks != test.acks || to != test.to || len(out) != acks+min(int(to), 1) {
			t.Errorf("%s: passed %v, %d acknowledgements, to %d, %d said; want %v, %d, %d", test.name, pass, acks, to, len(out), test.pass, test.acks, test.to)
		}
		if !slices.Equal(test.in.Envelope, before) {
			t.Errorf("%s: it changed bytes that others hold", test.name)
		}
	}
}

// What a hop says that a foe stands before: changed in a copy of its own, or late.
func TestWhatIsSaid(t *testing.T) {
	out := letter(wire.EnvelopeMessage, 200, 0, 0)
	before := slices.Clone(out.Envelope)
	held := out.Envelope
	if !band(Corrupt{}).Say(0, &out) || slices.Equal(out.Envelope, before) || !slices.Equal(held, before) {
		t.Error("corrupt: want a payload that differs, and the hop's own bytes as they were")
	}
	if !slices.Equal(out.Envelope[:wire.EnvelopeHeaderSize], before[:wire.EnvelopeHeaderSize]) {
		t.Error("corrupt: the header differs")
	}
	pong := Message{Link: at(90).ID, Ring: &chord.Message{Kind: chord.Pong}}
	if !band(Lag{Most: time.Second}).Say(0, &pong) || pong.After <= 0 || pong.After > time.Second {
		t.Errorf("lag: a pong is held back %v, want up to a second", pong.After)
	}
	hint := at(50)
	named := Message{Ring: &chord.Message{Kind: chord.Peers, Hints: []*identity.Contact{hint}}}
	if !new(Replay).Say(band(nil), &named) || named.Ring.Hints[0].Sequence != 6 || hint.Sequence != 7 {
		t.Errorf("replay: names number %d, and the core's own contact has %d; want 6 and 7", named.Ring.Hints[0].Sequence, hint.Sequence)
	}
	state := Message{Ring: &chord.Message{Kind: chord.State, Unchanged: true, Version: 3}}
	if !band(Sparse{}).Say(0, &state) || state.Ring.Unchanged || state.Ring.Version == 3 {
		t.Fatalf("sparse: got %+v, want other lists", state.Ring)
	}
	if got, want := places(state.Ring.Lists.Records), []byte{180, 240, 20}; !slices.Equal(got, want) {
		t.Errorf("sparse: names %v, want the gang, %v", got, want)
	}
	busy := Message{Ring: &chord.Message{Kind: chord.State, Busy: true}}
	if !band(Sparse{}).Say(0, &busy) || busy.Ring.Lists != nil {
		t.Error("sparse: a busy one tells of lists")
	}
}

// Whom the lies name, to a lookup and to a question.
func TestLies(t *testing.T) {
	key := identity.Point{190}
	for _, test := range []struct {
		name  string
		lie   Lie
		named func(*identity.Contact) bool
	}{
		{"colluders", Lie{Story: Colluders}, func(c *identity.Contact) bool { return band(nil).Gang.Has(c.ID) }},
		{"nearest", Lie{Story: Nearest}, func(c *identity.Contact) bool { return c.Point[0] == 240 || c.Point[0] == 20 }},
		{"mixed", Lie{Story: Mixed}, func(c *identity.Contact) bool { return c.Point[0] == 240 || c.Point[0] == 20 }},
		{"fresh", Lie{Story: Fresh}, func(c *identity.Contact) bool {
			return c.Point[0] == 190 && c.Point != key && !band(nil).Gang.Has(c.ID)
		}},
	} {
		f := band(test.lie)
		trail := []identity.ID{at(90).ID}
		if f.Hear(0, Message{Link: at(90).ID, Ring: &chord.Message{Kind: chord.Lookup, Lookup: [16]byte{1}, Key: key, Hops: 1, Trail: trail}}) {
			t.Errorf("%s: its own ring answers", test.name)
		}
		out, _ := f.Take()
		if len(out) != 2 || out[0].Ring.Kind != chord.LookupTaken || out[1].Ring.Kind != chord.Found || !test.named(out[1].Ring.Peer) || len(out[1].Ring.Trail) != 2 {
			t.Errorf("%s: a lookup got %+v", test.name, out)
		}
		f.Hear(0, Message{Link: at(90).ID, Ring: &chord.Message{Kind: chord.Query, Request: 8, Key: key, Count: 2}})
		out, _ = f.Take()
		if len(out) != 1 || out[0].Ring.Request != 8 || len(out[0].Ring.Hints) != 2 || !bytes.Equal(out[0].Ring.Order, []byte{0, 1}) {
			t.Fatalf("%s: a question got %+v", test.name, out)
		}
		for _, peer := range out[0].Ring.Hints {
			if !test.named(peer) {
				t.Errorf("%s: names %v", test.name, peer.Point[0])
			}
		}
	}
	refresh := Message{Link: at(90).ID, Ring: &chord.Message{Kind: chord.Query, Key: key, Count: 2, Length: 1 << 40}}
	if !band(Lie{}).Hear(0, refresh) || band(Lie{Refresh: true}).Hear(0, refresh) {
		t.Error("only with Refresh it lies to who looks after its fingers")
	}
}

// Who is near a key can say for sure who owns it, itself if no other of the gang is
// nearer; who is far only names peers, as anybody could tell.
func TestLiesAreProbable(t *testing.T) {
	for _, test := range []struct {
		story       Story
		key         byte
		owns, exact bool
		names       []byte
	}{
		{Nearest, 95, true, true, []byte{20, 100, 180, 240}},
		{Mixed, 95, true, true, []byte{90, 100, 110, 140}},
		{Mixed, 105, false, true, []byte{100, 180, 200, 240}},
		{Nearest, 230, false, false, []byte{240, 20, 100}},
	} {
		f := band(Lie{Story: test.story})
		f.Hear(0, Message{Link: at(90).ID, Ring: &chord.Message{Kind: chord.Query, Key: identity.Point{test.key}, Count: 3, Behind: true}})
		out, _ := f.Take()
		if m := out[0].Ring; m.Owns != test.owns || m.Exact != test.exact || !slices.Equal(places(m.Hints), test.names) || len(m.Order) != len(m.Hints) {
			t.Errorf("%d, asked for %d: got owns %v, exact %v, %v", test.story, test.key, m.Owns, m.Exact, places(m.Hints))
		}
	}
}

// What foes do when nobody speaks to them.
func TestBeats(t *testing.T) {
	f := band(Frame{Complaints: 40})
	f.Tick(0)
	out, _ := f.Take()
	for _, m := range out {
		if m.Ring.Kind != chord.Suspect || m.Ring.Silent == m.Link || f.Gang.Has(m.Ring.Silent) {
			t.Errorf("frame: tells %v of %v", m.Link[0], m.Ring.Silent[0])
		}
	}
	if len(out) < 10 {
		t.Errorf("frame: %d complaints of 40", len(out))
	}
	f = band(new(Replay))
	f.Hear(0, letter(wire.EnvelopeMessage, 110, 0, 0))
	f.Tick(0)
	if out, _ = f.Take(); len(out) != 1 || out[0].Link[0] != 110 || out[0].Envelope.TTL() != 8 {
		t.Errorf("replay: got %+v, want the one copy once more, to its target", out)
	}
	f = band(Churn{Every: 1})
	f.Tick(0)
	if _, reborn := f.Take(); !reborn {
		t.Error("churn: it lives on")
	}
	if _, reborn := f.Take(); reborn {
		t.Error("churn: it dies twice")
	}
	o := Oscillate{Bad: Drop{}, Period: time.Second}
	for now, want := range map[time.Duration]bool{0: true, 999 * time.Millisecond: true, time.Second: false, 2 * time.Second: true} {
		if got := band(o).Hear(now, letter(wire.EnvelopeMessage, 200, 0, 0)); got != want {
			t.Errorf("oscillate at %v: passes %v, want %v", now, got, want)
		}
	}
}

// The gang is a ring of its own.
func TestGang(t *testing.T) {
	g := band(nil).Gang
	for _, test := range []struct {
		name string
		got  []*identity.Contact
		want []byte
	}{
		{"after", g.after(identity.Point{100}, 9), []byte{180, 240, 20}},
		{"after a place of nobody's", g.after(identity.Point{101}, 2), []byte{180, 240}},
		{"before", g.before(identity.Point{100}, 9), []byte{20, 240, 180}},
		{"before, across zero", g.before(identity.Point{10}, 1), []byte{240}},
		{"mixed", g.mixed(identity.Point{190}, 3), []byte{240, 20, 90}},
	} {
		if got := places(test.got); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// Each name makes a behaviour, and each call another one: some remember.
func TestNames(t *testing.T) {
	for _, name := range Names() {
		if Named(name) == nil {
			t.Errorf("%s is no behaviour", name)
		}
	}
	if Named("replay") == Named("replay") || Named("kindness") != nil {
		t.Error("two foes share what they remember, or kindness is hostile")
	}
}
