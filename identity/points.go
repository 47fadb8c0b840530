package identity

import (
	"container/list"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrRate is returned by a Points that has checked as many unknown IDs as its
// rate allows. The same ID may be tried again later.
var ErrRate = errors.New("identity: too many unknown IDs to check")

// A Points knows the points of IDs under one difficulty. It remembers what it
// found, good or bad, and limits how much work strangers can cause. All methods
// may be called concurrently. The zero Points is one for difficulty 0.
type Points struct {
	difficulty uint8
	whole      *Points // what this is a Share of, for what is known; nil: it is no share

	running sync.Mutex // held while argon2 runs: one at a time, 1 MiB in all

	mu      sync.Mutex // guards the fields below, and those of all shares
	valid   lru        // IDs that meet the difficulty
	refused lru        // IDs that do not; apart, so that they cannot push out the valid ones
	runs    runs
}

// runs are the argon2 runs that may be made.
type runs struct {
	burst, rate float64 // at once, and in a second
	left        float64 // now
	counted     time.Time
}

// A PointsConfig holds the parameters of a Points.
type PointsConfig struct {
	// Difficulty is the swarm's, at most MaxDifficulty.
	Difficulty uint8
	// Capacity is how many valid IDs are remembered, about 200 bytes each, and a
	// quarter as many that were refused. Zero means 4096.
	Capacity int
	// Rate is how many unknown IDs may be checked in a second in the long run,
	// at about one millisecond each. Zero means 200.
	Rate int
	// Burst is how many may be checked at once after a quiet time. Zero means 1000.
	Burst int
}

// NewPoints returns an empty Points.
func NewPoints(c PointsConfig) (*Points, error) {
	if err := checkDifficulty(c.Difficulty); err != nil {
		return nil, err
	}
	if c.Capacity < 0 || c.Rate < 0 || c.Burst < 0 {
		return nil, fmt.Errorf("identity: negative limit in %+v", c)
	}
	if c.Capacity == 0 {
		c.Capacity = 4096
	}
	if c.Rate == 0 {
		c.Rate = 200
	}
	if c.Burst == 0 {
		c.Burst = 1000
	}
	return &Points{
		difficulty: c.Difficulty,
		valid:      newLRU(c.Capacity),
		refused:    newLRU((c.Capacity + 3) / 4),
		runs:       newRuns(float64(c.Burst), float64(c.Rate)),
	}, nil
}

func newRuns(burst, rate float64) runs {
	return runs{burst: burst, rate: rate, left: burst, counted: time.Now()}
}

// sharePart is the part of the rate, and of the burst, that one share has.
const sharePart = 4

// Share returns a Points for the IDs that one stranger sends. It knows what p knows and
// teaches p what it finds, but makes a quarter as many runs as p may, so that one
// stranger leaves something to the others.
func (p *Points) Share() *Points {
	if p.difficulty == 0 || p.whole != nil {
		return p
	}
	part := newRuns(max(p.runs.burst/sharePart, 1), p.runs.rate/sharePart)
	return &Points{difficulty: p.difficulty, whole: p, runs: part}
}

// PointOf returns what the function PointOf does: the point of id, or
// ErrDifficulty. Where that is not known yet and the rate is used up the error
// is ErrRate. It does not wait for the rate, but for the checks of other callers.
func (p *Points) PointOf(id ID) (Point, error) { return p.pointOf(id, 0) }

// pointOf is PointOf, which leaves a part of all runs, as much as spare, to others.
func (p *Points) pointOf(id ID, spare float64) (Point, error) {
	if p.difficulty == 0 {
		return hashPoint(id[:]), nil
	}
	if !passesScreen(id) {
		return Point{}, ErrDifficulty
	}
	whole := p.all()
	if point, known, err := whole.recall(id, p, spare); known || err != nil {
		return point, err
	}
	whole.running.Lock()
	defer whole.running.Unlock()
	if point, known, err := whole.recallSolved(id, p); known {
		return point, err // another caller asked for the same ID and was quicker
	}
	point, err := solvePoint(id, p.difficulty)
	whole.mu.Lock()
	defer whole.mu.Unlock()
	if err != nil {
		whole.refused.add(id, Point{})
	} else {
		whole.valid.add(id, point)
	}
	return point, err
}

// all returns what p is a share of, or p.
func (p *Points) all() *Points {
	if p.whole != nil {
		return p.whole
	}
	return p
}

// Known returns the point of id where that takes no work: it was found before, or
// there is no difficulty.
func (p *Points) Known(id ID) (Point, bool) {
	if p.difficulty == 0 {
		return hashPoint(id[:]), true
	}
	p = p.all()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.valid.find(id)
}

// recall looks id up. Where it is not known it takes the right to one run from p and from
// share, which may be p, or returns ErrRate. Of p's so large a part stays.
func (p *Points) recall(id ID, share *Points, spare float64) (point Point, known bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if point, known, err = p.findLocked(id); known {
		return point, true, err
	}
	now := time.Now()
	if p.runs.until(now) < 1+spare*p.runs.burst || share.runs.until(now) < 1 {
		return Point{}, false, ErrRate
	}
	p.runs.left--
	if share != p {
		share.runs.left--
	}
	return Point{}, false, nil
}

// until returns how many runs may be made now.
func (r *runs) until(now time.Time) float64 {
	r.left = min(r.burst, r.left+now.Sub(r.counted).Seconds()*r.rate)
	r.counted = now
	return r.left
}

// recallSolved looks id up and, where it is known, gives the right to a run back.
func (p *Points) recallSolved(id ID, share *Points) (point Point, known bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if point, known, err = p.findLocked(id); known {
		p.runs.left++
		if share != p {
			share.runs.left++
		}
	}
	return point, known, err
}

func (p *Points) findLocked(id ID) (point Point, known bool, err error) {
	if point, ok := p.valid.find(id); ok {
		return point, true, nil
	}
	if _, ok := p.refused.find(id); ok {
		return Point{}, true, ErrDifficulty
	}
	return Point{}, false, nil
}

// screen reports whether id may be valid, as far as a microsecond can tell.
func (p *Points) screen(id ID) bool { return p.difficulty == 0 || passesScreen(id) }

// An lru maps IDs to points and forgets the one that was not asked for longest.
type lru struct {
	capacity int
	byID     map[ID]*list.Element
	order    *list.List // of lruEntry, last used in front
}

type lruEntry struct {
	id    ID
	point Point
}

func newLRU(capacity int) lru {
	return lru{capacity: capacity, byID: make(map[ID]*list.Element), order: list.New()}
}

func (l *lru) find(id ID) (Point, bool) {
	element, ok := l.byID[id]
	if !ok {
		return Point{}, false
	}
	l.order.MoveToFront(element)
	return element.Value.(lruEntry).point, true
}

// add remembers an ID that find did not find.
func (l *lru) add(id ID, point Point) {
	if len(l.byID) >= l.capacity {
		oldest := l.order.Remove(l.order.Back()).(lruEntry)
		delete(l.byID, oldest.id)
	}
	l.byID[id] = l.order.PushFront(lruEntry{id, point})
}
