package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// An allowance bounds the bytes of a minute. What is spent at once may be more than
// is left: then there is none until that is made up for.
type allowance struct {
	spent int
	at    time.Duration
}

const allowedFor = 60 // seconds

// spend counts bytes.
func (a *allowance) spend(now time.Duration, rate, size int) {
	a.settle(now, rate)
	a.spent += size
}

// settle takes off what was earned since.
func (a *allowance) settle(now time.Duration, rate int) {
	const most = time.Hour
	earned := min(now-a.at, most) * time.Duration(rate) / time.Second
	if a.spent = max(a.spent-int(earned), 0); a.spent == 0 {
		a.at = now
		return
	}
	a.at += earned * time.Second / time.Duration(rate) // what is left of a byte counts the next time
}

// left returns how many bytes may be spent now.
func (a *allowance) left(rate int) int { return rate*allowedFor - a.spent }

// wait returns how long it is until there is something left to spend.
func (a *allowance) wait(now time.Duration, rate int) time.Duration {
	a.settle(now, rate)
	over := -a.left(rate)
	if over < 0 {
		return 0
	}
	return time.Duration(over+1) * time.Second / time.Duration(rate)
}

// takings bound the bytes that others may tell of changes: in all, and of that each
// link a part, so that one that tells much leaves something to others.
type takings struct {
	all   allowance
	links []taking
}

// A taking is what one link told.
type taking struct {
	from uint64
	allowance
}

const (
	maxTakings = 64
	// Half of what one peer has a right to hear it hears from the relay before it.
	linkPart, linkParts = 3, 4
)

// full reports whether a link told as much as it may, or all links did.
func (t *takings) full(now time.Duration, rate int, from identity.ID) bool {
	i := t.place(from)
	return t.all.wait(now, rate) > 0 || i >= 0 && t.links[i].wait(now, linkRate(rate)) > 0
}

// spend counts bytes that a link told.
func (t *takings) spend(now time.Duration, rate int, from identity.ID, size int) {
	t.all.spend(now, rate, size)
	i := t.place(from)
	if i < 0 {
		i = t.forget(now, rate)
		t.links[i] = taking{from: beginningOf(from)}
	}
	t.links[i].spend(now, linkRate(rate), size)
}

func linkRate(rate int) int { return max(rate*linkPart/linkParts, 1) }

func (t *takings) place(from identity.ID) int {
	name := beginningOf(from)
	return slices.IndexFunc(t.links, func(l taking) bool { return l.from == name })
}

// forget makes room for one more link, and returns where: the one that spent least makes
// way, so that whoever spent all cannot have that forgotten.
func (t *takings) forget(now time.Duration, rate int) (least int) {
	if len(t.links) < maxTakings {
		t.links = append(t.links, taking{})
		return len(t.links) - 1
	}
	for i := range t.links {
		t.links[i].settle(now, linkRate(rate))
		if t.links[i].spent < t.links[least].spent {
			least = i
		}
	}
	return least
}
