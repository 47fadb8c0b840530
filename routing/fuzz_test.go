package routing

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// A script turns bytes into calls: any bytes are some order of calls with some
// arguments, most of which refer to something that exists.
type script struct {
	w       *world
	core    *Core
	data    []byte
	now     time.Duration
	offers  []Offer
	casts   []Offer
	answers []Offer
	config  Config
	payload []byte
}

func (s *script) byte() byte {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

func (s *script) message() (m trace.MessageID) { m[0] = s.byte() % 8; return m }
func (s *script) peer() *identity.Contact {
	return s.w.peers[1+int(s.byte())%(len(s.w.peers)-1)].contact
}

// size is mostly small and sometimes about half of what may be kept.
func (s *script) size() int { return int(s.byte()) << (s.byte() % 9) }

func (s *script) envelope() wire.Envelope {
	h := wire.EnvelopeHeader{
		TTL: s.byte() % 66, Kind: wire.EnvelopeKind(s.byte() % 7), Copy: s.byte() % 4,
		Message: s.message(), Target: s.w.peers[int(s.byte())%len(s.w.peers)].contact.Point,
	}
	h.Nonce[0] = s.byte() % 4
	e := append(wire.AppendEnvelopeHeader(nil, h), s.payload[:s.size()]...)
	return e[:max(len(e)-int(s.byte()/250), 0)]
}

// step makes one call.
func (s *script) step() {
	c := s.core
	switch s.byte() % 24 {
	case 0, 1, 2, 3:
		c.Envelope(s.now, s.peer().ID, s.envelope())
	case 4:
		_, _ = c.Send(s.now, Sending{
			Message: s.message(), Target: s.peer().Point, Kind: wire.EnvelopeKind(s.byte() % 6),
			Payload: s.payload[:s.size()], Duplicates: int(s.byte()%8) - 1, Routed: s.byte()%2 == 0,
		})
	case 5:
		_ = c.Resend(s.now, s.message(), wire.EnvelopeKind(s.byte()%6), 1, s.payload[:s.size()])
	case 6, 7:
		c.Ack(s.now, s.peer().ID, s.message(), s.byte()%4)
	case 8:
		c.Refusal(s.now, s.peer().ID, s.message(), s.byte()%4, wire.Reason(s.byte()))
	case 9:
		c.Unreachable(s.now, s.peer().ID)
	case 10:
		c.Done(s.now, Offer{Message: s.message()}, s.peer().ID, 1)
	case 11:
		c.Cancel(s.message())
	case 12:
		s.judge()
	case 13:
		_ = c.Broadcast(s.now, s.message(), s.payload[:s.size()], nil)
	case 14, 15:
		m := BroadcastMessage{Message: s.message(), Body: s.payload[:s.size()], Limit: s.peer().Point, Hops: int(s.byte())}
		if s.byte()%4 == 0 {
			m.Start, m.Silent = s.peer().Point, []identity.Point{s.peer().Point, s.peer().Point}
		}
		c.BroadcastIn(s.now, s.peer().ID, m)
	case 16:
		c.BroadcastTaken(s.now, s.peer().ID, s.message(), s.peer().Point)
	case 17:
		c.BroadcastDone(s.now, s.peer().ID, s.message(), s.peer().Point, Outcome{Reached: uint64(s.byte()), Messages: uint64(s.byte())})
	case 18:
		s.now += time.Duration(s.byte()) * time.Duration(s.byte()) * time.Millisecond
		c.Tick(s.now)
	case 19:
		s.take(c.Ready())
	case 20:
		if l := c.links.byID[s.peer().ID]; l != nil && l.idle() {
			c.links.forget(l)
		}
	case 21:
		c.BroadcastTold(s.now, s.peer().ID, []Tag{TagOf(s.peer().ID, s.message()), TagOf(s.peer().ID, s.message())})
	case 22:
		c.BroadcastPull(s.now, s.peer().ID, []Tag{TagOf(s.peer().ID, s.message()), TagOf(s.w.peers[0].contact.ID, s.message())})
	case 23:
		c.BroadcastGiven(s.now, s.peer().ID, s.peer().ID, BroadcastMessage{
			Message: s.message(), Body: s.payload[:s.size()], Hops: int(s.byte()), Age: time.Duration(s.byte()) * time.Second,
		})
	}
}

// judge answers some offer, and replies.
func (s *script) judge() {
	c, which := s.core, s.byte()
	if len(s.offers) > 0 {
		o := s.offers[int(which)%len(s.offers)]
		switch s.byte() % 8 {
		case 0, 4:
			c.Rejected(o)
		case 1:
			c.Postponed(o)
		case 2:
			c.Outdated(o, s.peer().ID)
		default:
			c.Accepted(s.now, o, s.peer().ID)
		}
		c.Copies(o)
		_ = c.Reply(s.now, o, Replying{
			Kind: wire.EnvelopeKind(s.byte() % 6), Payload: s.payload[:s.size()],
			Target: s.peer().Point, Duplicates: s.byte()%2 == 0,
		})
	}
	if len(s.casts) > 0 {
		o := s.casts[int(which)%len(s.casts)]
		switch s.byte() % 8 {
		case 0, 4:
			c.BroadcastRejected(o)
		case 1:
			c.BroadcastPostponed(o)
		default:
			c.BroadcastAccepted(s.now, o, s.peer().ID)
		}
	}
	if len(s.answers) > 0 {
		c.ReceiptPostponed(s.answers[int(which)%len(s.answers)])
	}
}

func (s *script) take(r Ready) {
	for _, a := range r.Arrivals {
		s.offers = append(s.offers, a.Offer)
	}
	for _, x := range r.Receipts {
		s.answers = append(s.answers, x.Offer)
	}
	for _, x := range r.BroadcastArrivals {
		s.casts = append(s.casts, x.Offer)
	}
}

// check holds after every call, whatever was called.
func (s *script) check(t *testing.T) {
	c := s.core
	if c.entries.count > s.config.MaxEntries || len(c.arrivals) > s.config.MaxEntries ||
		c.pool.held > s.config.MaxBytes || len(c.broadcasts) > s.config.MaxBroadcasts {
		t.Fatalf("got %d entries, %d arrivals, %d bytes, %d broadcasts", c.entries.count, len(c.arrivals), c.pool.held, len(c.broadcasts))
	}
	if c.age.count != c.entries.count || c.arrivalAge.count != len(c.arrivals) || c.broadcastAge.count != len(c.broadcasts) {
		t.Fatalf("lists and tables differ: %d, %d; %d, %d; %d, %d", c.age.count, c.entries.count,
			c.arrivalAge.count, len(c.arrivals), c.broadcastAge.count, len(c.broadcasts))
	}
	entries, arrivals, bytes := c.own.entries, c.gone.arrivals, c.own.bytes+c.own.relayed+c.gone.bytes+c.shelved
	shelved, wants := c.own.shelved, 0
	for _, l := range c.links.byID {
		shelved += l.shelved
		wants += l.wants
		entries += l.entries
		arrivals += l.arrivals
		bytes += l.bytes + l.relayed
	}
	if shelved != c.shelved || shelved > c.config.KeepBroadcasts || wants != len(c.wants) || wants > maxWants || len(c.tags) > len(c.broadcasts) {
		t.Fatalf("got %d of %d bytes kept for others, %d of %d wants, %d tags", shelved, c.shelved, wants, len(c.wants), len(c.tags))
	}
	if entries != c.entries.count || arrivals != len(c.arrivals) || bytes > c.pool.held {
		t.Fatalf("got %d entries, %d arrivals and %d bytes by link, %d, %d and %d in all",
			entries, arrivals, bytes, c.entries.count, len(c.arrivals), c.pool.held)
	}
}

// FuzzCalls: no order of calls makes a core panic, hang or pass its bounds, and
// when nothing comes any more, it forgets everything.
func FuzzCalls(f *testing.F) {
	f.Add([]byte("send, forward, acknowledge"))
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 0))
		var b []byte
		for range 60 << (seed % 4) {
			b = binary.BigEndian.AppendUint64(b, random.Uint64())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), 8<<10)]
		w := newWorld(t, 1, 12, shape{2, 2}, Config{})
		config := Config{MaxEntries: 32, MaxBytes: 1 << 17, MaxBroadcasts: 8, Trace: len(data)%2 == 0}
		s := &script{w: w, data: data, config: config, payload: make([]byte, 1<<16)}
		s.core = New(w.peers[0].ring, config, rand.New(rand.NewPCG(1, 2)))
		for len(s.data) > 0 {
			s.step()
			s.check(t)
		}
		for ticks := 0; s.core.Next() != never; ticks++ {
			if ticks > 10_000 {
				t.Fatalf("still something to do after %d ticks", ticks)
			}
			s.now = max(s.now, s.core.Next())
			s.core.Tick(s.now)
			s.core.Ready()
		}
		w.peers = w.peers[:1]
		w.peers[0].core = s.core
		w.empty()
	})
}
