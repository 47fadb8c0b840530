package swarm

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"cicada/identity"
	"cicada/identity/pair"
	"cicada/transport"
)

// A pairing knows which entry of the key file holds for which peer. An entry for an ID
// holds for that. One for an address holds for whoever is proven to be there:
//
//   - with a port: who answers when that address is dialled;
//   - without: who has a link from there, or to there.
//
// Where a peer says in its own record that it is there, or where it has a link from the
// host of an entry with a port, the address is dialled before anything is decided. If
// another peer answers, the entry is not for the one who said so. If nobody does, it is,
// for who says that it is there has no ground to complain of being held to it; who has
// only a link from the same host said nothing, and is let off. What is proven once holds
// until the peer is closed. So nobody gets rid of an entry by being unreachable, and
// nobody gets another peer's by a claim: the keys that it takes are not in the claim.
//
// All methods may be called concurrently, with Peer.mu held or not. A nil pairing has no
// entries.
type pairing struct {
	keys *pair.Keys
	self identity.ID
	dial func(ctx context.Context, a netip.AddrPort) (identity.ID, error)
	ctx  context.Context // of the dials
	stop context.CancelFunc
	runs sync.WaitGroup
	slot chan struct{} // holds one for each dial under way

	mu     sync.Mutex // guards the fields below
	closed bool
	where  map[identity.ID]*whereabouts
	probes map[netip.AddrPort]*probe
	chosen int // of probes
}

// Bounds of what others can make a pairing remember and do.
const (
	maxWhere    = 4096
	maxClaims   = 16   // of one peer, of addresses that matter
	maxProbes   = 1024 // of addresses that are not in the file themselves
	maxDialling = 16
	probeEvery  = time.Minute // and address
)

// whereabouts are what matters of where a peer is.
type whereabouts struct {
	proven *pair.Entry // for an address with its port
	host   *pair.Entry // for the host of a link
	maybe  []maybe
}

// A maybe is an address that the peer may be at.
type maybe struct {
	address netip.AddrPort
	claimed bool // by the peer itself
}

// A probe is what came of dialling an address. Its fields but done are guarded by
// pairing.mu, and say nothing before done is closed.
type probe struct {
	done  chan struct{}
	began time.Time // the latest dial
	busy  bool
	who   identity.ID // zero: nobody answered

	chosen bool // by who claims it
}

// newPairing returns nil where there are no entries.
func newPairing(keys *pair.Keys, self identity.ID, dial func(context.Context, netip.AddrPort) (identity.ID, error)) *pairing {
	if keys.Len() == 0 {
		return nil
	}
	p := &pairing{
		keys: keys, self: self, dial: dial, slot: make(chan struct{}, maxDialling),
		where: make(map[identity.ID]*whereabouts), probes: make(map[netip.AddrPort]*probe),
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// close ends what is under way.
func (p *pairing) close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.stop()
	p.runs.Wait()
}

// errUndecided says that it has to be seen yet who is at an address.
var errUndecided = errors.New("swarm: who is at an address of the key file is not known yet")

// entry returns the entry for a peer, nil for none, or errUndecided.
func (p *pairing) entry(id identity.ID) (*pair.Entry, error) {
	e, wait := p.decide(id)
	if len(wait) > 0 {
		return nil, errUndecided
	}
	return e, nil
}

// decide returns the entry for a peer, or what has to end before it is known.
func (p *pairing) decide(id identity.ID) (*pair.Entry, []*probe) {
	if p == nil {
		return nil, nil
	}
	if e := p.keys.Peer(id); e != nil {
		return e, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.where[id]
	if w == nil || w.proven != nil {
		return w.entry(), nil
	}
	var wait []*probe
	var held, heldHost *pair.Entry
	for _, m := range w.maybe {
		e := p.keys.Place(m.address)
		byHost := e == nil
		if byHost && w.host != nil {
			continue // a link has proven as much
		}
		if byHost {
			e = p.keys.Host(m.address.Addr())
		}
		pr := p.probeLocked(m.address, byHost)
		switch {
		case !pr.ended():
			wait = append(wait, pr)
		case pr.who == id && !byHost:
			w.proven = e
			return e, nil
		case pr.who == id, pr.who.IsZero() && m.claimed && byHost:
			heldHost = e
		case pr.who.IsZero() && m.claimed:
			held = e
		}
	}
	switch {
	case len(wait) > 0:
		return nil, wait
	case held != nil:
		return held, nil
	case w.host != nil:
		return w.host, nil
	}
	return heldHost, nil
}

func (w *whereabouts) entry() *pair.Entry {
	if w == nil {
		return nil
	}
	return w.proven
}

// linked takes note that a peer is at the other end of a link.
func (p *pairing) linked(link transport.Link) {
	if p == nil {
		return
	}
	id, remote := link.Peer(), link.Remote()
	host := remote.Addr().Unmap()
	byHost, ports := p.keys.Host(host), p.keys.Ports(host)
	var proven *pair.Entry
	if link.Dialled() {
		proven = p.keys.Place(remote)
	}
	if proven == nil && byHost == nil && len(ports) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.whereLocked(id)
	if w.proven == nil {
		w.proven = proven
	}
	if w.host == nil {
		w.host = byHost
	}
	for _, a := range ports {
		w.add(a, false)
	}
}

// claimed takes note of where a peer says, in its own record, that it can be dialled.
func (p *pairing) claimed(c *identity.Contact) {
	if p == nil || c.ID == p.self {
		return
	}
	for _, a := range c.Addresses {
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		if p.keys.Place(a) == nil && p.keys.Host(a.Addr()) == nil {
			continue
		}
		p.mu.Lock()
		p.whereLocked(c.ID).add(a, true)
		p.mu.Unlock()
	}
}

// add notes an address that matters.
func (w *whereabouts) add(a netip.AddrPort, claimed bool) {
	i := slices.IndexFunc(w.maybe, func(m maybe) bool { return m.address == a })
	if i >= 0 {
		claimed = claimed || w.maybe[i].claimed
		w.maybe = slices.Delete(w.maybe, i, i+1)
	}
	claims, oldest := 0, -1
	for i, m := range w.maybe {
		if m.claimed {
			if claims++; oldest < 0 {
				oldest = i
			}
		}
	}
	if claimed && claims >= maxClaims {
		w.maybe = slices.Delete(w.maybe, oldest, oldest+1)
	}
	w.maybe = append(w.maybe, maybe{a, claimed}) // what nobody claimed is in the file, and so bounded
}

// whereLocked returns what is known of a peer, making room for it: among some others,
// by who has proven least.
func (p *pairing) whereLocked(id identity.ID) *whereabouts {
	w := p.where[id]
	if w != nil {
		return w
	}
	if len(p.where) >= maxWhere {
		const some = 32
		var least identity.ID
		looked, rank := 0, 3
		for other, o := range p.where {
			if r := o.rank(); r < rank {
				least, rank = other, r
			}
			if looked++; looked == some || rank == 0 {
				break
			}
		}
		delete(p.where, least)
	}
	w = new(whereabouts)
	p.where[id] = w
	return w
}

// rank says how much a peer has proven.
func (w *whereabouts) rank() int {
	switch {
	case w.proven != nil:
		return 2
	case w.host != nil:
		return 1
	}
	return 0
}

// ended reports whether anything is known.
func (pr *probe) ended() bool {
	select {
	case <-pr.done:
		return true
	default:
		return false
	}
}

// unreached stands for the probe of an address that is not dialled: there are too many.
var unreached = func() *probe {
	pr := &probe{done: make(chan struct{})}
	close(pr.done)
	return pr
}()

// probeLocked returns what is known of an address, and has it dialled where that was
// not done of late. What is known holds until more is. Of addresses that others chose
// there is a bound.
func (p *pairing) probeLocked(a netip.AddrPort, chosen bool) *probe {
	pr := p.probes[a]
	if pr == nil {
		if p.closed || chosen && !p.roomLocked() {
			return unreached
		}
		if chosen {
			p.chosen++
		}
		pr = &probe{done: make(chan struct{}), chosen: chosen}
		p.probes[a] = pr
	}
	if pr.busy || p.closed || !pr.began.IsZero() && time.Since(pr.began) < probeEvery {
		return pr
	}
	pr.busy, pr.began = true, time.Now()
	p.runs.Add(1)
	go p.run(a, pr)
	return pr
}

// roomLocked reports whether one more address that others chose can be dialled, forgetting
// what is old where there are too many.
func (p *pairing) roomLocked() bool {
	if p.chosen < maxProbes {
		return true
	}
	for a, pr := range p.probes {
		if pr.chosen && !pr.busy && time.Since(pr.began) >= probeEvery {
			delete(p.probes, a)
			p.chosen--
		}
	}
	return p.chosen < maxProbes
}

// run dials an address.
func (p *pairing) run(a netip.AddrPort, pr *probe) {
	defer p.runs.Done()
	var who identity.ID
	var err error
	select {
	case p.slot <- struct{}{}:
		who, err = p.dial(p.ctx, a)
		<-p.slot
	case <-p.ctx.Done():
		err = p.ctx.Err()
	}
	if errors.Is(err, transport.ErrSelf) {
		who, err = p.self, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	pr.busy = false
	if err == nil {
		pr.who = who
	} else if !pr.ended() {
		pr.who = identity.ID{} // who answered before may only be slow now
	}
	if !pr.ended() {
		close(pr.done)
	}
}
