package trace

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// DefaultRecorderSize is how many events a Recorder holds where none is given:
// about one megabyte, taken when the first event arrives.
const DefaultRecorderSize = 4096

// A Recorder is a Sink that holds the latest events in memory, for live
// subscribers and for tests. The zero value is ready; a nil *Recorder takes
// nothing and costs nothing. All methods may be called concurrently.
type Recorder struct {
	// Size is how many events are held at most. Zero means DefaultRecorderSize.
	// Set it before first use.
	Size int
	// Keep says to take events even while nobody is subscribed, for Events. Set
	// it before first use.
	Keep bool

	live   atomic.Bool // somebody is subscribed
	closed atomic.Bool

	mu          sync.Mutex // guards the fields below
	ring        []Event    // event i stands at i % len(ring)
	next        uint64     // number of the next event
	subscribers []*subscriber
}

// A subscriber is one reader of the ring.
type subscriber struct {
	next uint64        // number of the event it reads next; guarded by Recorder.mu
	wake chan struct{} // capacity 1: there is more, or it is over
	gone bool          // guarded by Recorder.mu
}

// Enabled reports whether anybody wants events.
func (r *Recorder) Enabled() bool {
	return r != nil && (r.live.Load() || r.Keep) && !r.closed.Load()
}

// Emit takes e, and forgets the oldest event where the recorder is full.
func (r *Recorder) Emit(e Event) {
	if !r.Enabled() {
		return
	}
	e.Peers = slices.Clone(e.Peers) // its owner may use the list again
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed.Load() || len(r.subscribers) == 0 && !r.Keep {
		return // since the question above
	}
	if r.ring == nil {
		r.ring = make([]Event, r.size())
	}
	r.ring[r.next%uint64(len(r.ring))] = e
	r.next++
	for _, s := range r.subscribers {
		s.signal()
	}
}

// Events returns the events that are held, oldest first. Where older ones were
// forgotten, the first is a Lost event with their number. Without Keep, nothing
// is held once the last subscriber has gone.
func (r *Recorder) Events() []Event {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	events := make([]Event, 0, r.next-r.oldest()+1)
	for at := uint64(0); at < r.next; {
		var e Event
		e, at = r.read(at)
		events = append(events, e)
	}
	return events
}

// Subscribe returns the events from now on, for one range loop. They end when
// ctx does, or after the last one when the recorder is closed. A loop that is
// slower than the events misses the oldest and is given a Lost event with their
// number instead. What is never ranged over is subscribed until ctx ends.
func (r *Recorder) Subscribe(ctx context.Context) iter.Seq[Event] {
	if r == nil {
		return func(func(Event) bool) {}
	}
	s := &subscriber{wake: make(chan struct{}, 1)}
	r.add(s)
	stop := context.AfterFunc(ctx, func() { r.remove(s) })
	return func(yield func(Event) bool) {
		defer stop()
		defer r.remove(s)
		for ctx.Err() == nil {
			e, ok, over := r.take(s)
			switch {
			case ok:
				if !yield(e) {
					return
				}
			case over:
				return
			default:
				<-s.wake
			}
		}
	}
}

// Close ends all subscriptions, once they have read what there is, and takes no
// further events. Events still returns those held.
func (r *Recorder) Close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed.Store(true)
	for _, s := range r.subscribers {
		s.signal()
	}
}

// add begins s at the next event.
func (r *Recorder) add(s *subscriber) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.next = r.next
	r.subscribers = append(r.subscribers, s)
	r.live.Store(true)
}

// remove ends s; a second time it does nothing.
func (r *Recorder) remove(s *subscriber) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.gone = true
	s.signal()
	r.subscribers = slices.DeleteFunc(r.subscribers, func(other *subscriber) bool { return other == s })
	if len(r.subscribers) > 0 {
		return
	}
	r.live.Store(false)
	if !r.Keep {
		r.ring, r.next = nil, 0 // nobody is there to read it
	}
}

// take returns the next event for s, if there is one, else whether there will be none.
func (r *Recorder) take(s *subscriber) (e Event, ok, over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.gone || s.next == r.next {
		return Event{}, false, s.gone || r.closed.Load()
	}
	e, s.next = r.read(s.next)
	return e, true, false
}

// read returns event number at and the number of the one behind it, or a Lost
// event where it is forgotten. The caller holds mu.
func (r *Recorder) read(at uint64) (Event, uint64) {
	oldest := r.oldest()
	e := r.ring[max(at, oldest)%uint64(len(r.ring))]
	if at < oldest {
		return Event{At: e.At, Peer: e.Peer, Kind: Lost, Count: int(oldest - at)}, oldest
	}
	return e, at + 1
}

// oldest returns the number of the oldest event held. The caller holds mu.
func (r *Recorder) oldest() uint64 {
	if size := uint64(len(r.ring)); r.next > size {
		return r.next - size
	}
	return 0
}

// size returns how many events to hold.
func (r *Recorder) size() int {
	if r.Size > 0 {
		return r.Size
	}
	return DefaultRecorderSize
}

// signal wakes s without blocking.
func (s *subscriber) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
