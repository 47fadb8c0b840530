package sim

import (
	"context"
	"math/rand/v2"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/trace"
	"cicada/wire"
)

// A World is a swarm in virtual time. It belongs to one goroutine.
type World struct {
	config  Config
	now     time.Duration
	queue   queue
	nodes   []node // all that ever were,
	spots   []spot // and of each what those need that send to it
	alive   []int32
	random  *rand.Rand // decides what is asked of the swarm and done to it
	drawn   draw       // of the message that is being sent
	parcels parcels
	calls   []func() // what is to be done at a time
	free    []int    // of calls

	network    Network               // what becomes of messages now
	hindrances []hindrance           // and what stands in their way
	cuts       []*cut                // those of them that let nothing through either way
	salts      uint64                // faults so far that draw
	weather    int                   // times that network changed,
	restarts   int                   // and that a peer was started again
	population uint64                // times that a peer came or went
	order      []int32               // who was there, clockwise,
	orderOf    uint64                // when so often one had
	memory     uint64                // bytes of each peer when the swarm had begun
	first      *chord.Core           // that the others share memory with
	numbers    map[identity.ID]int32 // of peers whose IDs are public keys; nil where they are not

	front     *front // nil: everybody is honest
	load      load
	watch     watch
	count     counters
	measured  counters // as it was when the watching began,
	stopped   counters // and when it ended
	watchedAt time.Duration
	aged      time.Duration
	settled   bool // nothing more is done to the swarm
	hash      uint64
	warmed    int    // events to come whose memory was fetched
	unused    uint64 // what was fetched
}

// counters count what happened.
type counters struct {
	events     uint64                         // messages and timers that were handled
	messages   uint64                         // that were sent, of every sort
	bytes      uint64                         // of them, and
	upkeep     uint64                         // of those that the ring itself sent
	byKind     [chord.ChangesTaken + 1]uint64 // of upkeep
	casts      uint64                         // broadcasts handed from one peer to another
	audience   int                            // of all broadcasts, who was there besides the origin when they began
	lived      float64                        // seconds that all peers lived together, up to aged
	copies     uint64                         // of messages, each time that one was put on a link
	blames     uint64                         // times that an honest peer gave up another that was there
	violations uint64                         // rules that a peer saw another break
}

// newWorld returns a world without peers.
func newWorld(config Config) *World {
	w := &World{
		config: config, random: rand.New(rand.NewPCG(config.Seed, 0)), hash: config.Seed, network: config.Network,
		queue: newQueue(config.Peers),
	}
	w.config.Ring.Trace = w.tracing() || config.Malicious > 0 // who is given up tells of false blames
	if config.Seal == Noise {
		w.numbers = make(map[identity.ID]int32, config.Peers)
	}
	w.load.init()
	return w
}

// A sort of parcel says what a message is.
type sort uint8

const (
	ringMessage sort = iota
	envelope
	acknowledgement
	refusal
	cast
	castAnswer
)

// A parcel is a message under way.
type parcel struct {
	label
	ring chord.Message // of the sort ringMessage; of others it means nothing
}

// A label says what a parcel is, and of the sorts that are not of the ring all of it.
// Which fields it uses its sort says.
type label struct {
	sort    sort
	load    bool // of the ring, for a lookup that was asked for
	copy    uint8
	reason  wire.Reason
	done    bool
	outcome routing.Outcome
	from    int32
	message trace.MessageID
	bytes   []byte // an envelope
	cast    *routing.BroadcastMessage
	limit   identity.Point
}

// parcels are all that are under way, each in a slot from 1 on. Slots are used again
// as they are: what is in them is kept for a while by that, and need not be cleared.
type parcels struct {
	all  []parcel
	free []int32
}

func (p *parcels) put(l label, ring *chord.Message) int32 {
	slot := int32(len(p.all)) + 1
	if n := len(p.free); n > 0 {
		slot, p.free = p.free[n-1], p.free[:n-1]
	} else {
		p.all = append(p.all, parcel{})
	}
	x := &p.all[slot-1]
	x.label = l
	if ring != nil {
		x.ring = *ring
	}
	return slot
}

// at returns what is in a slot, until something is put.
func (p *parcels) at(slot int32) *parcel { return &p.all[slot-1] }

func (p *parcels) release(slot int32) { p.free = append(p.free, slot) }

// Slots of events that are no messages: timer, and below it functions.
const timer = 0

// at calls f at a time.
func (w *World) at(t time.Duration, f func()) {
	k := len(w.calls)
	if n := len(w.free); n > 0 {
		k = w.free[n-1]
		w.free = w.free[:n-1]
		w.calls[k] = f
	} else {
		w.calls = append(w.calls, f)
	}
	w.queue.push(max(t, w.now), -1, timer-1-int32(k))
}

// call calls the function of a slot.
func (w *World) call(slot int32) {
	k := int(timer - 1 - slot)
	f := w.calls[k]
	w.calls[k] = nil
	w.free = append(w.free, k)
	f()
}

// run lets everything happen up to a time. It returns ctx's error where that ends
// first.
func (w *World) run(ctx context.Context, until time.Duration) error {
	const askEvery = 1 << 12
	for n := 1; w.queue.next() <= until; n++ {
		if n%askEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		w.step()
	}
	w.now = max(w.now, until)
	return nil
}

// lookAhead is of how many events what they need is fetched at once.
const lookAhead = 16

// warm fetches what the next events need, step by step: what tells where the rest is,
// of all of them, then that.
func (w *World) warm() {
	soon := w.queue.soon(lookAhead)
	w.warmed = max(len(soon), 1)
	for _, e := range soon {
		if e.node >= 0 {
			n := &w.nodes[e.node]
			w.unused += uint64(n.joinAt) + uint64(n.sent)
		}
	}
	for _, e := range soon {
		if e.node >= 0 && w.nodes[e.node].ring != nil {
			w.unused += w.nodes[e.node].ring.Warm()
		}
	}
	for _, e := range soon {
		if e.node < 0 || w.nodes[e.node].ring == nil {
			continue
		}
		var from *identity.Contact
		if e.slot > timer {
			from = w.nodes[w.parcels.at(e.slot).from].contact
		}
		w.unused += w.nodes[e.node].ring.WarmFor(from)
	}
}

// step handles the next event.
func (w *World) step() {
	if w.warmed--; w.warmed < 0 {
		w.warm()
	}
	e := w.queue.pop()
	w.now = max(w.now, e.at)
	if e.slot < timer {
		w.call(e.slot)
		return
	}
	n := &w.nodes[e.node]
	switch {
	case !w.spots[e.node].alive:
		if e.slot != timer {
			w.parcels.release(e.slot)
		}
		return
	case n.resumeAt > w.now:
		w.postpone(e)
		return
	}
	if e.slot == timer {
		if e.at != n.tickAt {
			return // another one took its place
		}
		n.tickAt = never
		w.tick(e.node)
	} else {
		p := w.parcels.at(e.slot)
		w.deliver(e.node, p)
		what := uint64(p.sort) << 8
		if p.sort == ringMessage {
			what |= uint64(p.ring.Kind)
		}
		w.note(e.node, what)
		w.parcels.release(e.slot)
	}
	w.count.events++
	w.settle(e.node)
}

// note mixes an event into the trace's hash.
func (w *World) note(i int32, what uint64) {
	w.hash = mix(w.hash ^ uint64(w.now)<<20 ^ uint64(i)<<8 ^ what)
}

func (w *World) tick(i int32) {
	n := &w.nodes[i]
	w.note(i, 1<<20)
	if n.ticks++; n.tickedAt != w.now {
		n.tickedAt, n.ticks = w.now, 1
	}
	if w.now >= n.joinAt {
		w.tryJoin(i)
	}
	if w.now >= n.ring.Next() {
		n.ring.Tick(w.now)
	}
	if n.route != nil && w.now >= n.route.Next() {
		n.route.Tick(w.now)
	}
}

// deliver hands a message to a peer.
func (w *World) deliver(i int32, p *parcel) {
	n := &w.nodes[i]
	from := w.nodes[p.from].contact
	if f := w.foe(i); f != nil && !w.hears(f, i, p) {
		return
	}
	if p.sort == ringMessage {
		n.ring.Step(w.now, from, p.ring)
		return
	}
	n.ring.Hear(w.now, from)
	route := w.routing(i)
	switch p.sort {
	case envelope:
		route.Envelope(w.now, from.ID, wire.Envelope(p.bytes))
	case acknowledgement:
		route.Ack(w.now, from.ID, p.message, p.copy)
	case refusal:
		route.Refusal(w.now, from.ID, p.message, p.copy, p.reason)
	case cast:
		route.BroadcastIn(w.now, from.ID, *p.cast)
	case castAnswer:
		if p.done {
			route.BroadcastDone(w.now, from.ID, p.message, p.limit, p.outcome)
		} else {
			route.BroadcastTaken(w.now, from.ID, p.message, p.limit)
		}
	default:
		w.deliverPull(route, from.ID, p)
	}
}

// send sends a message, if its sender is honest or does not mind.
func (w *World) send(from int32, to identity.ID, size int, l label, ring *chord.Message) {
	if f := w.foe(from); f != nil {
		w.say(f, from, to, size, l, ring)
		return
	}
	w.transmit(from, to, size, l, ring, 0)
}

// transmit puts a message on its link after a while, where it may get lost, or arrive twice.
func (w *World) transmit(from int32, to identity.ID, size int, l label, ring *chord.Message, after time.Duration) {
	n := &w.nodes[from]
	n.sent++
	w.count.messages++
	w.count.bytes += uint64(size)
	if l.sort == ringMessage && !l.load {
		w.count.upkeep += uint64(size)
		w.count.byKind[ring.Kind] += uint64(size)
	}
	if l.sort == envelope && !isAnswer(l.bytes) {
		w.count.copies++
	}
	i, known := w.numberOf(to)
	if !known || !w.spots[i].alive {
		return // nobody hears it, and nobody says so
	}
	d := &w.drawn
	*d = draw(w.config.Seed ^ mix(uint64(from)<<32|uint64(i)) ^ mix(uint64(n.sent)))
	net := &w.network
	times, later := 1, time.Duration(0)
	if len(w.hindrances) > 0 {
		var lost bool
		if later, lost = w.hindered(from, i, size, d); lost {
			return
		}
	}
	if net.Loss > 0 && d.float() < net.Loss {
		return
	}
	if net.Duplicate > 0 && d.float() < net.Duplicate {
		times = 2
	}
	l.from = from
	for range times {
		delay := net.Flat
		if delay == 0 {
			delay = w.spots[from].delay(w.spots[i].location)
		}
		if net.Jitter > 0 {
			delay += time.Duration(d.float() * float64(net.Jitter))
		}
		w.queue.push(w.now+after+delay+later, i, w.parcels.put(l, ring))
	}
}

// settle carries out what a peer's state machines want, until they want nothing more.
func (w *World) settle(i int32) {
	n := &w.nodes[i]
	for again := true; again; {
		again = w.settleRing(i)
		if n.route != nil {
			again = w.settleRoute(i) || again
		}
		if !w.spots[i].alive {
			return
		}
	}
	w.observe(i)
	next := min(n.ring.Next(), n.joinAt)
	if n.route != nil {
		next = min(next, n.route.Next())
	}
	if next <= w.now {
		next = w.again(i)
	}
	if next < n.tickAt {
		n.tickAt = next
		w.queue.push(n.tickAt, i, timer)
	}
}
