package chord

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// A Mode says how a peer keeps its place on the ring.
type Mode uint8

// The modes. A peer begins as Joining; a member is Small while the swarm has
// fewer than 2r+2 peers, and then knows all of them; else Full.
const (
	Joining Mode = iota
	Small
	Full
)

// String returns "joining", "small" or "full".
func (m Mode) String() string { return [...]string{"joining", "small", "full"}[m] }

// A Core is one peer of the ring, without its network and its clock: see the
// package comment. Times are durations since whenever the driver likes; they
// never go back. Make one with New; it does nothing until Start or Join.
type Core struct {
	// What every message and every timer needs comes first, side by side: a driver of
	// many cores waits for little but memory.
	self     *identity.Contact
	border   *identity.Contact // this peer owns what lies after it, up to itself
	config   *Config           // shared with others, where that was asked for
	outbox   *Outbox           // likewise
	now      time.Duration
	due      time.Duration
	dueSet   bool
	stale    bool // the table lags behind the lists
	mode     Mode
	left     bool // Leave was called: silent until Start or Join
	accepted bool // the successor took this peer as its predecessor

	confirmed   bool          // the predecessor was heard from since it became that
	quiet       bool          // nothing changed since the last stabilisation
	heed        Sides         // when there is news it is asked on these sides; none: the next stabilisation asks on both
	knownTo     bool          // in the lists that seenVersion names this peer was the predecessor
	unread      Sides         // these lists name somebody who was left out, and are to be read once more, though they be the same
	always      bool          // never small: for model checking, see package model
	whole       bool          // versions are not used: likewise
	operation   operation     // what may change the successors, and is awaited
	takes       uint32        // times that Ready was called
	version     uint64        // of the lists
	heardFrom   [2]lastHeard  // the successor and the predecessor
	lastPlace   int           // of the entry that was looked for last
	table       []entry       // every peer of the lists and fingers, clockwise from self
	ways        []uint32      // of each entry the beginning of the way to it, clockwise: it decides nearly every comparison
	origin      span          // where self is
	stabilizeAt time.Duration // when the lists are compared with the neighbours'
	newsAt      time.Duration // when those are asked whose lists have changed
	requests    []request     // whose answers are awaited
	lost        lost          // peers that were
	wide        *wide         // nil without a budget for it
	claimant    claim         // who contradicts the predecessor
	seenBefore  uint64        // version of the predecessor's lists

	// Lists are never changed once made: messages share them.
	successors   []*identity.Contact
	predecessors []*identity.Contact
	members      []*identity.Contact // in small mode: all others, clockwise from self

	seenVersion uint64 // of the successor's lists,
	seenOf      identity.ID
	hops        []hop
	own         []lookup
	stays       stays
	ownLook     ownLooks
	answeredAt  time.Duration // when last anybody answered anything in time
	lateAt      time.Duration // and when too late
	typical     uint32        // round-trip time of all peers, smoothed, in microseconds
	wobble      uint32        // how far round-trip times of one peer are apart, smoothed: its own line makes all of them vary
	lossy       uint32        // how many of 65 536 questions go unanswered by those who live, smoothed
	reach       uint64        // first word of the distance that both lists cover
	asked       uint64        // number of the latest request
	unasked     uint64        // number before the first
	doubts      []doubt       // about entries that are not sound
	fingers     fingers
	random      *rand.Rand

	learned     learned
	history     []edition     // what others were told of the lists
	early       claim         // a predecessor's, from before this peer was accepted itself
	waiting     []question    // asks to be answered when the operation ends
	period      time.Duration // between stabilisations
	rounds      uint          // stabilisations so far
	seenLists   edition       // those that seenVersion names
	listsBefore edition       // the predecessor's
	join        join
	searches    []*search
	searched    uint64           // number of the latest
	remindAt    [2]time.Duration // when one that was lost is asked whether it is back, and one that was met
	ended       []uint64         // the beginnings of lookups that ended here, up to endedKept: a second answer to one is no offence
	next        int              // in ended
}

// far is a time that never comes.
const far = time.Duration(math.MaxInt64)

// New returns the core of self, which must have the right point. It draws only
// from random. Fields of config that are out of range are brought into it.
func New(self *identity.Contact, config Config, random *rand.Rand) *Core {
	draw := random.Uint64()
	// Numbers of requests do not begin where they did before a restart: an answer
	// from then would be read with what is offered now.
	first := draw & (1<<firstBits - 1)
	config = config.filled()
	c := &Core{self: self, border: self, origin: spanOf(self.Point), config: &config, outbox: new(Outbox), random: random,
		stabilizeAt: far, newsAt: far, version: draw>>32 | 1, asked: first, unasked: first}
	if c.config.TableBudget > 0 {
		c.wide = new(wide)
	}
	return c
}

// firstBits is how many bits the number before the first request has: with a
// hundred million to draw from few collide, and they take four bytes on the wire.
const firstBits = 27

// Start makes the peer the first of a ring of its own.
func (c *Core) Start(now time.Duration) {
	c.advance(now)
	c.reset()
	c.becomeAlone()
	c.settle()
}

// becomeAlone makes a ring of one.
func (c *Core) becomeAlone() {
	c.setMode(Small)
	c.deriveLists(nil)
	c.searches = slices.DeleteFunc(c.searches, func(s *search) bool { return s.aim != forLookup })
	c.ownAll()
	c.changed()
}

// ownAll makes a peer that is alone the owner of every key.
func (c *Core) ownAll() {
	if c.mode != Small || len(c.members) > 0 {
		return
	}
	c.border = c.self
	c.accept()
}

// reset forgets every place on a ring, but not the peers that were met.
func (c *Core) reset() {
	c.mode = Joining
	c.narrow()
	c.left, c.accepted, c.confirmed = false, false, false
	c.border = c.self
	c.requests, c.waiting = c.requests[:0], c.waiting[:0]
	c.operation, c.claimant, c.early, c.join = operation{}, claim{}, claim{}, join{}
	c.seenOf, c.seenBefore = identity.ID{}, 0
	c.members = nil
	c.fingers = fingers{}
	c.setSuccessors(nil)
	c.setPredecessors(nil)
	for _, l := range c.own {
		c.fail(l, ErrNotMember)
	}
	c.own, c.hops, c.searches = c.own[:0], c.hops[:0], nil
	c.settle()
	c.stabilizeAt, c.newsAt, c.dueSet = far, far, false
}

// Leave hands over to the neighbours and falls silent: afterwards the peer
// answers nothing. Start or Join make it a member again.
func (c *Core) Leave(now time.Duration) {
	c.advance(now)
	if c.mode != Joining {
		m := Message{Kind: Leave, Successors: c.successors, Predecessors: c.predecessors}
		for _, peer := range c.heirs() {
			c.send(peer, m)
		}
	}
	c.reset()
	c.setMode(Joining)
	c.left = true
}

// heirs returns whom a leaving peer tells: all members where they are few, else its two neighbours.
func (c *Core) heirs() []*identity.Contact {
	if c.mode == Small {
		return c.members
	}
	var heirs []*identity.Contact
	if len(c.successors) > 0 {
		heirs = append(heirs, c.successors[0])
	}
	if p := c.Predecessor(); p != nil && (len(heirs) == 0 || p.ID != heirs[0].ID) {
		heirs = append(heirs, p)
	}
	return heirs
}

// Step takes in a message. The contact it comes from is proven by the link.
// What breaks a rule changes nothing and is reported as trace.Violation.
func (c *Core) Step(now time.Duration, from *identity.Contact, m Message) {
	c.advance(now)
	if c.left || from == nil || from.ID == c.self.ID {
		return
	}
	if reason := m.fault(); reason != "" {
		c.violation(from, reason)
		return
	}
	from = c.hear(from)
	c.compareVersion(from, &m)
	switch m.Kind {
	case Ping:
		c.send(from, Message{Kind: Pong, Request: m.Request, Member: c.mode != Joining, Version: c.version})
	case Pong:
		c.onPong(from, &m)
	case Ask:
		c.onAsk(from, &m)
	case State:
		c.onState(from, &m)
	case Notify:
		c.onNotify(from, &m)
	case Notified:
		c.onNotified(from, &m)
	case Lookup:
		c.onLookup(from, &m)
	case LookupTaken:
		c.onTaken(from, &m)
	case Found:
		c.onFound(from, &m)
	case LookupStuck:
		c.onStuck(from, &m)
	case Suspect:
		c.onSuspect(from, &m)
	case Leave:
		c.onLeave(from, &m)
	case Query:
		c.onQuery(from, &m)
	case Peers:
		c.onPeers(from, &m)
	case Changes:
		c.onChanges(from, &m)
	case ChangesTaken:
		c.onChangesTaken(from, &m)
	}
	c.settle()
}

// Ready hands out what is to be done, and forgets it. See Ready.
func (c *Core) Ready() Ready {
	c.takes++
	return c.outbox.take()
}

// Self returns the contact of this peer.
func (c *Core) Self() *identity.Contact { return c.self }

// Mode returns the peer's mode.
func (c *Core) Mode() Mode { return c.mode }

// Successors returns the peers that follow, nearest first. It is not to be changed.
func (c *Core) Successors() []*identity.Contact { return c.successors }

// Predecessors returns the peers that precede, nearest first. It is not to be changed.
func (c *Core) Predecessors() []*identity.Contact { return c.predecessors }

// Predecessor returns the nearest peer that precedes and was heard from, or nil.
func (c *Core) Predecessor() *identity.Contact {
	if len(c.predecessors) == 0 || !c.confirmed {
		return nil
	}
	return c.predecessors[0]
}

// Owned returns the keys that are this peer's: those after a point, that of the
// last peer which this one accepted as its predecessor, up to the peer's own
// point, that included. Where both are one, they are all keys. ok is false where
// the peer owns nothing, because its successor has not accepted it yet.
func (c *Core) Owned() (after identity.Point, ok bool) { return c.border.Point, c.accepted }

// Owns reports whether key is this peer's. See Owned.
func (c *Core) Owns(key identity.Point) bool {
	after, ok := c.Owned()
	return ok && within(after, key, c.self.Point)
}

// Renew replaces this peer's own contact, whose record was signed anew. The ID must be the same.
func (c *Core) Renew(self *identity.Contact) {
	if self.ID == c.self.ID {
		c.self = self
	}
}

// send queues a message.
func (c *Core) send(to *identity.Contact, m Message) {
	m.Wide = m.Wide || m.Kind == Notify && c.isWide()
	c.outbox.ready.Messages = append(c.outbox.ready.Messages, Outgoing{To: to, Message: m})
	if c.config.Trace {
		c.event(trace.Event{Kind: trace.RingSent, Other: to.ID, Name: m.Kind.String(), Key: m.Key})
	}
}

func (c *Core) event(e trace.Event) { c.outbox.ready.Events = append(c.outbox.ready.Events, e) }

// violation reports that a peer broke a rule.
func (c *Core) violation(from *identity.Contact, reason string) {
	c.event(trace.Event{Kind: trace.Violation, Other: from.ID, Reason: reason})
}

// setMode changes the mode and says so.
func (c *Core) setMode(mode Mode) {
	if c.mode == mode && mode != Joining {
		return
	}
	c.mode = mode
	c.version++
	if mode == Full {
		c.ownLookSoon()
	}
	c.event(trace.Event{Kind: trace.RingMode, Reason: mode.String()})
}

// accept makes this peer the owner of its keys.
func (c *Core) accept() {
	if c.accepted {
		return
	}
	c.accepted = true
	c.event(trace.Event{Kind: trace.RingOwns})
	c.endJoin()
	c.answerParked()
	if x := c.early; x.peer != nil {
		c.early = claim{}
		c.rectify(x.peer, x.request)
	}
}

// same reports whether a and b are contacts of one peer.
func same(a, b *identity.Contact) bool {
	return a == b || a != nil && b != nil && a.ID[0] == b.ID[0] && a.ID == b.ID
}

// holds reports whether list has a contact of the peer.
func holds(list []*identity.Contact, peer *identity.Contact) bool {
	for _, x := range list {
		if same(x, peer) {
			return true
		}
	}
	return false
}
