package seal

import (
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
)

const (
	perStanding    = 4                // sessions of one standing kept with one peer
	idleAfter      = 10 * time.Minute // a session that nobody used is forgotten
	restAfter      = time.Minute      // a session that nobody uses takes less memory
	retiredFor     = 2 * time.Minute  // a replaced session still opens what was on its way
	challengedFor  = 2 * time.Minute  // a challenged session waits for its first message
	pendingFor     = 2 * time.Minute  // a handshake waits for its answer
	pendingYoung   = 5 * time.Second  // the answer to a handshake may still be on its way
	sweepEvery     = 10 * time.Second // handshakes do it where the caller does not
	acceptedSettle = 10 * time.Second // by then the other end has got the answer
)

// A relation is what is shared with one peer.
type relation struct {
	current  *session // to seal under; nil: none
	sessions []*session
	pending  int           // handshakes this end began and that are not over
	begun    time.Duration // the youngest of them
}

// A table holds the sessions and the unanswered handshakes. Its bounds are set by
// Limits. The Sealer's lock guards it.
type table struct {
	own         identity.ID
	limits      Limits
	peers       map[identity.ID]*relation
	sessions    map[uint64]*session // by own index
	unconfirmed int                 // of sessions
	pending     map[trace.MessageID]*pending
	waiting     map[uint64]*pending // the same, by own index
	order       []*pending          // oldest first; those that are over still in it
	swept       time.Duration
}

func newTable(own identity.ID, limits Limits) table {
	return table{
		own: own, limits: limits,
		peers:    make(map[identity.ID]*relation),
		sessions: make(map[uint64]*session),
		pending:  make(map[trace.MessageID]*pending),
		waiting:  make(map[uint64]*pending),
	}
}

// relate returns the relation with peer, made if there is none.
func (t *table) relate(peer identity.ID) *relation {
	r := t.peers[peer]
	if r == nil {
		r = new(relation)
		t.peers[peer] = r
	}
	return r
}

// free reports whether no session and no handshake uses index.
func (t *table) free(index uint64) bool {
	return index != 0 && t.sessions[index] == nil && t.waiting[index] == nil
}

// add takes in a new session, within the bounds, and decides anew what to seal under.
func (t *table) add(n *session, age time.Duration) {
	r := t.relate(n.peer)
	for t.count(r, n.standing) >= perStanding {
		t.drop(t.worst(r, n.standing))
	}
	if n.standing != confirmed && t.unconfirmed >= max(t.limits.Sessions/4, 1) {
		t.evict(func(o *session) bool { return o.standing != confirmed })
	} else if len(t.sessions) >= t.limits.Sessions {
		t.evict(func(*session) bool { return true })
	}
	r = t.relate(n.peer) // what was dropped may have been all there was
	r.sessions = append(r.sessions, n)
	t.sessions[n.local] = n
	if n.standing != confirmed {
		t.unconfirmed++
	}
	t.choose(r, age)
}

// count returns how many sessions of r have standing s.
func (t *table) count(r *relation, s standing) (count int) {
	for _, n := range r.sessions {
		if n.standing == s {
			count++
		}
	}
	return count
}

// worst returns the session of r with standing s that is least worth keeping.
func (t *table) worst(r *relation, s standing) (worst *session) {
	for _, n := range r.sessions {
		if n.standing == s && (worst == nil || worst.better(n, t.own)) {
			worst = n
		}
	}
	return worst
}

// evict drops the least recently used session among those that may go, of several
// that with the lowest index, so that it is always the same. It looks at each:
// eviction is rare, and comes with a handshake that costs more.
func (t *table) evict(may func(*session) bool) {
	var oldest *session
	older := func(a, b *session) bool {
		x, y := a.used.Load(), b.used.Load()
		return x < y || x == y && a.local < b.local
	}
	for _, n := range t.sessions {
		if may(n) && (oldest == nil || older(n, oldest)) {
			oldest = n
		}
	}
	if oldest != nil {
		t.drop(oldest)
	}
}

// drop forgets n.
func (t *table) drop(n *session) {
	if t.sessions[n.local] != n {
		return
	}
	delete(t.sessions, n.local)
	if n.standing != confirmed {
		t.unconfirmed--
	}
	r := t.peers[n.peer]
	r.sessions = slices.DeleteFunc(r.sessions, func(o *session) bool { return o == n })
	if r.current == n {
		r.current = nil
	}
	t.tidy(n.peer, r)
}

// tidy forgets a relation with nothing in it.
func (t *table) tidy(peer identity.ID, r *relation) {
	if len(r.sessions) == 0 && r.pending == 0 {
		delete(t.peers, peer)
	}
}

// confirm takes note that the other end has n.
func (t *table) confirm(n *session, age time.Duration) {
	if n.standing == confirmed || t.sessions[n.local] != n {
		return
	}
	r := t.peers[n.peer]
	for t.count(r, confirmed) >= perStanding {
		t.drop(t.worst(r, confirmed))
	}
	n.standing = confirmed
	n.confirmed.Store(true)
	t.unconfirmed--
	t.choose(r, age)
}

// choose decides which session of r to seal under, and retires the other
// confirmed ones.
func (t *table) choose(r *relation, age time.Duration) {
	var best *session
	top := 0
	for _, n := range r.sessions {
		rank := n.rank(age)
		if rank > top || rank > 0 && rank == top && n.better(best, t.own) {
			best, top = n, rank
		}
	}
	r.current = best
	if best == nil {
		return
	}
	best.retired = 0
	for _, n := range r.sessions {
		if n != best && n.standing == confirmed && n.retired == 0 {
			n.retired = age
		}
	}
}

// rank says how willingly messages travel under n: 0 not at all; 1 where the other
// end may not have n yet; 2 where n is due to be replaced; 3 otherwise.
func (n *session) rank(age time.Duration) int {
	due, spent := n.due(age)
	switch {
	case spent || n.standing == challenged:
		return 0
	case n.standing == accepted && age-n.born < acceptedSettle:
		return 1
	case due:
		return 2
	}
	return 3
}

// over reports whether n has to be forgotten.
func (n *session) over(age time.Duration) bool {
	idle := age-time.Duration(n.used.Load()) >= idleAfter
	replaced := n.retired != 0 && age-n.retired >= retiredFor
	unused := n.standing == challenged && age-n.born >= challengedFor
	return idle || replaced || unused || age-n.born >= hardAge+retiredFor
}

// await takes in a handshake this end began. It reports false where too many are
// under way.
func (t *table) await(p *pending, age time.Duration) bool {
	if !t.room(age) {
		return false
	}
	if old := t.pending[p.message]; old != nil {
		t.finish(old)
	}
	t.pending[p.message], t.waiting[p.local] = p, p
	t.order = append(t.order, p)
	r := t.relate(p.target)
	r.pending++
	r.begun = age
	return true
}

// room makes room for one more handshake, giving up the oldest where it is old
// enough to be lost.
func (t *table) room(age time.Duration) bool {
	t.trim()
	if len(t.pending) < t.limits.Handshakes {
		return true
	}
	if age-t.order[0].born < pendingYoung {
		return false
	}
	t.finish(t.order[0])
	t.trim()
	return true
}

// finish ends a handshake: it was answered, replaced or given up.
func (t *table) finish(p *pending) {
	if t.waiting[p.local] != p {
		return
	}
	delete(t.waiting, p.local)
	if t.pending[p.message] == p {
		delete(t.pending, p.message)
	}
	r := t.peers[p.target]
	r.pending--
	t.tidy(p.target, r)
}

// trim removes handshakes that are over from the head of the order, and from all
// of it where they are most of it.
func (t *table) trim() {
	over := func(p *pending) bool { return t.waiting[p.local] != p }
	head := 0
	for head < len(t.order) && over(t.order[head]) {
		head++
	}
	t.order = slices.Delete(t.order, 0, head)
	if len(t.order) > 2*len(t.pending)+64 {
		t.order = slices.DeleteFunc(t.order, over)
	}
}

// sweepDue sweeps where nobody did of late.
func (t *table) sweepDue(age time.Duration) {
	if age-t.swept >= sweepEvery {
		t.sweep(age)
	}
}

// sweep forgets what is over.
func (t *table) sweep(age time.Duration) {
	t.swept = age
	for len(t.order) > 0 && age-t.order[0].born >= pendingFor {
		t.finish(t.order[0])
		t.trim()
	}
	for _, n := range t.sessions {
		if n.over(age) {
			t.drop(n)
		} else if age-time.Duration(n.used.Load()) >= restAfter {
			n.rest()
		}
	}
	for _, r := range t.peers {
		t.choose(r, age)
	}
}
