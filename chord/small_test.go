package chord

import (
	"slices"
	"testing"
	"time"
)

// A peer that knows all members asks those whom a neighbour should know, and does not: of
// a neighbour in full mode, those before the last of its lists.
func TestWhoIsMissedByANeighbourIsAsked(t *testing.T) {
	for _, test := range []struct {
		name                    string
		small                   bool
		successors, predecessor []byte
		asked                   []byte
	}{
		{"it knows all", true, []byte{130, 160, 190, 220, 100}, nil, nil},
		{"it knows all but one", true, []byte{130, 190, 220, 100}, nil, []byte{160}},
		{"its lists leave nobody out", false, []byte{130, 160}, []byte{100, 220}, nil},
		{"its lists leave one out behind it", false, []byte{130, 190}, []byte{100, 220}, []byte{160}},
		{"and one before it", false, []byte{130, 160}, []byte{100, 190}, []byte{220}},
		{"its lists end sooner", false, []byte{130}, []byte{100}, nil},
		{"it tells of one side", false, nil, []byte{100, 220, 160}, []byte{190}},
	} {
		c := full()
		c.becomeSmall(contacts(110, 130, 160, 190, 220))
		c.now += time.Minute
		c.requests = nil
		c.compare(at(110), &Message{Kind: State, Member: true, Small: test.small, Lists: nil,
			Successors: contacts(test.successors...), Predecessors: contacts(test.predecessor...)})
		var asked []byte
		for _, r := range c.requests {
			if r.purpose == forProbe {
				asked = append(asked, r.to.Point[0])
			}
		}
		if !slices.Equal(asked, test.asked) {
			t.Errorf("%s: asked %v, want %v", test.name, asked, test.asked)
		}
	}
}
