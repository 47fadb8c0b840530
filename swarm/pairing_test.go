package swarm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cicada/identity"
	"cicada/identity/pair"
	"cicada/trace"
	"cicada/wire"
)

// parsedKeys are key files that tests share: what follows from keys takes long.
var parsedKeys sync.Map

// keyFile returns the keys of a file with one entry.
func keyFile(t *testing.T, target, outbound, inbound string) *pair.Keys {
	t.Helper()
	file := fmt.Sprintf("trusted_hosts: [{}, {%s, outbound_key: %s, inbound_key: %s}]", target, outbound, inbound)
	if keys, ok := parsedKeys.Load(file); ok {
		return keys.(*pair.Keys)
	}
	keys, err := pair.Parse(context.Background(), "keys", []byte(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	parsedKeys.Store(file, keys)
	return keys
}

// Ways to name a peer of a world, which listens at its host's default port.
var ways = []struct {
	name string
	of   func(i int) string
}{
	{"by ID", func(i int) string { return "peer: " + worldID(i).String() }},
	{"by address and port", func(i int) string { return fmt.Sprintf("address: '%s'", worldAddress(i)) }},
	{"by address", func(i int) string { return fmt.Sprintf("address: %s", hostAddress(i+1)) }},
	{"by the hash of its address", func(i int) string {
		hash := sha256.Sum256([]byte(worldAddress(i).String()))
		return "peer: " + new(big.Int).SetBytes(hash[:]).String()
	}},
}

func worldAddress(i int) netip.AddrPort { return netip.AddrPortFrom(hostAddress(i+1), DefaultPort) }

// worldID returns who the i-th peer of every world is.
func worldID(i int) identity.ID {
	return identity.KeyFromSeed([32]byte{6: byte((i + 1) >> 8), 7: byte(i + 1)}).ID()
}

// addKeyed adds n peers to a world, each joining through the first; keys are those of
// some, by number.
func (w *world) addKeyed(n int, keys map[int]*pair.Keys) {
	w.t.Helper()
	for i := range n {
		config := classic()
		config.Keys = keys[i]
		p := w.add(config)
		if i > 0 {
			if err := p.Join(w.t.Context(), w.peers[0].Address().String()); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	w.awaitIdeal(w.peers, time.Minute)
}

// kindsBetween returns the kinds of the messages of one peer to another.
func (w *world) kindsBetween(from, to int) map[string]int {
	kinds := make(map[string]int)
	for _, e := range w.records[from].Events() {
		if e.Kind == trace.CopySent && e.Key == w.peers[to].Point() {
			kinds[e.Name]++
		}
	}
	return kinds
}

// refusedFor returns how often a peer refused something of another one because of keys.
func (w *world) refusedFor(at, origin int) (n int) {
	for _, e := range w.records[at].Events() {
		if e.Kind == trace.Refused && e.Other == w.peers[origin].ID() && strings.HasPrefix(e.Reason, "keys: ") {
			n++
		}
	}
	return n
}

// However the two name each other, all that goes between them is under their keys, both
// ways, and what goes between them and others is not.
func TestPairTalksUnderItsKeys(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			north, south := keyFile(t, way.of(4), "one", "two"), keyFile(t, way.of(2), "two", "one")
			inWorld(t, lan, func(t *testing.T, w *world) {
				w.addKeyed(6, map[int]*pair.Keys{2: north, 4: south})
				for _, pairs := range [][2]int{{2, 4}, {4, 2}, {2, 3}, {3, 4}} {
					from, to := w.peers[pairs[0]], w.peers[pairs[1]]
					if _, err := from.Send(t.Context(), to.ID(), []byte("hello"), SendOptions{Duplicates: 1}); err != nil {
						t.Fatalf("%d to %d: %v", pairs[0], pairs[1], err)
					}
					if m, err := to.Receive(t.Context()); err != nil || string(m.Data) != "hello" || m.From != from.ID() {
						t.Errorf("%d to %d: got %q, %v", pairs[0], pairs[1], m.Data, err)
					}
				}
				keyed, plain := wire.EnvelopeKeyedFirst.String(), wire.EnvelopeFirst.String()
				if kinds := w.kindsBetween(2, 4); kinds[keyed] == 0 || kinds[plain] != 0 {
					t.Errorf("between the two: got %v, want a %s and no %s", kinds, keyed, plain)
				}
				if kinds := w.kindsBetween(2, 3); kinds[keyed] != 0 || kinds[plain] == 0 {
					t.Errorf("to another: got %v, want a %s and no %s", kinds, plain, keyed)
				}
				if got := w.peers[2].Status().Keys; got != 1 {
					t.Errorf("got a status with %d entries, want 1", got)
				}
			})
		})
	}
}

// With one key changed, or an entry missing, both ends say so, nothing is delivered in
// either direction, and both live on.
func TestPairWithoutTheSameKeysIsRefused(t *testing.T) {
	for _, way := range ways[:3] {
		for _, tt := range []struct {
			name         string
			north, south [2]string
		}{
			{"one key changed", [2]string{"one", "two"}, [2]string{"two", "One"}},
			{"one has none", [2]string{"one", "two"}, [2]string{}},
		} {
			t.Run(way.name+" "+tt.name, func(t *testing.T) {
				keys := map[int]*pair.Keys{2: keyFile(t, way.of(3), tt.north[0], tt.north[1])}
				if tt.south[0] != "" {
					keys[3] = keyFile(t, way.of(2), tt.south[0], tt.south[1])
				}
				inWorld(t, lan, func(t *testing.T, w *world) {
					w.addKeyed(5, keys)
					for _, d := range [][2]int{{2, 3}, {3, 2}} {
						_, err := w.peers[d[0]].Send(t.Context(), w.peers[d[1]].ID(), []byte("secret"), SendOptions{})
						var target *TargetError
						if !errors.Is(err, ErrKeys) || !errors.As(err, &target) || target.Target != w.peers[d[1]].ID() {
							t.Errorf("%d to %d: got %v, want %v", d[0], d[1], err, ErrKeys)
						}
						if w.refusedFor(d[1], d[0]) == 0 {
							t.Errorf("%d to %d: the target says nothing", d[0], d[1])
						}
						if m, ok, _ := w.peers[d[1]].inbox.pop(); ok {
							t.Errorf("%d to %d: got %q", d[0], d[1], m.Data)
						}
					}
					for _, d := range [][2]int{{2, 4}, {4, 3}, {3, 1}} {
						if _, err := w.peers[d[0]].Send(t.Context(), w.peers[d[1]].ID(), []byte("hello"), SendOptions{}); err != nil {
							t.Errorf("%d to %d, afterwards: %v", d[0], d[1], err)
						}
					}
				})
			})
		}
	}
}

// Who claims the address of an entry is not taken for the peer there as long as that
// one answers, and is held to the keys while nobody does: never is anybody else's.
func TestClaimedAddressCapturesNothing(t *testing.T) {
	north, south := keyFile(t, ways[1].of(2), "one", "two"), keyFile(t, ways[1].of(1), "two", "one")
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.addKeyed(3, map[int]*pair.Keys{1: north, 2: south})
		config := classic()
		config.Advertise = []netip.AddrPort{worldAddress(3), worldAddress(2)}
		liar := w.add(config)
		if err := liar.Join(t.Context(), w.peers[0].Address().String()); err != nil {
			t.Fatal(err)
		}
		w.awaitIdeal(w.peers, time.Minute)
		send := func(what string, from, to *Peer, want error) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if _, err := from.Send(ctx, to.ID(), []byte(what), SendOptions{}); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", what, err, want)
			}
		}
		send("from who only claims to be there", liar, w.peers[1], nil)
		send("to who only claims to be there", w.peers[1], liar, nil)
		send("to who is there", w.peers[1], w.peers[2], nil)
		if kinds := w.kindsBetween(1, 3); kinds[wire.EnvelopeKeyedFirst.String()] != 0 {
			t.Errorf("to the one who claims: got %v", kinds)
		}
	})
	inWorld(t, lan, func(t *testing.T, w *world) { // nobody is there
		w.addKeyed(3, map[int]*pair.Keys{1: north})
		w.peers[2].Close()
		pass(10 * time.Second)
		config := classic()
		config.Advertise = []netip.AddrPort{worldAddress(3), worldAddress(2)}
		liar := w.add(config)
		if err := liar.Join(t.Context(), w.peers[0].Address().String()); err != nil {
			t.Fatal(err)
		}
		for _, d := range [][2]*Peer{{liar, w.peers[1]}, {w.peers[1], liar}} {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			if _, err := d[0].Send(ctx, d[1].ID(), []byte("secret"), SendOptions{}); !errors.Is(err, ErrKeys) {
				t.Errorf("who says to be where nobody answers: got %v, want %v", err, ErrKeys)
			}
			cancel()
		}
	})
}

// A peer may not say where it is: its link says from which host it comes, and where the
// entry has a port, that is dialled.
func TestLinkProvesItsHost(t *testing.T) {
	for _, way := range ways[1:3] {
		t.Run(way.name, func(t *testing.T) {
			north, south := keyFile(t, way.of(1), "one", "two"), keyFile(t, way.of(0), "two", "one")
			inWorld(t, lan, func(t *testing.T, w *world) {
				config := classic()
				config.Keys = north
				w.add(config)
				config.Keys, config.Advertise = south, []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:1")}
				if err := w.add(config).Join(t.Context(), w.peers[0].Address().String()); err != nil {
					t.Fatal(err)
				}
				for _, d := range [][2]int{{0, 1}, {1, 0}} {
					if _, err := w.peers[d[0]].Send(t.Context(), w.peers[d[1]].ID(), []byte("secret"), SendOptions{}); err != nil {
						t.Errorf("%d to %d: %v", d[0], d[1], err)
					}
				}
				if kinds := w.kindsBetween(0, 1); kinds[wire.EnvelopeKeyedFirst.String()] == 0 || kinds[wire.EnvelopeFirst.String()] != 0 {
					t.Errorf("got %v, want all of it under keys", kinds)
				}
			})
		})
	}
}

// Where nothing is known of a peer any more, its first message says where it is before
// it is delivered, and its record does before anything is sealed to it.
func TestForgottenPairIsLearnedAgain(t *testing.T) {
	north, south := keyFile(t, ways[1].of(2), "one", "two"), keyFile(t, ways[1].of(0), "two", "one")
	forget := func(p *Peer) {
		p.pairing.mu.Lock()
		defer p.pairing.mu.Unlock()
		clear(p.pairing.where)
		clear(p.pairing.probes)
	}
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.addKeyed(3, map[int]*pair.Keys{0: north})
		forget(w.peers[0])
		if _, err := w.peers[2].Send(t.Context(), w.peers[0].ID(), []byte("open"), SendOptions{}); !errors.Is(err, ErrKeys) {
			t.Errorf("from it: got %v, want %v", err, ErrKeys)
		}
	})
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.addKeyed(3, map[int]*pair.Keys{0: north, 2: south})
		forget(w.peers[0])
		if _, err := w.peers[0].Send(t.Context(), w.peers[2].ID(), []byte("secret"), SendOptions{}); err != nil {
			t.Error(err)
		}
		if kinds := w.kindsBetween(0, 2); kinds[wire.EnvelopeFirst.String()] != 0 {
			t.Errorf("to it: got %v, want all of it under keys", kinds)
		}
	})
}

// What a peer with an entry broadcasts is passed on, and given to those who share no
// keys with it.
func TestBroadcastOfAPairIsPassedOn(t *testing.T) {
	north := keyFile(t, ways[0].of(0), "one", "two")
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.addKeyed(4, map[int]*pair.Keys{2: north})
		reached, err := w.peers[0].Broadcast(t.Context(), []byte("to all"))
		if err != nil || reached.Peers != 3 {
			t.Errorf("got %+v, %v, want 3 peers", reached, err)
		}
		synctest.Wait()
		for i, p := range w.peers[1:] {
			if _, got, _ := p.inbox.pop(); got != (i+1 != 2) {
				t.Errorf("%d: got it: %v", i+1, got)
			}
		}
		if w.refusedFor(2, 0) != 1 {
			t.Errorf("got %d events that say why, want 1", w.refusedFor(2, 0))
		}
	})
}

// Whatever others claim, there is a bound to what is dialled for it, and remembered, and
// it keeps no address of the file from being dialled.
func TestClaimsAreBounded(t *testing.T) {
	host := keyFile(t, "address: 192.0.2.1", "one", "two")
	place := keyFile(t, "address: '192.0.2.1:7'", "one", "two")
	synctest.Test(t, func(t *testing.T) {
		dialled := make(map[netip.AddrPort]int)
		var mu sync.Mutex
		under, most := 0, 0
		dial := func(ctx context.Context, a netip.AddrPort) (identity.ID, error) {
			mu.Lock()
			dialled[a]++
			under++
			most = max(most, under)
			mu.Unlock()
			pass(time.Second)
			mu.Lock()
			under--
			mu.Unlock()
			return identity.ID{1}, nil
		}
		p := newPairing(host, identity.ID{}, dial)
		defer p.close()
		claim := func(i int) identity.ID {
			id := identity.ID{2, byte(i), byte(i >> 8)}
			var at []netip.AddrPort
			for k := range 8 {
				at = append(at, netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(1000+8*i+k)))
			}
			p.claimed(&identity.Contact{ID: id, Addresses: at})
			return id
		}
		for i := range 2 * maxWhere {
			id := claim(i)
			if i < 300 {
				_, _ = p.entry(id)
			}
		}
		p.mu.Lock()
		p.keys = place // as if the file had it, too
		p.mu.Unlock()
		there := identity.ID{1}
		p.claimed(&identity.Contact{ID: there, Addresses: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:7")}})
		_, wait := p.decide(there)
		if len(wait) != 1 {
			t.Fatalf("got %d dials to wait for, want 1", len(wait))
		}
		<-wait[0].done
		if e, err := p.entry(there); e == nil || err != nil {
			t.Errorf("got %v, %v, want the entry", e, err)
		}
		p.mu.Lock()
		p.keys = host
		p.mu.Unlock()
		pass(2 * time.Minute)
		if len(p.where) > maxWhere || len(dialled) != maxProbes+1 || most != maxDialling {
			t.Errorf("got %d peers, %d addresses dialled, %d at once; want at most %d, and %d, %d", len(p.where), len(dialled), most, maxWhere, maxProbes, maxDialling)
		}
		for i := range 10 {
			for range 5 {
				claim(i)
				_, _ = p.entry(claim(i))
				pass(10 * time.Second)
			}
		}
		for a, n := range dialled {
			if n > 2 { // when it was first claimed, and once again, for less than a minute
				t.Errorf("%v was dialled %d times", a, n)
			}
		}
	})
}

// A peer that has many neighbours in the file, and claims many more places, is still
// held to what it claims.
func TestManyPlacesOfOnePeer(t *testing.T) {
	var w whereabouts
	at := func(port int) netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(port))
	}
	for i := range 100 {
		w.add(at(i+1), false)
	}
	for i := range 3 * maxClaims {
		w.add(at(i+50), true)
	}
	claims := 0
	for _, m := range w.maybe {
		if m.claimed {
			claims++
		}
	}
	if last := w.maybe[len(w.maybe)-1]; claims != maxClaims || last.address != at(49+3*maxClaims) || !last.claimed {
		t.Errorf("got %d claims, the last %v; want %d, the latest", claims, last, maxClaims)
	}
}
