package swarm

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/identity/pair"
	"cicada/routing"
	"cicada/seal"
	"cicada/trace"
	"cicada/transport"
)

// A Peer is a member of a swarm, or on its way to become one. Make it with
// Listen; Close it in the end. All methods may be called concurrently.
type Peer struct {
	config  Config
	id      identity.ID
	point   identity.Point
	address netip.AddrPort // where it listens
	born    time.Time      // when its clock began
	events  *trace.Recorder

	points  points
	book    *book
	keys    *pair.Keys // with addresses for names
	pairing *pairing
	sealer  *seal.Sealer
	links   *transport.Links
	inbox   *inbox

	lookupHost lookupHost // asks the DNS

	timer   *time.Timer   // wakes the loop; reset under mu
	jobs    *jobs         // what takes too long to be done under mu, for others
	urgent  chan job      // the same, for the sends of this peer itself
	started chan struct{} // closed when the state machines run
	ended   chan struct{} // closed by Close, or when the peer did not come up
	loops   sync.WaitGroup
	ending  sync.Once

	mu      sync.Mutex // guards the fields below
	ring    *chord.Core
	route   *routing.Core
	random  *rand.Rand
	greeted map[identity.ID]*neighbour
	dirty   []transport.Link // written to, not flushed
	armed   time.Duration    // what timer is set to
	sweepAt time.Duration    // when the sealer is to forget what nobody uses

	sending    map[trace.MessageID]*sending
	spare      []*sending                 // ended, for the next
	handshakes map[identity.ID]*handshake // by target
	receipts   []heldReceipt
	lookups    map[trace.MessageID]func(chord.Answer)
	broadcasts map[trace.MessageID]chan Reached
	heard      heardBroadcasts
	joining    chan error // gets the end of the join under way; nil: none
	answered   map[netip.AddrPort]identity.ID
	kept       [2]identity.ID // whose links stay open however idle
	acks       ackBatch
	owed       []transport.Link // with acknowledgements queued, not flushed
	owedAt     time.Duration    // when they are to be
	scratch    []byte
	sealed     []byte
	leaving    bool
	reachable  bool    // another peer has dialled this one
	traced     bool    // the state machines make events
	logs       bool    // there is a text log
	tapped     *tapped // nil but for a hostile peer of a test or of the demonstration
	counters   Counters
}

// points tells where IDs stand; identity.Points does. PointOf may take long, so it
// is not called with mu held.
type points interface {
	PointOf(identity.ID) (identity.Point, error)
	Known(identity.ID) (identity.Point, bool)
}

// A neighbour is a peer at the other end of a link.
type neighbour struct {
	link    transport.Link
	book    *linkBook         // for what it sends
	points  points            // for whose messages it brings: the book's
	contact *identity.Contact // nil until its hello came
	said    transport.Link    // that its hello came over; there is one on each
	hello   chan struct{}     // closed when it came, or will not come any more
	heard   time.Duration     // when the ring was last told that it lives
	wrote   time.Duration     // when the state machines were last told that it takes what had to wait
}

// Listen starts a peer: a swarm of one until it joins others or others join it.
// It returns when the peer can be dialled. Errors name the address and what was
// wrong with it, or the field of config that makes no sense; ctx only bounds
// the making of a key and the resolving of a name.
func Listen(ctx context.Context, config Config) (*Peer, error) {
	config, fresh, err := config.populate(ctx)
	if err != nil {
		return nil, err
	}
	p, err := newPeer(config)
	if err != nil {
		return nil, err
	}
	if p.keys, err = config.Keys.Resolve(ctx, lookupDNS); err != nil {
		return nil, fmt.Errorf("swarm: Config.Keys: %w", err)
	}
	if p.pairing = newPairing(p.keys, p.id, p.answersAt); p.pairing != nil {
		p.book.tell = p.pairing.claimed
	}
	if err := p.listen(ctx); err != nil {
		p.pairing.close()
		return nil, err
	}
	if err := p.start(fresh); err != nil {
		close(p.ended)
		p.links.Close()
		p.pairing.close()
		return nil, err
	}
	return p, nil
}

// newPeer makes all parts of a peer that need not know its address.
func newPeer(config Config) (*Peer, error) {
	points, err := identity.NewPoints(identity.PointsConfig{Difficulty: config.Swarm.Difficulty()})
	if err != nil {
		return nil, err
	}
	id := config.Key.ID()
	point, err := identity.PointOf(id, config.Swarm.Difficulty())
	if err != nil {
		return nil, fmt.Errorf("swarm: this key does not fit swarm %s: %w", config.Swarm.Name(), err)
	}
	var seed [32]byte
	if _, err := crand.Read(seed[:]); err != nil {
		return nil, err
	}
	return &Peer{
		config: config, id: id, point: point, born: time.Now(), points: points,
		events: &trace.Recorder{}, book: newBook(points),
		inbox: newInbox(config.InboxMessages, config.InboxBytes), lookupHost: lookupDNS,
		timer:   time.NewTimer(0),
		jobs:    newJobs(),
		urgent:  make(chan job, maxUrgent),
		started: make(chan struct{}),
		ended:   make(chan struct{}),
		random:  rand.New(rand.NewChaCha8(seed)),
		logs:    config.Logger.Enabled(context.Background(), slog.LevelInfo),

		greeted:    make(map[identity.ID]*neighbour),
		sending:    make(map[trace.MessageID]*sending),
		handshakes: make(map[identity.ID]*handshake),
		lookups:    make(map[trace.MessageID]func(chord.Answer)),
		broadcasts: make(map[trace.MessageID]chan Reached),
		answered:   make(map[netip.AddrPort]identity.ID),
	}, nil
}

// listen opens the peer's port.
func (p *Peer) listen(ctx context.Context) error {
	address, err := listenAddress(ctx, p.config.Address)
	if err != nil {
		return err
	}
	p.links = transport.NewLinks(transport.Config{
		Key: p.config.Key.Signer(), Membership: p.config.Swarm, Network: p.config.Network,
		Logger: p.config.Logger, Limits: p.config.Links,
	}, (*handler)(p))
	p.address, err = p.links.Listen(address)
	if err != nil {
		p.links.Close()
		return fmt.Errorf("swarm: listen: %w", err)
	}
	return nil
}

// start sets the state machines going. Until then links wait.
func (p *Peer) start(fresh bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	addresses := p.config.Advertise
	if len(addresses) == 0 {
		var err error
		if addresses, err = advertised(p.address); err != nil {
			return err
		}
	}
	record, err := identity.SignRecord(p.config.Key, uint64(p.born.UnixNano()), addresses)
	if err != nil {
		return p.config.advertiseError(err)
	}
	self, err := p.book.Verify(record)
	if err != nil {
		return err
	}
	sealing := seal.Config{Key: p.config.Key, Point: p.point, Swarm: p.config.Swarm.Tag(), FreshKey: fresh}
	if p.pairing != nil {
		sealing.Pairs = p.pairWith
	}
	p.sealer, err = seal.New(sealing)
	if err != nil {
		return err
	}
	p.ring = chord.New(self, p.config.Ring, p.random)
	p.route = routing.New(p.ring, routing.Config{RememberArrivals: 2 * broadcastAge}, p.random)
	p.ring.Start(p.now())
	p.emit(trace.Event{Kind: trace.PeerUp, Address: p.address.String(), Key: p.point})
	p.settle()
	p.loops.Add(1)
	go p.loop()
	close(p.started)
	return nil
}

// ID returns who this peer is.
func (p *Peer) ID() identity.ID { return p.id }

// Point returns where this peer stands on the ring.
func (p *Peer) Point() identity.Point { return p.point }

// Address returns where this peer listens.
func (p *Peer) Address() netip.AddrPort { return p.address }

// Contact returns what this peer tells others of itself.
func (p *Peer) Contact() *identity.Contact {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ring.Self()
}

// Receive returns the next message that arrived for this peer, waiting for one
// until ctx ends. Each message is returned once. Errors: ErrClosed, or ctx's.
func (p *Peer) Receive(ctx context.Context) (Message, error) { return p.inbox.take(ctx) }

// Events returns everything that happens at this peer from now on, for one
// range loop, until ctx ends or the peer is closed. Kinds of events are the
// constants of trace.Kind; most of what an idle peer tells is trace.RingSent. A
// loop that is too slow misses the oldest events and is told how many (trace.Lost).
func (p *Peer) Events(ctx context.Context) iter.Seq[trace.Event] {
	events := p.events.Subscribe(ctx)
	p.mu.Lock()
	defer p.settleAndUnlock() // from here on the state machines make events
	p.settleTracing()
	return events
}

// now is the time on the clock of the state machines.
func (p *Peer) now() time.Duration { return time.Since(p.born) }

// emit reports an event of this peer. It is called with mu held.
func (p *Peer) emit(e trace.Event) {
	if p.logs {
		p.log(&e)
	}
	if !p.tracing() {
		return
	}
	e.At, e.Peer = p.now(), p.id
	if p.config.Trace != nil {
		p.config.Trace.Emit(e)
	}
	p.events.Emit(e)
}

func (p *Peer) tracing() bool { return trace.Enabled(p.config.Trace) || p.events.Enabled() }

// Leave takes this peer out of the swarm in good order: its neighbours take
// over at once. Then it closes the peer, as Close does. It returns when all is
// done, or as soon as ctx ends.
func (p *Peer) Leave(ctx context.Context) error {
	p.mu.Lock()
	if !p.leaving {
		p.leaving = true
		p.ring.Leave(p.now())
	}
	p.settleAndUnlock()
	done := make(chan error, 1)
	go func() { done <- p.Close() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the peer without a word to the swarm but what a broken connection
// says. It returns when nothing of it runs any more. Calls that wait return
// ErrClosed. Closing again does nothing.
func (p *Peer) Close() error {
	p.ending.Do(func() {
		close(p.ended)
		p.pairing.close()
		p.links.Close()
		p.loops.Wait()
		p.inbox.close()
		p.mu.Lock()
		defer p.mu.Unlock()
		for i := range p.receipts {
			p.count(&p.receipts[i])
		}
		p.receipts = nil
		p.emit(trace.Event{Kind: trace.PeerDown, Reason: "closed"})
		p.events.Close()
	})
	p.loops.Wait()
	return nil
}
