package chord

import (
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// A Config holds the parameters of a ring. All peers of a swarm need not agree
// on them. The zero value is a good peer for the open internet.
type Config struct {
	// Successors is r, how many successors, and how many predecessors, a peer
	// remembers; the ring survives r-1 neighbours failing at once. At most 31. Zero means 16.
	Successors int
	// FingerBase is b: fingers start at ±c·b^e for c = 1…b/2. A power of two
	// from 2 to 256. Zero means 16.
	FingerBase int
	// FingerCandidates is how many peers a finger remembers, at most one more than
	// Successors. Zero means 4, and 1 where FingerBase is 2.
	FingerCandidates int
	// TableBudget is how many bytes a second a peer may spend on knowing more peers
	// than its lists and fingers hold: all there are, where that is enough. Zero means
	// 2000, and less than zero nothing.
	TableBudget int
	// StabilizeMin and StabilizeMax bound the time between two stabilisations
	// of a peer: shortest after a change, growing while nothing changes.
	// Zero means 1 s and 16 s.
	StabilizeMin, StabilizeMax time.Duration
	// ProbeInterval is how long the successor may be silent before it is asked
	// whether it is alive, more or less: a quarter less where peers come and go
	// fastest, three times where they stay. The predecessor has half as long again.
	// Zero means 1 s.
	ProbeInterval time.Duration
	// FingerInterval is the time between two looks at a finger where peers come and
	// go fastest; otherwise it follows from how long they stay, up to 2 min. Zero means 1 s.
	FingerInterval time.Duration
	// LookupTimeout is how long a lookup waits for its answer, retries included. Zero means 10 s.
	LookupTimeout time.Duration
	// Lookups is how sure answers to lookups are to be. Zero means Weighed.
	Lookups Lookups
	// Trace asks for an event for every message sent (trace.RingSent). Without
	// it they are not made, and cost nothing.
	Trace bool
}

// Lookups says how answers to lookups come about.
type Lookups uint8

// The ways. A peer that stands at the very point that was looked up is found at once by
// all of them, and so is who owns a key as far as one knows that knows all peers.
const (
	Weighed     Lookups = iota // passed on from peer to peer; the answer is weighed by asking some more
	Searched                   // asked one by one from the start: dearer, and no peer decides for another
	FirstAnswer                // the first answer is believed, as where nobody lies
)

// MaxTableBudget is the largest Config.TableBudget, in bytes a second.
const MaxTableBudget = 1 << 20

// The limits of a Config. A small ring's whole membership, 2r+1 others, must
// fit in one list of a message.
const (
	maxSuccessors = (maxList - 1) / 2
	maxFingerBase = 256
	maxCandidates = 16
)

// Validate reports the first field that is out of range. New does not fail on
// such a field; it takes the nearest value that is in range.
func (c Config) Validate() error {
	switch {
	case c.Successors < 0 || c.Successors > maxSuccessors:
		return fmt.Errorf("chord: %d successors: from 1 to %d", c.Successors, maxSuccessors)
	case c.FingerBase != 0 && (c.FingerBase < 2 || c.FingerBase > maxFingerBase || c.FingerBase&(c.FingerBase-1) != 0):
		return fmt.Errorf("chord: finger base %d: a power of two from 2 to %d", c.FingerBase, maxFingerBase)
	case c.FingerCandidates < 0 || c.FingerCandidates > maxCandidates:
		return fmt.Errorf("chord: %d candidates a finger: from 1 to %d", c.FingerCandidates, maxCandidates)
	case c.TableBudget > MaxTableBudget:
		return fmt.Errorf("chord: a table budget of %d bytes a second: at most %d", c.TableBudget, MaxTableBudget)
	case c.Lookups > FirstAnswer:
		return fmt.Errorf("chord: lookups of kind %d: there are %d kinds", c.Lookups, FirstAnswer+1)
	case c.StabilizeMin < 0 || c.StabilizeMax < 0 || c.ProbeInterval < 0 || c.FingerInterval < 0 || c.LookupTimeout < 0:
		return errors.New("chord: a duration is negative")
	case c.StabilizeMax != 0 && c.StabilizeMax < c.StabilizeMin:
		return fmt.Errorf("chord: the longest time between stabilisations, %v, is below the shortest, %v", c.StabilizeMax, c.StabilizeMin)
	}
	return nil
}

// filled returns c with its zero fields set to what they mean and the others brought into range.
func (c Config) filled() Config {
	c.Successors = clamp(c.Successors, 16, 1, maxSuccessors)
	c.FingerBase = clamp(c.FingerBase, 16, 2, maxFingerBase)
	c.FingerBase = 1 << (bits.Len(uint(c.FingerBase)) - 1)
	candidates := 4
	if c.FingerBase == 2 {
		candidates = 1
	}
	c.FingerCandidates = min(clamp(c.FingerCandidates, candidates, 1, maxCandidates), c.Successors+1)
	c.TableBudget = clamp(c.TableBudget, 2000, 0, MaxTableBudget)
	c.StabilizeMin = clamp(c.StabilizeMin, time.Second, time.Millisecond, time.Hour)
	c.StabilizeMax = max(clamp(c.StabilizeMax, 16*time.Second, time.Millisecond, time.Hour), c.StabilizeMin)
	c.ProbeInterval = clamp(c.ProbeInterval, time.Second, time.Millisecond, time.Hour)
	c.FingerInterval = clamp(c.FingerInterval, time.Second, time.Millisecond, time.Hour)
	c.Lookups = min(c.Lookups, FirstAnswer)
	c.LookupTimeout = clamp(c.LookupTimeout, 10*time.Second, time.Millisecond, time.Hour)
	return c
}

func clamp[T int | time.Duration](value, zero, low, high T) T {
	if value == 0 {
		return zero
	}
	return min(max(value, low), high)
}

// Classic returns the ring of the textbooks, small enough to see: three
// successors, one finger a power of two, and nobody else.
func Classic() Config { return Config{Successors: 3, FingerBase: 2, TableBudget: -1} }
