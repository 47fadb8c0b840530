// Package chordtest tests the ring, and what stands on it: a network in virtual
// time ([Net]), rings at rest that need not grow first ([Perfect]), a checker
// that sees all peers at once ([Check], [Ideal]), stories in text files, an
// exhaustive search of all orders of steps, and random histories.
//
// It is not a simulator of programs: there are no links, no payloads and no
// encryption, only the messages of cores. Begin reading at Net.
package chordtest
