package sim

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// An event is a message or a timer that is to be handled.
type event struct {
	at   time.Duration
	node int32 // where it happens
	slot int32 // its parcel; none for a timer
}

// A queue holds events, the next one first; of two at the same time the one that came
// first. It is two timing wheels, one inside the other (Varghese and Lauck, 1987): time
// goes in spans, of which a wheel has wheelSize; what lies beyond the spans of the fine
// wheel waits in one of the coarse wheel, which has a whole turn of the fine one for a
// span, and what lies beyond that in a list. When its time comes a span of the coarse
// wheel is dealt out to the fine one, and one of the fine wheel is sorted and becomes
// the run that events are taken from. So an event is moved three times, however many
// there are, where a heap has it change places with twenty others at 10⁶.
//
// Events of one time always are in the same span, and never change their order there.
type queue struct {
	shift  uint    // a span of the fine wheel is 1<<shift ns
	run    []event // what is left of the current span, in order, from head on
	head   int
	span   int64 // number of the current span
	fine   wheel // those that follow, up to the end of the turn
	coarse wheel
	beyond []event
}

const (
	wheelBits = 10
	wheelSize = 1 << wheelBits
	wheelMask = wheelSize - 1
)

// A wheel is as many spans as a turn has.
type wheel struct {
	spans [wheelSize][]event
	used  [wheelSize / 64]uint64 // which of them are not empty
	spare [][]event              // memory of those that were
}

func (w *wheel) put(span int64, e event) {
	k := span & wheelMask
	if n := len(w.spare); n > 0 && w.spans[k] == nil {
		w.spans[k], w.spare = w.spare[n-1], w.spare[:n-1]
	}
	w.spans[k] = append(w.spans[k], e)
	w.used[k/64] |= 1 << (k % 64)
}

// take empties a span. Who is through with it gives it back.
func (w *wheel) take(k int64) []event {
	events := w.spans[k]
	w.spans[k] = nil
	w.used[k/64] &^= 1 << (k % 64)
	return events
}

func (w *wheel) giveBack(events []event) {
	if cap(events) > 0 {
		w.spare = append(w.spare, events[:0])
	}
}

// next returns the first span from one on that is not empty, or -1 if there is none in
// this turn.
func (w *wheel) next(from int64) int64 {
	for word := from / 64; word < int64(len(w.used)); word++ {
		left := w.used[word]
		if word == from/64 {
			left = left >> (from % 64) << (from % 64)
		}
		if left != 0 {
			return word*64 + int64(bits.TrailingZeros64(left))
		}
	}
	return -1
}

// newQueue returns a queue for a swarm of so many peers: spans are short enough that
// only some events are in each.
func newQueue(peers int) queue {
	const perPeer = 4 // events a second, about
	const perSpan = 16
	each := int(time.Second) * perSpan / (perPeer * max(peers, 1))
	return queue{shift: uint(bits.Len(uint(each)))}
}

// push adds an event.
func (q *queue) push(at time.Duration, node, slot int32) {
	e := event{at, node, slot}
	switch span := int64(at) >> q.shift; {
	case span <= q.span:
		i := len(q.run)
		for i > q.head && q.run[i-1].at > at {
			i--
		}
		q.run = slices.Insert(q.run, i, e)
	case span>>wheelBits == q.span>>wheelBits:
		q.fine.put(span, e)
	case span>>(2*wheelBits) == q.span>>(2*wheelBits):
		q.coarse.put(span>>wheelBits, e)
	default:
		q.beyond = append(q.beyond, e)
	}
}

// next returns when the next event is.
func (q *queue) next() time.Duration {
	if q.head == len(q.run) && !q.advance() {
		return never
	}
	return q.run[q.head].at
}

// pop takes the next event. There must be one.
func (q *queue) pop() event {
	if q.head == len(q.run) {
		q.advance()
	}
	q.head++
	return q.run[q.head-1]
}

// soon returns some of the next events, as far as they are in order already.
func (q *queue) soon(most int) []event {
	return q.run[q.head:min(q.head+most, len(q.run))]
}

// advance makes the next span that is not empty the current one, and reports whether
// there is any.
func (q *queue) advance() bool {
	q.fine.giveBack(q.run)
	q.run, q.head = nil, 0
	for len(q.run) == 0 {
		turn := q.span >> wheelBits
		if k := q.fine.next(q.span&wheelMask + 1); k >= 0 {
			q.span = turn<<wheelBits | k
			q.run = q.fine.take(k)
			inOrder(q.run)
			return true
		}
		if k := q.coarse.next(turn&wheelMask + 1); k >= 0 {
			q.span = (turn&^wheelMask | k) << wheelBits
			events := q.coarse.take(k)
			q.deal(events)
			q.coarse.giveBack(events)
			continue
		}
		if len(q.beyond) == 0 {
			return false
		}
		q.span = int64(slices.MinFunc(q.beyond, byTime).at) >> q.shift >> (2 * wheelBits) << (2 * wheelBits)
		events := q.beyond
		q.beyond = nil
		q.deal(events)
	}
	return true
}

// deal pushes events anew, each to where it belongs by now.
func (q *queue) deal(events []event) {
	for _, e := range events {
		q.push(e.at, e.node, e.slot)
	}
}

// inOrder sorts a span, and leaves events of one time in the order they have. Most
// spans are so short that nothing beats putting each event in its place.
func inOrder(events []event) {
	const short = 64
	if len(events) > short {
		slices.SortStableFunc(events, byTime)
		return
	}
	for i := 1; i < len(events); i++ {
		e, k := events[i], i
		for ; k > 0 && events[k-1].at > e.at; k-- {
			events[k] = events[k-1]
		}
		events[k] = e
	}
}

func byTime(a, b event) int { return cmp.Compare(a.at, b.at) }

// never is when what will not happen happens.
const never = time.Duration(1<<63 - 1)
