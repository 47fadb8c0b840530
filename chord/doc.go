// Package chord is the ring: who precedes and who follows whom, who owns a key,
// and how to get there. It is Chord as mended by Zave ("How to make Chord
// correct", 2015 and later), with the mode for rings of a few peers that her
// proof leaves out.
//
// A [Core] is one peer's part of it, and a state machine. Feed it [Core.Step]
// with what other peers say, [Core.Unreachable] with whom they cannot be
// reached, and [Core.Tick] at the time [Core.Next] asks for; then carry out the
// [Ready] it hands back. The same code runs in a program, in a simulator and
// under the model checker of package chordtest.
//
// It is not a network: it opens no socket, reads no clock, starts no goroutine,
// takes no lock, and draws only from the random source it is given; the same
// calls give the same answers. It moves no payloads: that is package routing.
// It checks no signatures: a contact handed to it is believed to be who it says.
//
// A Core belongs to one goroutine; no two of its methods may run at once.
//
// Begin reading at Core, then stabilize.go and join.go, which are the protocol
// of docs/ring.md; small.go is the mode of small rings.
package chord
