package transport

import (
	"net/netip"
	"time"

	"cicada/identity"
)

const (
	firstBackoff = 250 * time.Millisecond
	lastBackoff  = 8 * time.Second
	maxFailures  = 4096
)

// A place is where a peer is said to be. Failures count for the two together: else
// a contact that lists the address of another would keep us from that one.
type place struct {
	address netip.AddrPort
	id      identity.ID
}

// A failure says that a place could not be dialled a moment ago.
type failure struct {
	until time.Time // not to be dialled before
	pause time.Duration
}

// failing reports whether p failed so recently that it is not worth another try.
func (s *Links) failing(p place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.failures[p]
	return ok && time.Now().Before(f.until)
}

// fail notes that p failed: each time it is left alone for twice as long.
func (s *Links) fail(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.failures[p]
	if !ok && len(s.failures) >= maxFailures {
		return
	}
	f.pause = min(max(2*f.pause, firstBackoff), lastBackoff)
	f.until = time.Now().Add(f.pause)
	s.failures[p] = f
}

// clearFailuresLocked forgets the failures of a peer that has a link now.
func (s *Links) clearFailuresLocked(id identity.ID) {
	for p := range s.failures {
		if p.id == id {
			delete(s.failures, p)
		}
	}
}

// forgetFailuresLocked forgets failures that are over for longer than the longest pause.
func (s *Links) forgetFailuresLocked(now time.Time) {
	for p, f := range s.failures {
		if now.Sub(f.until) > lastBackoff {
			delete(s.failures, p)
		}
	}
}
