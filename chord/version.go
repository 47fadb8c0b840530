package chord

import "cicada/identity"

// A list is right from its head on, one more entry with each exchange. So that a
// change does not wait for a period at each of the r peers whose lists it is in,
// neighbours tell each other the version of their lists whenever they speak, and
// at once after a change; who has an older one asks.

// tellVersion tells both neighbours that the lists changed since they were told last.
func (c *Core) tellVersion() {
	if c.mode != Full || c.told == c.version {
		return
	}
	c.told = c.version
	for _, list := range [...][]*identity.Contact{c.predecessors, c.successors} {
		if len(list) > 0 {
			c.send(list[0], Message{Kind: Notify, Version: c.version})
		}
	}
}

// compareVersion has the next stabilisation come soon where a neighbour has
// lists that this peer does not know yet.
func (c *Core) compareVersion(from *identity.Contact, m *Message) {
	if m.Version == 0 || m.Kind != Ping && m.Kind != Pong && m.Kind != Notify {
		return
	}
	after := len(c.successors) > 0 && same(c.successors[0], from) && c.seenOf == from.ID && c.seenVersion != m.Version
	before := len(c.predecessors) > 0 && same(c.predecessors[0], from) && c.seenBefore != m.Version
	if after || before {
		c.changed()
	}
}
