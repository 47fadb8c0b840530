package transporttest

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"cicada/identity"
	"cicada/transport"
	"cicada/wire"
)

// A rendezvous is a network whose dials return only when all are connected.
type rendezvous struct {
	transport.Network
	others *sync.WaitGroup
}

func (r rendezvous) Dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	conn, err := r.Network.Dial(ctx, address)
	r.others.Done()
	r.others.Wait()
	return conn, err
}

func bothDial(t *testing.T, w World) {
	doubles := 0
	for round := range 25 {
		var meeting sync.WaitGroup
		meeting.Add(2)
		meet := func(c *transport.Config) { c.Network = rendezvous{c.Network, &meeting} }
		low, high := w.Peer(t, 2*round+1, meet), w.Peer(t, 2*round+2, meet)
		if a, b := low.ID(), high.ID(); bytes.Compare(a[:], b[:]) > 0 {
			low, high = high, low
		}
		const n = 40
		var senders sync.WaitGroup
		for _, pair := range [][2]*Peer{{low, high}, {high, low}} {
			senders.Go(func() {
				for i := range n {
					pair[0].MustSend(pair[1], wire.FrameControl, number(i, 100))
				}
			})
		}
		senders.Wait()
		for _, p := range []*Peer{low, high} {
			got := numbers(p.AwaitFrames(n))
			if slices.Sort(got); !slices.Equal(got, upTo(n)) {
				t.Fatalf("round %d: got %v, want each of %d once", round, got, n)
			}
		}
		one := func(p, other *Peer, dialled bool) func() bool {
			return func() bool {
				l := p.Link(other.ID())
				return len(p.Ups())-len(p.Downs()) == 1 && l != nil && l.Dialled() == dialled
			}
		}
		low.Await("only the link it dialled", one(low, high, true))
		high.Await("only the link the other dialled", one(high, low, false))
		if len(high.Ups()) > 1 {
			doubles++
		}
		low.Close()
		high.Close()
	}
	t.Logf("two links were up in %d rounds", doubles)
}

// dialsAgain: the peer with the higher ID lost a link without a word, and dials
// while the other end still believes in the one it dialled itself.
func dialsAgain(t *testing.T, w World) {
	low, high := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
	if a, b := low.ID(), high.ID(); bytes.Compare(a[:], b[:]) > 0 {
		low, high = high, low
	}
	if _, err := low.Dial(t.Context(), high.Address, identity.ID{}); err != nil {
		t.Fatal(err)
	}
	// A second incarnation of the same key, at another place, knows nothing of that link.
	again := &Peer{t: t, Key: high.Key, changed: make(chan struct{})}
	again.Links = transport.NewLinks(transport.Config{Key: high.Key.Signer(), Membership: Swarm(t, "test"), Network: w.Network(3)}, again)
	t.Cleanup(again.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for round := 1; ; round++ {
		l, err := again.Dial(ctx, low.Address, low.ID())
		if err != nil {
			t.Fatal(err)
		}
		if round == 2 {
			if err := l.Queue(wire.FrameControl, number(1, 0), nil); err != nil {
				t.Fatal(err)
			}
			l.Flush()
			break
		}
		again.Await("the first to be turned away", func() bool { return len(again.Downs()) == 1 })
	}
	low.AwaitFrames(1)
	high.Await("the old link to be replaced", func() bool { return len(high.Downs()) == 1 })
	if got := low.Link(high.ID()); got == nil || got.Dialled() {
		t.Errorf("got link %v, want the one that was dialled last", got)
	}
}

func idleRace(t *testing.T, w World) {
	const idle = 20 * time.Millisecond
	a, b := w.Peer(t, 1, limits(transport.Limits{MaxIdle: -1, IdleTimeout: idle})), w.Peer(t, 2, nil)
	const n = 60
	for i := range n {
		b.MustSend(a, wire.FrameControl, number(i, 100))
		// Somewhere around the moment where a gives up.
		timer := time.NewTimer(idle + time.Duration(i%20-10)*idle/20)
		<-timer.C
	}
	got := numbers(a.AwaitFrames(n))
	if slices.Sort(got); !slices.Equal(got, upTo(n)) {
		t.Errorf("got %v, want each of %d once", got, n)
	}
	if len(a.Downs()) == 0 {
		t.Error("no link was ever closed: the test shows nothing")
	}
	a.Await("the last link to close", func() bool { return len(a.Ups()) == len(a.Downs()) })
	for _, down := range a.Downs() {
		if got, ok := down.Err.(*transport.CloseError); !ok || got.Code != wire.CodeIdle || got.Remote || got.Err != nil {
			t.Errorf("got %v, want idle, by this end", down.Err)
		}
	}
}

func noRoom(t *testing.T, w World) {
	a := w.Peer(t, 1, limits(transport.Limits{MaxLinks: 2}))
	var others []*Peer
	for i := range 4 {
		others = append(others, w.Peer(t, i+2, nil))
	}
	for _, p := range others[:2] {
		if _, err := p.Dial(t.Context(), a.Address, identity.ID{}); err != nil {
			t.Fatal(err)
		}
		a.Await("the link", func() bool { return a.Link(p.ID()) != nil })
	}
	if _, err := others[2].Dial(t.Context(), a.Address, identity.ID{}); !isError(err, transport.ErrOverloaded) {
		t.Errorf("a third from outside: got %v, want %v", err, transport.ErrOverloaded)
	}
	a.Await("the refusal", func() bool { return len(a.Turned()) == 1 })
	a.Keep([]identity.ID{others[0].ID()})
	if _, err := a.Dial(t.Context(), others[3].Address, identity.ID{}); err != nil {
		t.Errorf("a third of its own: got %v, want it in the place of the one not kept", err)
	}
	others[1].Await("it to give way", func() bool { return len(others[1].Downs()) == 1 })
	if a.Link(others[0].ID()) == nil || a.Link(others[3].ID()) == nil || len(a.Open()) != 2 {
		t.Errorf("got %d open, want the one kept and the new one", len(a.Open()))
	}
	a.Keep([]identity.ID{others[0].ID(), others[3].ID()})
	if _, err := a.Dial(t.Context(), others[2].Address, identity.ID{}); !isError(err, transport.ErrOverloaded) {
		t.Errorf("all kept: got %v, want %v", err, transport.ErrOverloaded)
	}
}
