package swarm

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"cicada/identity"
	"cicada/transport"
)

// What callers decide on.
var (
	// ErrClosed: the peer was closed, or is leaving.
	ErrClosed = errors.New("swarm: the peer is closed")
	// ErrTooLarge: the data is over MaxMessage.
	ErrTooLarge = errors.New("swarm: message too large")
	// ErrDuplicates: there are not so many copies to be had as were asked for.
	ErrDuplicates = errors.New("swarm: duplicates out of range")
	// ErrNoAnswer: nothing was heard in time. A message may have been delivered all the same.
	ErrNoAnswer = errors.New("swarm: no answer in time")
	// ErrNoSuchPeer: the ring knows no such peer.
	ErrNoSuchPeer = errors.New("swarm: no such peer in the swarm")
	// ErrRefused: the target does not accept messages from this peer.
	ErrRefused = errors.New("swarm: refused")
	// ErrKeys: this peer and the target do not have the same keys for each other, as
	// the target has signed. Nothing was delivered.
	ErrKeys = errors.New("swarm: not the same keys at both ends")
	// ErrInboxFull: the target's program does not take its messages; try later.
	ErrInboxFull = errors.New("swarm: the target's inbox is full")
	// ErrBusy: too much is under way at this peer; try again when something ended.
	ErrBusy = errors.New("swarm: too many messages under way")
	// ErrOutcomeUnknown: the message may have been delivered before the target
	// restarted, or left; sending it again may deliver it twice.
	ErrOutcomeUnknown = errors.New("swarm: outcome unknown: the target went away while the message was on its way")
	// ErrOtherSwarm: the name, the difficulty or the secret differs.
	ErrOtherSwarm = errors.New("swarm: that peer belongs to another swarm: its name, difficulty or secret differs")
	// ErrUnreachable: nobody was reached at an address.
	ErrUnreachable = errors.New("swarm: nobody was reached there")
	// ErrAddress: the text can never be an address.
	ErrAddress = errors.New("swarm: not an address")
	// ErrSelf: the address to join is this peer's own.
	ErrSelf = errors.New("swarm: that address is this peer itself")
)

// A TargetError says that a target was not found, or that a message was not
// delivered to it as far as this peer can know, and why. Err is one of the errors
// above, or of the context.
type TargetError struct {
	Target  identity.ID
	Nearest *identity.Contact // with ErrNoSuchPeer: the peer that owns the target's place
	Err     error
}

// Error returns one sentence.
func (e *TargetError) Error() string {
	if e.Target.IsZero() && errors.Is(e.Err, identity.ErrID) {
		return "swarm: no target: the zero ID is nobody's"
	}
	s := fmt.Sprintf("swarm: %s: %v", e.Target.Short(), bare(e.Err))
	if e.Nearest != nil {
		s += fmt.Sprintf(" (nearest is %s)", e.Nearest.ID.Short())
	}
	return s
}

// Unwrap returns the cause.
func (e *TargetError) Unwrap() error { return e.Err }

// A JoinError says that no seed let this peer into its swarm. It wraps what
// each seed last failed with.
type JoinError struct {
	Address string // the seeds, as given
	Err     error
}

// Error returns one sentence.
func (e *JoinError) Error() string {
	why := bare(e.Err)
	if !strings.Contains(e.Address, ",") {
		why = strings.Replace(why, e.Address+": ", "", 1) // said once is enough
	}
	return fmt.Sprintf("swarm: join %s: %s", e.Address, why)
}

// Unwrap returns the cause.
func (e *JoinError) Unwrap() error { return e.Err }

// An addressError says why no link to an address came about. It is ErrUnreachable,
// too, unless the one there refused.
type addressError struct {
	address string
	err     error
}

// newAddressError says in this package's terms why a link failed.
func newAddressError(a netip.AddrPort, err error) error {
	for from, to := range map[error]error{
		transport.ErrOtherSwarm: ErrOtherSwarm, transport.ErrSelf: ErrSelf, transport.ErrClosed: ErrClosed,
	} {
		if errors.Is(err, from) {
			err = to
		}
	}
	return &addressError{a.String(), err}
}

// Is reports whether target is ErrUnreachable and this is a case of it.
func (e *addressError) Is(target error) bool {
	return target == ErrUnreachable && !errors.Is(e.err, ErrOtherSwarm) && !errors.Is(e.err, ErrSelf) && !errors.Is(e.err, ErrClosed)
}

// Error leaves out what the system says of its calls: they name the address again.
func (e *addressError) Error() string {
	why := bare(e.err)
	var call *os.SyscallError
	if errors.As(e.err, &call) {
		why = call.Err.Error()
	}
	return fmt.Sprintf("%s: %s", e.address, why)
}

func (e *addressError) Unwrap() error { return e.err }

// bare is err's text without this package's own prefix, for use inside a longer sentence.
func bare(err error) string {
	const prefix = "swarm: "
	text := err.Error()
	if len(text) > len(prefix) && text[:len(prefix)] == prefix {
		return text[len(prefix):]
	}
	return text
}
