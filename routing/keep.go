package routing

import (
	"time"

	"cicada/trace"
)

// maxRejected is how many messages that did not open are remembered for one
// link: only to not open the same bytes again.
const maxRejected = 64

// newArrival returns a new arrival on behalf of l, or nil where there is no room.
func (c *Core) newArrival(now time.Duration, l *link, message trace.MessageID) *arrival {
	if !c.admitArrival(l) {
		return nil
	}
	a := c.arrivalAge.first
	for range sweepSome {
		if a == nil || a.expires > now {
			break
		}
		c.forgetArrival(a)
		a = c.arrivalAge.first
	}
	if last := len(c.freeArrivals) - 1; last >= 0 {
		a = c.freeArrivals[last]
		c.freeArrivals = c.freeArrivals[:last]
	} else {
		a = new(arrival)
	}
	a.message, a.link = message, l
	a.expires = now + c.config.RememberArrivals
	l.arrivals++
	c.arrivals[message] = a
	c.arrivalAge.push(a)
	return a
}

// admitArrival makes room for one more arrival of l: first goes what did not
// open, l's own and then anybody's, then what links that are gone brought, and
// at last what l brought and was accepted.
func (c *Core) admitArrival(l *link) bool {
	over := func() bool { return l.arrivals >= c.config.MaxEntries-len(c.arrivals) }
	for _, list := range [...]*list[arrival]{&l.rejected, &c.junk, &c.gone.settled, &l.settled} {
		for over() && list.first != nil {
			c.forgetArrival(list.first)
		}
	}
	return !over()
}

func (c *Core) forgetArrival(a *arrival) {
	for i := range a.variants {
		c.dropAnswer(a, &a.variants[i])
	}
	c.unsettle(a)
	a.link.arrivals--
	c.arrivalAge.remove(a)
	delete(c.arrivals, a.message)
	variants := a.variants
	clear(variants)
	*a = arrival{variants: variants[:0]}
	const keep = 64
	if len(c.freeArrivals) < keep {
		c.freeArrivals = append(c.freeArrivals, a)
	}
}

// judged lets a be forgotten early once nothing under it is with the driver,
// and at once if nothing is under it at all.
func (c *Core) judged(a *arrival) {
	opened := false
	for i := range a.variants {
		switch a.variants[i].verdict {
		case offering:
			return
		case accepted:
			opened = true
		}
	}
	switch l := a.link; {
	case len(a.variants) == 0:
		c.forgetArrival(a)
	case opened:
		l.settled.push(a)
	default:
		l.rejected.push(a)
		c.junk.push(a)
		if l.rejected.count > maxRejected {
			c.forgetArrival(l.rejected.first)
		}
	}
}

// unsettle takes a out of the lists that judged put it in.
func (c *Core) unsettle(a *arrival) {
	a.link.settled.remove(a)
	a.link.rejected.remove(a)
	c.junk.remove(a)
}

// vacate lets go of what is kept for an idle link. What was accepted stays
// known, so that it is delivered once, but gives way to anybody.
func (c *Core) vacate(l *link) {
	for l.rejected.first != nil {
		c.forgetArrival(l.rejected.first)
	}
	g := c.gone
	for a := l.settled.first; a != nil; a = l.settled.first {
		l.settled.remove(a)
		l.arrivals--
		a.link = g
		g.arrivals++
		g.settled.push(a)
		for i := range a.variants {
			l.bytes -= a.variants[i].charge
			g.bytes += a.variants[i].charge
		}
	}
	for g.settled.first != nil && (g.arrivals > c.config.MaxEntries-len(c.arrivals) || g.bytes > c.pool.max-c.pool.held) {
		c.forgetArrival(g.settled.first)
	}
}
