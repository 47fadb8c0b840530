package sim

import (
	"math/rand/v2"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
)

// A node is one peer of the swarm.
type node struct {
	contact  *identity.Contact
	ring     *chord.Core
	route    *routing.Core // nil until it carries a message
	source   rand.PCG
	location location

	alive    bool
	place    int32         // in World.alive
	sent     uint32        // messages so far: with both ends it names a message's draw
	tickAt   time.Duration // of the timer in the queue that counts
	resumeAt time.Duration // it is paused until then
	seed     *identity.Contact
	joinAt   time.Duration // of the next attempt to join; never: none is due
	claims   []claim       // what it owned, the latest last
}

// A claim is what a peer says that it owns, from some time on: the keys after a
// point, up to its own.
type claim struct {
	from  time.Duration
	after identity.Point
	owns  bool
}

// routing returns the node's delivery, which is made when it is first needed: most
// peers of a large swarm never carry a message in a run.
func (w *World) routing(i int32) *routing.Core {
	n := &w.nodes[i]
	if n.route == nil {
		n.route = routing.New(n.ring, w.config.Routing, rand.New(&n.source))
		n.route.SetTrace(false)
	}
	return n.route
}

// spawn adds a peer that does nothing yet, and returns its index.
func (w *World) spawn(contact *identity.Contact) int32 {
	i := int32(len(w.nodes))
	w.nodes = append(w.nodes, node{contact: contact, tickAt: never, joinAt: never})
	n := &w.nodes[i]
	n.source = *rand.NewPCG(w.config.Seed, uint64(i)+1)
	n.location = newLocation(rand.New(rand.NewPCG(w.config.Seed^locations, uint64(i))))
	n.ring = chord.New(contact, w.config.Ring, rand.New(&n.source))
	w.byID[contact.ID] = i
	n.alive, n.place = true, int32(len(w.alive))
	w.alive = append(w.alive, i)
	return i
}

// locations keeps the generators of where peers stand apart from their own.
const locations = 0x6c6f636174696f6e

// crash ends a peer without a word.
func (w *World) crash(i int32) {
	n := &w.nodes[i]
	if !n.alive {
		return
	}
	w.claimed(i, claim{from: w.now})
	last := w.alive[len(w.alive)-1]
	w.alive[n.place], w.nodes[last].place = last, n.place
	w.alive = w.alive[:len(w.alive)-1]
	n.alive = false
	n.ring, n.route = nil, nil

}

// newContact returns a peer at a random point. Its record stands for any.
func newContact(random *rand.Rand) *identity.Contact {
	c := &identity.Contact{Sequence: 1}
	fill(c.ID[:], random)
	fill(c.Point[:], random)
	copy(c.Fingerprint[:], c.ID[:])
	return c
}

func fill(b []byte, random *rand.Rand) {
	for i := 0; i < len(b); i += 8 {
		x := random.Uint64()
		for k := range 8 {
			b[i+k] = byte(x >> (8 * k))
		}
	}
}
