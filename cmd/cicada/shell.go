package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"cicada/cmd/cicada/internal/shell"
	"cicada/control"
	"cicada/swarm"
)

type shellCommand struct{ swarmFlags }

// Help is shown by --help.
func (*shellCommand) Help() string {
	return `Many peers in one process, made, joined, watched and broken by typed commands; help lists them. What is piped in is run line by line.

Example: printf 'create\nlist\n' | cicada shell --no-port-mapping`
}

// Run carries out commands until quit, the end of input or an interrupt. Then all
// peers leave.
func (c *shellCommand) Run(ctx context.Context, out *console) error {
	out.useJSON(c.JSON)
	nursery, err := c.nursery(ctx, out)
	if err != nil {
		return err
	}
	t, err := openTerminal(os.Stdin, out)
	if err != nil {
		return errors.Join(err, nursery.end())
	}
	defer t.restore() // where something panics, too
	s := shell.New(shell.Config{
		Create: nursery.create, Output: shellOutput{out}, JSON: c.JSON,
		JoinTimeout: time.Duration(c.Timeout), Panicking: t.restore,
	})
	if t.editor != nil {
		err = t.serve(ctx, s, out)
	} else {
		err = feed(ctx, s, os.Stdin, out)
	}
	t.restore()
	return errors.Join(err, s.Close(), nursery.end())
}

// A nursery makes peers that share one swarm, log and trace.
type nursery struct {
	flags  *swarmFlags
	out    *console
	config swarm.Config
	warned bool // of ports that are not opened
	closers
}

func (f *swarmFlags) nursery(ctx context.Context, out *console) (*nursery, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	config, err := f.membership(ctx, out)
	if err != nil {
		return nil, err
	}
	n := &nursery{flags: f, out: out, config: config}
	if err := f.observe(&n.config, out, &n.closers); err != nil {
		return nil, errors.Join(err, n.end())
	}
	return n, nil
}

// create makes a peer that listens at an address.
func (n *nursery) create(ctx context.Context, address string) (shell.Peer, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !isPort(port, 0) {
		return nil, usageError("create %q: want [HOST]:PORT", address)
	}
	config := n.config
	config.Address = address
	if n.flags.Difficulty > 0 { // else the peer makes its own, and knows that it is fresh
		if config.Key, err = solve(ctx, uint8(n.flags.Difficulty), n.out); err != nil {
			return nil, err
		}
	}
	var id atomic.Value
	if config.Logger != nil {
		config.Logger = slog.New(selfHandler{config.Logger.Handler(), &id})
	}
	p, err := swarm.Listen(ctx, config)
	if err != nil {
		return nil, err
	}
	id.Store(p.ID().Short())
	if ip := net.ParseIP(host); !n.warned && !p.Address().Addr().IsLoopback() && (ip == nil || !ip.IsLoopback()) {
		n.warned = true
		n.flags.warn(n.out)
	}
	return p, nil
}

// A selfHandler adds to each line of a log whose it is, once that is known.
type selfHandler struct {
	slog.Handler
	id *atomic.Value
}

// Handle adds the peer's ID.
func (h selfHandler) Handle(ctx context.Context, r slog.Record) error {
	if id, ok := h.id.Load().(string); ok {
		r.AddAttrs(slog.String("self", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs returns a handler that adds these as well.
func (h selfHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return selfHandler{h.Handler.WithAttrs(attrs), h.id}
}

// WithGroup returns a handler whose attributes are in a group.
func (h selfHandler) WithGroup(name string) slog.Handler {
	return selfHandler{h.Handler.WithGroup(name), h.id}
}

// A shellOutput shows what a shell says, or with --json its records.
type shellOutput struct{ out *console }

func (o shellOutput) Say(line string)   { o.out.say("%s", line) }
func (o shellOutput) Record(object any) { o.out.record(object) }
func (o shellOutput) Note(line string)  { o.out.note("%s", line) }

// feed runs the lines of what is no terminal, whatever becomes of the one before, and
// returns an error with the exit code of the first that failed.
func feed(ctx context.Context, s *shell.Shell, in io.Reader, out *console) error {
	type line struct {
		text   string
		number int
		err    error
	}
	lines := make(chan line)
	go func() { // ends with in, or with the process
		for r := shell.NewLines(in); ; {
			text, err := r.Next()
			select {
			case lines <- line{text, r.Number(), err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	var first error
	failed := 0
	for {
		var l line
		select {
		case l = <-lines:
		case <-ctx.Done():
			return ctx.Err()
		}
		var long *shell.UsageError
		err := l.err
		switch {
		case err == nil:
			err = s.Run(ctx, l.text)
		case !errors.As(err, &long):
			return summary(first, failed, err)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, shell.ErrQuit):
			return summary(first, failed, nil)
		case err != nil:
			if failed++; first == nil {
				first = err
			}
			out.note("cicada: stdin:%d: %s", l.number, plainly(err))
		}
	}
}

// summary returns how a run of piped lines ended, whose reading ended with end.
func summary(first error, failed int, end error) error {
	switch {
	case end != nil && !errors.Is(end, io.EOF):
		return fmt.Errorf("stdin: %w", end)
	case failed == 0:
		return nil
	case failed == 1:
		return &codedError{shellCode(first), errors.New("a command failed")}
	}
	return &codedError{shellCode(first), fmt.Errorf("%d commands failed", failed)}
}

// shellCode returns the exit code for what a command of the shell failed with.
func shellCode(err error) int {
	var wrong *shell.UsageError
	if errors.As(err, &wrong) {
		return exitUsage
	}
	return exitCode(err)
}

// plainly returns what went wrong in one line, fit for a terminal whatever a peer had a hand in.
func plainly(err error) string {
	return control.Visible([]byte(oneLine(err)))
}
