package sim

import "time"

// An event is a message or a timer that is to be handled.
type event struct {
	at     time.Duration
	number uint64 // of two at the same time the one made first comes first
	node   int32  // where it happens
	slot   int32  // its parcel; none for a timer
}

// before reports whether a is handled before b.
func (a *event) before(b *event) bool {
	return a.at < b.at || a.at == b.at && a.number < b.number
}

// A queue holds events, the next one first: a heap of four children a parent, which
// costs a third less than one of two.
type queue struct {
	events []event
	number uint64
}

// push adds an event.
func (q *queue) push(at time.Duration, node, slot int32) {
	q.number++
	e := event{at, q.number, node, slot}
	q.events = append(q.events, e)
	i := len(q.events) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&q.events[parent]) {
			break
		}
		q.events[i] = q.events[parent]
		i = parent
	}
	q.events[i] = e
}

// next returns when the next event is.
func (q *queue) next() time.Duration {
	if len(q.events) == 0 {
		return never
	}
	return q.events[0].at
}

// pop takes the next event. There must be one.
func (q *queue) pop() event {
	first := q.events[0]
	last := len(q.events) - 1
	e := q.events[last]
	q.events = q.events[:last]
	i := 0
	for {
		child := 4*i + 1
		if child >= last {
			break
		}
		least := child
		for k := child + 1; k < min(child+4, last); k++ {
			if q.events[k].before(&q.events[least]) {
				least = k
			}
		}
		if !q.events[least].before(&e) {
			break
		}
		q.events[i] = q.events[least]
		i = least
	}
	if last > 0 {
		q.events[i] = e
	}
	return first
}

// never is when what will not happen happens.
const never = time.Duration(1<<63 - 1)
