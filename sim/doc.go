// Package sim runs whole swarms in virtual time: the state machines that ship,
// chord.Core and routing.Core, over a network that is made up, by the thousand and
// by the hundred thousand, in one goroutine.
//
//	result, err := sim.Run(ctx, sim.Config{Peers: 10_000, Seed: 7, Lookups: 20_000}, nil)
//
// It is a discrete-event simulation (Law, Simulation Modeling and Analysis, 1.3):
// the clock jumps from one event to the next, and an event is a message or a timer
// that a peer handles. Nothing is random but what the seed decides: every peer
// draws from a generator of its own, and what becomes of a message on its link
// from the seed, both ends and how much the sender has sent. So the same seed and
// code give the same events, which Result.TraceHash sums up, and what a fault does
// to one peer changes no draw of another.
//
// What is simulated is the ring and the routing as they are, bit for bit. What
// stands in for the rest: links lose, delay and reorder frames instead of being
// dialled and retransmitting; seals are not computed, unless Config.Seal says so; a
// peer handles what arrives in no time, unless it is paused. docs/simulation.md says
// what that means for the figures.
//
// Begin reading at [Config], then world.go, which is the whole of the machine;
// load.go has what the swarm is asked to do, faults.go and outages.go what is done to it, claims.go
// and watch.go what is checked, seals.go what messages are sealed with, result.go what is measured.
package sim
