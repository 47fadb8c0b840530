package chord

import "cicada/identity"

// Neighbours tell each other the version of their lists whenever they speak. Who
// has an older one asks, so that no news is missed for long where a nudge was lost.

// compareVersion has a neighbour asked before long that has lists which this
// peer does not know yet.
func (c *Core) compareVersion(from *identity.Contact, m *Message) {
	if m.Version == 0 || m.Kind != Ping && m.Kind != Pong && m.Kind != Notify {
		return
	}
	after := len(c.successors) > 0 && same(c.successors[0], from)
	before := len(c.predecessors) > 0 && same(c.predecessors[0], from) && !after // who is both is asked once
	if after && c.seenOf == from.ID && c.seenVersion != m.Version {
		c.news(After)
	}
	if before && c.seenBefore != m.Version {
		c.news(Before)
	}
}
