package swarm

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/swarm/internal/codec"
	"cicada/transport"
	"cicada/wire"
)

// puzzledIDs returns IDs that pass the cheap test of a difficulty, and its dear one or not.
func puzzledIDs(paid bool, count int, seed byte) (ids []identity.ID) {
	for n := uint64(0); len(ids) < count; n++ {
		id := identity.ID(sha256.Sum256(binary.BigEndian.AppendUint64([]byte{seed}, n)))
		if sum := sha256.Sum256(id[:]); sum[0] >= 4 || id.Check() != nil {
			continue
		}
		if _, err := identity.PointOf(id, 1); (err == nil) == paid {
			ids = append(ids, id)
		}
	}
	return ids
}

// puzzledKey returns a key that is good in a swarm of difficulty 1.
func puzzledKey(seed byte) identity.PrivateKey {
	for n := uint64(0); ; n++ {
		key := identity.KeyFromSeed(sha256.Sum256(binary.BigEndian.AppendUint64([]byte{seed}, n)))
		if _, err := identity.PointOf(key.ID(), 1); err == nil {
			return key
		}
	}
}

// puzzled starts a peer of a swarm with a difficulty that may check 24 IDs at once
// and one a second, and returns how many it may now.
func (w *world) puzzled(t *testing.T) (p *Peer, left func() int) {
	member, err := identity.NewSwarm("cicada", 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	config := classic()
	config.Swarm, config.Key = member, puzzledKey(1)
	config.Network, config.Address = w.net.Host(hostAddress(1)), hostAddress(1).String()+":1"
	if p, err = Listen(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	points, err := identity.NewPoints(identity.PointsConfig{Difficulty: 1, Burst: 24, Rate: 1})
	if err != nil {
		t.Fatal(err)
	}
	p.book.points, p.points = points, points
	next := byte(100)
	return p, func() (n int) {
		next++
		for _, id := range puzzledIDs(true, 25, next) {
			if _, err := points.PointOf(id); errors.Is(err, identity.ErrRate) {
				break
			}
			n++
		}
		return n
	}
}

// In a swarm with a difficulty a stranger has one argon2 run for its hello, one for the
// first name that did not pay, and a share for names that did; what was not asked for
// costs none, and what is rubbish closes the link.
func TestStrangersAreHeldToTheirRuns(t *testing.T) {
	point := func(id identity.ID) identity.Point {
		point, err := identity.PointOf(id, 1)
		if err != nil {
			return identity.Point{7} // it stands nowhere, and says so
		}
		return point
	}
	contacts := func(ids []identity.ID) (list []*identity.Contact) {
		for _, id := range ids {
			list = append(list, &identity.Contact{ID: id, Point: point(id)})
		}
		return list
	}
	changes := func(list []*identity.Contact) chord.Message {
		return chord.Message{Kind: chord.Changes, Request: 1, Hints: list, Limits: []uint32{1}}
	}
	paid, unpaid := puzzledIDs(true, 20, 1), puzzledIDs(false, 20, 2)
	elsewhere := contacts(paid[:1])
	elsewhere[0].Point[0] ^= 1
	rubbish := contacts([]identity.ID{identity.KeyFromSeed([32]byte{1}).ID()})
	for _, x := range []struct {
		name     string
		says     chord.Message
		spent    int // beside the hello
		violates bool
	}{
		{"unasked answer", chord.Message{Kind: chord.Peers, Request: 1 << 40, Member: true, Hints: contacts(unpaid), Others: contacts(paid)}, 0, false},
		{"rubbish", changes(rubbish), 0, true},
		{"names that did not pay", changes(contacts(unpaid)), 1, true},
		{"a name that stands elsewhere", changes(elsewhere), 1, true},
		{"names that paid", changes(contacts(paid)), 5, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			inWorld(t, lan, func(t *testing.T, w *world) {
				victim, left := w.puzzled(t)
				s := w.stranger(1)
				s.links.Close()
				s.key = puzzledKey(2)
				s.links = transport.NewLinks(transport.Config{
					Key: s.key.Signer(), Membership: victim.config.Swarm, Network: w.net.Host(hostAddress(2)),
				}, s)
				t.Cleanup(s.links.Close)
				link := s.dial(t, victim)
				if err := errors.Join(link.Queue(wire.FrameHello, nil, hello(t, s.key)), link.Queue(wire.FrameControl, nil, control(t, codec.EncodeRing(x.says)))); err != nil {
					t.Fatal(err)
				}
				link.Flush()
				pass(500 * time.Millisecond)
				if got, want := left(), 24-1-x.spent; got != want {
					t.Errorf("got %d runs left, want %d", got, want)
				}
				if code, closed := s.closedWith(); closed != x.violates || closed && code != wire.CodeProtocol {
					t.Errorf("got closed %v with %v, want %v", closed, code, x.violates)
				}
			})
		})
	}
}

// In a swarm with a difficulty peers come to know all others, as they do in one without.
func TestAllPeersOfASwarmWithADifficulty(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		member, err := identity.NewSwarm("cicada", 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		const n = 12
		for i := range byte(n) {
			w.grow(1, Config{Swarm: member, Key: puzzledKey(i + 1), Ring: chord.Config{Successors: 3, FingerBase: 2}})
		}
		pass(3 * time.Minute)
		for i, p := range w.peers {
			if got := p.reach(); got != n-1 {
				t.Errorf("peer %d knows %d others, want %d", i, got, n-1)
			}
		}
	})
}
