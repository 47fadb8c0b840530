// Package memory is a network inside the program: hosts, listeners and buffered
// connections, with latency, and with everything that can happen to them at the
// press of a key. It waits on nothing but the clock and its own users, so that it
// works in a bubble of testing/synctest, where seconds cost nothing.
//
//	net := memory.New(memory.Config{Latency: 20 * time.Millisecond})
//	a, b := net.Host(addressA), net.Host(addressB) // each a transport.Network
//	net.Cut(addressA, addressB)
//
// It models what a program sees of TCP: bytes in order, back-pressure, resets,
// silence. It has no segments that get lost, no congestion and no routers. Begin
// reading at Network.
package memory

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// Config says what the network is like. The zero value is fast and quiet.
type Config struct {
	// Latency is how long bytes travel, one way. A connection is open after twice that.
	Latency time.Duration
	// Jitter is added to each write's latency at random, between zero and this.
	// Bytes of one connection never overtake each other.
	Jitter time.Duration
	// Bandwidth is how many bytes a second each direction of a connection carries.
	// Zero means no limit.
	Bandwidth int
	// Buffer is how many bytes each direction of a connection holds until they are
	// read; then writes block. Zero means 64 KiB.
	Buffer int
	// Seed begins the random numbers.
	Seed uint64
}

const (
	defaultBuffer = 64 << 10
	maxPending    = 1024 // connections that a listener has not accepted
	firstPort     = 32768
)

// A Network joins hosts, by their addresses. All methods may be called
// concurrently.
type Network struct {
	config Config

	mu      sync.Mutex // guards the fields below, and those of hosts
	random  *rand.Rand
	changed chan struct{} // closed and replaced whenever the state below changes
	hosts   map[netip.Addr]*Host
	paused  map[netip.Addr]bool
	cuts    map[route]bool
}

// A route is a pair of addresses, the lower first.
type route [2]netip.Addr

func routeOf(a, b netip.Addr) route {
	if b.Less(a) {
		a, b = b, a
	}
	return route{a, b}
}

// New returns a network without hosts.
func New(config Config) *Network {
	if config.Buffer <= 0 {
		config.Buffer = defaultBuffer
	}
	return &Network{
		config:  config,
		random:  rand.New(rand.NewPCG(config.Seed, 0)),
		changed: make(chan struct{}),
		hosts:   make(map[netip.Addr]*Host),
		paused:  make(map[netip.Addr]bool),
		cuts:    make(map[route]bool),
	}
}

// Host returns the network as the host at address sees it. After Kill it returns a
// new host, which has nothing of the old one.
func (n *Network) Host(address netip.Addr) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[address]
	if h == nil {
		h = &Host{
			network: n, address: address, port: firstPort,
			listeners: make(map[uint16]*listener), conns: make(map[*conn]struct{}),
		}
		n.hosts[address] = h
	}
	return h
}

// Cut makes the path between two hosts silent, as when a cable is pulled: what is
// sent does not arrive, and nobody is told. Connections stay open.
func (n *Network) Cut(a, b netip.Addr) {
	n.update(func() { n.cuts[routeOf(a, b)] = true })
}

// Heal undoes Cut: what was sent meanwhile arrives, as TCP would send it again.
func (n *Network) Heal(a, b netip.Addr) {
	n.update(func() { delete(n.cuts, routeOf(a, b)) })
}

// Pause stops the host at address, as SIGSTOP stops a program: nothing that it
// sends leaves, it reads and accepts nothing, but its connections stay open and
// new ones are still answered by its kernel.
func (n *Network) Pause(address netip.Addr) {
	n.update(func() { n.paused[address] = true })
}

// Resume undoes Pause.
func (n *Network) Resume(address netip.Addr) {
	n.update(func() { delete(n.paused, address) })
}

// Kill ends the host at address, as SIGKILL ends a program: its listeners close,
// its connections are reset at both ends (at the far end of a cut path: when it
// heals), and whoever dials it is refused.
func (n *Network) Kill(address netip.Addr) {
	n.mu.Lock()
	h := n.hosts[address]
	delete(n.hosts, address)
	delete(n.paused, address)
	var listeners []*listener
	var conns []*conn
	if h != nil {
		h.dead = true
		for _, l := range h.listeners {
			listeners = append(listeners, l)
		}
		for c := range h.conns {
			conns = append(conns, c)
		}
	}
	n.announceLocked()
	n.mu.Unlock()
	for _, l := range listeners {
		l.Close()
	}
	for _, c := range conns {
		c.kill()
	}
}

// update changes what holds up traffic, and tells every connection.
func (n *Network) update(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
	for _, h := range n.hosts {
		for c := range h.conns {
			c.out.hold(n.holdsLocked(c.out))
			c.in.hold(n.holdsLocked(c.in))
		}
		for _, l := range h.listeners {
			l.setPaused(n.paused[h.address])
		}
	}
	n.announceLocked()
}

func (n *Network) announceLocked() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// holdsLocked returns what holds up traffic in p.
func (n *Network) holdsLocked(p *pipe) holds {
	return holds{cut: n.cuts[routeOf(p.from, p.to)], writer: n.paused[p.from], reader: n.paused[p.to]}
}

// delay returns how long the next bytes travel.
func (n *Network) delay() time.Duration {
	if n.config.Jitter <= 0 {
		return n.config.Latency
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.config.Latency + time.Duration(n.random.Int64N(int64(n.config.Jitter)))
}
