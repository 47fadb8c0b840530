package transport

import (
	"slices"
	"time"

	"cicada/identity"
	"cicada/wire"
)

// Keep names the peers whose links stay open however little they are used, and do
// not give way to others. It replaces what an earlier call named.
func (s *Links) Keep(ids []identity.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.kept)
	for _, id := range ids {
		s.kept[id] = struct{}{}
	}
}

func (s *Links) sweepInterval() time.Duration { return max(s.limits.IdleTimeout/4, time.Millisecond) }

// sweep closes the links that are idle and too many, the least recently used
// first, and those that another replaced without the other end closing them. It
// forgets failures of long ago. It runs from time to time.
func (s *Links) sweep() {
	if !s.begin() {
		return
	}
	defer s.running.Done()
	s.mu.Lock()
	now := time.Now()
	stale := s.staleLocked(now)
	idle := s.idleLocked(now)
	s.forgetFailuresLocked(now)
	s.ration.forget(now)
	if !s.closed {
		s.sweeper.Reset(s.sweepInterval())
	}
	s.mu.Unlock()
	for _, l := range stale {
		l.Close(wire.CodeReplaced, "")
	}
	if len(idle) <= s.limits.MaxIdle {
		return
	}
	slices.SortFunc(idle, func(a, b idleLink) int { return a.since.Compare(b.since) })
	for _, i := range idle[:len(idle)-s.limits.MaxIdle] {
		i.link.Close(wire.CodeIdle, "")
	}
}

// staleLocked takes out of use, and returns, the worse of two links to the same
// peer where the other end had the time to close it. It has not if it does not know
// the link: it restarted, and the news that the link is dead never came.
func (s *Links) staleLocked(now time.Time) (stale []*link) {
	for _, p := range s.peers {
		if p.mine == nil || p.theirs == nil {
			continue
		}
		best, other := p.best(), p.mine
		if best == other {
			other = p.theirs
		}
		if now.Sub(best.since) > s.limits.simultaneous() {
			stale = append(stale, s.retireLocked(other))
		}
	}
	return stale
}

// An idleLink is a link that nobody used since a time.
type idleLink struct {
	link  *link
	since time.Time
}

// idleLocked returns the links that count as idle, and notes which others were used.
func (s *Links) idleLocked(now time.Time) []idleLink {
	var idle []idleLink
	for l := range s.all {
		if l.retired {
			continue
		}
		if l.use() {
			l.lastUsed = now
		}
		if _, kept := s.kept[l.peer]; !kept && now.Sub(l.lastUsed) >= s.limits.IdleTimeout {
			idle = append(idle, idleLink{l, l.lastUsed})
		}
	}
	return idle
}

// makeRoomLocked sees to it that one more link fits, and returns the one to close
// for it, already out of use. It fails where none can go. Links that are closing
// count too, in a limit twice as high, as they take a while.
func (s *Links) makeRoomLocked(dialled bool) (victim *link, err error) {
	if len(s.all) >= 2*s.limits.MaxLinks {
		return nil, ErrOverloaded
	}
	if s.open < s.limits.MaxLinks {
		return nil, nil
	}
	now := time.Now()
	for l := range s.all {
		if _, kept := s.kept[l.peer]; kept || l.retired {
			continue
		}
		if l.use() {
			l.lastUsed = now
		}
		if !dialled && now.Sub(l.lastUsed) < s.limits.IdleTimeout {
			continue
		}
		if victim == nil || l.lastUsed.Before(victim.lastUsed) {
			victim = l
		}
	}
	if victim == nil {
		return nil, ErrOverloaded
	}
	return s.retireLocked(victim), nil
}
