package chord

import (
	"time"

	"cicada/identity"
)

// Hear tells that something arrived from a peer, if only part of a large frame:
// it lives, though its answers may wait behind that.
func (c *Core) Hear(now time.Duration, from *identity.Contact) {
	c.advance(now)
	if !c.left && from.ID != c.self.ID {
		c.hear(from)
	}
}

// Doubt tells that the driver had no answer from a peer in time, to something
// that is not of the ring: a peer that is known of is asked at once whether it lives.
func (c *Core) Doubt(now time.Duration, id identity.ID) {
	c.advance(now)
	if c.left {
		return
	}
	if e := c.entryOf(id); e != nil {
		c.probe(e.contact)
		return
	}
	if peer := c.memberOf(id); peer != nil {
		c.checkMember(peer)
	}
}
