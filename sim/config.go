package sim

import (
	"errors"
	"fmt"
	"time"

	"cicada/chord"
	"cicada/routing"
)

// A Start says how the swarm is when time begins.
type Start string

// The starts.
const (
	Ideal  Start = "ideal"  // a perfect ring with full finger tables, at rest
	Joined Start = "joined" // peers joined one after the other, until the ring was ideal
)

// A Config describes a run. The zero value of each field is what its comment says.
type Config struct {
	// Peers is how many peers the swarm has, 1 to 2 000 000. There is no zero value.
	Peers int
	// Seed decides everything that is random.
	Seed uint64
	// Start is Ideal unless said.
	Start Start
	// Duration is how long the swarm is watched, 60 s unless said. What comes
	// before, joining, and after, waiting for the last answers, is not part of it.
	Duration time.Duration

	// Ring and Routing are those of every peer.
	Ring    chord.Config
	Routing routing.Config

	// Lookups, IDLookups and Sends are spread evenly over Duration: lookups of
	// arbitrary keys, of IDs, and messages between two peers. Broadcasts too.
	Lookups, IDLookups, Sends, Broadcasts int
	// Duplicates is how many extra copies of each message are sent.
	Duplicates int

	// Session is the median time that peers stay, exponentially distributed: then
	// they crash, and another one joins. Zero means that they stay.
	Session time.Duration
	// Kill is the share of peers that crash at the same instant, a quarter of
	// Duration after its beginning.
	Kill float64

	// Network is what becomes of messages.
	Network Network
	// Check is how often the invariants of the whole ring are checked. Zero means
	// every second of virtual time up to 2000 peers, and every ten beyond.
	Check time.Duration
}

// A Network says what becomes of messages. The zero value is the internet on a good
// day: nothing is lost, and half of all pairs are within 63 ms of each other.
type Network struct {
	// Loss is the share of messages that vanish, and Duplicate of those that come twice.
	Loss, Duplicate float64
	// Jitter delays each message by up to so much more, so that they overtake each other.
	Jitter time.Duration
	// Flat, if positive, is how long every message takes, instead of the distance in the plane.
	Flat time.Duration
}

// MaxPeers is how many peers a run can have.
const MaxPeers = 2_000_000

// Validate returns what is wrong with a configuration, the first thing found.
func (c *Config) Validate() error {
	share := func(name string, x float64) error {
		if !(x >= 0 && x <= 1) { // also not a number
			return fmt.Errorf("sim: %s %v: want a share from 0 to 1", name, x)
		}
		return nil
	}
	switch {
	case c.Peers < 1 || c.Peers > MaxPeers:
		return fmt.Errorf("sim: %d peers: want 1 to %d", c.Peers, MaxPeers)
	case c.Start != "" && c.Start != Ideal && c.Start != Joined:
		return fmt.Errorf("sim: start %q: want %s or %s", c.Start, Ideal, Joined)
	case c.Duration < 0 || c.Session < 0 || c.Network.Jitter < 0 || c.Network.Flat < 0 || c.Check < 0:
		return errors.New("sim: a time is negative")
	case c.Lookups < 0 || c.IDLookups < 0 || c.Sends < 0 || c.Broadcasts < 0 || c.Duplicates < 0:
		return errors.New("sim: a number is negative")
	case c.Peers < 2 && c.Sends > 0:
		return errors.New("sim: a message needs two peers")
	}
	return errors.Join(c.Ring.Validate(), share("kill", c.Kill), share("loss", c.Network.Loss), share("duplicate", c.Network.Duplicate))
}

// filled returns c with what its zero fields mean.
func (c Config) filled() Config {
	if c.Start == "" {
		c.Start = Ideal
	}
	if c.Duration == 0 {
		c.Duration = time.Minute
	}
	if c.Check == 0 {
		c.Check = time.Second
		if c.Peers > 2000 {
			c.Check = 10 * time.Second
		}
	}
	return c
}

// successors returns r.
func (c *Config) successors() int {
	if c.Ring.Successors == 0 {
		return 16
	}
	return c.Ring.Successors
}
