package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// Every peer stands somewhere in a plane and has a line of its own to it: what a
// message takes is the distance, and both lines. With these figures half of all
// pairs are within 63 ms, and a tenth beyond 100.
const (
	planeSide = 96 * time.Millisecond // of the square
	lineLeast = 2 * time.Millisecond
	lineMore  = 6 * time.Millisecond // on average, exponentially distributed
)

// A location is where a peer stands.
type location struct {
	x, y float32 // in nanoseconds from a corner
	line float32
}

func newLocation(random *rand.Rand) location {
	return location{
		x:    float32(random.Float64() * float64(planeSide)),
		y:    float32(random.Float64() * float64(planeSide)),
		line: float32(lineLeast) + float32(random.ExpFloat64()*float64(lineMore)),
	}
}

// delay returns how long a message takes between two locations, one way.
func (a location) delay(b location) time.Duration {
	return time.Duration(math.Hypot(float64(a.x-b.x), float64(a.y-b.y)) + float64(a.line) + float64(b.line))
}

// A draw is a source of randomness that one message uses up: splitmix64, whose
// every seed gives a good sequence (Steele, Lea, Flood, OOPSLA 2014).
type draw uint64

func (d *draw) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	return mix(uint64(*d))
}

// float returns a number from 0 up to 1.
func (d *draw) float() float64 { return float64(d.next()>>11) / (1 << 53) }

// mix spreads the bits of x over all others.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
