package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// Unasked deals with a message that is of no use whatever contacts it holds: an
// answer to nothing that this peer waits for from there, or a leave of a peer that
// is in no list. It reports whether m was one; if not, it did nothing, and m is for
// [Core.Step]. It does not look at m's contacts, so that a caller who has to verify
// them can ask first.
func (c *Core) Unasked(now time.Duration, from *identity.Contact, m Message) bool {
	if c.left || from.ID == c.self.ID || c.expects(from, &m) {
		return false
	}
	c.advance(now)
	from = c.hear(from)
	switch m.Kind {
	case State, Notified, Peers:
		c.take(from, &m) // which tells a late answer from one to no request
	case Found:
		c.onFound(from, &m)
	}
	c.settle()
	return true
}

// expects reports whether m may be of use.
func (c *Core) expects(from *identity.Contact, m *Message) bool {
	switch m.Kind {
	case State, Notified, Peers:
		return slices.ContainsFunc(c.requests, func(r request) bool {
			return r.number == m.Request && same(r.to, from) && answers(r.purpose.kind()) == m.Kind
		})
	case Found:
		if i := c.hopOf(m.Lookup); i >= 0 {
			return c.hops[i].key == m.Key
		}
		i := c.ownOf(m.Lookup)
		return i >= 0 && c.own[i].key == m.Key
	case Leave:
		return c.entry(from) != nil
	}
	return true
}
