package seal

const (
	wordBits    = 64
	windowWords = 65
	windowSize  = (windowWords - 1) * wordBits // counters below the highest that are still told apart
)

// A window remembers which counters of a session were opened, so that each is
// accepted once, in any order. It is the ring of words of RFC 6479: moving on
// clears whole words, and one word more than windowSize needs makes that safe.
// The zero window has accepted nothing.
type window struct {
	highest uint64
	words   [windowWords]uint64
}

// accept takes note of counter and reports whether it is new. One that is so far
// below the highest that the window forgot it is not. Call it only with counters
// whose seal opened: a forged one would move the window past true ones.
func (w *window) accept(counter uint64) bool {
	word := counter / wordBits
	switch top := w.highest / wordBits; {
	case counter > w.highest:
		for i := range min(word-top, windowWords) {
			w.words[(top+1+i)%windowWords] = 0
		}
		w.highest = counter
	case w.highest-counter >= windowSize:
		return false
	}
	bit := uint64(1) << (counter % wordBits)
	if w.words[word%windowWords]&bit != 0 {
		return false
	}
	w.words[word%windowWords] |= bit
	return true
}
