package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"cicada/control"
)

// The exit codes, the same for every command.
const (
	exitDone        = 0
	exitOurFault    = 1
	exitUsage       = 2
	exitTimeout     = 3
	exitRefused     = 4 // refused, or not delivered
	exitInterrupted = 130
)

// commandLine is every command and flag there is.
type commandLine struct {
	Demo    demoCommand    `cmd:"" help:"Watch a swarm on this machine: it gathers, talks, loses a quarter of its peers and heals."`
	Sim     simCommand     `cmd:"" help:"Simulate a swarm of up to two million peers in virtual time."`
	Run     runCommand     `cmd:"" help:"Run a script on a peer: send, receive, broadcast, one command a line."`
	Up      upCommand      `cmd:"" help:"Run a peer that other commands talk to, until it is interrupted."`
	Shell   shellCommand   `cmd:"" help:"Type commands to many peers in one process: make a ring, look at it, break it."`
	Send    sendCommand    `cmd:"" help:"Have a running peer send a message." group:"running"`
	Recv    recvCommand    `cmd:"" help:"Show the messages that arrive at a running peer." group:"running"`
	Bcast   bcastCommand   `cmd:"" help:"Have a running peer send to everybody." group:"running"`
	Lookup  lookupCommand  `cmd:"" help:"Have a running peer find another." group:"running"`
	Status  statusCommand  `cmd:"" help:"Show how a running peer stands." group:"running"`
	Peers   peersCommand   `cmd:"" help:"Show a running peer's neighbours." group:"running"`
	Fingers fingersCommand `cmd:"" help:"Show a running peer's finger table." group:"running"`
	Watch   watchCommand   `cmd:"" help:"Show a running peer's events as they happen." group:"running"`
	Leave   leaveCommand   `cmd:"" help:"Have a running peer leave the swarm, and end." group:"running"`
	ID      idCommand      `cmd:"" name:"id" help:"Make or show the identity of a peer."`
	Bench   benchCommand   `cmd:"" help:"Measure Cicada and this machine, in about two minutes."`

	Completion completionCommand `cmd:"" help:"Write the script that completes command lines of cicada in a shell."`
	Man        manCommand        `cmd:"" help:"Write the man page of cicada, or of one of its commands."`

	Version versionCommand `cmd:"" help:"Show which version this is, as --version does."`
}

// run carries out one command line and returns the exit code.
func run(arguments []string, stdout, stderr io.Writer) int {
	var line commandLine
	helped := false
	if len(arguments) > 0 {
		switch arguments[0] {
		case "--version":
			arguments = append([]string{"version"}, arguments[1:]...)
		case "help":
			arguments = append(slices.Clone(arguments[1:]), "--help")
		}
	}
	help := &checkedWriter{Writer: stdout}
	parser, err := kong.New(&line,
		kong.Name("cicada"),
		kong.Description("Send to a peer's key, not to an address."),
		kong.Writers(help, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ExplicitGroups([]kong.Group{{Key: "running", Title: "Commands to a running peer:"}}),
		kong.Bind(new(source)),
		kong.KindMapper(reflect.Int, kong.MapperFunc(wholeNumber)),
		kong.Exit(func(int) { helped = true }), // instead of ending the process after --help
	)
	if err != nil {
		fmt.Fprintln(stderr, "cicada:", err)
		return exitOurFault
	}
	command, err := parser.Parse(withNegatives(parser.Model, arguments))
	switch {
	case help.err != nil:
		fmt.Fprintln(stderr, "cicada: writing help:", help.err)
		return exitOurFault
	case helped:
		return exitDone
	case err != nil:
		fmt.Fprintln(stderr, "cicada:", misread(err))
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // whoever interrupts a second time does not want to wait
	out := newConsole(stdout, stderr)
	out.interrupted = ctx.Done()
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(out)
	out.clearProgress()
	out.flush()
	if err == nil {
		err = out.failure()
	}
	return conclude(ctx, out, err)
}

// A checkedWriter keeps the first error.
type checkedWriter struct {
	io.Writer
	err error
}

// Write writes unless that failed before.
func (w *checkedWriter) Write(text []byte) (n int, err error) {
	if w.err == nil {
		n, w.err = w.Writer.Write(text)
	}
	return n, w.err
}

// conclude tells people what went wrong, in one sentence, and returns the exit code.
func conclude(ctx context.Context, out *console, err error) int {
	if err == nil {
		return exitDone
	}
	if ctx.Err() != nil { // whatever else failed, failed because of that
		out.lastWord("cicada: interrupted\n")
		return exitInterrupted
	}
	out.lastWord("cicada: " + control.Visible([]byte(oneLine(err))) + "\n")
	return exitCode(err)
}

// oneLine returns what errors say that were joined.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// A codedError is an error that knows its exit code.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// usageError says that the command line asks for something that makes no sense.
func usageError(format string, arguments ...any) error {
	return &codedError{exitUsage, fmt.Errorf(format, arguments...)}
}

// exitCode returns the exit code for an error that is no interrupt.
func exitCode(err error) int {
	var coded *codedError
	if errors.As(err, &coded) {
		return coded.code
	}
	if errors.Is(err, control.ErrNotRunning) || errors.Is(err, control.ErrInUse) {
		return exitRefused
	}
	switch control.KindOf(err) {
	case control.Usage:
		return exitUsage
	case control.Timeout:
		return exitTimeout
	case control.Refused, control.Closed:
		return exitRefused
	}
	return exitOurFault
}
