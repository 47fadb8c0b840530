package seal

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/flynn/noise"

	"cicada/identity"
	"cicada/identity/pair"
	"cicada/trace"
	"cicada/wire"
)

// A Config holds what a Sealer is made of. Key, Point and Swarm are required.
type Config struct {
	Key   Key
	Point identity.Point // of Key's ID in this swarm
	Swarm [32]byte       // public tag of the swarm: seals of another one do not fit

	// FreshKey says that Key was made in this run, so that no earlier run can
	// have accepted anything under it. Otherwise first messages that could have
	// been are challenged: those made until two minutes after the start.
	FreshKey bool
	// Clock tells the time. With a monotonic reading, as time.Now has it, ages
	// of sessions do not depend on the wall clock. Nil means time.Now. It may be
	// called concurrently.
	Clock func() time.Time
	// Rand is where keys and indices come from. Nil means crypto/rand. It may be
	// read concurrently.
	Rand   io.Reader
	Limits Limits

	// Pairs returns what the key file has for a peer, nil for nothing, or an error
	// where that cannot be told yet. first is what a first message of that peer holds,
	// which is accepted only if this lets it; otherwise nil. With a peer that has an
	// entry nothing is sealed or opened but under its keys. Nil means that there is no
	// key file. It may be called concurrently, and must not block.
	Pairs func(peer identity.ID, first []byte) (*pair.Entry, error)
}

// Limits bound what others can make a Sealer spend. Zero means the default.
type Limits struct {
	Sessions   int     // kept at once, the least recently used forgotten first; 4096. At most a quarter is unconfirmed
	Handshakes int     // begun here and not answered yet; 4096
	Firsts     int     // first messages remembered for two to four minutes; more are challenged; 8192
	Unknowns   float64 // signed answers about unknown sessions a second, twice as many at once, a quarter for one link, and as many about keys; 100
}

// withDefaults returns l with zeros replaced.
func (l Limits) withDefaults() Limits {
	if l.Sessions <= 0 {
		l.Sessions = 4096
	}
	if l.Handshakes <= 0 {
		l.Handshakes = 4096
	}
	if l.Firsts <= 0 {
		l.Firsts = 8192
	}
	if l.Unknowns <= 0 {
		l.Unknowns = 100
	}
	return l
}

// A Sealer seals one peer's messages and opens those sent to it. All methods may
// be called concurrently; none of them blocks on anything but short locks.
//
// The origin of a message calls Seal, sends the result as often and on as many
// paths as it likes, and gives what comes back to OpenReply. Where that says
// Again or Unknown, it seals the message anew. The target calls Open, sends back
// what that returned as Reply, and otherwise delivers the data and calls Answer.
type Sealer struct {
	key     Key
	id      identity.ID
	point   identity.Point
	swarm   [32]byte
	static  noise.DHKey      // key, for the handshake
	private *ecdh.PrivateKey // the same
	clock   func() time.Time
	random  io.Reader
	start   time.Time
	began   uint64 // what this peer tells others of start; 0: no earlier run had its key

	scratches sync.Pool
	unknowns  *limiter
	refusals  *limiter
	pairs     func(identity.ID, []byte) (*pair.Entry, error)

	mu     sync.RWMutex // guards the fields below
	table  table
	memory memory
}

// New returns a Sealer. It fails where the halves of the key do not belong together.
func New(c Config) (*Sealer, error) {
	if c.Key == nil {
		return nil, errors.New("seal: Config.Key is nil")
	}
	static, private, err := noiseKey(c.Key)
	if err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Pairs == nil {
		c.Pairs = func(identity.ID, []byte) (*pair.Entry, error) { return nil, nil }
	}
	limits := c.Limits.withDefaults()
	s := &Sealer{
		key: c.Key, id: c.Key.ID(), point: c.Point, swarm: c.Swarm,
		static: static, private: private,
		clock: c.Clock, random: c.Rand, start: c.Clock(),
		scratches: sync.Pool{New: newScratch},
		unknowns:  newLimiter(limits.Unknowns), refusals: newLimiter(limits.Unknowns), pairs: c.Pairs,
	}
	if !c.FreshKey {
		s.began = uint64(s.start.UnixNano())
	}
	s.table = newTable(s.id, limits)
	s.memory = newMemory(limits.Firsts, s.start, c.FreshKey)
	return s, nil
}

// A moment is a time by both clocks: the wall's, and how long the Sealer exists,
// which begins at 1 ns so that 0 can mean never.
type moment struct {
	wall time.Time
	age  time.Duration
}

func (s *Sealer) now() moment {
	wall := s.clock()
	return moment{wall: wall, age: max(wall.Sub(s.start), 0) + 1}
}

// uptime is what this peer tells others of its age.
func (m moment) uptime() uint64 { return uint64(m.age - 1) }

// run returns what a peer that says so now tells of its run.
func (m moment) run(uptime, told uint64) run {
	return run{uptime: time.Duration(min(uptime, math.MaxInt64)), heard: m.wall, told: int64(told)}
}

// Sealed is what goes into an envelope: these fields of its header, and the payload.
type Sealed struct {
	Kind    wire.EnvelopeKind
	Counter uint64
	Session uint64 // what OpenReply wants to know again; 0: a handshake
	Bare    bool   // without the data: the target will ask for it
	Payload []byte // the dst that was given, with the payload appended
}

// A Warmth says what sealing to a peer takes.
type Warmth uint8

// The warmths.
const (
	Cold    Warmth = iota // the next Seal makes a handshake, which takes some hundred µs
	Opening               // it would, too, but one is under way: better wait for its answer
	Warm                  // there is a session: less than a µs for 1 KiB
)

// Warmth reports what sealing to target takes at this moment. The answer can be
// outdated when Seal is called: it is for speed alone.
func (s *Sealer) Warmth(target identity.ID) Warmth {
	age := s.now().age
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.table.peers[target]
	if r == nil {
		return Cold
	}
	opening := r.pending > 0 && age-r.begun < pendingYoung
	if r.current != nil && s.fits(r.current) {
		due, spent := r.current.due(age)
		if !spent && (!due || !rekeyOver(r.current.rekey.Load(), age)) {
			return Warm
		}
		opening = opening && spent
	}
	if opening {
		return Opening
	}
	return Cold
}

// MaxData is the most bytes that Seal seals: a message and what its driver adds.
const MaxData = wire.MaxMessage + 512

// Seal seals data to target, which stands at point, under the given message ID,
// and appends the payload to dst, which must not overlap data. With a session it
// takes the session's next counter: queue the result at once, since 4096 counters
// later it is too late. Without one it makes a first message, with the data inside
// where that is at most 60 KiB; sealing again before the answer came makes
// another one, which is correct but dear.
//
// Where the key file has an entry for target, the first message holds no data, which
// the target will ask for.
//
// Errors: ErrTooLarge, ErrTarget, ErrBusy, ErrPending, or that of Config.Rand.
func (s *Sealer) Seal(dst []byte, target identity.ID, point identity.Point, message trace.MessageID, data []byte) (Sealed, error) {
	if len(data) > MaxData {
		return Sealed{}, fmt.Errorf("%w: message of %d bytes, at most %d", ErrTooLarge, len(data), MaxData)
	}
	if target == s.id {
		return Sealed{}, fmt.Errorf("%w: own ID", ErrTarget)
	}
	now := s.now()
	if n := s.sendable(target, now.age); n != nil {
		return n.seal(dst, &s.scratches, wire.EnvelopeMessage, point, message, data, now.age)
	}
	return s.sealFirst(dst, target, message, data, len(data) > firstData, now)
}

// Ask makes a first message to target that holds no data, and that the target
// therefore answers with Again, in any case: so it tells of its run. Errors are
// those of Seal.
func (s *Sealer) Ask(dst []byte, target identity.ID, message trace.MessageID) (Sealed, error) {
	return s.sealFirst(dst, target, message, nil, true, s.now())
}

// sendable returns the session to seal under, or nil where a handshake has to be
// made, which then the caller does.
func (s *Sealer) sendable(target identity.ID, age time.Duration) *session {
	s.mu.RLock()
	var n *session
	if r := s.table.peers[target]; r != nil {
		n = r.current
	}
	s.mu.RUnlock()
	if n == nil {
		return nil
	}
	due, spent := n.due(age)
	if spent || !s.fits(n) || due && n.claimRekey(age) {
		return nil
	}
	return n
}

// Sweep forgets what nobody uses any more: idle, replaced and worn-out sessions,
// unanswered handshakes, first messages that are too old to come again. Call it
// every ten seconds or so, for the sake of memory; handshakes do it, too.
func (s *Sealer) Sweep() {
	now := s.now()
	s.unknowns.forget(now.age)
	s.refusals.forget(now.age)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.forget(now)
	s.table.sweep(now.age)
}
