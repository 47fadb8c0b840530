package swarm

import (
	"context"
	"testing"
	"time"

	"cicada/chord"
)

func TestTwoPeersExchangeAMessage(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a := listen(t, Config{Address: "127.0.0.1:0"})
	b := listen(t, Config{Address: "127.0.0.1:0"})
	if err := b.Join(ctx, a.Address().String()); err != nil {
		t.Fatal(err)
	}
	receipt, err := b.Send(ctx, a.ID(), []byte("hello!"), SendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := a.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if string(m.Data) != "hello!" || m.From != b.ID() {
		t.Errorf("got %q from %s, want %q from %s", m.Data, m.From.Short(), "hello!", b.ID().Short())
	}
	if receipt.Hops != 1 || receipt.Path != Direct {
		t.Errorf("got %d hops, %s; want 1, direct", receipt.Hops, receipt.Path)
	}
}

// Twelve peers on real sockets: every pair exchanges a message over the ring, some over several hops.
func TestTwelveOnRealSockets(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var peers []*Peer
	for i := range 12 {
		p := listen(t, Config{Address: "127.0.0.1:0", Ring: chord.Classic()})
		if i > 0 {
			if err := p.Join(ctx, peers[i/2].Address().String()); err != nil {
				t.Fatal(err)
			}
		}
		peers = append(peers, p)
	}
	longest := 0
	for _, from := range peers {
		for _, to := range peers {
			receipt, err := from.Send(ctx, to.ID(), []byte("from "+from.ID().Short()), SendOptions{Routed: true})
			if err != nil {
				t.Fatal(err)
			}
			m, err := to.Receive(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(m.Data), "from "+from.ID().Short(); got != want || m.From != from.ID() {
				t.Errorf("got %q from %s, want %q", got, m.From.Short(), want)
			}
			longest = max(longest, receipt.Hops)
		}
	}
	if longest < 2 {
		t.Errorf("the longest path had %d hops, want 2 or more", longest)
	}
}

func listen(t *testing.T, c Config) *Peer {
	t.Helper()
	p, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}
