package sim

import (
	"encoding/binary"
	"slices"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
)

// A load is what the swarm was asked to do, and what became of it.
type load struct {
	lookups    map[trace.MessageID]*lookup // under way
	sends      map[trace.MessageID]*send
	broadcasts map[trace.MessageID]*broadcast
	asked      [2]map[trace.MessageID]bool // attempts at lookups, lately and before: their messages are no upkeep
	turnedAt   time.Duration               // asked

	keys, ids lookups
	messages  sends
	casts     broadcasts

	senders []int32 // those that send, where only a few do

	burst      sends // those that were all sent at one instant
	burstCasts broadcasts
}

func (l *load) init() {
	l.lookups = make(map[trace.MessageID]*lookup)
	l.sends = make(map[trace.MessageID]*send)
	l.asked = [2]map[trace.MessageID]bool{{}, {}}
	l.broadcasts = make(map[trace.MessageID]*broadcast)
}

// lookups are those of one sort that ended.
type lookups struct {
	right, wrong, failed int
	hops                 sample
	millis               sample // from asking to the answer
	asked                sample // peers, one by one
}

type lookup struct {
	from  int32
	began time.Duration
	ofID  bool
}

// sends are the messages that ended.
type sends struct {
	delivered, failed int
	inOne, inFive     int // delivered within so many seconds
	twice             int // delivered more than once
	authentic         int // of those delivered, as what their origin sent
	stuck             int // ended with nobody left to go by
	hops              sample
	millis            sample // from sending to delivery
	stretch           sample // of that, to what a message takes directly
	receipts          int
}

type send struct {
	from, to  int32
	began     time.Duration
	delivered bool
	absent    int    // lookups that named somebody else
	found     bool   // a lookup found its target
	of        *sends // where it counts
}

// broadcasts are those that ended.
type broadcasts struct {
	count    int
	coverage sample // of the peers that were there from beginning to end
	depth    int
}

type broadcast struct {
	from     int32
	messages uint64 // World.count.casts when it began
	heard    []bool // by node; those that came later do not count
	depth    int
	of       *broadcasts   // where it counts
	last     time.Duration // when the last heard it
}

// ask notes what names messages of a lookup, for longer than it can take.
func (l *load) ask(now time.Duration, id trace.MessageID) {
	if now > l.turnedAt+remember {
		l.asked, l.turnedAt = [2]map[trace.MessageID]bool{{}, l.asked[0]}, now
	}
	l.asked[0][id] = true
}

// isAsked reports whether a message is of a lookup that was asked for.
func (l *load) isAsked(id trace.MessageID) bool {
	return !id.IsZero() && (l.asked[0][id] || l.asked[1][id])
}

// isLoad reports whether a message that a peer sends is of a lookup that was asked
// for, and so no upkeep: a lookup, whatever follows on it, a question of a search for
// one, or the answer to that.
func (w *World) isLoad(i int32, m *chord.Outgoing) bool {
	switch m.Message.Kind {
	case chord.Lookup:
		w.load.ask(w.now, m.Message.Lookup)
	case chord.Query:
		ownPlace := m.Message.Behind && m.Message.Key == w.nodes[i].contact.Point
		if m.Message.Table || ownPlace || m.Message.Length != 0 {
			return false
		}
		w.load.ask(w.now, questionID(i, m.Message.Request))
	case chord.Peers:
		return w.load.isAsked(questionID(w.number(m.To.ID), m.Message.Request))
	default:
		return w.load.isAsked(m.Message.Lookup)
	}
	return true
}

// questionID names a question of a peer.
func questionID(from int32, request uint64) (id trace.MessageID) {
	binary.LittleEndian.PutUint64(id[:], uint64(from)<<32|1<<31)
	binary.LittleEndian.PutUint64(id[8:], request)
	return id
}

// pending reports whether something is under way that will still end.
func (l *load) pending() bool { return len(l.lookups)+len(l.sends)+len(l.broadcasts) > 0 }

// forsake forgets what nobody waits for any more, or nobody is left to take: it ends
// neither well nor badly.
func (w *World) forsake() {
	for id, l := range w.load.lookups {
		if !w.spots[l.from].alive {
			delete(w.load.lookups, id)
		}
	}
	for id, s := range w.load.sends {
		if !w.spots[s.from].alive || !w.spots[s.to].alive && !s.delivered {
			delete(w.load.sends, id)
		}
	}
}

// someone returns a peer that is a member, honest and does not stand still, at random, or -1
// if none is found.
func (w *World) someone() int32 {
	for range 64 {
		i := w.alive[w.random.IntN(len(w.alive))]
		if w.acts(i) {
			return i
		}
	}
	return -1
}

// acts reports whether a peer is a member, honest and does not stand still.
func (w *World) acts(i int32) bool {
	return w.nodes[i].ring.Mode() != chord.Joining && w.nodes[i].resumeAt <= w.now && w.foe(i) == nil
}

// sender returns a peer that sends a message, or -1 if none is found: one of a few,
// where only these do. In the place of one that is gone comes another.
func (w *World) sender() int32 {
	few := w.load.senders
	if len(few) < w.config.Senders {
		i := w.someone()
		if i >= 0 && !slices.Contains(few, i) {
			w.load.senders = append(few, i)
		}
		return i
	}
	if len(few) == 0 {
		return w.someone()
	}
	k := w.random.IntN(len(few))
	if i := few[k]; w.spots[i].alive && w.acts(i) {
		return i
	}
	i := w.someone()
	if i >= 0 {
		few[k] = i
	}
	return i
}

// spread calls f count times, evenly over a time from now on.
func (w *World) spread(count int, over time.Duration, f func()) {
	began, k := w.now, 0
	var next func()
	next = func() {
		f()
		if k++; k < count {
			w.at(began+time.Duration(float64(over)*float64(k)/float64(count)), next)
		}
	}
	if count > 0 {
		w.at(began, next)
	}
}

func (w *World) lookUpKey() {
	var key identity.Point
	fill(key[:], w.random)
	w.lookUp(key, false)
}

func (w *World) lookUpID() {
	if i := w.someone(); i >= 0 {
		w.lookUp(w.nodes[i].contact.Point, true)
	}
}

func (w *World) lookUp(key identity.Point, ofID bool) {
	i := w.someone()
	if i < 0 {
		return
	}
	look := w.nodes[i].ring.Lookup
	if ofID {
		look = w.nodes[i].ring.Seek
	}
	id := look(w.now, key)
	w.load.lookups[id] = &lookup{from: i, began: w.now, ofID: ofID}
	w.settle(i)
}

// answered takes the end of a lookup.
func (w *World) answered(i int32, a *chord.Answer) {
	if w.rescued(a) {
		return
	}
	l := w.load.lookups[a.Lookup]
	if l == nil {
		return
	}
	delete(w.load.lookups, a.Lookup)
	of := &w.load.keys
	if l.ofID {
		of = &w.load.ids
	}
	switch {
	case a.Owner == nil:
		of.failed++
		return
	case w.isOwner(a.Owner.ID, a.Key, l.began):
		of.right++
	default:
		of.wrong++
	}
	of.hops.add(float64(a.Hops))
	of.asked.add(float64(a.Asked))
	of.millis.add(millis(w.now - l.began))
}

// isOwner reports whether an ID is that of a peer which owned a key since a time.
func (w *World) isOwner(id identity.ID, key identity.Point, since time.Duration) bool {
	i, known := w.numberOf(id)
	return known && w.owned(i, key, since)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// sendMessage sends a message between two members.
func (w *World) sendMessage() { w.sendOne(&w.load.messages) }

func (w *World) sendOne(of *sends) {
	from, to := w.sender(), w.someone()
	if w.front != nil {
		from, to = w.front.pair(from, to)
	}
	if from < 0 || to < 0 || from == to {
		if len(w.alive) > 1 {
			w.at(w.now, func() { w.sendOne(of) }) // another pair
		}
		return
	}
	id := w.messageID()
	w.load.sends[id] = &send{from: from, to: to, began: w.now, of: of}
	if err := w.post(from, to, id); err != nil {
		w.sendFailed(id)
	}
	w.settle(from)
}

// delivered notes that a message reached its target, as its origin's.
func (w *World) delivered(id trace.MessageID, origin identity.ID, hops int) {
	s := w.load.sends[id]
	switch {
	case s == nil:
		w.late(id)
		return // its receipt was there already
	case s.delivered:
		s.of.twice++
		return
	}
	of := s.of
	s.delivered = true
	of.delivered++
	if origin == w.nodes[s.from].contact.ID {
		of.authentic++
	}
	took := w.now - s.began
	if took <= time.Second {
		of.inOne++
	}
	if took <= 5*time.Second {
		of.inFive++
	}
	of.hops.add(float64(hops))
	of.millis.add(millis(took))
	of.stretch.add(float64(took) / float64(w.direct(s.from, s.to)))
}

// direct returns how long a message takes between two peers without a hop.
func (w *World) direct(from, to int32) time.Duration {
	if flat := w.config.Network.Flat; flat > 0 {
		return flat
	}
	return w.spots[from].delay(w.spots[to].location)
}

func (w *World) receipted(id trace.MessageID) {
	if s := w.load.sends[id]; s != nil {
		delete(w.load.sends, id)
		w.over(id, s)
		s.of.receipts++
	}
}

func (w *World) sendFailed(id trace.MessageID) {
	if s := w.load.sends[id]; s != nil {
		delete(w.load.sends, id)
		w.over(id, s)
		if !s.delivered {
			s.of.failed++
		}
	}
}

// broadcast has a member broadcast.
func (w *World) broadcast() { w.broadcastOne(&w.load.casts) }

func (w *World) broadcastOne(of *broadcasts) {
	i := w.someone()
	if i < 0 {
		return
	}
	id := w.messageID()
	b := &broadcast{from: i, messages: w.count.casts, heard: make([]bool, len(w.nodes)), of: of}
	w.load.broadcasts[id] = b
	w.count.audience += len(w.alive) - 1
	body, signature := w.castOf(i, id)
	if err := w.routing(i).Broadcast(w.now, id, body, signature); err != nil {
		delete(w.load.broadcasts, id)
	}
	w.settle(i)
	w.at(w.now+broadcastTime, func() { w.broadcastOver(id) })
}

// broadcastTime is after how long it is counted whom a broadcast reached.
const broadcastTime = 20 * time.Second

func (w *World) heardBroadcast(i int32, id trace.MessageID, hops int) {
	b := w.load.broadcasts[id]
	if b == nil {
		return
	}
	if int(i) < len(b.heard) {
		b.heard[i], b.last = true, w.now
	}
	b.depth = max(b.depth, hops)
}

// broadcastOver counts whom a broadcast reached, of those that were members at its
// beginning and are still there.
func (w *World) broadcastOver(id trace.MessageID) {
	b := w.load.broadcasts[id]
	if b == nil {
		return
	}
	delete(w.load.broadcasts, id)
	others, heard := 0, 0
	for i, h := range b.heard {
		if int32(i) == b.from || !w.spots[i].alive {
			continue
		}
		others++
		if h {
			heard++
		}
	}
	of := b.of
	of.count++
	of.depth = max(of.depth, b.depth)
	if others > 0 {
		of.coverage.add(float64(heard) / float64(others))
	}
}
