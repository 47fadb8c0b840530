package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cicada/control"
	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
)

// clientFlags are the flags of every command that asks a running peer.
type clientFlags struct {
	State string `placeholder:"DIR" help:"The folder of the peer, as cicada up has it."`
	Port  int    `short:"p" default:"49610" placeholder:"N" help:"The port of the peer, where no folder is named (${default})."`
	JSON  bool   `name:"json" help:"Write one JSON object a line."`
}

// stateFolder returns the folder that --state names, or that of the port to listen on.
func stateFolder(named string, f *peerFlags) (string, error) {
	if named != "" {
		return named, nil
	}
	port, err := f.port()
	if err != nil {
		return "", err
	}
	if f.Bind != "" {
		inside, _, _ := strings.Cut(f.Bind, "@")
		_, text, err := net.SplitHostPort(inside)
		if port, _ = strconv.Atoi(text); err != nil || !isPort(text, 0) {
			return "", usageError("--bind %q: want [HOST]:PORT, or [HOST]:PORT@EXTERNAL:PORT", f.Bind)
		}
	}
	if port == 0 {
		return "", usageError("with port 0 the peer needs a folder: name it with --state")
	}
	return defaultState(port)
}

// ProvideClient returns a client of the peer that the flags name: what Run of each
// of these commands is given by kong.
func (f *clientFlags) ProvideClient(out *console) (*control.Client, error) {
	out.useJSON(f.JSON)
	if err := checkPort(f.Port, 1); err != nil {
		return nil, err
	}
	socket, err := f.socket()
	if err != nil {
		return nil, err
	}
	return control.NewClient(socket), nil
}

// socket returns where the peer's socket is.
func (f *clientFlags) socket() (string, error) {
	folder, err := stateFolder(f.State, &peerFlags{Port: &f.Port})
	if err != nil {
		return "", err
	}
	socket, err := ownSocket(folder)
	if err != nil {
		return "", usageError("--state: %w", err)
	}
	return socket, nil
}

type sendCommand struct {
	Target     string   `arg:"" help:"The ID, or host:port, of a peer."`
	Data       []string `arg:"" optional:"" help:"What to send; - is standard input. Where it begins with a dash, -- goes before it."`
	Duplicates int      `placeholder:"N" help:"Extra copies, by other ways (0 to 63)."`
	Routed     bool     `help:"Over the ring even where there is a direct way."`
	Timeout    patience `default:"10s" placeholder:"TIME" help:"How long to wait for the receipt (${default})."`
	clientFlags
}

// Help is shown by --help.
func (*sendCommand) Help() string {
	return "Example: cicada send --state /tmp/peer1 127.0.0.1:7002 hello, world!"
}

// Run sends a message.
func (c *sendCommand) Run(ctx context.Context, out *console, client *control.Client) error {
	data, err := dataOf(c.Data, os.Stdin)
	if err != nil {
		return err
	}
	options := swarm.SendOptions{Duplicates: c.Duplicates, Routed: c.Routed}
	sent, err := client.Send(ctx, c.Target, data, options, time.Duration(c.Timeout))
	if sent.Event != "" {
		out.record(sent)
	}
	if err != nil {
		return err
	}
	out.say("delivered to %s: %s, %s, %d µs", sent.To.Short(), sent.Path, control.Count(sent.Hops, "hop"), sent.Microseconds)
	return nil
}

// dataOf returns what a command line says to send: its words, or standard input for -.
func dataOf(words []string, stdin io.Reader) ([]byte, error) {
	if len(words) == 0 {
		return nil, usageError("what is to be sent is missing; - is standard input")
	}
	if len(words) == 1 && words[0] == "-" {
		data, err := io.ReadAll(io.LimitReader(stdin, swarm.MaxMessage+1))
		if err == nil && len(data) > swarm.MaxMessage {
			err = &codedError{exitRefused, fmt.Errorf("standard input has more than the %d bytes of the largest message", swarm.MaxMessage)}
		}
		return data, err
	}
	return []byte(strings.Join(words, " ")), nil
}

type bcastCommand struct {
	Data    []string `arg:"" optional:"" help:"What to send; - is standard input. Where it begins with a dash, -- goes before it."`
	Timeout patience `default:"10s" placeholder:"TIME" help:"How long to wait until all have it (${default})."`
	clientFlags
}

// Help is shown by --help.
func (*bcastCommand) Help() string {
	return "Example: cicada bcast --state /tmp/peer1 hello, everybody"
}

// Run broadcasts a message.
func (c *bcastCommand) Run(ctx context.Context, out *console, client *control.Client) error {
	data, err := dataOf(c.Data, os.Stdin)
	if err != nil {
		return err
	}
	reached, err := client.Broadcast(ctx, data, time.Duration(c.Timeout))
	if reached.Event != "" {
		out.record(reached)
	}
	if err != nil {
		return err
	}
	out.say("%s", reached.Sentence())
	return nil
}

type recvCommand struct {
	Count *int `arg:"" optional:"" help:"How many messages; without it, all until interrupted."`
	clientFlags
}

// Help is shown by --help.
func (*recvCommand) Help() string { return "Example: cicada recv --state /tmp/peer1 1" }

// Run shows what arrives.
func (c *recvCommand) Run(ctx context.Context, out *console, client *control.Client) error {
	n, most, of := 0, 0, "∞"
	if c.Count != nil {
		if most, of = *c.Count, strconv.Itoa(*c.Count); most < 1 {
			return usageError("recv %d: want a number from 1", most)
		}
	}
	return client.Receive(ctx, most, func(r control.Received) error {
		n++
		out.record(r)
		data, err := r.Bytes()
		if err != nil {
			return err
		}
		from := r.From.Short() // this is proven; the address is what its peer says
		if r.Address.IsValid() {
			from += " at " + r.Address.String()
		}
		out.say("%d/%s -- %s: %s", n, of, from, data)
		return out.failure()
	})
}

type lookupCommand struct {
	Target  string   `arg:"" help:"The ID, or host:port, of a peer."`
	Timeout patience `default:"10s" placeholder:"TIME" help:"How long to wait for the answer (${default})."`
	clientFlags
}

// Help is shown by --help.
func (*lookupCommand) Help() string {
	return "Example: cicada lookup --state /tmp/peer1 127.0.0.1:7002"
}

// Run looks a peer up.
func (c *lookupCommand) Run(ctx context.Context, out *console, client *control.Client) error {
	l, err := client.Lookup(ctx, c.Target, time.Duration(c.Timeout))
	if err != nil {
		return err
	}
	out.record(l)
	out.say("%s at %s, %s away", l.Owner, l.Address, control.Count(l.Hops, "hop"))
	return nil
}

type statusCommand struct{ clientFlags }

// Help is shown by --help.
func (*statusCommand) Help() string { return "Example: cicada status --state /tmp/peer1 --json" }

// Run shows how the peer stands.
func (c *statusCommand) Run(ctx context.Context, out *console, client *control.Client) error {
	s, err := client.Status(ctx)
	if err != nil {
		return err
	}
	out.record(s)
	out.say("peer          %s", s.ID)
	out.say("point         %s", s.Point)
	out.say("listens       %s", s.Address)
	out.say("swarm         %s, as far as this peer sees", s.Mode)
	out.say("successors    %s", short(s.Successors))
	out.say("predecessors  %s", short(s.Predecessors))
	if s.Reachable {
		out.say("reachable     yes: another peer has dialled it")
	} else {
		out.say("reachable     not known: nobody has dialled it yet")
	}
	out.say("knows         %d peers, %d links", len(s.Contacts), len(s.Links))
	if s.Keys > 0 {
		out.say("keys          shared with %s", control.Count(s.Keys, "other peer"))
	}
	n := s.Counters
	out.say("messages      its own: %d delivered, %d not; to it: %d taken, %d refused", n.Sent, n.Failed, n.Delivered, n.Refused)
	return nil
}

func short(list []identity.ID) string {
	if len(list) == 0 {
		return "none"
	}
	names := make([]string, len(list))
	for i, id := range list {
		names[i] = id.Short()
	}
	return strings.Join(names, " ")
}

type peersCommand struct{ clientFlags }

// Help is shown by --help.
func (*peersCommand) Help() string { return "Example: cicada peers --state /tmp/peer1" }

// Run shows the peer's neighbours.
func (c *peersCommand) Run(ctx context.Context, out *console, client *control.Client) error {
	p, err := client.Peers(ctx)
	if err != nil {
		return err
	}
	out.record(p)
	for _, side := range []struct {
		name string
		list []identity.ID
	}{{"successor", p.Successors}, {"predecessor", p.Predecessors}} {
		for i, id := range side.list {
			out.say("%-11s %2d  %s", side.name, i+1, id)
		}
	}
	if len(p.Successors) == 0 {
		out.say("this peer is alone")
	}
	return nil
}

type fingersCommand struct{ clientFlags }

// Help is shown by --help.
func (*fingersCommand) Help() string { return "Example: cicada fingers --state /tmp/peer1" }

// Run shows the peer's finger table.
func (c *fingersCommand) Run(ctx context.Context, out *console, client *control.Client) error {
	fingers, err := client.Fingers(ctx)
	if err != nil {
		return err
	}
	for _, f := range fingers {
		out.record(f)
		out.say("%s…  %s", f.Start.String()[:8], short(f.Candidates))
	}
	if len(fingers) == 0 {
		out.say("no fingers: this peer knows everybody")
	}
	return nil
}

type watchCommand struct{ clientFlags }

// Help is shown by --help.
func (*watchCommand) Help() string { return "Example: cicada watch --state /tmp/peer1" }

// Run shows the peer's events as they happen.
func (c *watchCommand) Run(ctx context.Context, out *console, client *control.Client) error {
	return client.Events(ctx, func(e trace.Event) error {
		out.record(e)
		out.say("%s", e)
		return out.failure()
	})
}

type leaveCommand struct{ clientFlags }

// Help is shown by --help.
func (*leaveCommand) Help() string { return "Example: cicada leave --state /tmp/peer1" }

// Run has the peer leave, and waits until it has ended: it can be started again.
func (c *leaveCommand) Run(ctx context.Context, out *console, client *control.Client) error {
	path, err := c.socket()
	if err != nil {
		return err
	}
	socket, missing := os.Lstat(path)
	if err := client.Leave(ctx); err != nil {
		return err
	}
	if missing == nil { // or there would have been nobody to be told
		if err := awaitEnd(ctx, filepath.Dir(path), socket); err != nil {
			return err
		}
	}
	out.say("it has left")
	return nil
}
