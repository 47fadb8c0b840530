package main

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"cicada/identity"
	"cicada/swarm"
)

// Alone, a peer looks for all; in a ring for some of those that it misses, less and
// less often, and soon again when its successors change. It never looks for itself
// or for whom it knows.
func TestSearch(t *testing.T) {
	remembered := []string{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1", "10.0.0.5:1", "10.0.0.6:1", "10.0.0.7:1"}
	contact := func(n byte) *identity.Contact {
		return &identity.Contact{ID: identity.KeyFromSeed([32]byte{n}).ID(), Addresses: []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 1)}}
	}
	now := time.Now()
	s := newSearch(now)
	status := swarm.Status{Address: netip.MustParseAddrPort(remembered[0])}
	for range 3 {
		if got := s.next(now, status, slices.Clone(remembered)); len(got) != 6 || slices.Contains(got, remembered[0]) {
			t.Errorf("alone: got %v, want all others", got)
		}
	}
	status.Successors = []*identity.Contact{contact(2)}
	var gaps []time.Duration
	look := func() {
		for began := now; ; now = now.Add(time.Second) {
			if got := s.next(now, status, slices.Clone(remembered)); len(got) > 0 {
				if len(got) != searchFor || slices.Contains(got, remembered[0]) || slices.Contains(got, remembered[1]) {
					t.Errorf("got %v, want %d that it does not know", got, searchFor)
				}
				gaps = append(gaps, now.Sub(began))
				now = now.Add(time.Second)
				return
			}
			if now.Sub(began) > time.Hour {
				t.Fatal("it has given up")
			}
		}
	}
	for range 8 {
		look()
	}
	for i, gap := range gaps[1:] {
		if gap < gaps[i] || gap > searchMost {
			t.Errorf("gaps %v: want them to grow, up to %v", gaps, searchMost)
		}
	}
	if gaps[0] > searchFirst || gaps[7] < searchMost-time.Second {
		t.Errorf("gaps %v: want %v at first, and %v at last", gaps, searchFirst, searchMost)
	}
	status.Successors = []*identity.Contact{contact(3), contact(2)}
	remembered = append(remembered, "10.0.0.8:1")
	gaps = nil
	look()
	if gaps[0] > searchFirst {
		t.Errorf("after a change it took %v, want %v", gaps[0], searchFirst)
	}
	// One change after the other does not put it off.
	gaps, began := nil, now
	for i := byte(0); ; i++ {
		status.Successors = []*identity.Contact{contact(2), contact(2 + i%2)}
		if len(s.next(now, status, slices.Clone(remembered))) > 0 {
			break
		}
		if now = now.Add(time.Second); now.Sub(began) > 2*searchFirst {
			t.Fatal("changes keep it from looking")
		}
	}
}
