package transporttest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"cicada/identity"
	"cicada/transport"
	"cicada/wire"
)

func isError(err, target error) bool { return errors.Is(err, target) }

// nobody returns an address on a host where nobody listens.
func nobody(t *testing.T, w World, host int) netip.AddrPort {
	t.Helper()
	listener, err := w.Network(host).Listen(w.Address(host))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

func unreachable(t *testing.T, w World) {
	a, b := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
	gone := &identity.Contact{ID: Key(9).ID(), Addresses: []netip.AddrPort{nobody(t, w, 1), b.Address}}
	send := func(to *identity.Contact) error {
		t.Helper()
		before := len(a.Lost())
		if l, err := a.Send(to, wire.FrameControl, nil, number(1, 0)); l != nil || err != nil {
			t.Fatalf("got %v, %v, want the frame to wait", l, err)
		}
		a.Await("bad news", func() bool { return len(a.Lost()) > before })
		return a.Lost()[before]
	}
	if err := send(gone); !isError(err, transport.ErrWrongPeer) {
		t.Errorf("got %v, want it to name %v", err, transport.ErrWrongPeer)
	}
	if err := send(gone); !isError(err, transport.ErrBackoff) || isError(err, transport.ErrWrongPeer) {
		t.Errorf("at once again: got %v, want %v alone", err, transport.ErrBackoff)
	}
	if err := send(&identity.Contact{ID: gone.ID}); !isError(err, transport.ErrNoAddress) {
		t.Errorf("no address: got %v, want %v", err, transport.ErrNoAddress)
	}
	if _, err := a.Send(a.Contact(), wire.FrameControl, nil, number(1, 0)); !isError(err, transport.ErrSelf) {
		t.Errorf("to itself: got %v, want %v", err, transport.ErrSelf)
	}
	// The first address fails, the second leads there.
	there := &identity.Contact{ID: b.ID(), Addresses: []netip.AddrPort{nobody(t, w, 1), b.Address}}
	if _, err := a.Send(there, wire.FrameControl, nil, number(5, 0)); err != nil {
		t.Fatal(err)
	}
	b.AwaitFrames(1)
}

func wrongPeers(t *testing.T, w World) {
	a, b := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
	other := w.Peer(t, 3, func(c *transport.Config) { c.Membership = Swarm(t, "other") })
	tests := []struct {
		name    string
		address netip.AddrPort
		want    identity.ID
		err     error
	}{
		{"another key", b.Address, Key(9).ID(), transport.ErrWrongPeer},
		{"another swarm", other.Address, other.ID(), transport.ErrOtherSwarm},
		{"itself", a.Address, identity.ID{}, transport.ErrSelf},
	}
	for _, test := range tests {
		if l, err := a.Dial(t.Context(), test.address, test.want); !isError(err, test.err) || l != nil {
			t.Errorf("%s: got %v, %v, want %v", test.name, l, err, test.err)
		}
	}
	var wrong *transport.WrongPeerError
	if _, err := a.Dial(t.Context(), b.Address, Key(9).ID()); !errors.As(err, &wrong) || wrong.Got != b.ID() {
		t.Errorf("got %v, want it to say that %v answers", err, b.ID().Short())
	}
	other.Await("the stranger to be refused", func() bool { return len(other.Turned()) == 1 })
	if err := other.Turned()[0]; !isError(err, transport.ErrOtherSwarm) {
		t.Errorf("the other swarm: got %v, want %v", err, transport.ErrOtherSwarm)
	}
	if len(a.Ups())+len(b.Ups())+len(other.Ups()) != 0 {
		t.Error("a link came up")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Dial(ctx, b.Address, identity.ID{}); !isError(err, context.Canceled) {
		t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
	}
}

func thousandConnections(t *testing.T, w World) {
	a := w.Peer(t, 1, limits(transport.Limits{HandshakeTimeout: 200 * time.Millisecond, DialTimeout: time.Second}))
	const n = 1000
	for range n {
		conn, err := w.Network(2).Dial(t.Context(), a.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	honest := w.Peer(t, 3, nil)
	for try := 1; ; try++ { // whoever shares the address of the flood may have to try again
		_, err := honest.Dial(t.Context(), a.Address, a.ID())
		if err == nil {
			break
		}
		if try == 20 {
			t.Fatalf("after %d tries: %v", try, err)
		}
	}
	a.Await("all silent ones to be refused", func() bool { return len(a.Turned()) >= n })
}

func closeInTheMiddle(t *testing.T, w World) {
	a, b := w.Peer(t, 1, limits(transport.Limits{CloseTimeout: 100 * time.Millisecond})), w.Peer(t, 2, nil)
	silent, err := w.Network(3).Dial(t.Context(), a.Address) // half open
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	mute, err := w.Network(3).Listen(w.Address(3)) // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	muteAddress := mute.Addr().(*net.TCPAddr).AddrPort()
	if _, err := b.Dial(t.Context(), a.Address, identity.ID{}); err != nil {
		t.Fatal(err)
	}
	asleep := make(chan struct{})
	defer close(asleep)
	b.OnFrame(func(transport.Link, wire.FrameKind, []byte) { <-asleep })
	a.Await("the link", func() bool { return a.Link(b.ID()) != nil })
	fill(t, a, b, 60_000)
	dialled := make(chan error, 1)
	go func() {
		_, err := a.Dial(context.Background(), muteAddress, identity.ID{})
		dialled <- err
	}()
	nowhere := &identity.Contact{ID: Key(9).ID(), Addresses: []netip.AddrPort{muteAddress}}
	if _, err := a.Send(nowhere, wire.FrameControl, nil, number(1, 0)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second is the one in flight or the one that waits
		if _, err := mute.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	a.Close()
	a.Close()
	if err := <-dialled; !isError(err, transport.ErrClosed) {
		t.Errorf("the dial under way: got %v, want %v", err, transport.ErrClosed)
	}
	if len(a.Ups()) != len(a.Downs()) || len(a.Lost()) != 1 {
		t.Errorf("got %d up, %d down, %d lost, want each link down and one peer lost", len(a.Ups()), len(a.Downs()), len(a.Lost()))
	}
	if _, err := a.Send(b.Contact(), wire.FrameControl, nil, number(1, 0)); !isError(err, transport.ErrClosed) {
		t.Errorf("send: got %v, want %v", err, transport.ErrClosed)
	}
	if _, err := a.Dial(t.Context(), b.Address, identity.ID{}); !isError(err, transport.ErrClosed) {
		t.Errorf("dial: got %v, want %v", err, transport.ErrClosed)
	}
	if _, err := a.Listen(w.Address(1)); !isError(err, transport.ErrClosed) {
		t.Errorf("listen: got %v, want %v", err, transport.ErrClosed)
	}
}

func addressUsed(t *testing.T, w World) {
	a := w.Peer(t, 1, nil)
	if _, err := a.Listen(a.Address); !isError(err, transport.ErrAddressUsed) {
		t.Errorf("got %v, want %v", err, transport.ErrAddressUsed)
	}
}
