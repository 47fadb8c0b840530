package runtime

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"cicada/control"
	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
)

// A Peer is what scripts run on. *swarm.Peer is one.
type Peer interface {
	Join(ctx context.Context, addresses ...string) error
	Resolve(ctx context.Context, text string) (identity.ID, error)
	Send(ctx context.Context, target identity.ID, data []byte, options swarm.SendOptions) (swarm.Receipt, error)
	Receive(ctx context.Context) (swarm.Message, error)
	Broadcast(ctx context.Context, data []byte) (swarm.Reached, error)
	Lookup(ctx context.Context, target identity.ID) (*identity.Contact, []identity.ID, error)
	Status() swarm.Status
	Events(ctx context.Context) iter.Seq[trace.Event]
	Leave(ctx context.Context) error
}

var _ Peer = (*swarm.Peer)(nil)

// A Reporter is told what a script does: in words, line by line, and as values for
// programs. It is called by one goroutine.
type Reporter interface {
	// Say is given each line that a script prints, without its end.
	Say(line string)
	Sent(to identity.ID, r swarm.Receipt, err error)
	// Unreached is called instead of Sent where a target could not be reached even to
	// learn its ID.
	Unreached(target string, err error)
	Received(m swarm.Message)
	Broadcast(r swarm.Reached, err error)
	LookedUp(target identity.ID, owner *identity.Contact, trail []identity.ID)
	Peers(s swarm.Status)
	Fingers(s swarm.Status)
}

// A RunError says which command failed, and why.
type RunError struct {
	File string
	Command
	Err error
}

// Error returns "file:line: VERB: why".
func (e *RunError) Error() string {
	return fmt.Sprintf("%s:%d: %s: %v", e.File, e.Line, e.Verb, e.Err)
}

// Unwrap returns the cause: one of package swarm's errors, ErrNobody, or the
// context's.
func (e *RunError) Unwrap() error { return e.Err }

// ErrNobody: no other peer was there before a WAIT's time was over.
//
//lint:ignore ST1005 these are the words of the program that Cicada succeeds
var ErrNobody = errors.New("Peers didn't connect before timeout.")

// Run carries out a script on a peer, one command after the other, and tells
// report of it. What a PAUSE waits for is read from in; at its end a PAUSE goes on.
// It stops at the first command that fails, with a *RunError, and when ctx ends,
// with a *RunError that wraps ctx's error. It does not close the peer, unless the
// script says LEAVE.
func Run(ctx context.Context, s *Script, p Peer, in io.Reader, report Reporter) error {
	i := &interpreter{peer: p, in: in, report: report}
	for _, c := range s.Commands {
		if err := i.run(ctx, c); err != nil {
			return &RunError{s.Name, c, err}
		}
	}
	return nil
}

// An interpreter is one run of a script.
type interpreter struct {
	peer    Peer
	in      io.Reader
	lines   chan struct{} // gets one for each line read from in, and is closed at its end; nil until a PAUSE
	report  Reporter
	options swarm.SendOptions // as OPT set them
}

func (i *interpreter) say(format string, arguments ...any) {
	i.report.Say(fmt.Sprintf(format, arguments...))
}

func (i *interpreter) run(ctx context.Context, c Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch c.Verb {
	case Send:
		return i.send(ctx, c)
	case Receive:
		return i.receive(ctx, c.Count)
	case Broadcast:
		return i.broadcast(ctx, c.Data)
	case Option:
		i.set(c.Options)
	case Wait:
		return i.wait(ctx, c.Time)
	case Join:
		i.say("Joining %s.", c.Target)
		return i.peer.Join(ctx, c.Target)
	case Lookup:
		return i.lookup(ctx, c.Target)
	case Peers:
		i.peers()
	case Fingers:
		i.fingers()
	case Sleep:
		i.say("Sleeping for %s seconds.", seconds(c.Time))
		return sleep(ctx, c.Time)
	case Pause:
		return i.pause(ctx)
	case Leave:
		i.say("Leaving the swarm.")
		return i.peer.Leave(ctx)
	default:
		return fmt.Errorf("no such command: %q", c.Verb)
	}
	return nil
}

func (i *interpreter) send(ctx context.Context, c Command) error {
	i.say("Sending %d bytes to %s.", len(c.Data), c.Target)
	id, err := i.peer.Resolve(ctx, c.Target)
	if err != nil {
		i.report.Unreached(c.Target, err)
		return err
	}
	receipt, err := i.peer.Send(ctx, id, []byte(c.Data), i.options)
	i.report.Sent(id, receipt, err)
	if err != nil {
		return err
	}
	i.say("done")
	return nil
}

func (i *interpreter) receive(ctx context.Context, count int) error {
	for k := range count {
		m, err := i.peer.Receive(ctx)
		if err != nil {
			return err
		}
		from := m.From.Short() // it told no address
		if m.Address.IsValid() {
			from = m.Address.String()
		}
		i.say("%d/%d -- %s: %s", k+1, count, from, control.Visible(m.Data))
		i.report.Received(m)
	}
	return nil
}

func (i *interpreter) broadcast(ctx context.Context, data string) error {
	i.say("Broadcasting %d bytes.", len(data))
	reached, err := i.peer.Broadcast(ctx, []byte(data))
	i.report.Broadcast(reached, err)
	return err
}

func (i *interpreter) set(options []Setting) {
	for _, s := range options {
		switch s.Key {
		case "duplicates":
			i.options.Duplicates = s.Value
		case "routed":
			i.options.Routed = s.Value != 0
		}
		i.say("Set %s = %d", s.Key, s.Value)
	}
}

// wait returns when another peer is there, or was since it began: one that joins,
// sends and leaves at once counts.
func (i *interpreter) wait(ctx context.Context, limit time.Duration) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	if limit == Forever {
		i.say("Waiting for a connection.")
	} else {
		i.say("Waiting for %s seconds for a connection.", seconds(limit))
		waiting, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	events := i.peer.Events(waiting)
	if len(i.peer.Status().Successors) > 0 {
		return nil
	}
	for e := range events {
		if e.Kind == trace.RingSuccessors && len(e.Peers) > 0 {
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrNobody
}

func (i *interpreter) lookup(ctx context.Context, target string) error {
	id, err := i.peer.Resolve(ctx, target)
	if err != nil {
		return err
	}
	owner, trail, err := i.peer.Lookup(ctx, id)
	if err != nil {
		return err
	}
	i.say("%s is %s, %s away.", target, describe(owner), control.Count(max(len(trail)-1, 0), "hop"))
	i.report.LookedUp(id, owner, trail)
	return nil
}

func (i *interpreter) peers() {
	s := i.peer.Status()
	for _, list := range []struct {
		name  string
		peers []*identity.Contact
	}{{"successor", s.Successors}, {"predecessor", s.Predecessors}} {
		for k, c := range list.peers {
			i.say("%s %d: %s", list.name, k+1, describe(c))
		}
	}
	if len(s.Successors) == 0 {
		i.say("This peer is alone.")
	}
	i.report.Peers(s)
}

func (i *interpreter) fingers() {
	s := i.peer.Status()
	for _, f := range s.Fingers {
		names := make([]string, len(f.Candidates))
		for k, c := range f.Candidates {
			names[k] = describe(c)
		}
		i.say("%s…: %s", f.Start.String()[:8], strings.Join(names, ", "))
	}
	if len(s.Fingers) == 0 {
		i.say("No fingers: this peer knows everybody.")
	}
	i.report.Fingers(s)
}

// describe shows a peer: its ID, in short, and where it is.
func describe(c *identity.Contact) string {
	if len(c.Addresses) == 0 {
		return c.ID.Short()
	}
	return c.ID.Short() + " at " + c.Addresses[0].String()
}

// pause waits for a line of input, or its end.
func (i *interpreter) pause(ctx context.Context) error {
	i.say("Paused: press Enter to go on.")
	if i.lines == nil {
		i.lines = make(chan struct{})
		go readLines(i.in, i.lines)
	}
	select {
	case <-i.lines:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readLines tells of each line, and keeps none. It ends with r: nothing can end a
// read that waits.
func readLines(r io.Reader, lines chan<- struct{}) {
	defer close(lines)
	if r == nil {
		return
	}
	for in := bufio.NewReader(r); ; {
		switch _, err := in.ReadSlice('\n'); {
		case errors.Is(err, bufio.ErrBufferFull): // the line goes on
		case err != nil:
			return
		default:
			lines <- struct{}{}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// seconds shows a time in seconds, without needless digits.
func seconds(d time.Duration) string { return fmt.Sprintf("%g", d.Seconds()) }
