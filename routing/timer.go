package routing

import "time"

// never is when nothing is due.
const never = time.Duration(1<<63 - 1)

// A timer calls its owner when its time has come. Timers that are due at the
// same time fire in the order in which they were set.
type timer struct {
	at    time.Duration
	order uint64
	place int // in the heap, from 1; 0: not set
	owner interface {
		expire(c *Core, now time.Duration)
	}
}

// timers is a binary heap, earliest first. Most timers are set later than all
// others and cleared soon, which costs next to nothing here.
type timers struct {
	heap  []*timer
	order uint64
}

func (t *timers) next() time.Duration {
	if len(t.heap) == 0 {
		return never
	}
	return t.heap[0].at
}

// set makes x due at a time, whether it was set before or not.
func (t *timers) set(x *timer, at time.Duration) {
	t.order++
	x.at, x.order = at, t.order
	if x.place == 0 {
		t.heap = append(t.heap, x)
		x.place = len(t.heap)
	}
	t.fix(x.place - 1)
}

func (t *timers) clear(x *timer) {
	if x.place == 0 {
		return
	}
	i, last := x.place-1, len(t.heap)-1
	t.swap(i, last)
	t.heap[last] = nil
	t.heap = t.heap[:last]
	x.place = 0
	if i < last {
		t.fix(i)
	}
}

// due takes the first timer that is due, or returns nil.
func (t *timers) due(now time.Duration) *timer {
	if len(t.heap) == 0 || t.heap[0].at > now {
		return nil
	}
	x := t.heap[0]
	t.clear(x)
	return x
}

func (t *timers) less(i, j int) bool {
	a, b := t.heap[i], t.heap[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}

func (t *timers) swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.heap[i].place, t.heap[j].place = i+1, j+1
}

// fix moves the timer at place i up or down to where it belongs.
func (t *timers) fix(i int) {
	for i > 0 && t.less(i, (i-1)/2) {
		t.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		child := 2*i + 1
		if child+1 < len(t.heap) && t.less(child+1, child) {
			child++
		}
		if child >= len(t.heap) || !t.less(child, i) {
			return
		}
		t.swap(i, child)
		i = child
	}
}
