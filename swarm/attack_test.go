package swarm

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/seal"
	"cicada/swarm/internal/codec"
	"cicada/trace"
	"cicada/transport"
	"cicada/wire"
	"cicada/wire/wirepb"
)

// A stranger is a member of the swarm that says whatever it likes on its links.
type stranger struct {
	key   identity.PrivateKey
	links *transport.Links

	mu     sync.Mutex // guards the fields below
	heard  []wire.FrameKind
	closed error
}

func (s *stranger) Up(transport.Link) {}
func (s *stranger) Frame(_ transport.Link, kind wire.FrameKind, _ []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, kind)
}
func (s *stranger) Wrote(transport.Link) {}

func (s *stranger) Read(transport.Link) {}
func (s *stranger) Down(_ transport.Link, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = err
}
func (s *stranger) Unreachable(identity.ID, error) {}
func (s *stranger) Refused(netip.AddrPort, error)  {}

// closedWith returns the code that the other end closed the last link with.
func (s *stranger) closedWith() (wire.Code, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var closed *transport.CloseError
	if !errors.As(s.closed, &closed) || !closed.Remote {
		return 0, false
	}
	return closed.Code, true
}

// stranger adds one to the world.
func (w *world) stranger(number byte) *stranger {
	member, err := identity.NewSwarm("cicada", 0, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	s := &stranger{key: identity.KeyFromSeed([32]byte{200, number})}
	s.links = transport.NewLinks(transport.Config{
		Key: s.key.Signer(), Membership: member, Network: w.net.Host(netip.AddrFrom4([4]byte{10, 9, 9, number})),
	}, s)
	w.t.Cleanup(s.links.Close)
	return s
}

// dial links the stranger to a peer.
func (s *stranger) dial(t *testing.T, to *Peer) transport.Link {
	t.Helper()
	link, err := s.links.Dial(t.Context(), to.Address(), to.ID())
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// hello returns the hello of whoever holds key.
func hello(t *testing.T, key identity.PrivateKey) []byte {
	t.Helper()
	r, err := identity.SignRecord(key, 1, []netip.AddrPort{netip.MustParseAddrPort("10.9.9.1:1")})
	if err != nil {
		t.Fatal(err)
	}
	body, err := wire.MarshalHello(&wirepb.Hello{Version: 1, Record: &wirepb.Record{Body: r.Body, Signature: r.Signature}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// A frame is what a stranger says.
type frame struct {
	kind wire.FrameKind
	body []byte
}

// A rubbish is what breaks a rule, and the code that it is to be closed with.
type rubbish struct {
	name   string
	frames func(t *testing.T, key identity.PrivateKey) []frame
	want   wire.Code
}

func ruleBreakers() []rubbish {
	forged := func(t *testing.T, key identity.PrivateKey) []byte {
		body := hello(t, key)
		body[len(body)-1] ^= 1 // in the signature
		return body
	}
	return []rubbish{
		{"control before hello", func(t *testing.T, _ identity.PrivateKey) []frame {
			return []frame{{wire.FrameControl, control(t, &wirepb.Control{Body: &wirepb.Control_Ping{Ping: &wirepb.Ping{}}})}}
		}, wire.CodeProtocol},
		{"envelope before hello", func(t *testing.T, _ identity.PrivateKey) []frame {
			return []frame{{wire.FrameEnvelope, wire.AppendEnvelopeHeader(nil, wire.EnvelopeHeader{TTL: 3, Kind: wire.EnvelopeMessage})}}
		}, wire.CodeProtocol},
		{"rubbish for a hello", func(t *testing.T, _ identity.PrivateKey) []frame {
			return []frame{{wire.FrameHello, []byte("rubbish")}}
		}, wire.CodeProtocol},
		{"forged record", func(t *testing.T, key identity.PrivateKey) []frame {
			return []frame{{wire.FrameHello, forged(t, key)}}
		}, wire.CodeRecord},
		{"another peer's record", func(t *testing.T, _ identity.PrivateKey) []frame {
			return []frame{{wire.FrameHello, hello(t, identity.KeyFromSeed([32]byte{77}))}}
		}, wire.CodeRecord},
		{"rubbish for a control message", func(t *testing.T, key identity.PrivateKey) []frame {
			return []frame{{wire.FrameHello, hello(t, key)}, {wire.FrameControl, []byte{0xff, 0xff, 0xff}}}
		}, wire.CodeProtocol},
		{"envelope of another version", func(t *testing.T, key identity.PrivateKey) []frame {
			e := wire.AppendEnvelopeHeader(nil, wire.EnvelopeHeader{TTL: 3, Kind: wire.EnvelopeMessage})
			e[2] = 9
			return []frame{{wire.FrameHello, hello(t, key)}, {wire.FrameEnvelope, e}}
		}, wire.CodeVersion},
		{"hello a second time", func(t *testing.T, key identity.PrivateKey) []frame {
			return []frame{{wire.FrameHello, hello(t, key)}, {wire.FrameHello, hello(t, key)}}
		}, wire.CodeProtocol},
		{"proof a second time", func(t *testing.T, key identity.PrivateKey) []frame {
			return []frame{{wire.FrameHello, hello(t, key)}, {wire.FrameProof, make([]byte, 32)}}
		}, wire.CodeProtocol},
	}
}

// What breaks a rule of the wire closes that link, with the code that says why,
// is reported as an event, and harms nobody else.
func TestRuleBreakersAreClosed(t *testing.T) {
	for _, c := range ruleBreakers() {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, lan, func(t *testing.T, w *world) {
				w.grow(3, classic())
				s := w.stranger(1)
				link := s.dial(t, w.peers[0])
				for _, f := range c.frames(t, s.key) {
					if err := link.Queue(f.kind, nil, f.body); err != nil {
						t.Fatal(err)
					}
				}
				link.Flush()
				pass(5 * time.Second)
				if got, ok := s.closedWith(); !ok || got != c.want {
					t.Errorf("closed: %v with %v, want %v", ok, got, c.want)
				}
				if !slices.ContainsFunc(w.records[0].Events(), func(e trace.Event) bool {
					return e.Kind == trace.Violation && e.Other == s.key.ID()
				}) {
					t.Error("no event tells of it")
				}
				w.checkHealthy()
			})
		})
	}
}

func control(t *testing.T, c *wirepb.Control) []byte {
	t.Helper()
	body, err := wire.MarshalControl(c)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// checkHealthy has every peer send to every other.
func (w *world) checkHealthy() {
	w.t.Helper()
	for _, from := range w.peers {
		for _, to := range w.peers {
			if _, err := from.Send(w.t.Context(), to.ID(), []byte("well?"), SendOptions{}); err != nil {
				w.t.Errorf("%s to %s: %v", from.ID().Short(), to.ID().Short(), err)
			} else if _, err := to.Receive(w.t.Context()); err != nil {
				w.t.Error(err)
			}
		}
	}
}

// Answers that nobody asked for change nothing: no list, no finger, no send.
func TestUnsolicitedAnswers(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(5, classic())
		s := w.stranger(1)
		link := s.dial(t, w.peers[0])
		if err := link.Queue(wire.FrameHello, nil, hello(t, s.key)); err != nil {
			t.Fatal(err)
		}
		r, err := identity.SignRecord(s.key, 1, []netip.AddrPort{netip.MustParseAddrPort("10.9.9.1:1")})
		if err != nil {
			t.Fatal(err)
		}
		points, err := identity.NewPoints(identity.PointsConfig{})
		if err != nil {
			t.Fatal(err)
		}
		liar, err := r.Verify(points)
		if err != nil {
			t.Fatal(err)
		}
		list := []*identity.Contact{liar}
		for request := range uint64(50) {
			for _, m := range []chord.Message{
				{Kind: chord.Pong, Request: request, Member: true},
				{Kind: chord.State, Request: request, Member: true, Small: true, Lists: chord.NewLists(nil, liar, list, list)},
				{Kind: chord.Notified, Request: request, Accepted: true, Predecessor: liar},
				{Kind: chord.Found, Request: request, Lookup: trace.MessageID{byte(request)}, Peer: liar, Predecessor: liar, Successors: list},
				{Kind: chord.LookupStuck, Request: request, Lookup: trace.MessageID{byte(request)}},
				{Kind: chord.LookupTaken, Request: request, Lookup: trace.MessageID{byte(request)}},
			} {
				body := control(t, codec.EncodeRing(m))
				if err := link.Queue(wire.FrameControl, nil, body); err != nil {
					t.Fatal(err)
				}
			}
			ack := wire.AppendAck(nil, [16]byte{byte(request)}, 0)
			refusal := wire.AppendRefusal(nil, wire.Refusal{Message: [16]byte{byte(request)}})
			if err := errors.Join(link.Queue(wire.FrameAck, nil, ack), link.Queue(wire.FrameRefusal, nil, refusal)); err != nil {
				t.Fatal(err)
			}
		}
		link.Flush()
		pass(10 * time.Second)
		if wrong := notIdeal(w.peers); wrong != "" {
			t.Error(wrong)
		}
		w.checkHealthy()
	})
}

// A first message that a hop kept is refused when it comes again, also by the
// target's next run, which remembers nothing; the send that it was part of ended
// in good order.
func TestReplayAfterRestart(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(3, classic())
		from, to := w.peers[1], w.peers[2]
		s := w.stranger(1)
		kept := sealFirst(t, from, to, 1, "pay 100")
		deliver := func(to *Peer) {
			link := s.dial(t, to)
			if err := errors.Join(link.Queue(wire.FrameHello, nil, hello(t, s.key)), link.Queue(wire.FrameEnvelope, nil, kept)); err != nil {
				t.Fatal(err)
			}
			link.Flush()
			pass(3 * time.Second)
			link.Close(wire.CodeIdle, "")
			pass(3 * time.Second)
		}
		received := func(p *Peer) (n int) {
			for {
				if _, ok, _ := p.inbox.pop(); !ok {
					return n
				}
				n++
			}
		}
		pass(3 * time.Minute) // as long, a restarted target would ask anew
		kept = sealFirst(t, from, to, 1, "pay 100")
		deliver(to)
		if got := received(to); got != 1 {
			t.Fatalf("delivered %d times at first, want once", got)
		}
		deliver(to)
		if got := received(to); got != 0 {
			t.Errorf("replayed: delivered %d times more", got)
		}
		w.net.Kill(hostAddress(3))
		to.Close()
		again := w.restart(2, classic())
		deliver(again)
		if got := received(again); got != 0 {
			t.Errorf("replayed after a restart: delivered %d times more", got)
		}
	})
}

// sealFirst returns a first message as a hop next to its origin sees it.
func sealFirst(t *testing.T, from, to *Peer, copies int, text string) []byte {
	t.Helper()
	id := trace.MessageID{1, 2, 3, byte(time.Now().Unix())}
	sealer, err := seal.New(seal.Config{Key: from.config.Key, Point: from.point, Swarm: from.config.Swarm.Tag()})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealer.Seal(nil, to.ID(), to.Point(), id, appendContent(nil, copies, from.Contact(), []byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return append(wire.AppendEnvelopeHeader(nil, wire.EnvelopeHeader{
		TTL: 5, Kind: sealed.Kind, Counter: sealed.Counter, Message: id, Target: to.Point(),
	}), sealed.Payload...)
}

// restart starts a peer that was killed again, with the same key and address.
func (w *world) restart(i int, config Config) *Peer {
	w.t.Helper()
	address := hostAddress(i + 1)
	config.Key, config.Address = w.peers[i].config.Key, netip.AddrPortFrom(address, DefaultPort).String()
	config.Network, config.Trace = w.net.Host(address), w.records[i]
	p, err := Listen(w.t.Context(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.peers[i] = p
	return p
}

// A peer that stood still for a while is missed, and taken back when it goes on:
// everybody stays up, and there is one ring again.
func TestPausedPeerReturns(t *testing.T) {
	for _, n := range []int{4, 12} {
		inWorld(t, lan, func(t *testing.T, w *world) {
			w.grow(n, classic())
			pass(20 * time.Second)
			w.net.Pause(hostAddress(3))
			pass(5 * time.Second)
			w.net.Resume(hostAddress(3))
			t.Logf("of %d: ideal %v after", n, w.awaitIdeal(w.peers, 60*time.Second))
			w.checkHealthy()
		})
	}
}

// Another swarm's peer is told so, in one sentence.
func TestOtherSwarm(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(2, classic())
		other := classic()
		var err error
		if other.Swarm, err = identity.NewSwarm("another", 0, nil); err != nil {
			t.Fatal(err)
		}
		p := w.add(other)
		err = p.Join(t.Context(), w.peers[0].Address().String())
		if !errors.Is(err, ErrOtherSwarm) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want ErrOtherSwarm in one line", err)
		}
		if _, err := p.Send(t.Context(), w.peers[0].ID(), nil, SendOptions{}); err == nil {
			t.Error("a message crossed from one swarm to another")
		}
	})
}

// Whom the program does not allow cannot link, and so not send.
func TestAllow(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		picky := classic()
		picky.Allow = func(identity.ID) bool { return false }
		w.add(picky)
		p := w.add(classic())
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := p.Join(ctx, w.peers[0].Address().String()); err == nil {
			t.Error("joined through a peer that allows nobody")
		}
		synctest.Wait()
	})
}
