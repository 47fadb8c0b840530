package chord

import "cicada/identity"

// Lists travel as differences: who asks says which version of them it has, and
// the answer names by their places the peers that they had then. So this peer
// remembers the lists that it told lately. Who asked is not remembered.

// historyKept is how many versions of the lists are remembered.
const historyKept = 8

// An edition is a version of the lists that somebody was told.
type edition struct {
	version                  uint64
	successors, predecessors []*identity.Contact // in a small ring, members and none
	predecessor              *identity.Contact
	small                    bool // whichever side was asked for
}

// remembered returns the lists as they were in a version, or nil.
func (c *Core) remembered(version uint64) *edition {
	for i := range c.history {
		if c.history[i].version == version {
			return &c.history[i]
		}
	}
	return nil
}

// current returns the lists as they are told now.
func (c *Core) current() edition {
	t := edition{version: c.version, successors: c.successors, predecessors: c.predecessors, predecessor: c.Predecessor()}
	if c.mode == Small {
		t.successors, t.predecessors, t.small = c.members, nil, true
	}
	return t
}

// archive puts the lists, as they are told now, into the history.
func (c *Core) archive(t edition) {
	if c.remembered(t.version) != nil {
		return
	}
	if len(c.history) == historyKept {
		copy(c.history, c.history[1:])
		c.history = c.history[:historyKept-1]
	}
	c.history = append(c.history, t)
}

// peers returns those of the lists on some sides, in the order in which a
// difference to them counts, with who asked at the end.
func (t *edition) peers(sides Sides, asker *identity.Contact) []*identity.Contact {
	var list []*identity.Contact
	if sides&After != 0 || t.small {
		list = append(list, t.successors...)
		if t.predecessor != nil {
			list = append(list, t.predecessor)
		}
	}
	if sides&Before != 0 {
		list = append(list, t.predecessors...)
	}
	return append(list, asker)
}

// edition returns what m, the lists of a neighbour, tells, so that the next question
// can be for the difference.
func (m *Message) edition() edition {
	return edition{version: m.Version, successors: m.Successors, predecessors: m.Predecessors, predecessor: m.Predecessor, small: m.Small}
}
