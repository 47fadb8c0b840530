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
	t.Logf("%+v", receipt)
}

func TestTwelve(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var peers []*Peer
	for i := range 12 {
		p := listen(t, Config{Address: "127.0.0.1:0", Ring: chord.Classic()})
		if i > 0 {
			t0 := time.Now()
			if err := p.Join(ctx, peers[i/2].Address().String()); err != nil {
				t.Fatal(i, err)
			}
			t.Log(i, time.Since(t0))
		}
		peers = append(peers, p)
	}
	for _, a := range peers {
		for _, b := range peers {
			r, err := a.Send(ctx, b.ID(), []byte("x"), SendOptions{Routed: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Receive(ctx); err != nil {
				t.Fatal(err)
			}
			if r.Hops > 1 {
				t.Log(r)
			}
		}
	}
	for _, a := range peers[:3] {
		t.Log(a.Broadcast(ctx, []byte("all")))
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
