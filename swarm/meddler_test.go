package swarm

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/swarm/internal/tap"
)

// What a meddler does with an envelope, each with even chances.
type meddling uint8

const (
	flips    meddling = 1 << iota // one bit, in the header or the payload
	replays                       // and sends others again that it passed on before
	reorders                      // has it wait for the next one
	drops                         // having acknowledged it
)

// A meddler is a relay that treats the envelopes of others as bytes. Its fields are
// guarded by the lock of its peer.
type meddler struct {
	does    meddling
	self    identity.Point
	random  *rand.Rand
	kept    []tap.Message
	waiting []tap.Message
	out     []tap.Message
	touched map[meddling]int
}

var _ tap.Tap = (*meddler)(nil)

func (m *meddler) Hear(time.Duration, tap.Message) bool { return true }

// Say passes on what its peer relays, or something else.
func (m *meddler) Say(_ time.Duration, out *tap.Message) bool {
	if out.Envelope == nil || out.Envelope.Target() == m.self {
		return true
	}
	if m.wants(drops) {
		return false
	}
	if m.does&replays != 0 {
		m.kept = append(m.kept, tap.Message{Link: out.Link, Envelope: slices.Clone(out.Envelope)})
		m.again()
	}
	if m.wants(flips) {
		out.Envelope = slices.Clone(out.Envelope)
		out.Envelope[m.random.IntN(len(out.Envelope))] ^= 1 << m.random.IntN(8)
	}
	if m.wants(reorders) {
		m.waiting = append(m.waiting, *out)
		return false
	}
	m.out, m.waiting = append(m.out, m.waiting...), nil
	return true
}

// wants draws whether something is done now.
func (m *meddler) wants(what meddling) bool {
	if m.does&what == 0 || m.random.IntN(2) == 0 {
		return false
	}
	m.touched[what]++
	return true
}

// again sends something again, as it was.
func (m *meddler) again() {
	for range 3 {
		if m.wants(replays) {
			k := m.kept[m.random.IntN(len(m.kept))]
			m.out = append(m.out, tap.Message{Link: k.Link, Envelope: slices.Clone(k.Envelope)})
		}
	}
}

// Tick replays when nobody expects it, and lets go what nothing came after.
func (m *meddler) Tick(time.Duration) {
	if len(m.kept) > 0 {
		m.again()
	}
	m.out, m.waiting = append(m.out, m.waiting...), nil
}

func (m *meddler) Take() []tap.Message {
	out := m.out
	m.out = nil
	return out
}

// meddle has a peer do so from now on.
func meddle(p *Peer, does meddling) (m *meddler) {
	m = &meddler{does: does, self: p.point, random: rand.New(rand.NewPCG(uint64(does), uint64(p.point[0]))), touched: make(map[meddling]int)}
	p.interpose(func(routing.Ring) tap.Tap { return m })
	return m
}

// Sixteen peers on real sockets, some of which change, repeat, hold back or drop the
// bytes that they relay: nothing altered comes out anywhere, and nothing twice; with
// two duplicates or more nothing is lost, either.
func TestMeddlingRelays(t *testing.T) {
	for _, foes := range []int{1, 4} {
		t.Run(fmt.Sprint(foes, " of 16"), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			s := newAmbushed(ctx, t, foes)
			for _, story := range []struct {
				name string
				does meddling
			}{
				{"flipped", flips}, {"replayed", replays}, {"reordered", reorders}, {"dropped", drops},
				{"all of it", flips | replays | reorders | drops},
			} {
				t.Run(story.name, func(t *testing.T) { s.tell(ctx, t, story.does) })
			}
		})
	}
}

// ambushed is a ring some peers of which lie in wait on the ways between others.
type ambushed struct {
	foes  []*Peer
	pairs [][2]*Peer // whose first hop is one of the foes
	sent  []*parcel  // in all stories

	mu      sync.Mutex               // guards the field below
	arrived map[*Peer]map[string]int // how often, by origin and text
}

// newAmbushed picks as foes those who stand on most ways.
func newAmbushed(ctx context.Context, t *testing.T, foes int) *ambushed {
	t.Helper()
	ring := chord.Classic()
	ring.StabilizeMin, ring.StabilizeMax = 250*time.Millisecond, time.Second
	var peers []*Peer
	for i := range 16 {
		p := listen(t, Config{Address: "127.0.0.1:0", Ring: ring})
		if i > 0 {
			if err := p.Join(ctx, peers[i/2].Address().String()); err != nil {
				t.Fatal(err)
			}
		}
		peers = append(peers, p)
	}
	for wrong := notIdeal(peers); wrong != ""; wrong = notIdeal(peers) {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal(wrong)
		}
	}
	ways := make(map[identity.ID][][2]*Peer)
	for _, from := range peers {
		for _, to := range peers {
			if first := firstHop(from, to); first != nil {
				ways[first.ID] = append(ways[first.ID], [2]*Peer{from, to})
			}
		}
	}
	slices.SortFunc(peers, func(a, b *Peer) int { return cmp.Compare(len(ways[b.id]), len(ways[a.id])) })
	s := &ambushed{foes: peers[:foes], arrived: make(map[*Peer]map[string]int)}
	for _, f := range s.foes {
		for _, pair := range ways[f.id] {
			if !slices.Contains(s.foes, pair[0]) && !slices.Contains(s.foes, pair[1]) {
				s.pairs = append(s.pairs, pair)
			}
		}
	}
	for _, p := range peers[foes:] {
		s.arrived[p] = make(map[string]int)
		go s.listen(p)
	}
	return s
}

// firstHop returns whom a message would go to first that is not its target.
func firstHop(from, to *Peer) *identity.Contact {
	from.mu.Lock()
	defer from.mu.Unlock()
	if from == to || from.ring.Find(to.point) != nil {
		return nil
	}
	return from.ring.Toward(to.point, nil)
}

// listen notes what arrives at a peer until it is closed.
func (s *ambushed) listen(p *Peer) {
	for {
		m, err := p.Receive(context.Background())
		if err != nil {
			return
		}
		s.mu.Lock()
		s.arrived[p][m.From.Short()+": "+string(m.Data)]++
		s.mu.Unlock()
	}
}

// A parcel is one message of a story.
type parcel struct {
	from, to   *Peer
	duplicates int
	text       string
	err        error
}

// tell has all send at once, with duplicates and without, and looks at what came out.
func (s *ambushed) tell(ctx context.Context, t *testing.T, does meddling) {
	var meddlers []*meddler
	for _, f := range s.foes {
		meddlers = append(meddlers, meddle(f, does))
	}
	const most = 10
	before := len(s.sent)
	for range 3 { // the first of a pair is a handshake, others are not
		var under sync.WaitGroup
		for _, pair := range s.pairs[:min(most, len(s.pairs))] {
			for _, duplicates := range []int{0, 2, 3} {
				x := &parcel{pair[0], pair[1], duplicates, fmt.Sprint("message ", len(s.sent)), nil}
				s.sent = append(s.sent, x)
				under.Go(func() {
					ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
					defer cancel()
					_, x.err = x.from.Send(ctx, x.to.id, []byte(x.text), SendOptions{Duplicates: x.duplicates, Routed: true})
				})
			}
		}
		under.Wait()
	}
	s.checkTouched(t, meddlers)
	s.check(ctx, t, s.sent[before:])
}

// checkTouched fails where the relays did not do what the story is about.
func (s *ambushed) checkTouched(t *testing.T, meddlers []*meddler) {
	touched := make(map[meddling]int)
	for i, m := range meddlers {
		s.foes[i].mu.Lock()
		for what, n := range m.touched {
			touched[what] += n
		}
		s.foes[i].mu.Unlock()
	}
	for _, what := range []meddling{flips, replays, reorders, drops} {
		if meddlers[0].does&what != 0 && touched[what] < 3 {
			t.Errorf("envelopes touched: %v: the story does not happen", touched)
		}
	}
	t.Logf("envelopes touched: %v", touched)
}

// check compares what arrived since the first story with what was sent.
func (s *ambushed) check(ctx context.Context, t *testing.T, sent []*parcel) {
	lost := 0
	for _, x := range sent {
		if x.err != nil {
			lost++
			if x.duplicates > 0 {
				t.Errorf("%s with %d duplicates: %v", x.text, x.duplicates, x.err)
			}
		}
	}
	t.Logf("%d sent, %d without a receipt", len(sent), lost)
	for s.missing(sent) && ctx.Err() == nil {
		<-time.After(time.Millisecond) // a receipt may be faster than a reader
	}
	if s.missing(sent) {
		t.Error("there are receipts of messages that did not arrive")
	}
	expected := make(map[*Peer]map[string]bool)
	for _, x := range s.sent {
		if expected[x.to] == nil {
			expected[x.to] = make(map[string]bool)
		}
		expected[x.to][x.name()] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, list := range s.arrived {
		for name, times := range list {
			if times > 1 || !expected[p][name] {
				t.Errorf("%s got %q %d times; it was sent there: %v", p.id.Short(), name, times, expected[p][name])
			}
		}
	}
}

// missing reports whether something did not arrive that there is a receipt of.
func (s *ambushed) missing(sent []*parcel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(sent, func(x *parcel) bool { return x.err == nil && s.arrived[x.to][x.name()] == 0 })
}

func (x *parcel) name() string { return x.from.id.Short() + ": " + x.text }
