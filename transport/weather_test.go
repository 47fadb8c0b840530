package transport_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"cicada/identity"
	"cicada/transport"
	"cicada/transport/memory"
	"cicada/transport/transporttest"
	"cicada/wire"
)

// inBubble tells a story about links in a network that can be broken, in virtual time.
func inBubble(t *testing.T, story func(t *testing.T, n *memory.Network, w transporttest.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := memory.New(memory.Config{Latency: 10 * time.Millisecond})
		story(t, n, memoryWorld(n))
	})
}

// join links a to b and returns a's end.
func join(t *testing.T, a, b *transporttest.Peer) transport.Link {
	t.Helper()
	l, err := a.Dial(t.Context(), b.Address, b.ID())
	if err != nil {
		t.Fatal(err)
	}
	b.Await("the link", func() bool { return b.Link(a.ID()) != nil })
	return l
}

// wait lets virtual time pass.
func wait(d time.Duration) { <-time.After(d) }

func TestKilledPeerIsNoticedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, n *memory.Network, w transporttest.World) {
		a, b := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
		join(t, a, b)
		start := time.Now()
		n.Kill(hostAddress(2))
		a.Await("the link to end", func() bool { return len(a.Downs()) == 1 })
		var end *transport.CloseError
		if err := a.Downs()[0].Err; !errors.As(err, &end) || end.Code != wire.CodeNone || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v, want no reason, connection reset", err)
		}
		a.MustSend(b, wire.FrameControl, []byte("hello"))
		a.Await("bad news", func() bool { return len(a.Lost()) == 1 })
		if err := a.Lost()[0]; !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v, want %v", err, syscall.ECONNREFUSED)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v, want it at once", took)
		}
	})
}

func TestPausedPeerGetsEverythingLater(t *testing.T) {
	inBubble(t, func(t *testing.T, n *memory.Network, w transporttest.World) {
		a, b := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
		l := join(t, a, b)
		n.Pause(hostAddress(2))
		for range 50 { // far more than the connection holds
			if err := l.Queue(wire.FrameControl, make([]byte, 60_000), nil); err != nil {
				t.Fatal(err)
			}
			l.Flush()
		}
		wait(time.Minute)
		if len(b.Frames()) != 0 || len(a.Downs()) != 0 {
			t.Fatalf("got %d frames, %v down, want patience", len(b.Frames()), a.Downs())
		}
		n.Resume(hostAddress(2))
		b.AwaitFrames(50)
	})
}

func TestSilentPeer(t *testing.T) {
	inBubble(t, func(t *testing.T, n *memory.Network, w transporttest.World) {
		a, b := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
		l := join(t, a, b)
		n.Cut(hostAddress(1), hostAddress(2))
		start := time.Now()
		l.Close(wire.CodeTimeout, "no answer")
		a.Await("the link to end", func() bool { return len(a.Downs()) == 1 })
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("closing: took %v, want the 2s that an answer may take", took)
		}
		start = time.Now()
		twice := &identity.Contact{ID: b.ID(), Addresses: []netip.AddrPort{b.Address, netip.AddrPortFrom(b.Address.Addr(), 9)}}
		if _, err := a.Send(twice, wire.FrameControl, nil, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		a.Await("bad news", func() bool { return len(a.Lost()) == 1 })
		if err := a.Lost()[0]; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("dialling: took %v, want 5s for each of two addresses", took)
		}
	})
}

// A peer loses power, comes back with the same key, and dials, while the other end
// still believes in the link from before.
func TestPeerThatRestartsSilentlyGetsThrough(t *testing.T) {
	inBubble(t, func(t *testing.T, n *memory.Network, w transporttest.World) {
		for pair := range 6 { // the lower ID is now the one end, now the other
			stays, falls := 10*pair+1, 10*pair+2
			a, b := w.Peer(t, stays, nil), w.Peer(t, falls, nil)
			old := join(t, a, b)
			n.Cut(hostAddress(stays), hostAddress(falls))
			n.Kill(hostAddress(falls))
			wait(5 * time.Second)
			again := transporttest.World{
				Network: func(int) transport.Network { return n.Host(hostAddress(falls + 1)) },
				Address: func(int) netip.AddrPort { return netip.AddrPortFrom(hostAddress(falls+1), 0) },
			}.Peer(t, falls, nil)
			for i := range 2 { // the first link may be taken for one dialled at the same time
				again.MustSend(a, wire.FrameControl, []byte("back"))
				a.AwaitFrames(i + 1)
				wait(time.Second)
			}
			a.Await("the old link to end", func() bool {
				return slices.ContainsFunc(a.Downs(), func(e transporttest.Ended) bool { return e.Link == old })
			})
			a.MustSend(again, wire.FrameControl, []byte("welcome"))
			again.AwaitFrames(1)
		}
	})
}

func TestIdleLinksCloseLeastRecentlyUsedFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, n *memory.Network, w transporttest.World) {
		a := w.Peer(t, 1, func(c *transport.Config) { c.Limits.MaxIdle, c.Limits.IdleTimeout = 2, 15*time.Second })
		var others []*transporttest.Peer
		for i := range 6 {
			others = append(others, w.Peer(t, i+2, nil))
			join(t, a, others[i])
		}
		a.Keep([]identity.ID{others[5].ID()})
		for _, i := range []int{3, 0, 4, 1} { // 2 and 5 are never used
			wait(5 * time.Second)
			others[i].MustSend(a, wire.FrameControl, []byte{byte(i)})
		}
		wait(time.Minute)
		var open []int
		for i, p := range others {
			if a.Link(p.ID()) != nil {
				open = append(open, i)
			}
		}
		if want := []int{1, 4, 5}; !slices.Equal(open, want) {
			t.Errorf("got links to %v, want %v: the last two used and the one kept", open, want)
		}
		for i, down := range a.Downs() {
			if want := []int{2, 3, 0}[i]; down.Link.Peer() != others[want].ID() {
				t.Errorf("closed %d: got %v, want that to peer %d", i, down.Link.Peer().Short(), want)
			}
		}
	})
}

func TestFloodFromOneAddressKeepsNobodyOut(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *memory.Network, w transporttest.World) {
		a, honest := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
		for range 300 {
			conn, err := w.Network(3).Dial(t.Context(), a.Address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		start := time.Now()
		join(t, honest, a)
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v, want it at once", took)
		}
		a.Await("one to be closed for it", func() bool {
			return slices.ContainsFunc(a.Turned(), func(err error) bool { return errors.Is(err, transport.ErrOverloaded) })
		})
		a.Await("the others to run out of time", func() bool { return len(a.Turned()) == 300 })
	})
}

// counting is a network that counts the dials under way and all.
type counting struct {
	transport.Network
	mu             sync.Mutex
	now, most, all int
}

func (c *counting) Dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	c.mu.Lock()
	c.all++
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	conn, err := c.Network.Dial(ctx, address)
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return conn, err
}

func TestFailedAddressIsLeftAloneForLongerAndLonger(t *testing.T) {
	inBubble(t, func(t *testing.T, n *memory.Network, w transporttest.World) {
		var dials *counting
		a := w.Peer(t, 1, func(c *transport.Config) {
			dials = &counting{Network: c.Network}
			c.Network = dials
		})
		gone := &identity.Contact{ID: transporttest.Key(2).ID(), Addresses: []netip.AddrPort{netip.AddrPortFrom(hostAddress(2), 1)}}
		for range 300 { // half a minute
			if _, err := a.Send(gone, wire.FrameControl, nil, []byte("anybody?")); err != nil {
				t.Fatal(err)
			}
			wait(100 * time.Millisecond)
		}
		// After 0, 0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 23.75 s, and what a dial takes.
		if dials.all != 8 {
			t.Errorf("got %d dials, want 8", dials.all)
		}
		if lost := len(a.Lost()); lost < 290 {
			t.Errorf("got %d reports, want one for nearly each of 300 sends", lost)
		}
	})
}

// Peers that are merely said to be somewhere, and do not answer, are dialled at a bounded
// rate: those that one peer named, and all. Those that answer cost nothing, nor does one
// with a record.
func TestDialsOfNamedPeersAreRationed(t *testing.T) {
	inBubble(t, func(t *testing.T, n *memory.Network, w transporttest.World) {
		var dials *counting
		a := w.Peer(t, 1, func(c *transport.Config) {
			dials = &counting{Network: c.Network}
			c.Network = dials
		})
		b := w.Peer(t, 2, nil)
		number := 10
		refused := func(namer byte, count int) (refused int) {
			for range count {
				number++
				gone := &identity.Contact{ID: transporttest.Key(number).ID(), Addresses: []netip.AddrPort{netip.AddrPortFrom(hostAddress(3), 1)}, Namer: [8]byte{namer}}
				if _, err := a.Send(gone, wire.FrameControl, nil, []byte("anybody?")); errors.Is(err, transport.ErrBacklog) {
					refused++
				}
				wait(time.Millisecond)
			}
			wait(0)
			return refused
		}
		for namer, want := range []int{8, 8, 8, 8, 72} { // a quarter each of 256, and what comes back meanwhile
			if got := refused(byte(namer), 72); got < want-6 || got > want {
				t.Errorf("named by %d: %d of 72 were not dialled, want %d", namer, got, want)
			}
		}
		sure := b.Contact()
		sure.Fingerprint = identity.Fingerprint{1}
		if _, err := a.Send(sure, wire.FrameControl, nil, []byte("anybody?")); err != nil {
			t.Errorf("a peer with a record: %v", err)
		}
		wait(time.Minute) // the link is closed, and all have their share again
		for i := range 68 {
			c := w.Peer(t, 1000+i, nil)
			hint := c.Contact()
			hint.Namer = [8]byte{9}
			if _, err := a.Send(hint, wire.FrameControl, nil, []byte("anybody?")); err != nil {
				t.Fatalf("after %d hints that answered: %v", i, err)
			}
			a.Await("the link", func() bool { return a.Link(c.ID()) != nil })
		}
		wait(0)
		if got := refused(9, 65); got != 1 {
			t.Errorf("after many that answered %d of 65 were not dialled, want 1", got)
		}
	})
}

func TestWaitingFramesAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, n *memory.Network, w transporttest.World) {
		var dials *counting
		a := w.Peer(t, 1, func(c *transport.Config) {
			dials = &counting{Network: c.Network}
			c.Network = dials
			c.Limits = transport.Limits{DialBacklog: 100_000, MaxWaiting: 20, MaxDials: 3, DialTimeout: time.Second}
		})
		n.Pause(hostAddress(1)) // no dial gets anywhere
		send := func(peer, size int) error {
			to := &identity.Contact{ID: transporttest.Key(peer).ID(), Addresses: []netip.AddrPort{netip.AddrPortFrom(hostAddress(2), 1)}}
			_, err := a.Send(to, wire.FrameControl, nil, make([]byte, size))
			return err
		}
		for i, want := range []error{nil, transport.ErrBacklog, nil, transport.ErrBacklog} {
			if err := send(100, []int{90_000, 11_000, 9_000, 1_100}[i]); !errors.Is(err, want) {
				t.Errorf("frame %d for one peer: got %v, want %v", i, err, want)
			}
		}
		if err := send(101, wire.MaxBroadcast); err != nil {
			t.Errorf("a frame over the limit, alone: got %v, want it to wait", err)
		}
		for i := range 18 {
			if err := send(102+i, 10); err != nil {
				t.Errorf("peer %d: %v", i+3, err)
			}
		}
		if err := send(200, 10); !errors.Is(err, transport.ErrBacklog) {
			t.Errorf("one peer too many: got %v, want %v", err, transport.ErrBacklog)
		}
		a.Await("all to be given up", func() bool { return len(a.Lost()) == 20 })
		if dials.most != 3 {
			t.Errorf("got %d dials at once, want 3", dials.most)
		}
		if err := send(200, 10); err != nil {
			t.Errorf("afterwards: got %v, want room", err)
		}
	})
}
