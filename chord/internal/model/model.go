// Package model is the door through which the checkers of chordtest put a core
// where no run of the protocol from its start would take them cheaply. Programs
// cannot import it.
package model

import "cicada/identity"

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
}
