package chord

import "time"

// A Config holds the parameters of a ring. All peers of a swarm need not agree
// on them. The zero value is a good peer for the open internet.
type Config struct {
	// Successors is r, how many successors, and how many predecessors, a peer
	// remembers; the ring survives r-1 neighbours failing at once. Zero means 16.
	Successors int
	// FingerBase is b: fingers start at ±c·b^e for c = 1…b/2. A power of two
	// from 2 to 256. Zero means 16.
	FingerBase int
	// FingerCandidates is how many peers a finger remembers. Zero means 4, and 1 where FingerBase is 2.
	FingerCandidates int
	// StabilizeMin and StabilizeMax bound the time between two stabilisations
	// of a peer: shortest after a change, growing while nothing changes.
	// Zero means 1 s and 16 s.
	StabilizeMin, StabilizeMax time.Duration
	// ProbeInterval is how often the successor and the predecessor are checked
	// to be alive, where nothing else was heard from them. Zero means 1 s.
	ProbeInterval time.Duration
	// FingerInterval is how often one finger is refreshed once all were. Zero means 10 s.
	FingerInterval time.Duration
	// LookupTimeout is how long a lookup waits for its answer, retries included. Zero means 10 s.
	LookupTimeout time.Duration
}

// Classic returns the ring of the textbooks, small enough to see: three
// successors, one finger a power of two.
func Classic() Config { return Config{Successors: 3, FingerBase: 2} }
