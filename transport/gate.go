package transport

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxLobby is how many connections may wait to be let in.
const maxLobby = 1024

// A visitor is a connection from outside that is not a link yet.
type visitor struct {
	conn   net.Conn
	remote netip.AddrPort
	site   netip.Prefix // what counts as one address: an IPv4 address, an IPv6 /64
	since  time.Time    // it came
	inside bool         // its handshake was let begin; written by the gate

	evicted atomic.Bool // its handshake was cut short for somebody else
}

// A gate decides which connections from outside may run their handshake. Up to
// limit do so at once, further ones wait. So that nobody can keep others out by
// holding many, a newcomer whose site holds fewer than another takes the place of
// the oldest of that one. It only decides: callers close what they get back.
type gate struct {
	limit int

	mu     sync.Mutex // guards the fields below
	closed bool
	inside []*visitor // in their handshake, in the order they came
	lobby  []*visitor // waiting, in the order they came
}

// siteOf returns what counts as one address.
func siteOf(address netip.Addr) netip.Prefix {
	bits := 32
	if address.Is6() {
		bits = 64
	}
	site, err := address.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no IP address: all such are one site
	}
	return site
}

// arrive takes v in. It returns whom to let run its handshake now, and whom to close.
func (g *gate) arrive(v *visitor) (enter, drop []*visitor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, []*visitor{v}
	}
	if len(g.inside) < g.limit {
		g.enter(v)
		return []*visitor{v}, nil
	}
	held := count(g.inside)
	if most := crowded(g.inside, held); held[most] > held[v.site]+1 {
		drop = append(drop, takeOldest(&g.inside, most))
		g.enter(v)
		return []*visitor{v}, drop
	}
	if len(g.lobby) >= maxLobby {
		drop = append(drop, takeOldest(&g.lobby, crowded(g.lobby, count(g.lobby))))
	}
	g.lobby = append(g.lobby, v)
	return nil, drop
}

func (g *gate) enter(v *visitor) {
	v.inside = true
	g.inside = append(g.inside, v)
}

// leave says that v's handshake is over. It returns whom to let in instead, and
// who waited for longer than patience and is to be closed.
func (g *gate) leave(v *visitor, now time.Time, patience time.Duration) (enter, drop []*visitor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside = slices.DeleteFunc(g.inside, func(i *visitor) bool { return i == v })
	stale := 0
	for stale < len(g.lobby) && now.Sub(g.lobby[stale].since) > patience {
		stale++
	}
	drop = slices.Clone(g.lobby[:stale])
	g.lobby = slices.Delete(g.lobby, 0, stale)
	held := count(g.inside)
	for len(g.inside) < g.limit && len(g.lobby) > 0 {
		next := slices.MinFunc(g.lobby, func(a, b *visitor) int { return held[a.site] - held[b.site] })
		next = takeOldest(&g.lobby, next.site)
		held[next.site]++
		g.enter(next)
		enter = append(enter, next)
	}
	return enter, drop
}

// shut lets nobody in from now on, and returns everybody to close.
func (g *gate) shut() []*visitor {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	everybody := append(g.inside, g.lobby...)
	g.inside, g.lobby = nil, nil
	return everybody
}

// count returns how many visitors each site has.
func count(visitors []*visitor) map[netip.Prefix]int {
	held := make(map[netip.Prefix]int)
	for _, v := range visitors {
		held[v.site]++
	}
	return held
}

// crowded returns the site that has most; of several the one that came first.
func crowded(visitors []*visitor, held map[netip.Prefix]int) netip.Prefix {
	return slices.MaxFunc(visitors, func(a, b *visitor) int { return held[a.site] - held[b.site] }).site
}

// takeOldest removes the first visitor of site, which must have one.
func takeOldest(visitors *[]*visitor, site netip.Prefix) *visitor {
	i := slices.IndexFunc(*visitors, func(v *visitor) bool { return v.site == site })
	v := (*visitors)[i]
	*visitors = slices.Delete(*visitors, i, i+1)
	return v
}

// arrive takes in a connection from outside.
func (s *Links) arrive(conn net.Conn) {
	remote := addrPort(conn.RemoteAddr())
	v := &visitor{conn: conn, remote: remote, site: siteOf(remote.Addr()), since: time.Now()}
	s.admitVisitors(s.gate.arrive(v))
}

// admitVisitors lets some run their handshake and closes others.
func (s *Links) admitVisitors(enter, drop []*visitor) {
	s.turnAway(drop)
	for _, v := range enter {
		if !s.begin() {
			v.conn.Close()
			continue
		}
		go s.receive(v)
	}
}

// turnAway closes connections that may not become links.
func (s *Links) turnAway(drop []*visitor) {
	for _, v := range drop {
		v.evicted.Store(true)
		v.conn.Close()
		if !v.inside { // else its handshake fails now, and says so
			s.refused(v, ErrOverloaded)
		}
	}
}

// receive runs the handshake of v and makes it a link.
func (s *Links) receive(v *visitor) {
	defer s.running.Done()
	l, err := s.meet(v.conn, v.remote)
	if err == nil {
		err = s.start(l)
	}
	s.admitVisitors(s.gate.leave(v, time.Now(), s.limits.HandshakeTimeout))
	if err != nil && v.evicted.Load() {
		err = ErrOverloaded
	}
	if err != nil {
		s.refused(v, err)
	}
}

// refused reports a connection that did not become a link, except where that is
// because this end closes.
func (s *Links) refused(v *visitor, err error) {
	if s.ctx.Err() == nil {
		s.log.Debug("connection refused", "address", v.remote, "err", err)
		s.handler.Refused(v.remote, err)
	}
}
