// Package near finds which of some known words a mistyped one may have been meant for.
//
// It knows nothing of commands or files; begin reading at Words.
package near

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// most is how many words are suggested.
const most = 3

// Words returns those of the known words that are like word, the most alike first,
// three at most: up to a third of its letters differ, or it is a part of them. The
// order of known decides between equals.
func Words(word string, known []string) []string {
	type candidate struct {
		word string
		off  int
	}
	var found []candidate
	for _, k := range known {
		off := distance(word, k)
		if utf8.RuneCountInString(word) > 2 && strings.Contains(k, word) {
			off = min(off, 1)
		}
		if off <= max(1, utf8.RuneCountInString(word)/3) && off < utf8.RuneCountInString(k) {
			found = append(found, candidate{k, off})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.off - b.off })
	var words []string
	for _, c := range found[:min(most, len(found))] {
		words = append(words, c.word)
	}
	return words
}

// Question returns ", did you mean "a" or "b"?" for the words that are like word, or
// nothing where there are none.
func Question(word string, known []string) string {
	words := Words(word, known)
	if len(words) == 0 {
		return ""
	}
	for i, w := range words {
		words[i] = fmt.Sprintf("%q", w)
	}
	return ", did you mean " + strings.Join(words, " or ") + "?"
}

// distance returns how many letters are to be put in, left out, changed or exchanged
// with the next one to make b of a (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last := []int(nil), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row := make([]int, len(y)+1)
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}
