package identity

import (
	"context"
	"crypto/rand"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"time"
)

const progressInterval = 100 * time.Millisecond

// GenerateKey makes a random key whose ID is valid in a swarm with that
// difficulty. That takes 2^(6+difficulty) tries on average and all cores, or
// one try where difficulty is 0. progress may be nil; else it is called ten
// times a second, by the caller's goroutine, with the number of keys tried.
// The error is that of ctx, or of a difficulty over MaxDifficulty.
func GenerateKey(ctx context.Context, difficulty uint8, progress func(tries uint64)) (PrivateKey, error) {
	if err := checkDifficulty(difficulty); err != nil {
		return PrivateKey{}, err
	}
	if err := ctx.Err(); err != nil {
		return PrivateKey{}, err
	}
	if difficulty == 0 {
		return randomKey(), nil
	}
	working, stop := context.WithCancel(ctx)
	var (
		workers sync.WaitGroup
		tries   atomic.Uint64
		found   = make(chan PrivateKey, goruntime.GOMAXPROCS(0))
	)
	for range cap(found) {
		workers.Go(func() {
			if key, ok := search(working, difficulty, &tries); ok {
				found <- key
			}
		})
	}
	defer workers.Wait() // after stop, so that no core is busy once this has returned
	defer stop()

	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case key := <-found:
			return key, nil
		case <-ctx.Done():
			return PrivateKey{}, ctx.Err()
		case <-ticker.C:
			if progress != nil {
				progress(tries.Load())
			}
		}
	}
}

// search tries keys until one meets difficulty or ctx ends.
func search(ctx context.Context, difficulty uint8, tries *atomic.Uint64) (PrivateKey, bool) {
	for ctx.Err() == nil {
		key := randomKey()
		tries.Add(1)
		if _, err := PointOf(key.ID(), difficulty); err == nil {
			return key, true
		}
	}
	return PrivateKey{}, false
}

func randomKey() PrivateKey {
	var seed [32]byte
	rand.Read(seed[:]) // never fails: it ends the program instead
	return KeyFromSeed(seed)
}
