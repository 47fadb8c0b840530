// Package adversary is what hostile peers do, for tests and simulations.
//
// A hostile peer runs the state machines that ship, chord.Core and routing.Core, so
// that it has a place on the ring like any other. A [Foe] stands between these and
// the links: it sees what comes before they do, and what they say before anybody else
// does, and passes on, changes, keeps or adds what its [Behaviour] wants. So neither
// chord nor routing holds a line of attack.
//
// A foe may do what a peer can do that keeps no rule but those of arithmetic: it has
// its own key and no other, so what it changes in a sealed payload does not open, and
// a record that it makes up is one of a key of its own. Foes of one [Gang] know each
// other, and whom they are after, and act at the same instant.
//
// It is no part of any program: a test of the house lets only tests, sim and the demo
// import it. It measures nothing; package sim does.
//
// Begin reading at [Foe], then relay.go for what is done to messages and ring.go for
// what is said about the ring.
package adversary
