package transport

import (
	"bytes"
	"context"
	"time"

	"cicada/identity"
	"cicada/wire"
)

// A peer is what Links knows of one other peer. Its fields are guarded by Links.mu.
type peer struct {
	lower        bool               // this end has the lower ID of the two
	mine, theirs *link              // open links, by who dialled
	starting     int                // links that are admitted and not yet registered
	dialling     context.CancelFunc // not nil while a goroutine dials the peer
	to           *identity.Contact  // whom queue is for
	queue        *buffer            // frames that wait for a link; nil: none
}

// best returns the link to send on, or nil. Of two it is the one that the lower
// ID dialled, which is the one that will stay.
func (p *peer) best() *link {
	first, second := p.theirs, p.mine
	if p.lower {
		first, second = second, first
	}
	if first != nil {
		return first
	}
	return second
}

// idle reports whether the peer has no link and none is on its way.
func (p *peer) idle() bool {
	return p.mine == nil && p.theirs == nil && p.starting == 0 && p.dialling == nil
}

// peerLocked returns what is known of id, making room for it where that is nothing.
func (s *Links) peerLocked(id identity.ID) *peer {
	p := s.peers[id]
	if p == nil {
		p = &peer{lower: bytes.Compare(s.id[:], id[:]) < 0}
		s.peers[id] = p
	}
	return p
}

// tidyLocked forgets a peer of whom nothing is known.
func (s *Links) tidyLocked(id identity.ID) {
	if p := s.peers[id]; p != nil && p.idle() && p.queue == nil {
		delete(s.peers, id)
	}
}

// admit makes room for a link with n and counts it, so that nobody dials that
// peer meanwhile. It must be followed by start or dismiss.
func (s *Links) admit(n *stranger) (*link, error) {
	l := &link{
		links: s, peer: n.peer, remote: n.remote, dialled: n.dialled,
		carrier: n.carrier, tls: n.tls,
		ready: make(chan struct{}), sent: make(chan struct{}),
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	victim, err := s.makeRoomLocked(n.dialled)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	l.since = time.Now()
	l.lastUsed = l.since
	s.all[l] = struct{}{}
	s.open++
	s.peerLocked(l.peer).starting++
	s.mu.Unlock()
	if victim != nil {
		victim.Close(wire.CodeOverloaded, "")
	}
	l.carrier.whileDrained(func() { s.handler.Wrote(l) }, l.Flush)
	return l, nil
}

// start runs l, unless Close came first.
func (s *Links) start(l *link) error {
	if !s.begin() {
		l.carrier.end()
		s.dismiss(l)
		return ErrClosed
	}
	go l.run()
	return nil
}

// dismiss undoes admit: the connection did not become a link.
func (s *Links) dismiss(l *link) {
	s.retire(l)
	s.mu.Lock()
	delete(s.all, l)
	p := s.peers[l.peer]
	p.starting--
	if p.queue != nil && p.idle() {
		s.dialLocked(p)
	}
	s.tidyLocked(l.peer)
	s.mu.Unlock()
}

// register puts a link that is up into its place, moves what waits for its peer
// onto it, and closes the links that it makes superfluous.
func (s *Links) register(l *link) {
	defer close(l.ready)
	s.mu.Lock()
	p := s.peers[l.peer]
	p.starting--
	if l.retired {
		s.abandonLocked(l, p)
		return
	}
	losers := s.placeLocked(p, l)
	best := p.best()
	if p.queue != nil {
		best.adopt(p.queue)
		p.queue = nil
		s.dropQueueLocked(p)
	}
	s.clearFailuresLocked(l.peer)
	// The lower ID lets its own dial run on: the link it gives is the one to stay.
	if p.dialling != nil && !l.dialled && !p.lower {
		p.dialling()
	}
	s.mu.Unlock()
	best.Flush()
	for _, loser := range losers {
		loser.Close(wire.CodeReplaced, "")
	}
}

// abandonLocked unlocks, and reports what waits for the peer of l as lost: l was
// closed while it was reported as up, and another dial would end the same way.
func (s *Links) abandonLocked(l *link, p *peer) {
	lost := p.queue != nil && p.idle()
	if lost {
		s.dropQueueLocked(p)
	}
	s.tidyLocked(l.peer)
	s.mu.Unlock()
	if lost {
		s.handler.Unreachable(l.peer, l.reason())
	}
}

// placeLocked makes l one of p's links and returns those that must go.
//
// A second link dialled by the same end takes the place of the first: who dials
// has no open link, so that the first is dead, or dying, over there. Of two links
// dialled by different ends the peer with the lower ID decides, so that the two
// never choose differently; the other end only prefers what will be chosen. The
// one dialled by the lower ID stays, except where it must be dead at the other
// end: it is old, or the other end dialled a second time after it was turned away.
func (s *Links) placeLocked(p *peer, l *link) (losers []*link) {
	slot, other := &p.theirs, p.mine
	if l.dialled {
		slot, other = &p.mine, p.theirs
	}
	if *slot != nil {
		losers = append(losers, s.retireLocked(*slot))
	}
	*slot = l
	if other == nil || !p.lower {
		return losers
	}
	mine := p.mine
	if !l.dialled && (mine.contested || time.Since(mine.since) > s.limits.simultaneous()) {
		return append(losers, s.retireLocked(mine))
	}
	mine.contested = mine.contested || !l.dialled
	return append(losers, s.retireLocked(p.theirs))
}

// dropQueueLocked forgets that anything waits for p.
func (s *Links) dropQueueLocked(p *peer) {
	s.pool.give(p.queue)
	p.queue, p.to = nil, nil
	s.waiting--
}

// retire takes l out of use: nothing is sent on it from now on.
func (s *Links) retire(l *link) {
	s.mu.Lock()
	s.retireLocked(l)
	s.mu.Unlock()
}

func (s *Links) retireLocked(l *link) *link {
	if l.retired {
		return l
	}
	l.retired = true
	s.open--
	if p := s.peers[l.peer]; p != nil {
		if p.mine == l {
			p.mine = nil
		}
		if p.theirs == l {
			p.theirs = nil
		}
		s.tidyLocked(l.peer)
	}
	return l
}

// forget ends the memory of a link that has ended.
func (s *Links) forget(l *link) {
	s.mu.Lock()
	delete(s.all, l)
	s.mu.Unlock()
}
