package lab

import (
	"context"
	"fmt"
	"math"
	"time"

	"cicada/identity"
)

// defaultSuccessors is what chord.Config.Successors means where it is zero.
const defaultSuccessors = 16

// An Imperfection says in what way a ring is not as it should be.
type Imperfection struct {
	Peer  identity.ID // the first peer, clockwise, whose list is wrong
	List  string      // "successors" or "predecessors"
	Place int         // in the list, from 0
	Got   identity.ID // zero: the list ends here
	Want  identity.ID // zero: the list should have ended here
	Wrong int         // peers with a wrong list
	Peers int         // of how many
}

// Error returns one sentence.
func (e *Imperfection) Error() string {
	name := func(id identity.ID) string {
		if id.IsZero() {
			return "nobody"
		}
		return id.Short()
	}
	return fmt.Sprintf("lab: %d of %d peers have wrong lists: among the %s of %s, number %d is %s, and should be %s",
		e.Wrong, e.Peers, e.List, e.Peer.Short(), e.Place+1, name(e.Got), name(e.Want))
}

// Ideal returns nil if the ring is ideal: both lists of every living peer are
// what sorting all points gives. Else it returns an *Imperfection.
func (l *Lab) Ideal() error {
	length := l.config.Ring.Successors
	if length == 0 {
		length = defaultSuccessors
	}
	return l.right(length, math.MaxInt)
}

// HeadsRight returns nil if every living peer knows its next neighbour on both
// sides, whatever the rest of its lists. Else it returns an *Imperfection.
func (l *Lab) HeadsRight() error { return l.right(1, 1) }

// right returns nil if all lists are right, and length long where there are so many
// others. What they have beyond look entries does not matter.
func (l *Lab) right(length, look int) error {
	peers := l.Peers()
	n := len(peers)
	ids := make([]identity.ID, n)
	for i, p := range peers {
		ids[i] = p.ID()
	}
	length = min(length, n-1)
	var first *Imperfection
	for i, p := range peers {
		s := p.Status()
		wrong := compare(upTo(s.Successors, look), length, func(k int) identity.ID { return ids[(i+1+k)%n] })
		if wrong != nil {
			wrong.List = "successors"
		} else if wrong = compare(upTo(s.Predecessors, look), length, func(k int) identity.ID { return ids[(i-1-k+n)%n] }); wrong != nil {
			wrong.List = "predecessors"
		}
		switch {
		case wrong == nil:
		case first == nil:
			first = wrong
			first.Peer, first.Wrong, first.Peers = p.ID(), 1, n
		default:
			first.Wrong++
		}
	}
	if first == nil {
		return nil
	}
	return first
}

func upTo(list []*identity.Contact, n int) []*identity.Contact { return list[:min(n, len(list))] }

// compare returns where list first differs from what want says, or nil.
func compare(list []*identity.Contact, length int, want func(place int) identity.ID) *Imperfection {
	for k := range max(length, len(list)) {
		var x Imperfection
		if k < len(list) {
			x.Got = list[k].ID
		}
		if k < length {
			x.Want = want(k)
		}
		if x.Got != x.Want {
			x.Place = k
			return &x
		}
	}
	return nil
}

// AwaitIdeal returns as soon as the ring is ideal, or when ctx ends: then with
// ctx's error and what is wrong with the ring.
func (l *Lab) AwaitIdeal(ctx context.Context) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		imperfect := l.Ideal()
		if imperfect == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), imperfect)
		}
	}
}

// Far returns the pairs of living peers of whom the first has not the second in
// its table: any message by the ring from the one to the other takes two hops
// or more. It returns at most limit, spread over the ring.
func (l *Lab) Far(limit int) [][2]*Peer {
	peers := l.Peers()
	n := len(peers)
	known := make([]map[identity.ID]bool, n)
	for i, p := range peers {
		known[i] = make(map[identity.ID]bool)
		s := p.Status()
		for _, c := range append(s.Successors, s.Predecessors...) {
			known[i][c.ID] = true
		}
		for _, f := range s.Fingers {
			for _, c := range f.Candidates {
				known[i][c.ID] = true
			}
		}
	}
	var far [][2]*Peer
	for step := 1; step < n; step++ {
		for i, p := range peers {
			other := peers[(i+step*7)%n] // neighbours on the ring know each other: begin away from them
			if len(far) < limit && other != p && !known[i][other.ID()] {
				far = append(far, [2]*Peer{p, other})
			}
		}
	}
	return far
}
