package control

import (
	"context"
	"errors"
	"net/http"

	"cicada/identity"
	"cicada/swarm"
)

// A Kind says what sort of failure something was. It decides the status of an
// HTTP answer and the exit code of a command.
type Kind string

// The kinds.
const (
	Usage   Kind = "usage"   // the request makes no sense
	Timeout Kind = "timeout" // nothing was heard in time
	Refused Kind = "refused" // refused, or not delivered
	Closed  Kind = "closed"  // the peer has left
	Fault   Kind = "fault"   // anything else
)

// statuses are the HTTP statuses of failures.
var statuses = map[Kind]int{
	Usage: http.StatusBadRequest, Timeout: http.StatusGatewayTimeout, Refused: http.StatusConflict,
	Closed: http.StatusServiceUnavailable, Fault: http.StatusInternalServerError,
}

// A Failure is why a request was not done.
type Failure struct {
	Kind Kind   `json:"kind"`
	Text string `json:"error"`
}

// Error returns one sentence.
func (f *Failure) Error() string { return f.Text }

// meanings are the kinds of other packages' errors, the first that matches.
var meanings = []struct {
	err  error
	kind Kind
}{
	{swarm.ErrRefused, Refused}, {swarm.ErrKeys, Refused}, {swarm.ErrNoSuchPeer, Refused}, {swarm.ErrInboxFull, Refused},
	{swarm.ErrOtherSwarm, Refused}, {swarm.ErrOutcomeUnknown, Refused}, {swarm.ErrTooLarge, Refused},
	{identity.ErrPassphrase, Refused}, {identity.ErrDifficulty, Refused},
	{swarm.ErrAddress, Usage}, {swarm.ErrSelf, Usage}, {swarm.ErrDuplicates, Usage},
	{swarm.ErrNoAnswer, Timeout}, {context.DeadlineExceeded, Timeout},
	{swarm.ErrClosed, Closed},
	{swarm.ErrUnreachable, Refused}, // behind what took too long: that can be both
}

// KindOf says what sort of failure err is: a Failure's own kind, or what an error
// of package swarm or identity means.
func KindOf(err error) Kind {
	var f *Failure
	if errors.As(err, &f) {
		return f.Kind
	}
	for _, m := range meanings {
		if errors.Is(err, m.err) {
			return m.kind
		}
	}
	return Fault
}
