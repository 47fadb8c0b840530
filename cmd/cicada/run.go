package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"

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
	err = runtime.Run(ctx, script, peer.Peer, in, &scriptReport{out})
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

// A scriptReport shows what a script does: its lines, or with --json its results.
type scriptReport struct{ out *console }

func (r *scriptReport) Say(line string) { r.out.say("%s", line) }

func (r *scriptReport) Sent(to identity.ID, s swarm.Receipt, err error) {
	r.out.record(struct {
		Event        string      `json:"event"`
		To           identity.ID `json:"to"`
		Delivered    bool        `json:"delivered"`
		Hops         int         `json:"hops"`
		Copies       int         `json:"copies"`
		Paths        int         `json:"paths"`
		Path         swarm.Path  `json:"path"`
		Microseconds int64       `json:"microseconds"`
		Error        string      `json:"error,omitempty"`
	}{"sent", to, err == nil, s.Hops, s.Copies, s.Paths, s.Path, s.Elapsed.Microseconds(), errorText(err)})
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (r *scriptReport) Received(m swarm.Message) {
	record := struct {
		Event    string      `json:"event"`
		From     identity.ID `json:"from"`
		Address  string      `json:"address,omitempty"`
		Data     any         `json:"data"`
		Encoding string      `json:"encoding"`
		Hops     int         `json:"hops"`
		Path     swarm.Path  `json:"path"`
		Sealed   bool        `json:"sealed"` // a broadcast is signed, for everybody to read
	}{Event: "received", From: m.From, Data: string(m.Data), Encoding: "utf-8", Hops: m.Hops, Path: m.Path, Sealed: !m.Broadcast}
	if !utf8.Valid(m.Data) {
		record.Data, record.Encoding = m.Data, "base64"
	}
	if m.Address.IsValid() {
		record.Address = m.Address.String()
	}
	r.out.record(record)
}

func (r *scriptReport) Broadcast(s swarm.Reached, err error) {
	r.out.record(struct {
		Event   string `json:"event"`
		Reached int    `json:"reached"`
		Error   string `json:"error,omitempty"`
	}{"broadcast", s.Peers, errorText(err)})
}

func (r *scriptReport) LookedUp(target identity.ID, owner *identity.Contact, trail []identity.ID) {
	r.out.record(struct {
		Target  identity.ID   `json:"target"`
		Owner   identity.ID   `json:"owner"`
		Address string        `json:"address,omitempty"`
		Hops    int           `json:"hops"`
		Trail   []identity.ID `json:"trail"`
	}{target, owner.ID, addressOf(owner), max(len(trail)-1, 0), trail})
}

func addressOf(c *identity.Contact) string {
	if len(c.Addresses) == 0 {
		return ""
	}
	return c.Addresses[0].String()
}

func (r *scriptReport) Peers(s swarm.Status) {
	r.out.record(struct {
		Successors   []identity.ID `json:"successors"`
		Predecessors []identity.ID `json:"predecessors"`
	}{idsOf(s.Successors), idsOf(s.Predecessors)})
}

func idsOf(list []*identity.Contact) []identity.ID {
	all := make([]identity.ID, len(list))
	for i, c := range list {
		all[i] = c.ID
	}
	return all
}

func (r *scriptReport) Fingers(s swarm.Status) {
	type finger struct {
		Start      fmt.Stringer  `json:"start"`
		Candidates []identity.ID `json:"candidates"`
	}
	all := make([]finger, len(s.Fingers))
	for i, f := range s.Fingers {
		all[i] = finger{f.Start, idsOf(f.Candidates)}
	}
	r.out.record(struct {
		Fingers []finger `json:"fingers"`
	}{all})
}
