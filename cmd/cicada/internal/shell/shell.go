// Package shell carries out the commands of the interactive shell: many peers in one
// process, which typed lines make, join, watch and break.
//
//	s := shell.New(shell.Config{Create: create, Output: output})
//	err := s.Run(ctx, "create 127.0.0.1:7001")
//	line, pos, choices := s.Complete("joi", 3)
//	err = s.Close()
//
// One table says which commands there are; dispatch, the number of parameters, help
// and completion read it and nothing else. The package knows of no terminal, flag or
// key file: package main of cmd/cicada passes in how a peer is made and where output
// goes. Begin reading at [Shell], then at table in table.go.
package shell

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"cicada/control"
	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
)

// MaxPeers is how many peers one shell can have at a time.
const MaxPeers = 500

// leaveTime is how long peers may take to leave; the end of a shell is to be over
// within three seconds.
const leaveTime = 2 * time.Second

// ErrQuit is what Run returns for a line that ends the shell.
var ErrQuit = errors.New("quit")

// A UsageError says that a line asks for something that makes no sense. Nothing was
// done.
type UsageError struct{ Text string }

// Error returns the sentence.
func (e *UsageError) Error() string { return e.Text }

func usage(format string, arguments ...any) error {
	return &UsageError{fmt.Sprintf(format, arguments...)}
}

// A Peer is what the commands need of one. *swarm.Peer is one.
type Peer interface {
	ID() identity.ID
	Address() netip.AddrPort
	Status() swarm.Status
	Join(ctx context.Context, addresses ...string) error
	Resolve(ctx context.Context, text string) (identity.ID, error)
	Lookup(ctx context.Context, target identity.ID) (*identity.Contact, []identity.ID, error)
	Send(ctx context.Context, target identity.ID, data []byte, options swarm.SendOptions) (swarm.Receipt, error)
	Broadcast(ctx context.Context, data []byte) (swarm.Reached, error)
	Receive(ctx context.Context) (swarm.Message, error)
	Events(ctx context.Context) iter.Seq[trace.Event]
	Leave(ctx context.Context) error
	Close() error
}

var _ Peer = (*swarm.Peer)(nil)

// An Output is where results go: Say for people and Record for programs, of which one
// is heard and the other does nothing. It is called concurrently.
type Output interface {
	// Say is given one line without its end, and nothing in it that is not printable.
	Say(line string)
	Record(object any)
	// Note is for what people read beside results.
	Note(line string)
}

// A Config says what a Shell stands on. Create and Output must be set.
type Config struct {
	// Create makes a peer that listens at an address, "[HOST]:PORT".
	Create func(ctx context.Context, address string) (Peer, error)
	Output Output
	// JSON says that Output hears Record and not Say.
	JSON bool
	// JoinTimeout is how long a join is tried. Zero means until it is cancelled.
	JoinTimeout time.Duration
	// Panicking, if set, is called when a goroutine of the shell panics, before the
	// process ends of it.
	Panicking func()
}

// A Shell holds peers and carries out commands. Run, Complete and Close are for one
// goroutine; what arrives at the peers is shown by others meanwhile.
type Shell struct {
	config   Config
	commands []command
	members  []*member // in the order they were made

	mu    sync.Mutex // guards shown and over of every member
	moved *sync.Cond // one of those changed
}

// A member is a peer of the shell.
type member struct {
	peer   Peer
	untail context.CancelFunc // ends its trace; nil: it is not traced
	quiet  sync.WaitGroup     // its goroutines

	shown uint64 // messages that Output was given
	over  bool   // no more will come
}

// New returns a shell without peers.
func New(config Config) *Shell {
	s := &Shell{config: config, commands: table()}
	s.moved = sync.NewCond(&s.mu)
	return s
}

// Run carries out one line and returns when that is done. An empty line, and one that
// begins with #, does nothing. Errors are a *UsageError, ErrQuit, what the peer said,
// or ctx's.
func (s *Shell) Run(ctx context.Context, line string) error {
	word, rest := cut(strings.TrimRight(line, blanks))
	if word == "" || strings.HasPrefix(word, "#") {
		return nil
	}
	c, err := s.command(word)
	if err != nil {
		return err
	}
	words := c.split(rest)
	if n := len(words); n < c.least || n > len(c.params) {
		return usage("Expected %s, got %d. Usage: %s", c.arity(), n, c.usage())
	}
	return c.run(s, ctx, words)
}

// Close has all peers leave, all at once, and returns when what had arrived was
// shown, after at most two seconds.
func (s *Shell) Close() error {
	leaving := s.members
	s.members = nil
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	failed := make(chan error, len(leaving))
	for _, m := range leaving {
		s.start(nil, func() { failed <- leave(ctx, m) })
	}
	var err error
	for range leaving {
		err = errors.Join(err, <-failed)
	}
	return err
}

// leave has a peer leave, and waits until what had arrived was shown.
func leave(ctx context.Context, m *member) error {
	err := m.peer.Leave(ctx)
	if errors.Is(err, swarm.ErrClosed) || errors.Is(err, context.DeadlineExceeded) {
		err = nil // nobody was there to hand over to
	}
	m.end(ctx)
	return err
}

// end waits for the goroutines of a member whose peer was closed, until ctx ends.
func (m *member) end(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		m.quiet.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	m.untrace()
}

// start runs f in a goroutine, one that group waits for.
func (s *Shell) start(group *sync.WaitGroup, f func()) {
	if group != nil {
		group.Add(1)
	}
	go func() {
		calm := false
		defer func() {
			if !calm && s.config.Panicking != nil {
				s.config.Panicking()
			}
			if group != nil {
				group.Done()
			}
		}()
		f()
		calm = true
	}()
}

// add takes a peer in, and shows what arrives at it from now on.
func (s *Shell) add(p Peer) {
	m := &member{peer: p}
	s.members = append(s.members, m)
	s.start(&m.quiet, func() { s.receive(m) })
}

// remove takes a member out, whose peer is about to end.
func (s *Shell) remove(m *member) {
	s.members = slices.DeleteFunc(s.members, func(other *member) bool { return other == m })
}

// receive shows what arrives at a member, until its peer is closed and nothing is left.
func (s *Shell) receive(m *member) {
	for {
		message, err := m.peer.Receive(context.Background())
		if err == nil {
			to := m.peer.ID()
			if s.config.JSON {
				record, _ := control.NewReceived(context.Background(), message) // waits 50 ms at most, and so cannot fail
				s.record(received{to, record})
			}
			s.sayf("%s <- %s: %s", to.Short(), message.From.Short(), control.Visible(message.Data))
		}
		s.mu.Lock()
		if err == nil {
			m.shown++
		} else {
			m.over = true
		}
		s.moved.Broadcast()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// catchUp waits until all that arrived at the members so far was shown, so that a
// message stands before the word that it was delivered.
func (s *Shell) catchUp(ctx context.Context, members ...*member) {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.moved.Broadcast()
	})
	defer stop()
	for _, m := range members {
		arrived := m.peer.Status().Counters.Delivered
		s.mu.Lock()
		for m.shown < arrived && !m.over && ctx.Err() == nil {
			s.moved.Wait()
		}
		s.mu.Unlock()
	}
}

func (s *Shell) sayf(format string, arguments ...any) {
	s.config.Output.Say(fmt.Sprintf(format, arguments...))
}

// advise shows a line for people that is no result: with JSON beside the results.
func (s *Shell) advise(line string) {
	if s.config.JSON {
		s.config.Output.Note(line)
	} else {
		s.config.Output.Say(line)
	}
}
