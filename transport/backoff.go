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

// A failure says that an address could not be dialled a moment ago.
type failure struct {
	id    identity.ID // who was wanted there
	until time.Time   // not to be dialled before
	pause time.Duration
}

// failing reports whether address failed so recently that it is not worth another try.
func (s *Links) failing(address netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.failures[address]
	return ok && time.Now().Before(f.until)
}

// fail notes that address failed: each time it is left alone for twice as long.
func (s *Links) fail(address netip.AddrPort, id identity.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.failures[address]
	if !ok && len(s.failures) >= maxFailures {
		return
	}
	f.pause = min(max(2*f.pause, firstBackoff), lastBackoff)
	f.id, f.until = id, time.Now().Add(f.pause)
	s.failures[address] = f
}

// clearFailuresLocked forgets the failures of a peer that has a link now.
func (s *Links) clearFailuresLocked(id identity.ID) {
	for address, f := range s.failures {
		if f.id == id {
			delete(s.failures, address)
		}
	}
}

// forgetFailuresLocked forgets failures that are over for longer than the longest pause.
func (s *Links) forgetFailuresLocked(now time.Time) {
	for address, f := range s.failures {
		if now.Sub(f.until) > lastBackoff {
			delete(s.failures, address)
		}
	}
}
