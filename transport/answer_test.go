package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"cicada/identity"
	"cicada/transport"
	"cicada/transport/memory"
	"cicada/transport/transporttest"
)

// counted counts the bytes of a connection, as its dialler sees them.
type counted struct {
	net.Conn
	out, in int
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.out += n
	return n, err
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in += n
	return n, err
}

// oneFlight is a connection of which nothing is read before the other end has said all it will.
type oneFlight struct{ net.Conn }

func (oneFlight) Read([]byte) (int, error) { return 0, errors.New("that is all") }

// Whoever has proven nothing gets no more than three times what it sent: neither who is
// silent, nor rubbish, nor who begins a handshake and stops, nor who is of another swarm.
// So nobody gains by having a peer answer somebody else. (Over TCP who asks has shown
// besides that it is where it says, before it can say anything.)
func TestStrangersGetLittleMoreThanTheySend(t *testing.T) {
	const times = 3
	begin := func(curves ...tls.CurveID) func(t *testing.T, c *counted) {
		return func(t *testing.T, c *counted) {
			config := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, NextProtos: []string{"cicada/1"}, CurvePreferences: curves}
			if err := tls.Client(oneFlight{c}, config).Handshake(); err == nil {
				t.Fatal("a handshake without an answer")
			}
		}
	}
	for _, x := range []struct {
		name     string
		answered bool
		says     func(t *testing.T, c *counted)
	}{
		{"nothing", false, func(*testing.T, *counted) {}},
		{"a byte", false, func(_ *testing.T, c *counted) { c.Write([]byte{22}) }},
		{"rubbish", false, func(_ *testing.T, c *counted) { c.Write(make([]byte, 100)) }},
		{"the beginning of a handshake", true, begin()},
		{"the least beginning of a handshake", true, begin(tls.X25519)},
		{"another protocol", false, func(_ *testing.T, c *counted) {
			config := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, NextProtos: []string{"h2"}}
			_ = tls.Client(oneFlight{c}, config).Handshake()
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *memory.Network, w transporttest.World) {
				b := w.Peer(t, 2, nil)
				conn, err := n.Host(hostAddress(7)).Dial(t.Context(), b.Address)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				c := &counted{Conn: conn}
				x.says(t, c)
				began := time.Now()
				if _, err := io.Copy(io.Discard, c); err != nil {
					t.Logf("it ends with %v", err)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("the connection was kept for %v", took)
				}
				const alert = 7 // of TLS, which says what was wrong with the first byte
				if c.in > max(times*c.out, alert) {
					t.Errorf("got %d bytes for %d, want at most %d times as many", c.in, c.out, times)
				}
				if x.answered != (c.in > alert) {
					t.Errorf("got %d bytes for %d: the story did not happen", c.in, c.out)
				}
			})
		})
	}
}

// countedNetwork counts the bytes of what is dialled.
type countedNetwork struct {
	transport.Network
	dialled []*counted
}

func (n *countedNetwork) Dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	conn, err := n.Network.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	n.dialled = append(n.dialled, &counted{Conn: conn})
	return n.dialled[len(n.dialled)-1], nil
}

// Who is of another swarm has done a whole handshake, and is told so in less than that took.
func TestAnotherSwarmGetsLessThanItSends(t *testing.T) {
	inBubble(t, func(t *testing.T, n *memory.Network, w transporttest.World) {
		other, err := identity.NewSwarm("another", 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		var network *countedNetwork
		a := w.Peer(t, 1, func(c *transport.Config) {
			network = &countedNetwork{Network: c.Network}
			c.Network, c.Membership = network, other
		})
		b := w.Peer(t, 2, nil)
		if _, err := a.Dial(t.Context(), b.Address, b.ID()); !errors.Is(err, transport.ErrOtherSwarm) {
			t.Fatalf("got %v, want %v", err, transport.ErrOtherSwarm)
		}
		if c := network.dialled[0]; c.in == 0 || c.in > c.out {
			t.Errorf("got %d bytes for %d", c.in, c.out)
		}
	})
}
