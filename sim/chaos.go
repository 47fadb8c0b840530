package sim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"cicada/chord"
)

// Chaos returns a run that a seed draws, as the simulator of TigerBeetle does (swarm
// testing: Groce et al., ISSTA 2012): how large the swarm is, how it is configured
// and what is asked of it; which faults come, when, and how strong. Each fault alone
// is one that the ring is to survive. Should several together leave a member without
// a living successor, which no ring survives, nothing is demanded of the run.
//
// When the faults are over the ring has [Patience] to be ideal. Peers is how many
// there are at first; zero has the seed draw that, too.
func Chaos(seed uint64, peers int) Config {
	d := dice{rand.New(rand.NewPCG(seed, chaotic))}
	if drawn := int(math.Exp2(d.between(2.3, 7.6))); peers == 0 { // 4 to 194
		peers = drawn
	}
	c := Config{
		Peers: peers, Seed: seed, Start: Ideal, Check: time.Second,
		Duration: d.time(90*time.Second, 4*time.Minute),
		Ring:     chord.Config{Successors: d.pick(4, 8, 16), FingerBase: d.pick(2, 16)},
		Lookups:  d.IntN(100), IDLookups: d.IntN(100), Sends: d.IntN(100), Broadcasts: d.IntN(3), Duplicates: d.pick(0, 0, 2),
	}
	if peers < 2 {
		c.Sends = 0
	}
	if peers <= 100 && d.IntN(3) == 0 {
		c.Start = Joined
	}
	if d.IntN(2) == 0 {
		c.Network = Network{Loss: d.up(0.02), Duplicate: d.up(0.02), Jitter: d.time(0, 50*time.Millisecond)}
	}
	if d.IntN(2) == 0 {
		c.Session, c.Leave = d.time(3*time.Minute, 20*time.Minute), d.up(1)
		c.Sessions = []Distribution{Exponential, Pareto, Fixed}[d.IntN(3)]
	}
	for range 1 + d.IntN(5) {
		if f := d.fault(&c); f != nil {
			c.Steps = append(c.Steps, Step{At: d.time(0, c.Duration-f.lasts()), Fault: f})
		}
	}
	slices.SortStableFunc(c.Steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	if len(c.Steps) > 0 { // what is demanded at the end follows upon a fault
		c.Duration = 0
		for _, s := range c.Steps {
			c.Duration = max(c.Duration, s.At+s.Fault.lasts())
		}
		c.Duration += time.Second
	}
	c.IdealWithin = Patience(&c)
	return c
}

// chaotic keeps the draws of Chaos apart from those of the run.
const chaotic = 0x63686f616f73

// dice draw what a chaotic run is like.
type dice struct{ *rand.Rand }

// between returns a number from a up to b.
func (d dice) between(a, b float64) float64 { return a + (b-a)*d.Float64() }

// up returns a number above 0, up to x.
func (d dice) up(x float64) float64 { return readable(d.between(0, x)) }

// readable returns x with three digits behind the point, and more than nothing.
func readable(x float64) float64 { return max(math.Floor(x*1000), 1) / 1000 }

// time returns a time from a to b, in tenths of a second beyond a second.
func (d dice) time(a, b time.Duration) time.Duration {
	t := time.Duration(d.between(float64(a), float64(b)))
	if t > time.Second {
		return t.Truncate(100 * time.Millisecond)
	}
	return t.Truncate(time.Millisecond)
}

func (d dice) pick(of ...int) int { return of[d.IntN(len(of))] }

// bearable returns the share of peers that may be gone at once, so that in one of a
// thousand runs somebody loses the whole of its list by it.
func bearable(c *Config) float64 {
	list := float64(min(c.successors(), max(c.Peers-1, 1)))
	return readable(math.Pow(0.001/float64(c.Peers), 1/list))
}

// fault draws one, or nil where the one drawn is none that this ring bears.
func (d dice) fault(c *Config) Fault {
	const second = time.Second
	bears := bearable(c)
	switch d.IntN(11) {
	case 0:
		if bears < 0.4 {
			return nil
		}
		return Partition{Shares: []float64{1, readable(d.between(0.7, 1))}, For: d.time(5*second, 50*second)}
	case 1:
		return OneWay{Share: min(d.up(0.3), bears), For: d.time(5*second, 20*second)}
	case 2:
		return Links{Share: d.up(0.05), Loss: d.up(1), Delay: d.time(0, 500*time.Millisecond), For: d.time(5*second, 30*second)}
	case 3:
		return Uplinks{Share: d.up(0.5), Rate: d.pick(4000, 16000, 64000), Queue: d.pick(0, 4000), For: d.time(5*second, 40*second)}
	case 4:
		net := Network{Loss: d.up(0.1), Duplicate: d.up(0.1), Jitter: d.time(0, 300*time.Millisecond)}
		return Weather{Network: net, For: d.time(5*second, 40*second)}
	case 5:
		return Pause{Share: min(d.up(0.3), bears), For: d.time(second, 8*second)}
	case 6:
		every := d.time(3*second, 10*second)
		return Pause{Share: min(d.up(0.1), bears), For: d.time(second, 6*second), Every: every, During: 4 * every}
	case 7:
		return Crash{Share: min(d.up(0.5), bears)}
	case 8:
		return Crash{Share: min(d.up(0.5), bears), Back: d.time(second, 40*second), Forget: d.IntN(2) == 0}
	case 9:
		return Leaving{Share: min(d.up(0.5), bears)}
	}
	return Growth{To: c.Peers + 1 + d.IntN(c.Peers), For: d.time(second, 30*second)}
}

// Patience is how long a ring may take, when nothing happens any more, until it is
// ideal. News goes round in as many stabilisations as finding a place takes, twice,
// and as a list is long; before that a peer at rest may take its time to look, and
// so may the one that answers it.
func Patience(c *Config) time.Duration {
	rounds := math.Ceil(2*math.Log2(float64(max(c.Peers, 2)))) + float64(c.successors())
	shortest, atRest := c.Ring.StabilizeMin, c.Ring.StabilizeMax
	if shortest == 0 {
		shortest = time.Second
	}
	if atRest == 0 {
		atRest = 16 * time.Second
	}
	return time.Duration(rounds)*shortest + 2*atRest
}
