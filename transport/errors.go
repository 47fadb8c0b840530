package transport

import (
	"errors"
	"fmt"

	"cicada/identity"
	"cicada/wire"
)

// What callers decide on. Errors of this package wrap these.
var (
	ErrClosed      = errors.New("transport: closed")
	ErrBacklog     = errors.New("transport: the other end reads too slowly")
	ErrTooLarge    = errors.New("transport: frame too large")
	ErrSelf        = errors.New("transport: that address is this peer itself")
	ErrWrongPeer   = errors.New("transport: another peer answers there")
	ErrOtherSwarm  = errors.New("transport: that peer belongs to another swarm")
	ErrNotCicada   = errors.New("transport: what answers there does not speak cicada/1")
	ErrNoAddress   = errors.New("transport: no address to dial")
	ErrBackoff     = errors.New("transport: failed a moment ago")
	ErrOverloaded  = errors.New("transport: too many links")
	ErrAddressUsed = errors.New("transport: the address is in use")
)

// A CloseError says why a link ended, or was refused before it began.
type CloseError struct {
	Code   wire.Code // CodeNone: the connection ended without a word
	Reason string    // for people; may be empty
	Remote bool      // the other end decided
	Err    error     // what the network or TLS reported, if anything
}

// Error returns one line.
func (e *CloseError) Error() string {
	who := "closed by this end"
	if e.Remote {
		who = "closed by the other end"
	}
	text := fmt.Sprintf("transport: link %s: %v", who, e.Code)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.Err != nil {
		text += fmt.Sprintf(" (%v)", e.Err)
	}
	return text
}

// Unwrap returns what the network or TLS reported.
func (e *CloseError) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel that belongs to the code.
func (e *CloseError) Is(target error) bool {
	switch e.Code {
	case wire.CodeSwarm:
		return target == ErrOtherSwarm
	case wire.CodeOverloaded:
		return target == ErrOverloaded
	}
	return false
}

// A WrongPeerError says who answered at an address where somebody else was
// expected. It matches ErrWrongPeer.
type WrongPeerError struct {
	Want, Got identity.ID
}

// Error returns one line.
func (e *WrongPeerError) Error() string {
	return fmt.Sprintf("transport: %s answers there, not %s", e.Got.Short(), e.Want.Short())
}

// Is reports whether target is ErrWrongPeer.
func (e *WrongPeerError) Is(target error) bool { return target == ErrWrongPeer }
