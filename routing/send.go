package routing

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

const (
	maxDuplicates = 63
	maxUsed       = 64                     // first hops that later rounds avoid
	maxLinkOffers = 4                      // answers to one send that are offered to be opened, from one link
	maxOffers     = 64                     // of them, but for those from the send's first hops
	firstPath     = time.Second            // until a receipt, as long as nothing was measured
	minPath       = 200 * time.Millisecond // the program at the other end needs a moment, too
	maxPath       = 2 * time.Second
	stuckRounds   = 4                     // after so many, a round without a path is the last
	roundPause    = 50 * time.Millisecond // before a round that follows one without a path, doubled each time
	maxSendTime   = 10 * time.Second
)

// A Sending is a message to send. Payload is copied.
type Sending struct {
	Message    trace.MessageID // drawn at random; not in use by another send
	Target     identity.Point
	Kind       wire.EnvelopeKind // EnvelopeFirst, EnvelopeKeyedFirst or EnvelopeMessage
	Counter    uint64
	Payload    []byte        // sealed, at most wire.MaxPayload
	Duplicates int           // extra copies, at most 63
	Routed     bool          // use the ring even where a direct path is known
	Found      bool          // the target was looked up: the first copy may take a direct path for all that
	Deadline   time.Duration // on the core's clock. Zero: 10 s from now
}

// A send is an own message without receipt.
type send struct {
	Sending  // Payload is nil: the bytes are in payload
	payload  *buffer
	charge   int
	started  time.Duration
	deadline time.Duration
	round    int           // from 1
	begun    time.Duration // of the round
	copies   int           // of the round that are under way
	plain    bool          // the round has no colours: the one before found no way of them
	hops     []identity.ID // first hops of the round
	used     []identity.ID // first hops of earlier rounds
	offers   []offered
	timer    timer // next round, or the deadline
}

// offered is an answer that was offered to the driver.
type offered struct {
	digest uint64
	from   identity.ID
	hop    *link // the first hop of the copy that it answers; nil: it took a route of its own
	round  int   // that it answers: that of the copy, or the running one
}

// free reports whether a first hop was not used: by another copy of the round,
// or, if strict, by an earlier round.
func (s *send) free(id identity.ID, strict bool) bool {
	for i := range s.hops {
		if s.hops[i] == id {
			return false
		}
	}
	for i := range s.used {
		if strict && s.used[i] == id {
			return false
		}
	}
	return true
}

// Send sends a message and reports how many copies went out, by as many
// different first hops: fewer than asked for where there are not so many, 0
// where there is no path now, which later rounds may find. It ends with Done,
// Cancel or a Failure. Errors: ErrLimit, ErrInvalid.
func (c *Core) Send(now time.Duration, m Sending) (int, error) {
	if err := c.check(m); err != nil {
		return 0, err
	}
	if !c.admit(c.own, len(m.Payload)) || len(c.sends) >= c.config.MaxEntries/2 {
		return 0, ErrLimit
	}
	s := c.newSend()
	s.Sending = m
	s.Payload = nil
	s.started, s.deadline = now, m.Deadline
	if s.deadline == 0 {
		s.deadline = now + maxSendTime
	}
	c.sends[m.Message] = s
	c.load(s, m.Payload)
	return c.begin(now, s), nil
}

// Paths returns how many copies a send to target would send now, of the most
// that are wanted: by as many first hops of the ring.
func (c *Core) Paths(target identity.Point, most int) int {
	var first *identity.Contact
	n := 0
	if first = c.ring.Find(target); first != nil {
		n++
	}
	if n < most {
		c.ring.Toward(target, func(contact *identity.Contact) bool {
			if contact != first {
				n++
			}
			return n >= most
		})
	}
	return min(n, most)
}

func (c *Core) check(m Sending) error {
	switch {
	case c.sends[m.Message] != nil:
		return fmt.Errorf("%w: message %s is being sent already", ErrInvalid, m.Message)
	case answers(m.Kind) || m.Kind < wire.EnvelopeFirst || m.Kind > wire.EnvelopeKeyRefusal:
		return fmt.Errorf("%w: a message cannot be of kind %s", ErrInvalid, m.Kind)
	case len(m.Payload) > wire.MaxPayload:
		return fmt.Errorf("%w: payload of %d bytes, where %d is most", ErrInvalid, len(m.Payload), wire.MaxPayload)
	case m.Duplicates < 0 || m.Duplicates > maxDuplicates:
		return fmt.Errorf("%w: %d duplicates, where %d is most", ErrInvalid, m.Duplicates, maxDuplicates)
	case m.Target == c.ring.Self().Point:
		return fmt.Errorf("%w: the target is this peer", ErrInvalid)
	}
	return nil
}

func (c *Core) newSend() *send {
	if last := len(c.freeSends) - 1; last >= 0 {
		s := c.freeSends[last]
		c.freeSends = c.freeSends[:last]
		return s
	}
	s := new(send)
	s.timer.owner = s
	return s
}

// load gives s its sealed bytes.
func (c *Core) load(s *send, payload []byte) {
	s.payload = c.pool.keep(payload)
	s.charge = cap(s.payload.bytes)
	c.own.bytes += s.charge
}

func (c *Core) unload(s *send) {
	c.own.bytes -= s.charge
	c.pool.drop(s.payload)
	s.payload = nil
}

// Resend sends a message anew under another seal: the session was set up, or
// lost, meanwhile. It begins a round at once. Errors: ErrLimit, ErrInvalid.
func (c *Core) Resend(now time.Duration, message trace.MessageID, kind wire.EnvelopeKind, counter uint64, payload []byte) error {
	s := c.sends[message]
	if s == nil || answers(kind) || len(payload) > wire.MaxPayload {
		return fmt.Errorf("%w: message %s cannot be sent again", ErrInvalid, message)
	}
	if !c.admit(c.own, len(payload)) {
		return ErrLimit
	}
	c.retire(s)
	c.unload(s)
	c.load(s, payload)
	s.Kind, s.Counter = kind, counter
	// The target answers: what was used so far works.
	s.used, s.hops = s.used[:0], s.hops[:0]
	s.round = max(s.round-1, 0)
	c.begin(now, s)
	return nil
}

// begin sends the copies of a new round.
func (c *Core) begin(now time.Duration, s *send) int {
	for _, id := range s.hops {
		if len(s.used) < maxUsed {
			s.used = append(s.used, id)
		}
	}
	s.hops = s.hops[:0]
	s.plain = s.round > 0 && s.copies == 0
	s.round++
	s.copies, s.begun = 0, now
	var header [wire.EnvelopeHeaderSize]byte
	c.header(&header, s)
	for number := range s.Duplicates + 1 {
		wire.Envelope(header[:]).SetCopy(uint8(number))
		if !c.launch(now, s, header[:]) {
			break
		}
		s.copies++
	}
	wait := s.patience(c)
	if s.copies == 0 {
		wait = roundPause << s.round
	}
	c.timers.set(&s.timer, min(now+wait, s.deadline))
	return s.copies
}

// header fills in the header of a round: its colours, a fresh nonce.
func (c *Core) header(header *[wire.EnvelopeHeaderSize]byte, s *send) {
	wire.AppendEnvelopeHeader(header[:0], wire.EnvelopeHeader{
		TTL: wire.MaxTTL, Kind: s.Kind, Counter: s.Counter,
		Message: s.Message, Nonce: c.nonce(), Target: s.Target, Colours: s.colours(),
	})
}

func (c *Core) nonce() (n [16]byte) {
	binary.LittleEndian.PutUint64(n[:8], c.random.Uint64())
	binary.LittleEndian.PutUint64(n[8:], c.random.Uint64())
	return n
}

// launch sends one copy, if there is a first hop left for it.
func (c *Core) launch(now time.Duration, s *send, header []byte) bool {
	if !c.admitEntry(c.own) {
		return false
	}
	s.payload.holders++
	x := c.enter(now, c.own, header, s.payload, 0)
	x.send, x.round = s, s.round
	x.ring = (s.Routed || s.Duplicates > 0) && !(s.Found && x.envelope().Copy() == 0)
	if c.handOn(now, x) {
		return true
	}
	// Nobody of its colour is known, as in a small swarm: any hop is better than none.
	x.envelope().SetColours(0)
	if c.handOn(now, x) {
		return true
	}
	c.forget(x)
	return false
}

// patience is how long a round waits for the receipt.
func (s *send) patience(c *Core) time.Duration {
	wait := firstPath
	if c.path.mean != 0 {
		wait = max(2*c.path.mean, c.path.timeout())
	}
	wait = min(max(wait, minPath), maxPath) << (s.round - 1)
	return min(wait, maxPath) + time.Duration(len(s.payload.bytes)/bytesPerTime)*time.Millisecond
}

// copyFailed notes that a copy of the running round is lost for certain. With
// the last one the round is over; the next begins a little later, when the
// ring may have mended.
func (c *Core) copyFailed(now time.Duration, s *send) {
	s.copies--
	if s.copies == 0 {
		c.timers.set(&s.timer, min(now+roundPause<<s.round, s.timer.at))
	}
}

// expire begins the next round, or ends the send.
func (s *send) expire(c *Core, now time.Duration) {
	if stuck := s.copies == 0 && s.round >= stuckRounds; now < s.deadline && s.round < c.config.Rounds && !stuck {
		c.begin(now, s)
		return
	}
	err := ErrNoReceipt
	if s.copies == 0 {
		err = ErrStuck
	}
	c.ready.Failures = append(c.ready.Failures, Failure{Message: s.Message, Err: err})
	c.end(s)
}

// handed reports whether a peer is a first hop of this round or an earlier one.
func (s *send) handed(id identity.ID) bool {
	return slices.Contains(s.hops, id) || slices.Contains(s.used, id)
}

// room reports whether one more answer from a peer may be offered. Answers come
// back through first hops, so these have their share whatever others forge.
func (s *send) room(id identity.ID) bool {
	mine := 0
	for i := range s.offers {
		if s.offers[i].from == id {
			mine++
		}
	}
	return mine < maxLinkOffers && (len(s.offers) < maxOffers || s.handed(id))
}

// receive takes an answer to an own send. The same bytes are offered once,
// and no more than a few from each link.
func (c *Core) receive(now time.Duration, l *link, k key, e wire.Envelope, sealed uint64) {
	s := c.sends[k.message]
	if s == nil {
		c.ack(l.id, k)
		return
	}
	for i := range s.offers {
		if s.offers[i].digest == sealed {
			c.ack(l.id, k)
			return
		}
	}
	if !s.room(l.id) || !c.admitBytes(l, len(e), forSelf) {
		c.refuse(l.id, k, wire.ReasonLimit)
		return
	}
	c.ack(l.id, k)
	offer := offered{digest: sealed, from: l.id, round: s.round}
	for x := c.entries.first(k); x != nil; x = x.following() {
		if t := x.tried(l.id); t != nil && x.send == s {
			c.accept(now, x, t)
			if x.envelope().Nonce() == e.Nonce() {
				offer.hop, offer.round = l, x.round
			}
		}
	}
	s.offers = append(s.offers, offer)
	b := c.pool.keep(e)
	c.ready.Receipts = append(c.ready.Receipts, Receipt{
		Offer: Offer{k.message, sealed}, Message: k.message, Envelope: c.hold(b), From: l.id,
		Copy: k.copy, Hops: int(e.Hops()), Elapsed: now - s.started,
	})
	c.pool.drop(b)
}

// ReceiptPostponed says that nobody had the time to open an offered receipt. The
// same bytes are offered again when they come again, at the latest in answer to
// the next round.
func (c *Core) ReceiptPostponed(o Offer) {
	if s := c.sends[o.Message]; s != nil {
		s.offers = slices.DeleteFunc(s.offers, func(x offered) bool { return x.digest == o.digest })
	}
}

// Done ends a send: the receipt that was offered as o opened, and is target's. hops, of
// the message, are for the trace. It reports whether the send was still under way.
func (c *Core) Done(now time.Duration, o Offer, target identity.ID, hops int) bool {
	s := c.sends[o.Message]
	if s == nil {
		return false
	}
	if s.round == 1 && len(s.payload.bytes) <= large { // of later rounds nobody knows which was answered
		c.path.add(now - s.begun)
	}
	c.learn(now, s, o, target)
	c.done(s, target, hops)
	c.end(s)
	return true
}

// Cancel ends a send without a word. Copies that left travel on.
func (c *Core) Cancel(message trace.MessageID) {
	if s := c.sends[message]; s != nil {
		c.end(s)
	}
}

// end forgets a send.
func (c *Core) end(s *send) {
	c.retire(s)
	c.timers.clear(&s.timer)
	c.unload(s)
	delete(c.sends, s.Message)
	offers := s.offers
	clear(offers)
	*s = send{hops: s.hops[:0], used: s.used[:0], offers: offers[:0], timer: timer{owner: s}}
	const keep = 64
	if len(c.freeSends) < keep {
		c.freeSends = append(c.freeSends, s)
	}
}

// retire forgets the copies of s. Unlike those of others they are of no use any
// more: no copy of them can come here, nor an answer that has further to go.
func (c *Core) retire(s *send) {
	for number := range s.Duplicates + 1 {
		for x := c.entries.first(key{s.Message, uint8(number)}); x != nil; {
			next := x.following()
			if x.send == s {
				c.forget(x)
			}
			x = next
		}
	}
}
