package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"cicada/identity"
	"cicada/wire"
)

// Links is all links of one peer: it listens, dials, keeps one link per pair of
// peers and closes what is not used. All methods may be called concurrently. What
// blocks must not be called by a Handler: Dial holds up the link that called,
// and Close would wait for itself.
type Links struct {
	id         identity.ID
	membership Membership
	network    Network
	log        *slog.Logger
	limits     Limits
	handler    Handler
	server     *tls.Config
	client     *tls.Config
	broken     error // Config cannot work
	pool       pool
	gate       gate
	dials      chan struct{} // one element per connection being dialled

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup // every goroutine; added to under mu while not closed

	mu        sync.Mutex // guards the fields below
	closed    bool
	listeners []net.Listener
	peers     map[identity.ID]*peer
	all       map[*link]struct{} // until forgotten
	open      int                // of all, those not retired
	waiting   int                // peers with a queue
	kept      map[identity.ID]struct{}
	failures  map[place]failure
	ration    ration
	sweeper   *time.Timer
}

// NewLinks returns the links of the peer that config describes, none yet, and
// tells handler what happens on them. A Config that cannot work is reported by
// Listen, Dial and Send. Close must be called in the end.
func NewLinks(config Config, handler Handler) *Links {
	s := &Links{
		membership: config.Membership,
		network:    config.Network,
		log:        config.Logger,
		limits:     config.Limits.populate(),
		handler:    handler,
		peers:      make(map[identity.ID]*peer),
		all:        make(map[*link]struct{}),
		kept:       make(map[identity.ID]struct{}),
		failures:   make(map[place]failure),
	}
	s.gate.limit = s.limits.MaxHalfOpen
	s.dials = make(chan struct{}, s.limits.MaxDials)
	if s.network == nil {
		s.network = TCP{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if s.id, s.broken = ownID(config.Key); s.broken == nil {
		s.server, s.client, s.broken = tlsConfigs(config.Key)
	}
	if s.broken == nil && s.membership == nil {
		s.broken = errors.New("transport: Config.Membership is missing")
	}
	s.mu.Lock()
	s.sweeper = time.AfterFunc(s.sweepInterval(), s.sweep)
	s.mu.Unlock()
	return s
}

// ID returns who this peer is.
func (s *Links) ID() identity.ID { return s.id }

// Listen accepts links at address, and returns the address with the port that it
// got where the port is 0. It may be called for several addresses. The error
// matches ErrAddressUsed where the port is taken.
func (s *Links) Listen(address netip.AddrPort) (netip.AddrPort, error) {
	if s.broken != nil {
		return netip.AddrPort{}, s.broken
	}
	listener, err := s.network.Listen(address)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("transport: listen on %v: %w", address, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		listener.Close()
		return netip.AddrPort{}, ErrClosed
	}
	s.listeners = append(s.listeners, listener)
	s.running.Add(1)
	go s.accept(listener)
	return addrPort(listener.Addr()), nil
}

// accept takes connections until listener is closed. Where the system has run out
// of something it waits a little, longer each time.
func (s *Links) accept(listener net.Listener) {
	defer s.running.Done()
	const patience = time.Second
	pause := 5 * time.Millisecond
	for {
		conn, err := listener.Accept()
		if err == nil {
			pause = 5 * time.Millisecond
			s.arrive(conn)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		s.log.Debug("accept failed", "address", listener.Addr(), "err", err)
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, patience)
		}
	}
}

// begin reports whether a goroutine may start, and counts it if so. It must call
// running.Done.
func (s *Links) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// Link returns the open link to id, or nil.
func (s *Links) Link(id identity.ID) Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.peers[id]; p != nil {
		if l := p.best(); l != nil {
			return l
		}
	}
	return nil
}

// Open returns the open link to each peer that has one, in no order.
func (s *Links) Open() []Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make([]Link, 0, s.open)
	for _, p := range s.peers {
		if l := p.best(); l != nil {
			open = append(open, l)
		}
	}
	return open
}

// Close tells every peer that this one leaves, closes all listeners and links, and
// returns when every goroutine has ended, at most about Limits.CloseTimeout later.
// Further calls wait for the same.
func (s *Links) Close() {
	s.mu.Lock()
	s.closed = true
	listeners := s.listeners
	s.listeners = nil
	s.sweeper.Stop()
	links := make([]*link, 0, len(s.all))
	for l := range s.all {
		links = append(links, l)
	}
	s.mu.Unlock()
	s.cancel()
	for _, listener := range listeners {
		listener.Close()
	}
	s.turnAway(s.gate.shut())
	for _, l := range links {
		l.Close(wire.CodeLeaving, "")
	}
	s.running.Wait()
}

// addrPort returns the address and port of a TCP-like address; IPv4 never in its IPv6 form.
func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(interface{ AddrPort() netip.AddrPort }); ok {
		return netip.AddrPortFrom(t.AddrPort().Addr().Unmap(), t.AddrPort().Port())
	}
	parsed, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{} // a Network whose addresses are of another sort
	}
	return netip.AddrPortFrom(parsed.Addr().Unmap(), parsed.Port())
}
