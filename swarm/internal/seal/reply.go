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
)

// Reply is what a target says about a message, proven to come from it.
type Reply struct {
	Status  Status
	Receipt []byte // with Received: the dst that was given, with the receipt appended
	// Started, with Again and Unknown, is when the target's run began, at the
	// latest, by the clock here. A message that was first sealed earlier may have
	// been delivered to the run before: whether it was cannot be known. Zero:
	// nothing that could have been delivered was sent in this message.
	Started time.Time
}

// OpenReply opens an envelope of kind Answer, Receipt or Unknown about a message
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
