package sim

import (
	"errors"
	"fmt"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/routing"
	"cicada/trace"
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
	// Joins, where there are any, say for each of Peers where it stands and when it joins,
	// in the order of these times: so a swarm that formed elsewhere forms again here.
	// They need Start to be Joined. Nil means that Seed decides.
	Joins []Join
	// Duration is how long the swarm is watched, 60 s unless said. What comes
	// before, joining, and after, waiting for the last answers, is not part of it.
	Duration time.Duration

	// Ring and Routing are those of every peer.
	Ring    chord.Config
	Routing routing.Config
	// Seal is StandIn unless said. Either way peers stand at the same places.
	Seal Sealing

	// Lookups, IDLookups and Sends are spread evenly over Duration: lookups of
	// arbitrary keys, of IDs, and messages between two peers. Broadcasts too.
	Lookups, IDLookups, Sends, Broadcasts int
	// Duplicates is how many extra copies of each message are sent.
	Duplicates int
	// Senders is how many peers send them, drawn by Seed. Zero means all.
	Senders int

	// Malicious is the share of peers that are hostile, drawn by Seed, from when the
	// watching begins; Behaviour says what they do, one of Behaviours. Whoever sends,
	// is sent to or asks is honest. What is found wrong with the ring counts as a
	// broken assumption.
	Malicious float64
	Behaviour string

	// Session is the median time that peers stay: then they crash, or leave in order
	// if they are of the share Leave, and another one joins. Zero means that they stay.
	Session time.Duration
	// Sessions is how these times are distributed; Exponential unless said.
	Sessions Distribution
	Leave    float64
	// Kill is the share of peers that crash at the same instant, a quarter of
	// Duration after its beginning.
	Kill float64
	// SendsAfterKill and BroadcastsAfterKill are how many survivors send and
	// broadcast at that very instant, which has figures of its own.
	SendsAfterKill, BroadcastsAfterKill int
	// Steps are what else is done to the swarm. All are over before Duration is.
	Steps []Step
	// IdealWithin, if positive, demands that the ring be ideal so long after
	// Duration; that it is not is a violation then.
	IdealWithin time.Duration

	// Network is what becomes of messages.
	Network Network
	// Check is how often the invariants of the whole ring are checked. Zero means
	// every second of virtual time up to 2000 peers, and every ten beyond.
	Check time.Duration
	// StopAtViolation ends the run there.
	StopAtViolation bool
	// Trace receives every event of every peer, at virtual times. Nil means none.
	Trace trace.Sink
}

// A Join is a peer that joins while the swarm forms.
type Join struct {
	Point identity.Point
	At    time.Duration // when it begins to, from the beginning of time on
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

// maxDuplicates is how many extra copies package routing sends at most.
const maxDuplicates = 63

// A StepError is what is wrong with one of Config.Steps.
type StepError struct {
	Number int // from 1
	Err    error
}

// Error says what is wrong, without the number.
func (e *StepError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *StepError) Unwrap() error { return e.Err }

// Validate returns what is wrong with a configuration, the first thing found of each
// kind; of each step that is wrong, a *StepError.
func (c *Config) Validate() error {
	switch {
	case c.Peers < 1 || c.Peers > MaxPeers:
		return fmt.Errorf("sim: %d peers: want 1 to %d", c.Peers, MaxPeers)
	case c.Start != "" && c.Start != Ideal && c.Start != Joined:
		return fmt.Errorf("sim: start %q: want %s or %s", c.Start, Ideal, Joined)
	case c.Seal != "" && c.Seal != StandIn && c.Seal != Noise:
		return fmt.Errorf("sim: seal %q: want %s or %s", c.Seal, StandIn, Noise)
	case c.Sessions != "" && c.Sessions != Exponential && c.Sessions != Pareto && c.Sessions != Fixed:
		return fmt.Errorf("sim: sessions %q: want %s, %s or %s", c.Sessions, Exponential, Pareto, Fixed)
	case c.Duration < 0 || c.Session < 0 || c.Check < 0 || c.IdealWithin < 0:
		return errors.New("sim: a time is negative")
	case min(c.Lookups, c.IDLookups, c.Sends, c.Broadcasts, c.Duplicates, c.Senders, c.SendsAfterKill, c.BroadcastsAfterKill) < 0:
		return errors.New("sim: a number is negative")
	case c.Duplicates > maxDuplicates:
		return fmt.Errorf("sim: %d duplicates: want 0 to %d", c.Duplicates, maxDuplicates)
	case c.Peers < 2 && c.Sends > 0:
		return errors.New("sim: a message needs two peers")
	case c.Kill == 0 && c.SendsAfterKill+c.BroadcastsAfterKill > 0:
		return errors.New("sim: nobody is killed that something could be sent after")
	}
	errs := []error{c.validateJoins(), c.validateFoes(), c.Ring.Validate(), share("kill", c.Kill), share("leave", c.Leave), c.Network.validate()}
	for i, s := range c.Steps {
		if err := s.fits(c.filled().Duration); err != nil {
			errs = append(errs, &StepError{i + 1, err})
		}
	}
	return errors.Join(errs...)
}

// validateJoins returns what is wrong with Joins.
func (c *Config) validateJoins() error {
	if len(c.Joins) == 0 {
		return nil
	}
	if c.Start != Joined || len(c.Joins) != c.Peers {
		return fmt.Errorf("sim: start %q of %d peers with %d joins: want %q, and one join for each peer", c.Start, c.Peers, len(c.Joins), Joined)
	}
	taken := make(map[identity.Point]bool, len(c.Joins))
	before := time.Duration(0)
	for i, join := range c.Joins {
		switch {
		case join.At < before:
			return fmt.Errorf("sim: join %d is at %v: want them in order, from 0 on", i+1, join.At)
		case taken[join.Point]:
			return fmt.Errorf("sim: join %d is at the point of another", i+1)
		}
		before, taken[join.Point] = join.At, true
	}
	return nil
}

// share returns what is wrong with a share.
func share(name string, x float64) error {
	if !(x >= 0 && x <= 1) { // also not a number
		return fmt.Errorf("sim: %s %v: want a share from 0 to 1", name, x)
	}
	return nil
}

func (n *Network) validate() error {
	if n.Jitter < 0 || n.Flat < 0 {
		return errors.New("sim: a time is negative")
	}
	return errors.Join(share("loss", n.Loss), share("duplicate", n.Duplicate))
}

// Validate returns what is wrong with a step, whatever run it is part of.
func (s Step) Validate() error {
	switch {
	case s.Fault == nil:
		return errors.New("sim: a step does nothing")
	case s.At < 0:
		return errors.New("sim: a time is negative")
	}
	return s.Fault.validate()
}

// fits returns what is wrong with a step of a run that is watched for a time.
func (s Step) fits(duration time.Duration) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if s.At > duration || s.Fault.lasts() > duration-s.At {
		return fmt.Errorf("sim: %s is not over after %v, when the watching ends", s, duration)
	}
	return nil
}

// filled returns c with what its zero fields mean.
func (c Config) filled() Config {
	if c.Start == "" {
		c.Start = Ideal
	}
	if c.Seal == "" {
		c.Seal = StandIn
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
