package swarm

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/swarm/internal/codec"
	"cicada/transport"
	"cicada/wire"
)

// dialCounter counts what is dialled in a network that nobody is in.
type dialCounter struct {
	transport.Network
	nobody netip.Prefix

	mu    sync.Mutex // guards the field below
	dials map[netip.AddrPort]int
}

func (d *dialCounter) Dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	if d.nobody.Contains(address.Addr()) {
		d.mu.Lock()
		d.dials[address]++
		d.mu.Unlock()
	}
	return d.Network.Dial(ctx, address)
}

func (d *dialCounter) count() (dials int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.dials {
		dials += n
	}
	return dials
}

// namedPeers returns a message which says that 128 peers joined, the first of them that
// number, each at as many addresses as a record has.
func namedPeers(first int, limit uint32) chord.Message {
	m := chord.Message{Kind: chord.Changes, Request: uint64(first + 1), Limits: []uint32{limit}}
	for i := range 128 {
		named := first + i
		var seed [32]byte
		binary.BigEndian.PutUint32(seed[:], uint32(named+1))
		c := &identity.Contact{ID: identity.KeyFromSeed(seed).ID()}
		c.Point = identity.PlainPoint(c.ID)
		for port := range uint16(identity.MaxAddresses) {
			c.Addresses = append(c.Addresses, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 66, byte(named >> 8), byte(named)}), port+1))
		}
		if i < 64 {
			m.Hints = append(m.Hints, c)
		} else {
			m.Others = append(m.Others, c)
		}
	}
	return m
}

// counting adds a peer whose dials to nobody are counted.
func (w *world) counting(config Config) (*Peer, *dialCounter) {
	w.t.Helper()
	dials := &dialCounter{
		Network: w.net.Host(hostAddress(99)), nobody: netip.MustParsePrefix("10.66.0.0/16"), dials: make(map[netip.AddrPort]int),
	}
	config.Key, config.Address, config.Network = identity.KeyFromSeed([32]byte{99}), hostAddress(99).String()+":1", dials
	p, err := Listen(w.t.Context(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { p.Close() })
	if err := p.Join(w.t.Context(), w.peers[0].Address().String()); err != nil {
		w.t.Fatal(err)
	}
	return p, dials
}

// reach returns how many peers p can go to by itself.
func (p *Peer) reach() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ring.Reach()
}

// Whoever says that peers joined has a victim dialled as often as is bearable, and not
// for each name: by one message, and by one after the other.
func TestNamedPeersAreDialledSparingly(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		config := Config{Ring: chord.Config{Successors: 3, FingerBase: 2}}
		w.grow(9, config)
		victim, dials := w.counting(config)
		pass(2 * time.Minute) // until it knows all others
		s := w.stranger(1)
		link := s.dial(t, victim)
		if err := link.Queue(wire.FrameHello, nil, hello(t, s.key)); err != nil {
			t.Fatal(err)
		}
		named, known := 0, victim.reach()
		name := func() {
			m := namedPeers(named, limitBefore(victim))
			named += 128
			if err := link.Queue(wire.FrameControl, nil, control(t, codec.EncodeRing(m))); err != nil {
				t.Fatal(err)
			}
			link.Flush()
		}
		name()
		pass(10 * time.Second)
		if got := victim.reach(); got < known+20 {
			t.Fatalf("it knows %d peers, of %d before: the story did not happen", got, known)
		}
		once := dials.count()
		if most := 2 * (64 + 10*4); once == 0 || once > most {
			t.Errorf("one message: got %d dials in ten seconds, want some and at most %d", once, most)
		}
		const minutes = 3
		for range 60 * minutes {
			name()
			pass(time.Second)
		}
		if got, most := dials.count()-once, 2*60*minutes*4; got > most {
			t.Errorf("a message a second: got %d dials in %d minutes, want at most %d", got, minutes, most)
		}
		dials.mu.Lock()
		defer dials.mu.Unlock()
		for address := range dials.dials {
			if address.Port() > identity.HintAddresses {
				t.Errorf("dialled %v, one of too many of a peer", address)
			}
		}
	})
}

// limitBefore returns the limit of a change that is told all round from a peer.
func limitBefore(p *Peer) uint32 {
	return binary.BigEndian.Uint32(p.point[:]) - 1
}
