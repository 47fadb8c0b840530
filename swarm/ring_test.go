package swarm

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/transport/memory"
)

var lan = memory.Config{Latency: 5 * time.Millisecond}

// Every pair of twelve exchanges a message over the ring. What the trace says of
// each: an unbroken chain of hops from origin to target, opened by nobody but
// the target, delivered nowhere else, and once.
func TestEveryPairOfTwelve(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(12, classic())
		pass(3 * time.Minute) // until then, keys that may be older are challenged
		longest := 0
		for _, from := range w.peers {
			for _, to := range w.peers {
				if from == to {
					continue
				}
				w.clear()
				receipt, err := from.Send(t.Context(), to.ID(), []byte("from "+from.ID().Short()), SendOptions{Routed: true})
				if err != nil {
					t.Fatal(err)
				}
				m, err := to.Receive(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got, want := string(m.Data), "from "+from.ID().Short(); got != want || m.From != from.ID() {
					t.Fatalf("got %q from %s, want %q", got, m.From.Short(), want)
				}
				w.checkHops(from, to, receipt)
				longest = max(longest, receipt.Hops)
			}
		}
		if longest < 2 {
			t.Errorf("the longest path had %d hops, want 2 or more", longest)
		}
		for _, p := range w.peers {
			if m, ok, _ := p.inbox.pop(); ok {
				t.Errorf("%s has %q left in its inbox", p.ID().Short(), m.Data)
			}
		}
	})
}

// checkHops follows a message through the trace.
func (w *world) checkHops(from, to *Peer, receipt Receipt) {
	w.t.Helper()
	events := w.events(receipt.ID)
	at, hops := from.ID(), 0
	for at != to.ID() {
		next, sent := identity.ID{}, 0
		for _, e := range events[at] {
			if (e.Kind == trace.CopySent || e.Kind == trace.CopyForwarded) && e.Key == to.Point() {
				next, sent = e.Other, sent+1
			}
		}
		if sent != 1 {
			w.t.Fatalf("%s sent the message on %d times, want once: %v", at.Short(), sent, events[at])
		}
		at, hops = next, hops+1
	}
	if hops != receipt.Hops {
		w.t.Errorf("the trace shows %d hops, the receipt says %d", hops, receipt.Hops)
	}
	for id, list := range events {
		for _, kind := range []trace.Kind{trace.Opened, trace.Delivered, trace.CopyArrived} {
			got := 0
			for _, e := range list {
				if e.Kind == kind {
					got++
				}
			}
			want := 0
			if id == to.ID() {
				want = 1
			}
			if got != want {
				w.t.Errorf("%s: %d events %s, want %d", id.Short(), got, kind, want)
			}
		}
	}
}

// Four of twelve fall silent at one instant. Sends between the others work again
// within two seconds, and the others become one ideal ring.
func TestThirdDiesAtOnce(t *testing.T) {
	for _, how := range []struct {
		name string
		die  func(*world, int)
	}{
		{"killed", func(w *world, i int) { w.net.Kill(hostAddress(i + 1)) }},
		{"silent", func(w *world, i int) { w.net.Pause(hostAddress(i + 1)) }},
	} {
		t.Run(how.name, func(t *testing.T) {
			inWorld(t, lan, func(t *testing.T, w *world) {
				w.grow(12, classic())
				pass(30 * time.Second)
				for _, i := range []int{2, 5, 7, 10} {
					how.die(w, i)
				}
				died := time.Now()
				var alive []*Peer
				for i, p := range w.peers {
					if !slices.Contains([]int{2, 5, 7, 10}, i) {
						alive = append(alive, p)
					}
				}
				for _, from := range alive {
					for _, to := range alive {
						w.sendUntil(from, to, died.Add(2*time.Second))
					}
				}
				t.Logf("all sends done %v after", time.Since(died))
				t.Logf("ideal %v after", w.awaitIdeal(alive, 30*time.Second)+time.Since(died))
			})
		})
	}
}

// sendUntil sends until it works, and fails after deadline.
func (w *world) sendUntil(from, to *Peer, deadline time.Time) {
	w.t.Helper()
	ctx, cancel := context.WithDeadline(w.t.Context(), deadline)
	defer cancel()
	if !time.Now().Before(deadline) {
		ctx, cancel = context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
	}
	began := time.Now()
	if _, err := from.Send(ctx, to.ID(), []byte("still there?"), SendOptions{Routed: true}); err != nil {
		w.t.Errorf("%s to %s, tried for %v: %v", from.ID().Short(), to.ID().Short(), time.Since(began), err)
		return
	}
	if _, err := to.Receive(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}

// A broadcast reaches every other peer once, whoever sends it and whatever the size of the ring.
func TestBroadcastReachesAll(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 12, 25} {
		inWorld(t, lan, func(t *testing.T, w *world) {
			w.grow(n, classic())
			for _, from := range w.peers {
				reached, err := from.Broadcast(t.Context(), []byte("to all"))
				if err != nil || reached.Peers != n-1 {
					t.Errorf("of %d: reached %d, error %v; want %d", n, reached.Peers, err, n-1)
				}
			}
			for _, p := range w.peers {
				for i := range n - 1 {
					if _, ok, _ := p.inbox.pop(); !ok {
						t.Errorf("of %d: %s has %d broadcasts, want %d", n, p.ID().Short(), i, n-1)
						break
					}
				}
				if _, ok, _ := p.inbox.pop(); ok {
					t.Errorf("of %d: %s has a broadcast twice", n, p.ID().Short())
				}
			}
		})
	}
}

// A message to an ID that is not in the swarm fails, soon, and says who is nearest.
func TestNoSuchPeer(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(12, classic())
		nobody := identity.KeyFromSeed([32]byte{99}).ID()
		began := time.Now()
		_, err := w.peers[3].Send(t.Context(), nobody, []byte("anybody?"), SendOptions{})
		var failed *TargetError
		if !errors.Is(err, ErrNoSuchPeer) || !errors.As(err, &failed) || failed.Nearest == nil {
			t.Fatalf("got %v, want ErrNoSuchPeer with the nearest peer", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		t.Log(err, time.Since(began))
	})
}
