package swarm

import (
	"sync"

	"cicada/identity"
)

// A job is work that is done outside the lock, by the loop.
type job func()

// Bounds of the jobs that wait. What comes on top is dropped: its sender hears
// nothing and sends again. What the sends of this peer itself need waits in a
// queue of its own, which others cannot fill.
const (
	maxJobs     = 256
	maxJobBytes = 8 << 20
	maxUrgent   = 1024
)

// jobs are those that wait, of each link in order, the links in turn. A link may
// have as many, and as many bytes, as are still free: one alone half of all, with
// two a third each. So whoever floods delays only itself, and there is always
// room for one more link. It may be used concurrently.
type jobs struct {
	ready chan struct{} // holds something while a job waits

	mu    sync.Mutex // guards the fields below
	links map[identity.ID]*linkJobs
	turns []*linkJobs // those with jobs, whose turn is next first
	count int
	bytes int
}

// linkJobs are the jobs of one link.
type linkJobs struct {
	from    identity.ID
	waiting []sizedJob
	bytes   int
}

type sizedJob struct {
	do   job
	size int
}

func newJobs() *jobs {
	return &jobs{ready: make(chan struct{}, 1), links: make(map[identity.ID]*linkJobs)}
}

// room reports whether a link may have one more job, which holds size bytes.
func (q *jobs) room(from identity.ID, size int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	count, bytes := 0, 0
	if l := q.links[from]; l != nil {
		count, bytes = len(l.waiting), l.bytes
	}
	return count < maxJobs-q.count && bytes+size <= maxJobBytes-q.bytes
}

// put has a job wait that a link caused and that there is room for.
func (q *jobs) put(from identity.ID, size int, do job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.links[from]
	if l == nil {
		l = &linkJobs{from: from}
		q.links[from] = l
		q.turns = append(q.turns, l)
	}
	l.waiting = append(l.waiting, sizedJob{do, size})
	l.bytes += size
	q.count++
	q.bytes += size
	q.signal()
}

// take returns the next job, or nil.
func (q *jobs) take() job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count == 0 {
		return nil
	}
	l := q.turns[0]
	q.turns = q.turns[1:]
	next := l.waiting[0]
	l.waiting = l.waiting[1:]
	l.bytes -= next.size
	q.count--
	q.bytes -= next.size
	if len(l.waiting) > 0 {
		q.turns = append(q.turns, l)
	} else {
		delete(q.links, l.from)
	}
	if q.count > 0 {
		q.signal()
	}
	return next.do
}

// signal says that a job waits.
func (q *jobs) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// busyFor reports whether too much of what a neighbour sent waits already for one
// more job of size bytes, and counts it. It is called with mu held.
func (p *Peer) busyFor(from identity.ID, size int) bool {
	if p.jobs.room(from, size) {
		return false
	}
	p.counters.Dropped++
	return true
}

// soon has the loop do a job for a send of this peer itself.
func (p *Peer) soon(do job) bool {
	select {
	case p.urgent <- do:
		return true
	default:
		return false
	}
}
