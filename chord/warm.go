package chord

import "cicada/identity"

// A driver of many thousand cores waits for memory most of the time: each message is
// for another core, nothing of which a processor has at hand. Where the driver knows
// some messages ahead it can have the memory of all of them fetched at once, which
// takes hardly longer than that of one. What the functions below return means nothing;
// it keeps the compiler from leaving out what it is made of.

// Warm reads of the core itself what every message and every timer needs: one field of
// each 64 bytes.
func (c *Core) Warm() uint64 {
	return uint64(c.due) + uint64(c.takes) + uint64(len(c.ways)) + uint64(c.newsAt) + c.claimant.request + uint64(len(c.predecessors)) +
		uint64(c.seenOf[0]) + uint64(c.stays.lived) + uint64(c.typical) + c.unasked + uint64(c.fingers.next)
}

// WarmFor reads of what the core refers to that which a message from a peer needs, or,
// if that is nil, a timer. It is for a core that Warm has read.
func (c *Core) WarmFor(from *identity.Contact) (sum uint64) {
	sum = uint64(c.self.ID[0])
	if len(c.successors) > 0 && len(c.predecessors) > 0 {
		sum += uint64(c.successors[0].ID[0]) + uint64(c.predecessors[0].ID[0]) + uint64(c.predecessors[0].Point[31])
	}
	if len(c.requests) > 0 {
		sum += c.requests[len(c.requests)-1].number
	}
	if from != nil && !c.stale {
		if e := c.entry(from); e != nil {
			sum += uint64(e.srtt)
		}
	}
	return sum
}
