package chordtest

import (
	"slices"
	"strings"
	"testing"

	"cicada/chord"
	"cicada/identity"
)

// An alteration is what a broken protocol does to a message on its way.
type alteration func(r *Run, to *identity.Contact, m chord.Message) []chord.Message

// lists returns m, a State, with lists that change has altered.
func lists(m chord.Message, change func(*chord.Lists)) chord.Message {
	if m.Lists != nil {
		l := *m.Lists
		change(&l)
		m.Lists = &l
	}
	return m
}

// pass hands m on as it is.
func pass(m chord.Message) []chord.Message { return []chord.Message{m} }

func listOfOne(r *Run, to *identity.Contact, m chord.Message) []chord.Message {
	if m.Kind == chord.State && r.find(to.ID).core.Mode() == chord.Joining && !m.Small {
		m = lists(m, func(l *chord.Lists) { l.Successors = nil })
	}
	return pass(m)
}

func noList(_ *Run, _ *identity.Contact, m chord.Message) []chord.Message {
	if m.Kind == chord.State {
		m = lists(m, func(l *chord.Lists) { l.Successors = nil })
	}
	return pass(m)
}

func noPredecessor(_ *Run, _ *identity.Contact, m chord.Message) []chord.Message {
	if m.Kind == chord.State || m.Kind == chord.Notified {
		m.Predecessor = nil
	}
	return pass(lists(m, func(l *chord.Lists) { l.Predecessor = nil }))
}

func noNotify(_ *Run, _ *identity.Contact, m chord.Message) []chord.Message {
	if m.Kind == chord.Notify {
		return nil
	}
	return pass(m)
}

func seenEarly(_ *Run, _ *identity.Contact, m chord.Message) []chord.Message {
	if m.Kind == chord.Ask && m.Version == 0 {
		return []chord.Message{{Kind: chord.Notify, Request: 1}, m}
	}
	return pass(m)
}

func acceptAll(_ *Run, _ *identity.Contact, m chord.Message) []chord.Message {
	if m.Kind == chord.Notified {
		m.Accepted = true
	}
	return pass(m)
}

func noBorder(_ *Run, _ *identity.Contact, m chord.Message) []chord.Message {
	if m.Kind == chord.Notified && m.Accepted {
		m.Predecessor = nil
	}
	return pass(m)
}

func reversed(_ *Run, _ *identity.Contact, m chord.Message) []chord.Message {
	if m.Kind == chord.State {
		m = lists(m, func(l *chord.Lists) {
			l.Successors = slices.Clone(l.Successors)
			slices.Reverse(l.Successors)
		})
	}
	return pass(m)
}

func notNamed(_ *Run, _ *identity.Contact, m chord.Message) []chord.Message {
	if m.Kind == chord.State && m.Small {
		m = lists(m, func(l *chord.Lists) { l.Successors, l.Predecessor = l.Successors[:min(1, len(l.Successors))], nil })
	}
	if m.Kind == chord.Notify && m.Request == 0 {
		return nil
	}
	return pass(m)
}

// TestMutantsAreCaught runs broken protocols, made by changing what peers hear.
// The checker must object to each of them: else its silence about the real one
// would mean nothing.
func TestMutantsAreCaught(t *testing.T) {
	full := History{Successors: 2, Peers: 5, Points: 16, Full: true, Steps: 300}
	orderly := full
	orderly.Orderly = true
	few := History{Successors: 2, Peers: 1, Points: 12, Steps: 300}
	for _, mutant := range []struct {
		name    string
		history History
		want    string // invariants, any of them
		alter   alteration
	}{
		{"a joiner gets a list of one", full, "I1 I13", listOfOne},
		{"a successor's list is not taken over", full, "I1 I13", noList},
		{"who precedes is not told", full, "I13", noPredecessor},
		{"notify is not heard", full, "I13", noNotify},
		{"a joiner is seen before it has a list", full, "I11", seenEarly},
		{"every notify is accepted", orderly, "I16", acceptAll},
		{"where a part begins is not told", orderly, "I16", noBorder},
		{"lists come in the wrong order", full, "I1 I13", reversed},
		{"members of a small ring are not named", few, "I13", notNamed},
	} {
		t.Run(mutant.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(60) {
				h := mutant.history
				h.Seed = seed
				h.Alter = func(r *Run, _, to *identity.Contact, m chord.Message) []chord.Message { return mutant.alter(r, to, m) }
				v := h.Play().Violation
				if v == nil {
					continue
				}
				if name, _, _ := strings.Cut(v.Invariant, " "); slices.Contains(strings.Fields(mutant.want), name) {
					t.Logf("history %d: %v", seed, v)
					return
				}
			}
			t.Errorf("no history of 60 broke %s", mutant.want)
		})
	}
}

// TestOwnersWordIsNotEnough has every answer to a joiner's lookup name the wrong
// peer: the joiner asks on and stands in its place all the same.
func TestOwnersWordIsNotEnough(t *testing.T) {
	for seed := range uint64(12) {
		h := History{Seed: seed, Successors: 2, Peers: 6, Points: 16, Full: true, Orderly: true, Steps: 300}
		h.Alter = func(r *Run, _, _ *identity.Contact, m chord.Message) []chord.Message {
			if m.Kind == chord.Found && m.Predecessor != nil && r.find(m.Trail[0]).core.Mode() == chord.Joining {
				m.Peer, m.Predecessor = m.Predecessor, nil
			}
			return []chord.Message{m}
		}
		if v := h.Play().Violation; v != nil {
			t.Errorf("history %d: %v", seed, v)
		}
	}
}
