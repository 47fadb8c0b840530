package swarm

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
	"cicada/transport/memory"
)

// A world is a swarm on a network in memory, in virtual time. Its peers are who
// they are in every run; what they draw at random is not.
type world struct {
	t       *testing.T
	net     *memory.Network
	peers   []*Peer
	records []*trace.Recorder
}

// inWorld runs story in a bubble of virtual time.
func inWorld(t *testing.T, network memory.Config, story func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: memory.New(network)}
		t.Cleanup(func() {
			for _, p := range w.peers {
				p.Close()
			}
		})
		story(t, w)
	})
}

// pass lets virtual time pass.
func pass(d time.Duration) { <-time.After(d) }

func hostAddress(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }

// add starts one more peer, alone.
func (w *world) add(config Config) *Peer {
	w.t.Helper()
	i := len(w.peers)
	address := hostAddress(i + 1)
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], uint64(i+1))
	record := &trace.Recorder{Keep: true, Size: 1 << 13}
	if config.Key.IsZero() {
		config.Key = identity.KeyFromSeed(seed)
	}
	config.Address = netip.AddrPortFrom(address, DefaultPort).String()
	config.Network = w.net.Host(address)
	config.Trace = record
	p, err := Listen(w.t.Context(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.peers = append(w.peers, p)
	w.records = append(w.records, record)
	return p
}

// grow adds n peers, each joining through the first, and waits until the ring is ideal.
func (w *world) grow(n int, config Config) {
	w.t.Helper()
	for range n {
		p := w.add(config)
		if len(w.peers) == 1 {
			continue
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
		if err := p.Join(ctx, w.peers[0].Address().String()); err != nil {
			w.t.Fatal(err)
		}
		cancel()
	}
	w.awaitIdeal(w.peers, 60*time.Second)
}

// awaitIdeal waits until peers form one ideal ring, and returns how long that took.
func (w *world) awaitIdeal(peers []*Peer, limit time.Duration) time.Duration {
	w.t.Helper()
	began := time.Now()
	for {
		wrong := notIdeal(peers)
		if wrong == "" {
			return time.Since(began)
		}
		if time.Since(began) > limit {
			w.t.Fatalf("after %v the ring is not ideal: %s", limit, wrong)
		}
		pass(100 * time.Millisecond)
	}
}

// notIdeal says which list of which peer is wrong; empty if none is.
func notIdeal(peers []*Peer) string {
	ring := slices.Clone(peers)
	slices.SortFunc(ring, func(a, b *Peer) int { return bytes.Compare(a.point[:], b.point[:]) })
	for i, p := range ring {
		p.mu.Lock()
		successors, predecessor := slices.Clone(p.ring.Successors()), p.ring.Predecessor()
		r := p.config.Ring.Successors
		owns := p.ring.Owns(p.point)
		p.mu.Unlock()
		if r == 0 {
			r = 16
		}
		want := min(r, len(ring)-1)
		if len(successors) != want {
			return fmt.Sprintf("%s has %d successors, want %d", p.id.Short(), len(successors), want)
		}
		for k, s := range successors {
			if next := ring[(i+1+k)%len(ring)]; s.ID != next.id {
				return fmt.Sprintf("successor %d of %s is %s, want %s", k, p.id.Short(), s.ID.Short(), next.id.Short())
			}
		}
		before := ring[(i+len(ring)-1)%len(ring)]
		if len(ring) > 1 && (predecessor == nil || predecessor.ID != before.id) {
			return fmt.Sprintf("the predecessor of %s is not %s", p.id.Short(), before.id.Short())
		}
		if !owns {
			return p.id.Short() + " does not own its keys"
		}
	}
	return ""
}

// clear forgets what was recorded so far.
func (w *world) clear() {
	for i, p := range w.peers {
		w.records[i] = &trace.Recorder{Keep: true, Size: 1 << 13}
		p.mu.Lock()
		p.config.Trace = w.records[i]
		p.mu.Unlock()
	}
}

// events returns what was recorded of a message, by peer.
func (w *world) events(message trace.MessageID) map[identity.ID][]trace.Event {
	all := make(map[identity.ID][]trace.Event)
	for _, r := range w.records {
		for _, e := range r.Events() {
			if e.Message == message {
				all[e.Peer] = append(all[e.Peer], e)
			}
		}
	}
	return all
}

func classic() Config { return Config{Ring: chord.Classic()} }
