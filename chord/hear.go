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
