package main

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"cicada/identity"
)

// How many IDs of one difficulty are made: with fewer the runs that one takes are too
// much of a chance, and more tell nothing new.
const (
	fewestIDs  = 16
	mostIDs    = 512
	fewestRuns = fewestIDs << 2 // one difficulty is measured at least
)

// A maker makes IDs as identity.GenerateKey does, on one core, and counts.
// GenerateKey itself does not tell how often the puzzle was run.
type maker struct{ random *rand.Rand }

// A price is what one ID of a difficulty takes. Seconds are those of one core.
type price struct {
	difficulty uint8
	ids        int     // made for it; 0: it is computed
	keys       float64 // tried for an ID
	keySeconds float64 // for a key, where little else was going on
	runs       float64 // of the puzzle for an ID
	runSeconds float64 // for a run, where little else was going on; 0 where there is no puzzle
}

// puzzleSeconds returns what an ID takes who has keys for nothing. Where there is no
// puzzle it is the key.
func (p price) puzzleSeconds() float64 {
	if p.difficulty == 0 {
		return p.keySeconds
	}
	return p.runs * p.runSeconds
}

// allSeconds returns what an ID takes with keys made one by one.
func (p price) allSeconds() float64 { return p.keys*p.keySeconds + p.runs*p.runSeconds }

// make makes that many IDs.
func (m maker) make(difficulty uint8, ids int) price {
	var keys, runs []float64
	for made := 0; made < ids; {
		began := time.Now()
		id := m.key().ID()
		worth := difficulty == 0 || screened(id)
		keys = append(keys, time.Since(began).Seconds())
		if !worth {
			continue
		}
		began = time.Now()
		_, err := identity.PointOf(id, difficulty)
		if difficulty > 0 {
			runs = append(runs, time.Since(began).Seconds())
		}
		if err == nil {
			made++
		}
	}
	p := price{difficulty: difficulty, ids: ids}
	p.keys, p.keySeconds = float64(len(keys))/float64(ids), quick(keys)
	if difficulty > 0 {
		p.runs, p.runSeconds = float64(len(runs))/float64(ids), quick(runs)
	}
	return p
}

// computed returns the price of a difficulty whose IDs take too long to make, from one
// that was measured: the same run, twice as often with each bit.
func computed(difficulty uint8, measured price) price {
	p := measured
	p.difficulty, p.ids = difficulty, 0
	p.runs = math.Exp2(float64(difficulty))
	p.keys = p.runs * math.Exp2(screenBits)
	return p
}

// key makes the next of the keys that follow from the seed.
func (m maker) key() identity.PrivateKey {
	var seed [32]byte
	for i := 0; i < len(seed); i += 8 {
		binary.LittleEndian.PutUint64(seed[i:], m.random.Uint64())
	}
	return identity.KeyFromSeed(seed)
}

// screenBits are the zero bits of SHA-256(ID) that come before the puzzle.
const screenBits = 6

// screened reports whether the puzzle is run for id at all.
func screened(id identity.ID) bool { return sha256.Sum256(id[:])[0]>>(8-screenBits) == 0 }

// quick returns the time that a tenth of all did not exceed: the others may have waited for
// the core, and an attacker has one to itself.
func quick(seconds []float64) float64 {
	slices.Sort(seconds)
	return seconds[len(seconds)/10]
}
