package sim

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/trace"
)

// A node is one peer of the swarm.
type node struct {
	contact *identity.Contact
	ring    *chord.Core
	route   *routing.Core // nil until it carries a message
	random  *rand.Rand

	claimed  uint64        // in brief, the latest of claims
	tickAt   time.Duration // of the timer in the queue that counts
	resumeAt time.Duration // it is paused until then
	joinAt   time.Duration // of the next attempt to join; never: none is due
	tickedAt time.Duration // when it was ticked last, and how often at that instant
	ticks    int32
	sent     uint32  // messages so far: with both ends it names a message's draw
	claims   []claim // what it owned, the latest last
	seed     *identity.Contact
	seeds    []*identity.Contact // those it remembers, to join through first
	secret   *secret             // nil where seals are stand-ins
	lives    int32               // times that it was started
	place    int32               // in World.alive
}

// A spot is what others need to know of a peer to send to it. Of a million of them
// there are few enough bytes that a processor has most at hand.
type spot struct {
	beginning uint64 // of its ID
	location
	alive bool
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
		// It draws for itself, and not as it did before a restart.
		draws := rand.NewPCG(mix(w.config.Seed^deliveries^uint64(n.sent)), uint64(i)+1)
		n.route = routing.New(n.ring, w.config.Routing, rand.New(draws))
		n.route.SetTrace(w.tracing())
	}
	return n.route
}

// spawn adds a peer that does nothing yet, and returns its index.
func (w *World) spawn(contact *identity.Contact) int32 {
	i := int32(len(w.nodes))
	w.nodes = append(w.nodes, node{contact: contact})
	w.name(i, contact)
	w.spots = append(w.spots, spot{beginning: binary.LittleEndian.Uint64(contact.ID[:])})
	n := &w.nodes[i]
	n.random = rand.New(rand.NewPCG(w.config.Seed, uint64(i)+1))
	w.spots[i].location = newLocation(rand.New(rand.NewPCG(w.config.Seed^locations, uint64(i))))
	w.revive(i)
	w.enlist(i)
	return i
}

// Where peers stand, and their deliveries, have generators apart from those of their rings.
const (
	locations  = 0x6c6f636174696f6e
	deliveries = 0x64656c6976657279
)

// revive gives a peer state machines that know nothing yet.
func (w *World) revive(i int32) {
	n := &w.nodes[i]
	n.tickAt, n.joinAt = never, never
	n.lives++
	if n.secret != nil {
		n.secret.began = w.now
	}
	n.ring = chord.New(n.contact, w.config.Ring, n.random)
	if w.first == nil {
		w.first = n.ring
	}
	n.ring.Share(w.first)
	w.list(i)
	w.tell(i, trace.Event{Kind: trace.PeerUp, Key: n.contact.Point})
}

// age counts how long the peers have lived that are there.
func (w *World) age() {
	w.count.lived += (w.now - w.aged).Seconds() * float64(len(w.alive))
	w.aged = w.now
}

// list puts a peer among those that are there.
func (w *World) list(i int32) {
	w.age()
	n := &w.nodes[i]
	w.spots[i].alive, n.place = true, int32(len(w.alive))
	w.alive = append(w.alive, i)
	w.population++
}

// unlist takes a peer away. What it knows stays.
func (w *World) unlist(i int32, reason string) {
	n := &w.nodes[i]
	w.age()
	w.claimed(i, claim{from: w.now})
	last := w.alive[len(w.alive)-1]
	w.alive[n.place], w.nodes[last].place = last, n.place
	w.alive = w.alive[:len(w.alive)-1]
	w.spots[i].alive = false
	w.population++
	w.tell(i, trace.Event{Kind: trace.PeerDown, Reason: reason})
}

// crash ends a peer without a word.
func (w *World) crash(i int32) { w.end(i, "crashed") }

// end takes a peer away for good, with all it knew.
func (w *World) end(i int32, reason string) {
	n := &w.nodes[i]
	if w.spots[i].alive {
		w.unlist(i, reason)
	}
	n.ring, n.route = nil, nil
	w.delist(i)
	n.secret.forget()
	n.resumeAt = 0
}

// newContact returns a peer at a random point. Its record stands for any.
func newContact(random *rand.Rand) *identity.Contact {
	c := &identity.Contact{Sequence: 1}
	fill(c.ID[:], random)
	fill(c.Point[:], random)
	copy(c.Fingerprint[:], c.ID[:])
	return c
}

// The ID of a peer ends with its number, so that nothing has to be looked up for each
// message, but where it is a public key.
const numbered = len(identity.ID{}) - 4

// numberOf returns the number of the peer with this ID, if there is one.
func (w *World) numberOf(id identity.ID) (i int32, known bool) {
	if w.numbers != nil {
		i, known = w.numbers[id]
		return i, known
	}
	i = int32(binary.LittleEndian.Uint32(id[numbered:]))
	return i, i >= 0 && int(i) < len(w.spots) && w.spots[i].beginning == binary.LittleEndian.Uint64(id[:])
}

// number is numberOf for a peer that there is.
func (w *World) number(id identity.ID) int32 {
	i, _ := w.numberOf(id)
	return i
}

// newContacts returns so many peers.
func newContacts(random *rand.Rand, n int) []*identity.Contact {
	contacts := make([]*identity.Contact, n)
	for i := range contacts {
		contacts[i] = newContact(random)
	}
	return contacts
}

func fill(b []byte, random *rand.Rand) {
	for i := 0; i < len(b); i += 8 {
		x := random.Uint64()
		for k := range 8 {
			b[i+k] = byte(x >> (8 * k))
		}
	}
}
