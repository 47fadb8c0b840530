package main

import (
	"context"
	"errors"
	"os"

	"cicada/control"
	"cicada/identity"
	"cicada/runtime"
	"cicada/swarm"
)

type runCommand struct {
	Script string `arg:"" placeholder:"SCRIPT" help:"The script, see docs/runtime.md. - is standard input."`
	peerFlags
}

// Help is shown by --help.
func (*runCommand) Help() string {
	return `A script has one command a line: SEND RECV BCAST OPT WAIT JOIN LOOKUP PEERS FINGERS SLEEP PAUSE LEAVE.

Example: printf 'BCAST hello\nPEERS\n' | cicada run --no-port-mapping --port 0 -`
}

// Run runs a script on a peer of its own.
func (c *runCommand) Run(ctx context.Context, out *console) error {
	out.useJSON(c.JSON)
	script, err := c.parse()
	if err != nil {
		return &codedError{exitUsage, err}
	}
	peer, err := c.start(ctx, out)
	if err != nil {
		return err
	}
	var in *os.File
	if c.Script != "-" {
		in = os.Stdin
	}
	err = runtime.Run(ctx, script, scriptPeer{peer}, in, &scriptReport{out})
	if err == nil {
		return peer.leave()
	}
	if errors.Is(err, runtime.ErrNobody) {
		err = &codedError{exitTimeout, err}
	}
	if left := peer.leave(); left != nil {
		out.note("cicada: %v", left)
	}
	return err
}

func (c *runCommand) parse() (*runtime.Script, error) {
	if c.Script == "-" {
		return runtime.Parse("stdin", os.Stdin)
	}
	file, err := os.Open(c.Script)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return runtime.Parse(c.Script, file)
}

// A scriptPeer joins for as long as the flags say.
type scriptPeer struct{ *running }

// Join joins the swarm of any of the seeds.
func (p scriptPeer) Join(ctx context.Context, seeds ...string) error { return p.join(ctx, seeds) }

// A scriptReport shows what a script does: its lines, or with --json its results.
type scriptReport struct{ out *console }

func (r *scriptReport) Say(line string) { r.out.say("%s", line) }

func (r *scriptReport) Sent(to identity.ID, s swarm.Receipt, err error) {
	r.out.record(control.NewSent(to, s, err))
}

func (r *scriptReport) Unreached(target string, err error) {
	r.out.record(control.NewUnreached(target, err))
}

func (r *scriptReport) Received(m swarm.Message) {
	if r.out.wantsRecords() {
		record, _ := control.NewReceived(context.Background(), m) // waits 50 ms at most, and so cannot fail
		r.out.record(record)
	}
}

func (r *scriptReport) Broadcast(s swarm.Reached, err error) {
	r.out.record(control.NewBroadcast(s, err))
}

func (r *scriptReport) LookedUp(target identity.ID, owner *identity.Contact, trail []identity.ID) {
	r.out.record(control.NewLookup(target, owner, trail))
}

func (r *scriptReport) Peers(s swarm.Status) { r.out.record(control.NewPeers(s)) }

// Fingers writes one object a finger, as the command of that name does.
func (r *scriptReport) Fingers(s swarm.Status) {
	for _, f := range control.NewFingers(s) {
		r.out.record(f)
	}
}
