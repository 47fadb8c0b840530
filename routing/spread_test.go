package routing

import (
	"slices"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// Who is handed an interval, where links are open to some: nobody answers for more
// than half of the peers known there, nor for more than half of the ring.
func TestChildren(t *testing.T) {
	for _, x := range []struct {
		name     string
		points   []byte // the origin's first
		up, down []int  // places in points
		want     []int
	}{
		{"no link", []byte{0, 1, 2, 3, 4, 5, 6, 7, 8}, nil, nil, []int{1, 5, 8}},
		{"a few links", []byte{0, 1, 2, 3, 4, 5, 6, 7, 8}, []int{3, 4}, nil, []int{1, 3, 4, 8}},
		{"a link less", []byte{0, 1, 2, 3, 4, 5, 6, 7, 8}, []int{3, 4}, []int{3}, []int{1, 4, 8}},
		{"a wide gap", []byte{0, 10, 20, 200}, nil, nil, []int{1, 2, 3}},
		{"a gap of half", []byte{0, 10, 20, 138}, nil, nil, []int{1, 3}},
	} {
		t.Run(x.name, func(t *testing.T) {
			all := make([]int, len(x.points)-1)
			for i := range all {
				all[i] = i + 1
			}
			w := line(t, x.points, map[int][]int{0: all})
			w.peers[0].ring.behind = len(x.points)
			c := w.peers[0].core
			for _, i := range x.up {
				c.Up(w.peers[i].contact.ID)
			}
			for _, i := range x.down {
				c.Down(w.peers[i].contact.ID)
			}
			if err := c.Broadcast(0, w.message(), []byte("x"), nil); err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, b := range c.Ready().Broadcasts {
				got = append(got, slices.IndexFunc(w.peers, func(p *peer) bool { return p.contact == b.To }))
			}
			if !slices.Equal(got, x.want) {
				t.Errorf("got children %v, want %v", got, x.want)
			}
		})
	}
}

// The driver is told of a peer that does not acknowledge a copy, and of one that
// does not take its interval or falls silent at it, and of nobody else.
func TestDoubtful(t *testing.T) {
	w := line(t, []byte{0, 10, 20}, map[int][]int{0: {1, 2}})
	c, silent := w.peers[0].core, w.peers[2].contact.ID
	check := func(name string, want ...identity.ID) {
		t.Helper()
		if got := slices.Compact(c.Ready().Doubtful); !slices.Equal(got, want) {
			t.Errorf("%s: got %d doubtful, want %d", name, len(got), len(want))
		}
	}
	m := Sending{Message: w.message(), Target: w.peers[2].contact.Point, Kind: wire.EnvelopeMessage, Payload: []byte("x")}
	if _, err := c.Send(0, m); err != nil {
		t.Fatal(err)
	}
	check("a copy on its way")
	c.Tick(firstRTO)
	check("a copy that nobody took", silent)
	c.Cancel(m.Message)

	c.links.hear(silent)
	c.Up(silent)
	message := trace.MessageID{1}
	if err := c.Broadcast(time.Second, message, []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	limits := make(map[identity.ID]identity.Point)
	for _, b := range c.Ready().Broadcasts {
		limits[b.To.ID] = b.Broadcast.Limit
	}
	if len(limits) != 2 {
		t.Fatalf("got %d children, want 2: the story did not happen", len(limits))
	}
	c.BroadcastTaken(time.Second, w.peers[1].contact.ID, message, limits[w.peers[1].contact.ID])
	c.Tick(2 * time.Second)
	check("a child that does not take it", silent)
	c.BroadcastDone(2*time.Second, silent, message, limits[silent], Outcome{Reached: 1})
	c.Tick(time.Second + childSilence)
	check("a child that fell silent", w.peers[1].contact.ID)
}
