package routing

import "testing"

// What a send would be told is what it does.
func TestPathsAreThoseOfASend(t *testing.T) {
	for _, s := range []shape{full, classic, wide} {
		w := newWorld(t, 50, 40, s, Config{})
		fewer := 0
		for range 200 {
			from, to := w.pair()
			duplicates := w.random.IntN(8)
			want := from.core.Paths(to.contact.Point, duplicates+1)
			_, got := from.send(to, "x", Sending{Duplicates: duplicates, Routed: true})
			if got != want {
				t.Fatalf("%v: got %d copies of %d, want %d", s, got, duplicates+1, want)
			}
			if got <= duplicates {
				fewer++
			}
		}
		if fewer == 0 {
			t.Errorf("%v: there always were as many paths as asked for: the story did not happen", s)
		}
	}
}
