package chord

import (
	"time"

	"cicada/identity"
	"cicada/trace"
)

// Who does not answer may be dead, or out of this peer's reach alone. So its other
// neighbour is told: that one asks for itself, and asks the silent peer to call (as
// SWIM's indirect probes do: Das, Gupta and Motivala, 2002). Nobody's word that a
// peer is dead kills it, and nobody's word that it lives keeps it: its own call does.

const (
	onceIn50    = 50               // at most so often is one told of that lives
	nextAsked   = 4                // neighbours that are asked after where one was found dead
	unheardMost = 5 * time.Second  // that a last successor is kept though nobody answers
	lateMost    = 20 * time.Second // and while answers come, but late
	burstSide   = 4                // where this part of a list is gone within a moment, many die
)

// tellOfSilence has whoever is behind a neighbour look after it, too.
func (c *Core) tellOfSilence(peer *identity.Contact) {
	for _, list := range [...][]*identity.Contact{c.successors, c.predecessors} {
		if len(list) > 1 && same(list[0], peer) && !same(list[1], peer) {
			c.send(list[1], Message{Kind: Suspect, Silent: peer.ID, Call: true})
		}
	}
}

// probeBehind asks the next two behind a neighbour that does not answer, so that it
// is known by the time they are needed whether they live.
func (c *Core) probeBehind(neighbour *identity.Contact) {
	for _, list := range [...][]*identity.Contact{c.successors, c.predecessors} {
		if c.mode != Full || len(list) == 0 || !same(list[0], neighbour) {
			continue
		}
		for _, peer := range list[1:min(3, len(list))] {
			if e := c.entry(peer); e != nil && c.now-e.since() > c.rto(peer) {
				c.probe(peer)
			}
		}
	}
}

// onSuspect asks a peer that somebody else could not reach. One that is asked for is
// told who missed it, unless it was asked already: it is to call there.
func (c *Core) onSuspect(from *identity.Contact, m *Message) {
	e := c.entryOf(m.Silent)
	if e == nil || c.entry(from) == nil || c.probing() >= maxAsked {
		return
	}
	peer, before := e.contact, len(c.requests)
	c.probe(peer)
	if m.Call && len(c.requests) > before {
		c.send(peer, Message{Kind: Suspect, Silent: from.ID})
	}
}

// unheard reports whether a peer is the last successor, and not only that one but nobody at
// all has answered since it did not, or some did too late: then it may be this peer's own
// line that fails, or is full, and who drops the last has to find the ring anew.
func (c *Core) unheard(peer *identity.Contact, since time.Duration) bool {
	if c.mode != Full || len(c.successors) != 1 || !same(c.successors[0], peer) {
		return false
	}
	silent := c.now - since
	return c.answeredAt < since && silent < unheardMost || c.lateAt >= since && silent < lateMost
}

// dead drops a peer that does not answer. In a small ring all others are asked to see
// for themselves; else this peer looks after the next ones that were silent for long:
// seldom is one of them dead, too, but when many die at once each that is found leads
// to others.
func (c *Core) dead(peer *identity.Contact, reason string) {
	c.event(trace.Event{Kind: trace.RingDead, Other: peer.ID, Reason: reason})
	c.lost.add(peer, c.now, false)
	small, full := c.mode == Small && holds(c.members, peer), c.mode == Full
	after, before := full && holds(c.successors, peer), full && holds(c.predecessors, peer)
	c.drop(peer)
	if reason == "left" {
		return
	}
	if small {
		for _, other := range c.members {
			c.send(other, Message{Kind: Suspect, Silent: peer.ID})
		}
	}
	if after {
		c.probeSilent(c.successors)
	}
	if before {
		c.probeSilent(c.predecessors)
	}
}

// probeSilent asks the first of a list that were silent for long whether they live.
func (c *Core) probeSilent(list []*identity.Contact) {
	left := nextAsked
	for _, peer := range list {
		if e := c.entry(peer); left > 0 && e != nil && c.now-e.since() > c.config.ProbeInterval {
			c.probe(peer)
			left--
		}
	}
}
