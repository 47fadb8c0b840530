package swarm

import (
	"fmt"
	"slices"
	"testing"

	"cicada/identity"
	"cicada/routing"
	"cicada/wire"
)

// A neighbour that floods has half of the queue, and delays only itself: jobs of
// others find room, and are done after one of its own.
func TestFloodDelaysOnlyItself(t *testing.T) {
	q := newJobs()
	var done []string
	put := func(from byte, size int) bool {
		name := fmt.Sprint(from)
		if !q.room(identity.ID{from}, size) {
			return false
		}
		q.put(identity.ID{from}, size, func() { done = append(done, name) })
		return true
	}
	taken := 0
	for put(1, 100) {
		taken++
	}
	if taken != maxJobs/2 {
		t.Errorf("got room for %d jobs of one link, want %d", taken, maxJobs/2)
	}
	for _, from := range []byte{2, 3, 2} {
		if !put(from, 100) {
			t.Fatalf("no room for link %d", from)
		}
	}
	for do := q.take(); do != nil; do = q.take() {
		do()
	}
	if want := []string{"1", "2", "3", "1", "2", "1"}; !slices.Equal(done[:6], want) || len(done) != taken+3 {
		t.Errorf("got %d done, %v first, want %d, %v", len(done), done[:6], taken+3, want)
	}
	if len(q.links) != 0 || q.count != 0 || q.bytes != 0 {
		t.Errorf("got %d links, %d jobs, %d bytes left, want none", len(q.links), q.count, q.bytes)
	}
}

// The same for bytes.
func TestFloodOfBytesDelaysOnlyItself(t *testing.T) {
	q := newJobs()
	flood, other := identity.ID{1}, identity.ID{2}
	for q.room(flood, wire.MaxMessage) {
		q.put(flood, wire.MaxMessage, func() {})
	}
	if q.bytes != maxJobBytes/2 {
		t.Errorf("got %d bytes of one link, want %d", q.bytes, maxJobBytes/2)
	}
	if !q.room(other, wire.MaxMessage) {
		t.Error("no room for another link")
	}
	if q.room(flood, 1) {
		t.Error("room for a byte more than the share")
	}
}

// What comes on top of a neighbour's share is not kept, but counted, and comes again.
func TestFloodIsCounted(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(2, classic())
		p, from := w.peers[0], w.peers[1].ID()
		e := make(wire.Envelope, wire.EnvelopeHeaderSize+100)
		e[3] = byte(wire.EnvelopeFirst)
		p.mu.Lock()
		defer p.mu.Unlock()
		const flood = maxJobs
		for range flood { // while mu is held, nothing that was opened is settled
			p.arrive(&routing.Arrival{Envelope: e, From: from})
		}
		if got := p.counters.Dropped; got == 0 || got > flood/2 {
			t.Errorf("got %d of %d dropped, want some, at most half", got, flood)
		}
	})
}

// The queue says that a job waits until none does.
func TestJobsAreAnnounced(t *testing.T) {
	q := newJobs()
	for i := range byte(3) {
		q.put(identity.ID{i % 2}, 1, func() {})
	}
	for i := range 3 {
		select {
		case <-q.ready:
		default:
			t.Fatalf("nothing says that job %d waits", i)
		}
		if q.take() == nil {
			t.Fatalf("job %d is not there", i)
		}
	}
	select {
	case <-q.ready:
		t.Error("a job is announced where none waits")
	default:
	}
}
