// Package model is the door through which the checkers of chordtest put a core
// where no run of the protocol from its start would take them cheaply. Programs
// cannot import it.
package model

import (
	"time"

	"cicada/identity"
)

// A Place is where a core is to stand.
type Place struct {
	// Successors and Predecessors, nearest first, make the core a member in full
	// mode that owns its keys. Where both are empty it stays as it is.
	Successors, Predecessors []*identity.Contact
	// AlwaysFull keeps the core out of small mode.
	AlwaysFull bool
	// Whole has it ask for lists whether or not they changed, so that versions,
	// which differ from run to run, do not tell equal states apart.
	Whole bool
	// Rest, if set, is used instead of the lists above.
	Rest *Rest
}

// A Rest is the place of a core that has been a member of a perfect ring for so
// long that nothing changes any more, and nothing in it does but by what happens.
type Rest struct {
	Ring  *Ring
	Place int // on it
	// Met is how many peers beyond its table the core has met, at most.
	Met int
	// Stay is how long peers stay, as it has measured; 0: it has seen none go.
	Stay time.Duration
	// Version returns the version of a peer's lists, not 0.
	Version func(*identity.Contact) uint64
	// RoundTrip, if set, returns how long a peer took to answer; without it none was measured.
	RoundTrip func(*identity.Contact) time.Duration
}
