package routing

import (
	"bytes"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// A world is a swarm in memory and in virtual time: peers with tables that the
// test made, links with latency, loss, duplication and reordering, and a driver
// that carries out every Ready and "opens" seals, which are checksums here.
type world struct {
	t      testing.TB
	random *rand.Rand
	now    time.Duration
	queue  happenings
	order  uint64
	peers  []*peer // clockwise
	byID   map[identity.ID]*peer

	latency   time.Duration
	jitter    time.Duration
	loss      float64 // of envelopes, acks and refusals
	duplicate float64 // of envelopes
	// meddle may change or drop (nil) what crosses a link.
	meddle func(from, to *peer, e wire.Envelope) wire.Envelope

	events    []trace.Event
	envelopes int // that crossed links
	casts     int
	told      int    // and of those that tell of broadcasts, or ask for them
	given     int    // broadcasts that were pulled
	sum       uint64 // hash of everything that was sent
}

type peer struct {
	world     *world
	contact   *identity.Contact
	core      *Core
	ring      *tableRing
	dead      bool
	mute      bool          // takes and acknowledges, does nothing else
	drops     bool          // takes intervals, says that it is done, and passes nothing on
	postpone  int           // seals that it cannot open yet
	lag       time.Duration // how much later what is sent to it arrives
	ticked    time.Duration
	delivered []delivery
	receipts  map[trace.MessageID]Receipt
	failures  map[trace.MessageID]error
	casts     map[trace.MessageID]int
	results   map[trace.MessageID]uint64 // reached
	messages  map[trace.MessageID]uint64 // by its broadcasts' own count
	deepest   int                        // hops of the broadcasts that came
}

type delivery struct {
	message            trace.MessageID
	origin             identity.ID
	data               string
	hops               int
	arrived, differing int // when the receipt was made
	offer              Offer
}

// A tableRing is a Ring over a table that the test made. It is plain: whoever
// is nearest is found by looking at all.
type tableRing struct {
	self    *identity.Contact
	table   []*identity.Contact // clockwise from self
	learned []*identity.Contact
	near    int // how many of the table follow self without a gap,
	behind  int // and how many come before it
}

func (r *tableRing) Self() *identity.Contact { return r.self }

func (r *tableRing) Find(p identity.Point) *identity.Contact {
	for _, contact := range r.table {
		if contact.Point == p {
			return contact
		}
	}
	return nil
}

func (r *tableRing) Known(p identity.Point) *identity.Contact {
	for _, contact := range r.learned {
		if contact.Point == p {
			return contact
		}
	}
	return r.Find(p)
}

func (r *tableRing) RoundTrip(*identity.Contact) (mean, deviation time.Duration) { return 0, 0 }

func (r *tableRing) Toward(target identity.Point, ok func(*identity.Contact) bool) *identity.Contact {
	own := apart(r.self.Point, target)
	var best *identity.Contact
	var least identity.Point
	for _, contact := range r.table {
		d := apart(contact.Point, target)
		if bytes.Compare(d[:], own[:]) < 0 && (best == nil || bytes.Compare(d[:], least[:]) < 0) && ok(contact) {
			best, least = contact, d
		}
	}
	return best
}

func (r *tableRing) Successors() []*identity.Contact { return r.table[:min(len(r.table), r.near)] }

func (r *tableRing) Predecessors() []*identity.Contact {
	list := slices.Clone(r.table[len(r.table)-min(len(r.table), r.behind):])
	slices.Reverse(list)
	return list
}

func (r *tableRing) Each(yield func(*identity.Contact) bool) {
	for _, contact := range r.table {
		if !yield(contact) {
			return
		}
	}
}

// A shape says whom a peer has in its table: r neighbours on each side and one
// finger for each offset ±c·base^e. r = 0 is everybody.
type shape struct{ r, base int }

var (
	full    = shape{}
	classic = shape{r: 3, base: 2}
	wide    = shape{r: 16, base: 16}
)

func newWorld(t testing.TB, seed uint64, n int, s shape, config Config) *world {
	w := &world{t: t, random: rand.New(rand.NewPCG(seed, 1)), byID: make(map[identity.ID]*peer), latency: time.Millisecond}
	for i := range n {
		id := identity.ID(sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed<<20|uint64(i))))
		contact := &identity.Contact{ID: id, Point: identity.Point(sha256.Sum256(id[:]))}
		w.peers = append(w.peers, &peer{
			world: w, contact: contact, ring: &tableRing{self: contact}, ticked: never,
			receipts: make(map[trace.MessageID]Receipt), failures: make(map[trace.MessageID]error),
			casts: make(map[trace.MessageID]int), results: make(map[trace.MessageID]uint64), messages: make(map[trace.MessageID]uint64),
		})
		w.byID[id] = w.peers[i]
	}
	slices.SortFunc(w.peers, func(a, b *peer) int { return bytes.Compare(a.contact.Point[:], b.contact.Point[:]) })
	config.Trace = true
	for i, p := range w.peers {
		p.ring.table, p.ring.near = w.table(i, s), s.r
		if s.r == 0 {
			p.ring.near = n
		}
		p.ring.behind = p.ring.near
		p.core = New(p.ring, config, rand.New(rand.NewPCG(seed, uint64(i)+2)))
	}
	return w
}

// table returns what the peer at place i knows under a shape.
func (w *world) table(i int, s shape) []*identity.Contact {
	n := len(w.peers)
	known := make(map[int]bool)
	for k := 1; k < n; k++ {
		known[(i+k)%n] = s.r == 0 || k <= s.r || n-k <= s.r
	}
	for unit := 0; s.r > 0 && unit < 256; unit += ones(uint64(s.base - 1)) {
		for c := 1; c <= max(s.base/2, 1); c++ {
			var wider [33]byte // offset, and one byte before it
			binary.BigEndian.PutUint16(wider[31-unit/8:], uint16(c)<<(unit%8))
			offset := identity.Point(wider[1:])
			for _, start := range []identity.Point{add(w.peers[i].contact.Point, offset), chord.Clockwise(offset, w.peers[i].contact.Point)} {
				known[w.owner(start)] = true
			}
		}
	}
	var table []*identity.Contact
	for k := 1; k < n; k++ {
		if known[(i+k)%n] {
			table = append(table, w.peers[(i+k)%n].contact)
		}
	}
	return table
}

// owner returns the place of the first peer at or behind a point.
func (w *world) owner(p identity.Point) int {
	i, _ := slices.BinarySearchFunc(w.peers, p, func(x *peer, p identity.Point) int { return bytes.Compare(x.contact.Point[:], p[:]) })
	return i % len(w.peers)
}

// happenings are what is to happen, earliest first.
type happenings []happening

type happening struct {
	at    time.Duration
	order uint64
	do    func()
}

func (q happenings) Len() int { return len(q) }
func (q happenings) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q happenings) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *happenings) Push(x any)   { *q = append(*q, x.(happening)) }
func (q *happenings) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

func (w *world) at(at time.Duration, do func()) {
	w.order++
	heap.Push(&w.queue, happening{at, w.order, do})
}

// run lets everything happen that is due within d.
func (w *world) run(d time.Duration) {
	end := w.now + d
	for len(w.queue) > 0 && w.queue[0].at <= end {
		h := heap.Pop(&w.queue).(happening)
		w.now = max(w.now, h.at)
		h.do()
	}
	w.now = end
}

// cross delivers something over the link between two peers, or does not.
func (w *world) cross(from *peer, to identity.ID, loss float64, do func(*peer)) {
	p := w.byID[to]
	if p == nil || w.random.Float64() < loss {
		return
	}
	delay := w.latency + p.lag
	if w.jitter > 0 {
		delay += time.Duration(w.random.Int64N(int64(w.jitter)))
	}
	w.at(w.now+delay, func() {
		if !p.dead && !from.dead {
			do(p)
			p.pump()
		}
	})
}

// pump carries out what a core wants done, and makes sure that it ticks.
func (p *peer) pump() {
	w := p.world
	r := p.core.Ready()
	for i := range r.Envelopes {
		p.post(&r.Envelopes[i])
	}
	for _, a := range r.Acks {
		w.cross(p, a.To, w.loss, func(to *peer) { to.core.Ack(w.now, p.contact.ID, a.Message, a.Copy) })
	}
	for _, f := range r.Refusals {
		w.cross(p, f.To, w.loss, func(to *peer) { to.core.Refusal(w.now, p.contact.ID, f.Message, f.Copy, f.Reason) })
	}
	for _, b := range r.Broadcasts {
		m := b.Broadcast
		m.Body, m.Signature = bytes.Clone(m.Body), bytes.Clone(m.Signature)
		w.casts++
		w.cross(p, b.To.ID, 0, func(to *peer) { to.hear(p, m) })
	}
	p.gossip(r)
	for _, a := range r.BroadcastAnswers {
		w.cross(p, a.To, 0, func(to *peer) {
			if a.Done {
				to.core.BroadcastDone(w.now, p.contact.ID, a.Message, a.Limit, a.Outcome)
			} else {
				to.core.BroadcastTaken(w.now, p.contact.ID, a.Message, a.Limit)
			}
		})
	}
	for _, e := range r.Events {
		e.At, e.Peer = w.now, p.contact.ID
		w.events = append(w.events, e)
	}
	p.open(r)
	if next := p.core.Next(); next < p.ticked {
		p.ticked = next
		w.at(max(next, w.now), func() {
			if p.ticked == next && !p.dead {
				p.ticked = never
				p.core.Tick(w.now)
				p.pump()
			}
		})
	}
}

// hear takes a broadcast, or what else becomes of it here.
func (p *peer) hear(from *peer, m BroadcastMessage) {
	w := p.world
	if !p.drops {
		p.core.BroadcastIn(w.now, from.contact.ID, m)
		return
	}
	w.cross(p, from.contact.ID, 0, func(back *peer) {
		back.core.BroadcastTaken(w.now, p.contact.ID, m.Message, m.Limit)
		back.core.BroadcastDone(w.now, p.contact.ID, m.Message, m.Limit, Outcome{Reached: 1})
	})
}

// gossip carries what peers tell each other of broadcasts.
func (p *peer) gossip(r Ready) {
	w := p.world
	for _, b := range r.BroadcastTags {
		w.told++
		tags := slices.Clone(b.Tags)
		w.cross(p, b.To, 0, func(to *peer) {
			switch {
			case to.drops:
			case b.Pull:
				to.core.BroadcastPull(w.now, p.contact.ID, tags)
			default:
				to.core.BroadcastTold(w.now, p.contact.ID, tags)
			}
		})
	}
	for _, g := range r.BroadcastGifts {
		m := g.Broadcast
		m.Body, m.Signature = bytes.Clone(m.Body), bytes.Clone(m.Signature)
		w.given++
		w.cross(p, g.To, 0, func(to *peer) {
			origin, _ := broadcastOrigin(m.Body, m.Signature)
			to.core.BroadcastGiven(w.now, p.contact.ID, origin, m)
		})
	}
}

// post puts an envelope on its link.
func (p *peer) post(o *Outgoing) {
	w := p.world
	e := wire.Envelope(append(slices.Clone(o.Header[:]), o.Payload...))
	w.envelopes++
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %x %x", w.sum, w.now, o.To, e)
	w.sum = h.Sum64()
	to := w.byID[o.To]
	if to != nil && w.meddle != nil {
		if e = w.meddle(p, to, e); e == nil {
			return
		}
	}
	times := 1
	if w.random.Float64() < w.duplicate {
		times = 2
	}
	for range times {
		w.cross(p, o.To, w.loss, func(to *peer) {
			if to.mute {
				to.world.cross(to, p.contact.ID, 0, func(back *peer) { back.core.Ack(w.now, to.contact.ID, trace.MessageID(e.Message()), e.Copy()) })
				return
			}
			to.core.Envelope(w.now, p.contact.ID, e)
		})
	}
}

// open is the part of the driver that opens seals.
func (p *peer) open(r Ready) {
	w, again := p.world, false
	for _, a := range r.Arrivals {
		again = true
		if p.postpone > 0 {
			p.postpone--
			p.core.Postponed(a.Offer)
			continue
		}
		origin, data, ok := unseal(a.Envelope)
		if !ok {
			p.core.Rejected(a.Offer)
			continue
		}
		if !p.core.Accepted(w.now, a.Offer, origin) {
			continue
		}
		arrived, differing := p.core.Copies(a.Offer)
		p.delivered = append(p.delivered, delivery{a.Offer.Message, origin, string(data), a.Hops, arrived, differing, a.Offer})
		e := wire.Envelope(seal(wire.EnvelopeReceipt, a.Offer.Message, p.contact.ID, "ok"))
		if err := p.core.Reply(w.now, a.Offer, Replying{
			Kind: wire.EnvelopeReceipt, Payload: e.Payload(),
			Target: w.byID[origin].contact.Point, Duplicates: bytes.HasPrefix(data, []byte("dup")),
		}); err != nil {
			w.t.Errorf("reply: %v", err)
		}
	}
	for _, x := range r.Receipts {
		again = true
		if target, _, ok := unseal(x.Envelope); ok && p.core.Done(w.now, x.Offer, target, x.Hops) {
			x.Envelope = nil
			p.receipts[x.Message] = x
		}
	}
	for _, f := range r.Failures {
		p.failures[f.Message] = f.Err
	}
	for _, x := range r.BroadcastArrivals {
		again = true
		p.deepest = max(p.deepest, x.Hops)
		origin, ok := broadcastOrigin(x.Body, x.Signature)
		if !ok {
			p.core.BroadcastRejected(x.Offer)
		} else if p.core.BroadcastAccepted(w.now, x.Offer, origin) {
			p.casts[x.Offer.Message]++
		}
	}
	for _, x := range r.BroadcastResults {
		p.results[x.Message], p.messages[x.Message] = x.Reached, x.Messages
	}
	if again {
		p.pump()
	}
}

// seal makes an envelope whose payload is checksum, origin, data.
func seal(kind wire.EnvelopeKind, message trace.MessageID, origin identity.ID, data string) wire.Envelope {
	body := append(origin[:], data...)
	payload := append(checksum(kind, message, body), body...)
	e, err := wire.NewEnvelope(wire.EnvelopeHeader{TTL: wire.MaxTTL, Kind: kind, Message: message}, payload)
	if err != nil {
		panic(err) // the test asked for too much
	}
	return e
}

func checksum(kind wire.EnvelopeKind, message trace.MessageID, body []byte) []byte {
	sum := sha256.Sum256(append(append([]byte{byte(kind)}, message[:]...), body...))
	return sum[:8]
}

func unseal(e wire.Envelope) (origin identity.ID, data []byte, ok bool) {
	p := e.Payload()
	if len(p) < 40 || !bytes.Equal(p[:8], checksum(e.Kind(), trace.MessageID(e.Message()), p[8:])) {
		return origin, nil, false
	}
	return identity.ID(p[8:40]), p[40:], true
}

// broadcastOrigin verifies a broadcast: its body begins with the origin's ID.
func broadcastOrigin(body, signature []byte) (identity.ID, bool) {
	if len(body) < 32 || !bytes.Equal(checksumOf(body), signature) {
		return identity.ID{}, false
	}
	return identity.ID(body[:32]), true
}

func checksumOf(body []byte) []byte {
	sum := sha256.Sum256(body)
	return sum[:]
}

func (w *world) message() (m trace.MessageID) {
	binary.BigEndian.PutUint64(m[:], w.random.Uint64())
	binary.BigEndian.PutUint64(m[8:], w.random.Uint64())
	return m
}

// send sends data between two peers and returns the message ID and how many copies left.
func (p *peer) send(to *peer, data string, m Sending) (trace.MessageID, int) {
	w := p.world
	w.t.Helper()
	m.Message = w.message()
	m.Target, m.Kind = to.contact.Point, wire.EnvelopeMessage
	m.Payload = seal(m.Kind, m.Message, p.contact.ID, data).Payload()
	if m.Deadline == 0 {
		m.Deadline = w.now + 10*time.Second
	}
	copies, err := p.core.Send(w.now, m)
	if err != nil {
		w.t.Fatalf("send: %v", err)
	}
	p.pump()
	return m.Message, copies
}

// broadcast spreads data from a peer.
func (p *peer) broadcast(data string) trace.MessageID {
	w := p.world
	message := w.message()
	body := append(bytes.Clone(p.contact.ID[:]), data...)
	if err := p.core.Broadcast(w.now, message, body, checksumOf(body)); err != nil {
		w.t.Fatalf("broadcast: %v", err)
	}
	p.pump()
	return message
}

// count counts the events of a kind about a message.
func (w *world) count(kind trace.Kind, message trace.MessageID) (n int) {
	for i := range w.events {
		if w.events[i].Kind == kind && w.events[i].Message == message {
			n++
		}
	}
	return n
}

// pair returns two distinct live peers.
func (w *world) pair() (*peer, *peer) {
	for {
		a, b := w.peers[w.random.IntN(len(w.peers))], w.peers[w.random.IntN(len(w.peers))]
		if a != b && !a.dead && !b.dead {
			return a, b
		}
	}
}

// kill lets a share of all peers but the first die without a word.
func (w *world) kill(share float64) (alive int) {
	for _, i := range w.random.Perm(len(w.peers) - 1)[:int(share*float64(len(w.peers)))] {
		w.peers[i+1].dead = true
	}
	for _, p := range w.peers {
		if !p.dead {
			alive++
		}
	}
	return alive
}
