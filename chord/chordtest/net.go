package chordtest

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"cicada/chord"
	"cicada/chord/internal/model"
	"cicada/identity"
	"cicada/trace"
)

// A NetConfig describes a network in virtual time. The zero value has links of
// 1 to 20 ms, loses nothing, and tells a peer at once when it writes to one that crashed.
type NetConfig struct {
	// Seed decides everything that is random. The same seed and the same calls give the same run.
	Seed uint64
	// Chord is the configuration of every core.
	Chord chord.Config
	// Latency returns how long a message takes one way. It must be the same for
	// the same pair every time, so that a link keeps its order. Nil means 1 to 20 ms by the pair.
	Latency func(from, to identity.ID) time.Duration
	// Loss is the share of messages that vanish.
	Loss float64
	// Silent makes crashed peers vanish without a word, as if their machine had
	// lost its power; else who writes to one is told by Core.Unreachable.
	Silent bool
	// Event, if set, sees every event of every peer, with At and Peer filled in.
	Event func(trace.Event)
	// Sent, if set, sees every message at the instant it is sent.
	Sent func(from, to *identity.Contact, m chord.Message)
}

// A Net runs cores over a network in virtual time, all in the caller's
// goroutine. Peers are added, started, joined, crashed and paused between runs.
type Net struct {
	// Messages and Bytes count what was sent so far; bytes by Size.
	Messages, Bytes int

	config NetConfig
	random *rand.Rand
	now    time.Duration
	queue  queue
	number uint64
	peers  map[identity.ID]*Peer
	order  []*Peer // as added
	cuts   map[[2]identity.ID]bool
}

// A Peer is one core of a Net.
type Peer struct {
	Contact  *identity.Contact
	Core     *chord.Core
	Alive    bool           // not crashed, not left
	Answers  []chord.Answer // of its lookups, in the order they ended
	Joined   bool           // what Ready said of its join
	JoinFail error

	silent      bool // crashed, and who writes to it is not told
	pausedUntil time.Duration
	tickAt      time.Duration // of the tick in the queue
}

// NewNet returns a network without peers.
func NewNet(config NetConfig) *Net {
	if config.Latency == nil {
		config.Latency = pairLatency
	}
	return &Net{config: config, random: rand.New(rand.NewPCG(config.Seed, 1)),
		peers: make(map[identity.ID]*Peer), cuts: make(map[[2]identity.ID]bool)}
}

// pairLatency spreads pairs of peers over 1 to 20 ms, the same both ways.
func pairLatency(a, b identity.ID) time.Duration {
	if slices.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	h := fnv.New64a()
	h.Write(a[:])
	h.Write(b[:])
	return time.Millisecond + time.Duration(h.Sum64()%uint64(19*time.Millisecond))
}

// Now returns the virtual time.
func (n *Net) Now() time.Duration { return n.now }

// Add adds a peer that does nothing yet. One that crashed or left may be added
// again, and begins anew.
func (n *Net) Add(contact *identity.Contact) *Peer {
	seed := binary.BigEndian.Uint64(contact.Point[:8])
	p := &Peer{Contact: contact, Alive: true, tickAt: never}
	p.Core = chord.New(contact, n.config.Chord, rand.New(rand.NewPCG(n.config.Seed+uint64(len(n.order)), seed)))
	n.peers[contact.ID] = p
	n.order = append(n.order, p)
	return p
}

// never is after all other times.
const never = time.Duration(1<<63 - 1)

// Live returns the peers that are alive, in the order of their points.
func (n *Net) Live() []*Peer {
	var live []*Peer
	for _, p := range n.order {
		if p.Alive {
			live = append(live, p)
		}
	}
	slices.SortFunc(live, func(a, b *Peer) int { return byPoint(a.Contact, b.Contact) })
	return live
}

// Cores returns the cores of the live peers, in the order of their points.
func (n *Net) Cores() []*chord.Core {
	live := n.Live()
	cores := make([]*chord.Core, len(live))
	for i, p := range live {
		cores[i] = p.Core
	}
	return cores
}

// Peer returns the peer with this ID that was added last, or nil.
func (n *Net) Peer(id identity.ID) *Peer { return n.peers[id] }

// Settle adds contacts as members of a ring that is already perfect but for its fingers.
func (n *Net) Settle(contacts []*identity.Contact) {
	list := slices.Clone(contacts)
	slices.SortFunc(list, byPoint)
	r := n.config.Chord.Successors
	if r == 0 {
		r = 16
	}
	size := len(list)
	for i, contact := range list {
		place := model.Place{}
		for j := 1; j <= min(r, size-1); j++ {
			place.Successors = append(place.Successors, list[(i+j)%size])
			place.Predecessors = append(place.Predecessors, list[(i-j+size)%size])
		}
		p := n.Add(contact)
		if size == 1 {
			p.Core.Start(n.now)
		} else {
			p.Core.Restore(n.now, place)
		}
		n.collect(p)
	}
}

// Rest adds contacts as members of a perfect ring that has been quiet for long, see Perfect.
func (n *Net) Rest(contacts []*identity.Contact) {
	list := slices.Clone(contacts)
	slices.SortFunc(list, byPoint)
	perfect := NewPerfect(list)
	perfect.RoundTrip = func(a, b *identity.Contact) time.Duration {
		return n.config.Latency(a.ID, b.ID) + n.config.Latency(b.ID, a.ID)
	}
	for i, contact := range list {
		p := n.Add(contact)
		perfect.Restore(n.now, i, p.Core)
		n.collect(p)
	}
}

// Start has p begin a ring of its own.
func (n *Net) Start(p *Peer) { n.do(p, func() { p.Core.Start(n.now) }) }

// Join has p join through seed.
func (n *Net) Join(p *Peer, seed *identity.Contact) {
	p.Joined, p.JoinFail = false, nil
	n.do(p, func() { p.Core.Join(n.now, seed) })
}

// Leave has p leave.
func (n *Net) Leave(p *Peer) {
	n.do(p, func() { p.Core.Leave(n.now) })
	p.Alive = false
}

// Lose sets the share of messages that vanish from now on.
func (n *Net) Lose(share float64) { n.config.Loss = share }

// Crash ends p without a word.
func (n *Net) Crash(p *Peer) { p.Alive = false }

// Silence ends p as if its machine had lost its power: nobody is told.
func (n *Net) Silence(p *Peer) { p.Alive, p.silent = false, true }

// Pause stops p for d: it neither hears nor says anything, and what comes for it waits.
func (n *Net) Pause(p *Peer, d time.Duration) { p.pausedUntil = max(p.pausedUntil, n.now+d) }

// Lookup has p look up key. The answer is the one with the returned name in p.Answers.
func (n *Net) Lookup(p *Peer, key identity.Point) (id trace.MessageID) {
	n.do(p, func() { id = p.Core.Lookup(n.now, key) })
	return id
}

// Do calls f, which may call p.Core, and then carries out what the core wants done.
func (n *Net) Do(p *Peer, f func(now time.Duration)) { n.do(p, func() { f(n.now) }) }

// Cut severs a and b from each other, or mends that.
func (n *Net) Cut(a, b *Peer, severed bool) {
	n.cuts[[2]identity.ID{a.Contact.ID, b.Contact.ID}] = severed
	n.cuts[[2]identity.ID{b.Contact.ID, a.Contact.ID}] = severed
}

func (n *Net) do(p *Peer, f func()) {
	f()
	n.collect(p)
}

// Run lets d of virtual time pass.
func (n *Net) Run(d time.Duration) {
	end := n.now + d
	for len(n.queue) > 0 && n.queue[0].at <= end {
		n.Next()
	}
	n.now = end
}

// RunUntil lets time pass until done, which is asked after every event, or
// until d has passed, and reports whether it was.
func (n *Net) RunUntil(d time.Duration, done func() bool) bool {
	end := n.now + d
	for len(n.queue) > 0 && n.queue[0].at <= end {
		n.Next()
		if done() {
			return true
		}
	}
	n.now = end
	return done()
}

// Next lets the next event happen.
func (n *Net) Next() {
	e := heap.Pop(&n.queue).(event)
	n.now = max(n.now, e.at)
	p := e.peer
	if !p.Alive {
		n.bounce(&e)
		return
	}
	if p.pausedUntil > n.now {
		if e.kind == tick && e.at == p.tickAt {
			p.tickAt = p.pausedUntil
		}
		e.at = p.pausedUntil
		heap.Push(&n.queue, e)
		return
	}
	switch e.kind {
	case tick:
		if e.at == p.tickAt {
			p.tickAt = never
		}
		p.Core.Tick(n.now)
	case delivery:
		p.Core.Step(n.now, e.from.Contact, e.message)
	case unreachable:
		p.Core.Unreachable(n.now, e.from.Contact.ID)
	}
	n.collect(p)
}

// bounce tells the sender that a crashed peer cannot be reached.
func (n *Net) bounce(e *event) {
	if e.kind == delivery && !n.config.Silent && !e.peer.silent && e.from.Alive {
		n.push(event{at: n.now + n.config.Latency(e.peer.Contact.ID, e.from.Contact.ID), kind: unreachable, peer: e.from, from: e.peer})
	}
}

// collect carries out what p's core wants done.
func (n *Net) collect(p *Peer) {
	r := p.Core.Ready()
	for _, out := range r.Messages {
		n.send(p, out)
	}
	if n.config.Event != nil {
		for _, e := range r.Events {
			e.At, e.Peer = n.now, p.Contact.ID
			n.config.Event(e)
		}
	}
	p.Answers = append(p.Answers, r.Answers...)
	p.Joined = p.Joined || r.Joined
	if r.JoinFail != nil {
		p.JoinFail = r.JoinFail
	}
	if due := p.Core.Next(); due < p.tickAt {
		p.tickAt = max(due, n.now)
		n.push(event{at: p.tickAt, kind: tick, peer: p})
	}
}

func (n *Net) send(p *Peer, out chord.Outgoing) {
	n.Messages++
	n.Bytes += Size(&out.Message)
	if n.config.Sent != nil {
		n.config.Sent(p.Contact, out.To, out.Message)
	}
	to := n.peers[out.To.ID]
	at := n.now + n.config.Latency(p.Contact.ID, out.To.ID)
	if to == nil {
		return // a contact of nobody
	}
	if n.config.Loss > 0 && n.random.Float64() < n.config.Loss || n.cuts[[2]identity.ID{p.Contact.ID, to.Contact.ID}] {
		return
	}
	n.push(event{at: at, kind: delivery, peer: to, from: p, message: out.Message})
}

func (n *Net) push(e event) {
	n.number++
	e.number = n.number
	heap.Push(&n.queue, e)
}

// What an event may be.
const (
	tick = iota
	delivery
	unreachable
)

type event struct {
	at      time.Duration
	number  uint64 // what was sent first comes first
	kind    int
	peer    *Peer // where it happens
	from    *Peer
	message chord.Message
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].number < q[j].number
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = event{}
	*q = (*q)[:last]
	return e
}

// What a signed record with two IPv4 addresses takes in a message, and a hint at
// such a peer.
const (
	recordSize = 150
	hintSize   = 2 + 1 + 32 + 2*7
)

// Size returns about how many bytes a message takes on an encrypted link:
// record layer, frame header and contents.
func Size(m *chord.Message) int {
	size := 22 + 8 + 4 + 34*len(m.Trail) + recordSize*(len(m.Successors)+len(m.Predecessors))
	if m.Peer != nil {
		size += recordSize
	}
	if m.Predecessor != nil {
		size += recordSize
	}
	if l := m.Lists; l != nil {
		size += recordSize*len(l.Records) + 6 + len(l.Predecessor) + len(l.Successors) + len(l.Predecessors)
	}
	if len(m.Known) > 0 {
		size += 3 + len(m.Known)*len(m.Known[0])
	}
	switch m.Kind {
	case chord.Lookup, chord.Found, chord.LookupStuck:
		size += 18 + 34
	case chord.LookupTaken:
		size += 18
	case chord.Suspect:
		size += 34 + 2
	case chord.Ask, chord.State, chord.Ping, chord.Pong, chord.Notify:
		size += 6
		if m.Base != 0 {
			size += 6
		}
	case chord.Query:
		size += 2 + len(bytes.TrimRight(m.Key[:], "\x00")) + 2
		if m.Length != 0 {
			size += 11
		}
		if len(m.Prints) > 0 {
			size += 2 + 4*len(m.Prints)
		}
		if m.Wide {
			size += 2
		}
		if m.Sum != 0 {
			size += 11
		}
	case chord.Peers:
		size += 6 + len(m.Order) + hintSize*(len(m.Hints)+len(m.Others))
	case chord.Changes:
		size += hintSize*(len(m.Hints)+len(m.Others)) + 3 + 8*len(m.Left) + 3 + 4*len(m.Limits)
	case chord.ChangesTaken:
		size += 4
	}
	return size
}
