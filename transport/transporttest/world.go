// Package transporttest is one suite of stories about links that every
// transport.Network must pass, and what it takes to tell them: peers whose
// handler writes down what happens. Begin reading at Run.
package transporttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"cicada/identity"
	"cicada/transport"
	"cicada/wire"
)

// A World is a network with hosts on it, numbered from 0.
type World struct {
	// Network is the network as a host sees it.
	Network func(host int) transport.Network
	// Address is where a host can listen; port 0.
	Address func(host int) netip.AddrPort
}

// patience is how long anything may take. Where time is real nothing comes near it.
const patience = 20 * time.Second

// A Peer is links whose handler writes down what happens on them.
type Peer struct {
	*transport.Links
	Key     identity.PrivateKey
	Address netip.AddrPort // where it listens

	t  testing.TB
	mu sync.Mutex // guards the fields below
	// changed is closed and replaced after each event.
	changed     chan struct{}
	ups         []transport.Link
	wrote       int
	downs       []Ended
	frames      []Frame
	unreachable []error
	refused     []error
	onFrame     func(transport.Link, wire.FrameKind, []byte)
}

// A Frame is a frame that came.
type Frame struct {
	From identity.ID
	Kind wire.FrameKind
	Body []byte
}

// Ended is a link that ended.
type Ended struct {
	Link transport.Link
	Err  error
}

// Key returns the key of the peer with that number, always the same.
func Key(number int) identity.PrivateKey {
	return identity.KeyFromSeed(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(number))))
}

// Swarm returns an open swarm of that name.
func Swarm(t testing.TB, name string) *identity.Swarm {
	t.Helper()
	s, err := identity.NewSwarm(name, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Peer starts a peer on a host, which is also the number of its key. change, which
// may be nil, adapts what it is made with. It is closed with the test.
func (w World) Peer(t testing.TB, host int, change func(*transport.Config)) *Peer {
	t.Helper()
	p := &Peer{t: t, Key: Key(host), changed: make(chan struct{})}
	config := transport.Config{Key: p.Key.Signer(), Membership: Swarm(t, "test"), Network: w.Network(host)}
	if change != nil {
		change(&config)
	}
	p.Links = transport.NewLinks(config, p)
	t.Cleanup(p.Close)
	at, err := p.Listen(w.Address(host))
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	p.Address = at
	return p
}

// Contact returns p as others know it.
func (p *Peer) Contact() *identity.Contact {
	return &identity.Contact{ID: p.ID(), Addresses: []netip.AddrPort{p.Address}}
}

// OnFrame has f called for each frame, on the link's goroutine, before it is written down.
func (p *Peer) OnFrame(f func(transport.Link, wire.FrameKind, []byte)) {
	p.note(func() { p.onFrame = f })
}

func (p *Peer) note(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.changed)
	p.changed = make(chan struct{})
}

// Up is of transport.Handler.
func (p *Peer) Up(l transport.Link) { p.note(func() { p.ups = append(p.ups, l) }) }

// Frame is of transport.Handler.
func (p *Peer) Frame(l transport.Link, kind wire.FrameKind, body []byte) {
	p.mu.Lock()
	f := p.onFrame
	p.mu.Unlock()
	if f != nil {
		f(l, kind, body)
	}
	p.note(func() { p.frames = append(p.frames, Frame{l.Peer(), kind, bytes.Clone(body)}) })
}

// Read is of transport.Handler.
func (p *Peer) Read(l transport.Link) { l.Flush() }

// Wrote is of transport.Handler.
func (p *Peer) Wrote(transport.Link) { p.note(func() { p.wrote++ }) }

// Down is of transport.Handler.
func (p *Peer) Down(l transport.Link, err error) {
	p.note(func() { p.downs = append(p.downs, Ended{l, err}) })
}

// Unreachable is of transport.Handler.
func (p *Peer) Unreachable(_ identity.ID, err error) {
	p.note(func() { p.unreachable = append(p.unreachable, err) })
}

// Refused is of transport.Handler.
func (p *Peer) Refused(_ netip.AddrPort, err error) {
	p.note(func() { p.refused = append(p.refused, err) })
}

// Await blocks until ready reports true; it is asked after each event, and now and
// then besides, as a link is told of shortly before it is in use. It fails the test
// where that takes too long.
func (p *Peer) Await(what string, ready func() bool) {
	p.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if ready() {
			return
		}
		select {
		case <-changed:
		case <-again.C:
		case <-timeout.C:
			p.t.Fatalf("%v: waited too long for %s; frames %d, ups %d, downs %v, unreachable %v, refused %v",
				p.ID().Short(), what, len(p.Frames()), len(p.Ups()), p.Downs(), p.Lost(), p.Turned())
		}
	}
}

// Ups returns the links that came up.
func (p *Peer) Ups() []transport.Link { return snapshot(p, &p.ups) }

// Downs returns the links that ended.
func (p *Peer) Downs() []Ended { return snapshot(p, &p.downs) }

// WroteOn returns how often a part of what had to wait was taken.
func (p *Peer) WroteOn() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wrote
}

// Frames returns the frames that came.
func (p *Peer) Frames() []Frame { return snapshot(p, &p.frames) }

// Lost returns the errors of peers that could not be reached.
func (p *Peer) Lost() []error { return snapshot(p, &p.unreachable) }

// Turned returns the errors of connections that were refused.
func (p *Peer) Turned() []error { return snapshot(p, &p.refused) }

func snapshot[T any](p *Peer, list *[]T) []T {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(*list)
}

// AwaitFrames blocks until n frames have come, and returns them.
func (p *Peer) AwaitFrames(n int) []Frame {
	p.t.Helper()
	p.Await("frames", func() bool { return len(p.Frames()) >= n })
	return p.Frames()
}

// MustSend sends and flushes one frame.
func (p *Peer) MustSend(to *Peer, kind wire.FrameKind, body []byte) {
	p.t.Helper()
	l, err := p.Send(to.Contact(), kind, nil, body)
	if err != nil {
		p.t.Fatalf("send: %v", err)
	}
	if l != nil {
		l.Flush()
	}
}
