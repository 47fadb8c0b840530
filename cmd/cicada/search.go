package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"cicada/control"
	"cicada/identity"
	"cicada/swarm"
)

// A search decides when a peer that runs looks for others that it remembers, and for
// which. Alone, it looks for all of them all the time. In a ring it looks for some
// now and then, as the swarm may have come apart: less and less often, until its
// successors change.
type search struct {
	at    time.Time // of the next attempt in a ring
	pause time.Duration
	ring  []identity.ID // its successors, the last time
}

// How a search goes on in a ring.
const (
	searchFirst = 5 * time.Second
	searchMost  = 2 * time.Minute // between attempts
	searchFor   = 4               // of those that are missing, at a time
)

func newSearch(now time.Time) *search { return &search{at: now.Add(searchFirst), pause: searchFirst} }

// next returns whom to try to join now, of the addresses that are known.
func (s *search) next(now time.Time, status swarm.Status, addresses []string) []string {
	seeds := missing(addresses, status)
	if len(status.Successors) == 0 {
		return seeds
	}
	if !slices.EqualFunc(s.ring, status.Successors, func(id identity.ID, c *identity.Contact) bool { return id == c.ID }) {
		s.ring = s.ring[:0]
		for _, c := range status.Successors {
			s.ring = append(s.ring, c.ID)
		}
		s.pause = searchFirst
		if soon := now.Add(s.pause); soon.Before(s.at) {
			s.at = soon
		}
	}
	if len(seeds) == 0 || now.Before(s.at) {
		return nil
	}
	s.pause = min(2*s.pause, searchMost)
	s.at = now.Add(s.pause)
	rand.Shuffle(len(seeds), func(i, j int) { seeds[i], seeds[j] = seeds[j], seeds[i] })
	return seeds[:min(len(seeds), searchFor)]
}

// missing returns those of the addresses that are neither the peer's own nor of
// anybody whom its status names.
func missing(addresses []string, status swarm.Status) []string {
	known := map[string]bool{status.Address.String(): true}
	for _, c := range control.NewStatus(status).Contacts {
		for _, a := range c.Addresses {
			known[a.String()] = true
		}
	}
	return slices.DeleteFunc(addresses, func(a string) bool { return known[a] })
}
