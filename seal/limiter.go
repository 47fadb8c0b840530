package seal

import (
	"sync"
	"time"

	"cicada/identity"
)

// A limiter lets rate things a second happen, and twice as many at once; of that each
// link has a share, so that who floods over one link uses up what others have a right
// to only where it holds several.
type limiter struct {
	rate float64

	mu    sync.Mutex // guards the fields below
	all   savings
	links map[identity.ID]*savings // those that spent some of their share
}

// savings are what was not used of a rate.
type savings struct {
	spent float64
	last  time.Duration
}

const (
	linkShare = 4    // one link has such a part of the whole
	mostLinks = 1024 // that are told apart; further ones have a share together
)

func newLimiter(rate float64) *limiter {
	return &limiter{rate: rate, links: make(map[identity.ID]*savings)}
}

// take reports whether one more may happen now, for what came by link.
func (l *limiter) take(link identity.ID, age time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.ofLocked(link, age)
	if !own.enough(age, l.rate/linkShare) || !l.all.enough(age, l.rate) {
		return false
	}
	own.spent++
	l.all.spent++
	return true
}

// ofLocked returns what there is of the share of a link.
func (l *limiter) ofLocked(link identity.ID, age time.Duration) *savings {
	if l.links[link] == nil && len(l.links) >= mostLinks {
		l.forgetLocked(age)
		if len(l.links) >= mostLinks {
			link = identity.ID{}
		}
	}
	if l.links[link] == nil {
		l.links[link] = new(savings)
	}
	return l.links[link]
}

// forget drops the links that have their whole share again.
func (l *limiter) forget(age time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgetLocked(age)
}

func (l *limiter) forgetLocked(age time.Duration) {
	for link, s := range l.links {
		if s.enough(age, l.rate/linkShare); s.spent == 0 {
			delete(l.links, link)
		}
	}
}

// enough reports whether there is enough left for one more, of so many a second.
func (s *savings) enough(age time.Duration, rate float64) bool {
	s.spent = max(s.spent-max(age-s.last, 0).Seconds()*rate, 0)
	s.last = max(s.last, age)
	return s.spent+1 <= 2*rate
}
