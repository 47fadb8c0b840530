package sim

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cicada/chord"
	"cicada/chord/chordtest"
	"cicada/identity"
	"cicada/routing"
	"cicada/routing/adversary"
	"cicada/trace"
	"cicada/wire"
)

// Behaviours returns what Config.Behaviour can be.
func Behaviours() []string { return adversary.Names() }

// validateFoes returns what is wrong with Malicious and Behaviour.
func (c *Config) validateFoes() error {
	switch {
	case c.Behaviour == "" && c.Malicious > 0:
		return fmt.Errorf("sim: malicious %v: say what these do; one of %s", c.Malicious, strings.Join(Behaviours(), ", "))
	case c.Behaviour != "" && adversary.Named(c.Behaviour) == nil:
		return fmt.Errorf("sim: behaviour %q: want one of %s", c.Behaviour, strings.Join(Behaviours(), ", "))
	}
	return share("malicious", c.Malicious)
}

// A front is the hostile part of the swarm.
type front struct {
	foes   []*adversary.Foe // by node; nil: honest
	gang   *adversary.Gang
	target int32 // of all messages, or -1
	source int32 // of all messages, or -1

	ended   map[trace.MessageID]bool            // messages whose end was seen; true: delivered
	rescues map[trace.MessageID]trace.MessageID // lookups of targets, and for which messages
}

// Who is hostile, and what foes do, has generators apart from all others: without
// foes nothing is drawn.
const hostility = 0x686f7374696c6974

// turn makes a share of the peers hostile, as Config.Malicious says.
func (w *World) turn() {
	if w.config.Malicious == 0 {
		return
	}
	random := rand.New(rand.NewPCG(w.config.Seed^hostility, uint64(w.config.Peers)))
	picked := slices.Clone(w.alive)
	random.Shuffle(len(picked), func(a, b int) { picked[a], picked[b] = picked[b], picked[a] })
	others, victim := picked[:len(picked)-1], picked[len(picked)-1]
	point := w.nodes[victim].contact.Point
	n := min(int(math.Round(w.config.Malicious*float64(len(picked)))), len(picked)-2)
	target, source := int32(-1), int32(-1)
	switch b := adversary.Named(w.config.Behaviour).(type) {
	case adversary.Surround:
		slices.SortFunc(others, func(a, b int32) int {
			x, y := distance(w.nodes[a].contact.Point, point), distance(w.nodes[b].contact.Point, point)
			return bytes.Compare(x[:], y[:])
		})
		if b.Source {
			source = victim
		} else {
			target = victim
		}
	case adversary.Drop:
		if b.Only == adversary.Victims {
			target = victim
		}
	}
	w.recruit(w.config.Behaviour, others[:max(n, 0)])
	w.front.gang.Victim, w.front.target, w.front.source = point, target, source
}

// recruit makes peers hostile. What these say of the ring no invariant is promised under.
func (w *World) recruit(behaviour string, picked []int32) {
	var members, everybody []*identity.Contact
	for _, i := range picked {
		members = append(members, w.nodes[i].contact)
	}
	for _, i := range w.alive {
		everybody = append(everybody, w.nodes[i].contact)
	}
	w.front = &front{
		foes: make([]*adversary.Foe, len(w.nodes)), gang: adversary.NewGang(members, everybody), source: -1, target: -1,
		ended: make(map[trace.MessageID]bool), rescues: make(map[trace.MessageID]trace.MessageID),
	}
	w.watch.unsure++
	for _, i := range picked {
		own := rand.New(rand.NewPCG(w.config.Seed^hostility, uint64(i)+1<<32))
		w.front.foes[i] = adversary.New(w.nodes[i].contact, w.front.gang, adversary.Named(behaviour), own)
		w.beat(i, w.now+time.Duration(own.Int64N(int64(adversary.Beat))))
	}
}

// enlist takes in a peer that joins: the share of those that are hostile stays what it was.
func (w *World) enlist(i int32) {
	f := w.front
	if f == nil {
		return
	}
	if int(i) < len(f.foes) { // it was there before
		f.gang.Met(w.nodes[i].contact, f.foes[i] != nil)
		return
	}
	f.foes = append(f.foes, nil)
	own := rand.New(rand.NewPCG(w.config.Seed^hostility, uint64(i)+1<<32))
	hostile := f.source < 0 && f.target < 0 && own.Float64() < w.config.Malicious
	f.gang.Met(w.nodes[i].contact, hostile)
	if hostile {
		f.foes[i] = adversary.New(w.nodes[i].contact, f.gang, adversary.Named(w.config.Behaviour), own)
		w.beat(i, w.now+time.Duration(own.Int64N(int64(adversary.Beat))))
	}
}

// delist takes in that a peer has gone.
func (w *World) delist(i int32) {
	if w.front != nil {
		w.front.gang.Lost(w.nodes[i].contact)
	}
}

// distance returns how far two points are apart, the shorter way round.
func distance(a, b identity.Point) identity.Point {
	one, two := chord.Clockwise(a, b), chord.Clockwise(b, a)
	if bytes.Compare(one[:], two[:]) < 0 {
		return one
	}
	return two
}

// foe returns what makes a peer hostile, or nil. It is up to date.
func (w *World) foe(i int32) *adversary.Foe {
	if w.front == nil || int(i) >= len(w.front.foes) || w.front.foes[i] == nil {
		return nil
	}
	f := w.front.foes[i]
	f.Ring = w.nodes[i].ring
	return f
}

// beat ticks a foe, now and then.
func (w *World) beat(i int32, at time.Duration) {
	w.at(at, func() {
		if w.spots[i].alive && w.nodes[i].ring != nil && w.nodes[i].resumeAt <= w.now {
			w.foe(i).Tick(w.now)
			w.carryOut(i)
		}
		if !w.settled {
			w.beat(i, w.now+adversary.Beat)
		}
	})
}

// rebirth is how long a foe is away that dies to be born again.
const rebirth = 100 * time.Millisecond

// carryOut does what a foe wants on its own account.
func (w *World) carryOut(i int32) {
	out, reborn := w.foe(i).Take()
	for k := range out {
		w.sendOut(i, &out[k])
	}
	if reborn {
		known := w.remembered(i)
		w.crash(i)
		w.at(w.now+rebirth, func() { w.restart(i, known) })
	}
}

// sendOut puts a foe's message on its link.
func (w *World) sendOut(i int32, m *adversary.Message) {
	switch {
	case m.Ring != nil:
		w.transmit(i, m.Link, chordtest.Size(m.Ring), label{sort: ringMessage, load: w.load.isAsked(m.Ring.Lookup)}, m.Ring, m.After)
	case m.Envelope != nil:
		w.transmit(i, m.Link, frameSize+len(m.Envelope), label{sort: envelope, bytes: m.Envelope}, nil, m.After)
	case m.Ack != nil:
		w.transmit(i, m.Link, ackSize, label{sort: acknowledgement, message: m.Ack.Message, copy: m.Ack.Copy}, nil, m.After)
	case m.Refusal != nil:
		r := m.Refusal
		w.transmit(i, m.Link, frameSize+ackSize+1, label{sort: refusal, message: r.Message, copy: r.Copy, reason: r.Reason}, nil, m.After)
	}
}

// say asks a foe about what its state machines want to send, and sends what it leaves.
func (w *World) say(f *adversary.Foe, from int32, to identity.ID, size int, l label, ring *chord.Message) {
	m := adversary.Message{Link: to, Ring: ring}
	switch l.sort {
	case envelope:
		m.Envelope = l.bytes
	case acknowledgement:
		m.Ack = &routing.Ack{To: to, Message: l.message, Copy: l.copy}
	case refusal:
		m.Refusal = &routing.Refusal{To: to, Message: l.message, Copy: l.copy, Reason: l.reason}
	}
	if f.Say(w.now, &m) {
		l.bytes = m.Envelope
		w.transmit(from, to, size, l, m.Ring, m.After)
	}
	w.carryOut(from)
}

// hears asks a foe about what came for it, and reports whether its state machines are to have it.
func (w *World) hears(f *adversary.Foe, i int32, p *parcel) bool {
	from := w.nodes[p.from].contact.ID
	m := adversary.Message{Link: from}
	switch p.sort {
	case ringMessage:
		m.Ring = &p.ring
	case envelope:
		m.Envelope = p.bytes
	case acknowledgement:
		m.Ack = &routing.Ack{To: from, Message: p.message, Copy: p.copy}
	case refusal:
		m.Refusal = &routing.Refusal{To: from, Message: p.message, Copy: p.copy, Reason: p.reason}
	default:
		return true // broadcasts are none of its business
	}
	pass := f.Hear(w.now, m)
	w.carryOut(i)
	return pass
}

// isAnswer reports whether the bytes are those of an answer.
func isAnswer(e wire.Envelope) bool {
	return e.Kind() != wire.EnvelopeFirst && e.Kind() != wire.EnvelopeMessage
}

// pair returns between whom a message goes, where it would go between these.
func (f *front) pair(from, to int32) (int32, int32) {
	if f.source >= 0 {
		from = f.source
	}
	if f.target >= 0 {
		to = f.target
	}
	return from, to
}

// over notes that the end of a message was seen, to know it again.
func (w *World) over(id trace.MessageID, s *send) {
	if w.front != nil {
		w.front.ended[id] = s.delivered
	}
}

// late notes a delivery whose end was seen before.
func (w *World) late(id trace.MessageID) {
	if w.front == nil {
		return
	}
	if w.front.ended[id] {
		w.load.messages.twice++
	}
	w.front.ended[id] = true
}

// patienceOfCallers is how long who sends waits for the outcome.
const patienceOfCallers = 30 * time.Second

// rescue does what a peer does where no round brought a receipt, as long as its caller
// waits: it looks the target up, to learn where it is, and begins anew. It reports
// whether it does. Where the rounds are limited, it does not.
func (w *World) rescue(id trace.MessageID, s *send) bool {
	if w.front == nil || w.config.Routing.Rounds > 0 || w.now-s.began > patienceOfCallers {
		return false
	}
	w.at(w.now, func() {
		if !w.spots[s.from].alive {
			return
		}
		lookup := w.nodes[s.from].ring.Seek(w.now, w.nodes[s.to].contact.Point)
		w.front.rescues[lookup] = id
		w.settle(s.from)
	})
	return true
}

// rescued goes on with a message whose target was looked up, and reports whether this
// was such a lookup.
func (w *World) rescued(a *chord.Answer) bool {
	if w.front == nil || w.front.rescues[a.Lookup].IsZero() {
		return false
	}
	id := w.front.rescues[a.Lookup]
	delete(w.front.rescues, a.Lookup)
	s := w.load.sends[id]
	switch {
	case s == nil:
		return true
	case a.Owner != nil && a.Owner.ID == w.nodes[s.to].contact.ID:
		w.nodes[s.from].ring.Learn(a.Owner)
		s.found = true
	case a.Owner != nil: // somebody else is there, they say: it takes two to be sure
		if s.absent++; s.absent == 2 {
			w.sendFailed(id)
			return true
		}
	}
	if err := w.post(s.from, s.to, id); err != nil {
		w.sendFailed(id)
	}
	return true
}

// resultOfFoes sums up what hostile peers did.
func (w *World) resultOfFoes(r *Result) {
	l := &w.load
	r.Behaviour = w.config.Behaviour
	if w.front != nil {
		r.Malicious = w.front.gang.Size()
		r.MaliciousShare = float64(r.Malicious) / float64(max(len(w.alive), 1))
	}
	r.Authentic = l.messages.authentic + l.burst.authentic
	r.Altered = l.messages.delivered + l.burst.delivered - r.Authentic
	r.DuplicateDeliveries = l.messages.twice + l.burst.twice
	r.Stuck = l.messages.stuck + l.burst.stuck
	if sent := l.messages.delivered + l.messages.failed + l.burst.delivered + l.burst.failed; sent > 0 {
		r.CopiesPerSend = float64(w.count.copies) / float64(sent)
	}
	r.FalseBlames, r.PoisonedShare = w.count.blames, w.poisoned()
}

// blame counts that a peer gave up another, where both are honest and that one is there.
func (w *World) blame(i int32, id identity.ID) {
	if w.front != nil && w.foe(i) == nil && w.reaches(i, id) && w.foe(w.number(id)) == nil {
		w.count.blames++
	}
}

// poisoned returns which share of the peers that honest ones know is hostile, or does
// not exist.
func (w *World) poisoned() float64 {
	if w.front == nil {
		return 0
	}
	const most = 1000
	looked, known, bad := 0, 0, 0
	for _, i := range w.alive {
		if w.foe(i) != nil {
			continue
		}
		for peer := range w.nodes[i].ring.Each {
			known++
			if _, there := w.numberOf(peer.ID); !there || w.front.gang.Has(peer.ID) {
				bad++
			}
		}
		if looked++; looked == most {
			break
		}
	}
	return float64(bad) / float64(max(known, 1))
}
