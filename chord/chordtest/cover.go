package chordtest

import "slices"

// A stretch of n places in a circle goes from one place up to but without
// another; from a place up to itself it is the whole circle.

// A cover counts over how many stretches each place lies. It keeps differences
// from one place to the next, so that a stretch costs the same however long it is.
type cover []int

func newCover(places int) cover { return make(cover, places+1) }

// add adds a stretch. to may also be the number of places.
func (c cover) add(from, to int) {
	c[from]++
	if to <= from {
		c[len(c)-1]--
		c[0]++
	}
	c[to]--
}

// counts returns how many stretches cover each place, in the memory of c, which is of no use any more.
func (c cover) counts() []int {
	for i := 1; i < len(c); i++ {
		c[i] += c[i-1]
	}
	return c[:len(c)-1]
}

// above returns the places that more than limit stretches cover, and uses c up like counts.
func (c cover) above(limit int) []int {
	var list []int
	for place, n := range c.counts() {
		if n > limit {
			list = append(list, place)
		}
	}
	return list
}

// inside returns those of places, which are in order, that a stretch covers, in
// order, in two parts where the stretch goes past the last place of all.
func inside(places []int, from, to int) [2][]int {
	first, _ := slices.BinarySearch(places, from)
	last, _ := slices.BinarySearch(places, to)
	if from < to {
		return [2][]int{places[first:last]}
	}
	return [2][]int{places[:last], places[first:]}
}
