package seal

import (
	"fmt"
	"time"

	"cicada/identity"
	"cicada/wire"
)

// A Status is what a target says about a message.
type Status uint8

// The statuses.
const (
	Received Status = iota + 1 // opened; Receipt is its program's answer
	Again                      // not opened: seal it anew, under the session there is now
	Unknown                    // its session is gone, and has been dropped here too: seal it anew
	Barred                     // not opened, and will not be: Discord says what is wrong with the keys
)

// Reply is what a target says about a message, proven to come from it.
type Reply struct {
	Status  Status
	Receipt []byte // with Received: the dst that was given, with the receipt appended
	Discord Discord
	run     run // with Again and Unknown
}

// A run is what a target says of the run of its program that answers. A message
// that was sealed before it began may have been delivered to an earlier one:
// whether it was cannot be known.
type run struct {
	uptime time.Duration // when it answered, by its clock
	heard  time.Time     // when the answer came, by the clock here
	told   int64         // with Again: Unix nanoseconds when it began, by its clock; 0: it has a key made in this run
}

// A Verdict says whether the target began a new run since a message was sealed.
type Verdict uint8

// The verdicts.
const (
	SameRun   Verdict = iota // or what an earlier run got was not this message: seal it anew
	OtherRun                 // an earlier run may have delivered it
	Undecided                // only with Unknown: send an Ask, whose answer will decide
)

// Verdict compares the run that sent the reply with when a message was sealed for
// the first time and for the last, which is the seal that the reply is about.
//
// Uptime alone puts the beginning of the run into an interval as long as the
// answer was on its way, and a message sealed within it cannot be judged. There
// the target's own word counts, if it lies in the interval: then the clocks agree
// well enough. Otherwise the run is taken to be as late as it can be, because
// nothing may be delivered twice.
func (r Reply) Verdict(first, last time.Time) Verdict {
	latest, earliest := r.run.heard.Add(-r.run.uptime), last.Add(-r.run.uptime)
	told := time.Unix(0, r.run.told)
	fits := !told.Before(earliest) && !told.After(latest)
	switch {
	case first.IsZero() || first.After(latest), r.Status == Again && r.run.told == 0:
		return SameRun
	case first.Before(earliest):
		return OtherRun
	case r.Status == Unknown:
		return Undecided
	case fits && told.Before(first):
		return SameRun
	}
	return OtherRun
}

// OpenReply opens an envelope of kind Answer, Receipt, Unknown or KeyRefusal about a message
// that was sealed to target, and last under session (Sealed.Session). The receipt
// is appended to dst, which must not overlap e. e is not kept. With any error the
// envelope decides nothing: go on waiting. Errors: ErrStale, ErrReplay,
// ErrMalformed, ErrForged, ErrTarget, ErrBusy.
func (s *Sealer) OpenReply(dst []byte, e wire.Envelope, target identity.ID, session uint64) (Reply, error) {
	if err := s.check(e); err != nil {
		return Reply{}, err
	}
	now := s.now()
	if e.Kind() == wire.EnvelopeUnknown { // its target's point is not known to who signs it
		return s.readUnknown(e, target, session, now)
	}
	if e.Target() != s.point {
		return Reply{}, ErrTarget
	}
	switch e.Kind() {
	case wire.EnvelopeAnswer:
		return s.readAnswer(dst, e, target, now)
	case wire.EnvelopeReceipt:
		return s.openReceipt(dst, e, target, now)
	case wire.EnvelopeKeyRefusal:
		return s.readRefusal(e, target)
	default:
		return Reply{}, fmt.Errorf("%w: kind %d is no reply", ErrMalformed, e.Kind())
	}
}

func (s *Sealer) openReceipt(dst []byte, e wire.Envelope, target identity.ID, now moment) (Reply, error) {
	n, _, _, err := s.find(e.Payload())
	if err != nil {
		return Reply{}, err
	}
	if n == nil {
		return Reply{}, ErrStale
	}
	if n.peer != target {
		return Reply{}, fmt.Errorf("%w: receipt from %s", ErrForged, n.peer.Short())
	}
	receipt, err := n.open(dst, &s.scratches, e, now.age)
	if err != nil {
		return Reply{}, err
	}
	s.confirm(n, now)
	return Reply{Status: Received, Receipt: receipt}, nil
}
