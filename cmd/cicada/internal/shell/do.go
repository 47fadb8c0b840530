package shell

import (
	"context"
	"strings"

	"cicada/control"
	"cicada/identity"
	"cicada/swarm"
)

// What --json writes: the records of package control, with the peer whose they are
// where they do not say so themselves. How a peer stands is a status, whose event is
// "created", "joined" or "status".
type (
	ended struct {
		Event string      `json:"event"` // "stopped", "killed" or "traced"
		Peer  identity.ID `json:"peer"`
	}
	received struct {
		Peer identity.ID `json:"peer"` // where it arrived
		control.Received
	}
	sent struct {
		Peer identity.ID `json:"peer"` // who sent
		control.Sent
	}
	broadcasted struct {
		Peer identity.ID `json:"peer"`
		control.Broadcast
	}
	lookedUp struct {
		Peer identity.ID `json:"peer"` // who asked
		control.Lookup
	}
	neighbours struct {
		Peer identity.ID `json:"peer"`
		control.Peers
	}
	finger struct {
		Peer identity.ID `json:"peer"`
		control.Finger
	}
)

// stands records how a peer stands after an event.
func (s *Shell) stands(event string, status control.Status) {
	status.Event = event
	s.record(status)
}

func (s *Shell) record(object any) { s.config.Output.Record(object) }

func (s *Shell) create(ctx context.Context, words []string) error {
	if len(s.members) >= MaxPeers {
		return usage("a shell has %d peers at most: stop one first", MaxPeers)
	}
	address := "127.0.0.1:0"
	if len(words) == 1 {
		address = words[0]
	}
	p, err := s.config.Create(ctx, address)
	if err != nil {
		return err
	}
	s.add(p)
	s.stands("created", control.NewStatus(p.Status()))
	s.sayf("created %s at %s", p.ID(), p.Address())
	return nil
}

func (s *Shell) join(ctx context.Context, m *member, words []string) error {
	seed, err := s.seed(words[0])
	if err != nil {
		return err
	}
	if s.config.JoinTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.config.JoinTimeout)
		defer cancel()
	}
	if err := m.peer.Join(ctx, seed); err != nil {
		return err
	}
	s.stands("joined", control.NewStatus(m.peer.Status()))
	s.sayf("%s joined through %s", m.peer.ID().Short(), control.Visible([]byte(seed)))
	return nil
}

func (s *Shell) lookup(ctx context.Context, m *member, words []string) error {
	id, err := s.target(ctx, m, words[0])
	if err != nil {
		return err
	}
	owner, trail, err := m.peer.Lookup(ctx, id)
	if err != nil {
		return err
	}
	l := control.NewLookup(id, owner, trail)
	s.record(lookedUp{m.peer.ID(), l})
	s.sayf("%s at %s, %s away", l.Owner, l.Address, control.Count(l.Hops, "hop"))
	s.sayf("trail  %s", names(l.Trail))
	return nil
}

func (s *Shell) send(ctx context.Context, m *member, words []string) error {
	id, err := s.target(ctx, m, words[0])
	if err != nil {
		return err
	}
	receipt, err := m.peer.Send(ctx, id, []byte(words[1]), swarm.SendOptions{})
	s.catchUp(ctx, s.of(id)...)
	r := control.NewSent(id, receipt, err)
	s.record(sent{m.peer.ID(), r})
	if err != nil {
		return err
	}
	s.sayf("delivered to %s: %s, %s, %d µs", r.To.Short(), r.Path, control.Count(r.Hops, "hop"), r.Microseconds)
	return nil
}

func (s *Shell) broadcast(ctx context.Context, m *member, words []string) error {
	reached, err := m.peer.Broadcast(ctx, []byte(words[0]))
	s.catchUp(ctx, s.members...)
	r := control.NewBroadcast(reached, err)
	s.record(broadcasted{m.peer.ID(), r})
	if err != nil {
		return err
	}
	s.sayf("%s", r.Sentence())
	return nil
}

func (s *Shell) peers(_ context.Context, m *member, _ []string) error {
	p := control.NewPeers(m.peer.Status())
	s.record(neighbours{m.peer.ID(), p})
	s.sayf("successors    %s", names(p.Successors))
	s.sayf("predecessors  %s", names(p.Predecessors))
	return nil
}

func (s *Shell) fingers(_ context.Context, m *member, _ []string) error {
	fingers := control.NewFingers(m.peer.Status())
	for _, f := range fingers {
		s.record(finger{m.peer.ID(), f})
		s.sayf("%s…  %s", f.Start.String()[:8], names(f.Candidates))
	}
	if len(fingers) == 0 {
		s.advise("no fingers: this peer knows everybody")
	}
	return nil
}

// names lists IDs in short.
func names(list []identity.ID) string {
	if len(list) == 0 {
		return "none"
	}
	short := make([]string, len(list))
	for i, id := range list {
		short[i] = id.Short()
	}
	return strings.Join(short, " ")
}

func (s *Shell) list(context.Context, []string) error {
	if len(s.members) == 0 {
		s.advise("no peers: make one with create")
		return nil
	}
	s.sayf("%-8s  %-21s  %-7s  %10s  %8s", "PEER", "ADDRESS", "MODE", "SUCCESSORS", "MESSAGES")
	for _, m := range s.members {
		status := control.NewStatus(m.peer.Status())
		s.stands("status", status)
		s.sayf("%-8s  %-21s  %-7s  %10d  %8d", status.ID.Short(), status.Address, status.Mode,
			len(status.Successors), status.Counters.Delivered)
	}
	return nil
}

func (s *Shell) stop(ctx context.Context, m *member, _ []string) error {
	s.remove(m)
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	if err := leave(ctx, m); err != nil {
		return err
	}
	s.record(ended{"stopped", m.peer.ID()})
	s.sayf("%s has left", m.peer.ID().Short())
	return nil
}

func (s *Shell) kill(ctx context.Context, m *member, _ []string) error {
	s.remove(m)
	err := m.peer.Close()
	m.end(ctx)
	if err != nil {
		return err
	}
	s.record(ended{"killed", m.peer.ID()})
	s.sayf("%s is dead", m.peer.ID().Short())
	return nil
}

func (s *Shell) trace(_ context.Context, words []string) error {
	if len(words) == 0 {
		s.traced()
		return nil
	}
	m, err := s.member(words[0])
	if err != nil {
		return err
	}
	on := true
	if len(words) == 2 {
		switch strings.ToLower(words[1]) {
		case "on":
		case "off":
			on = false
		default:
			return usage("trace: %q is neither on nor off", words[1])
		}
	}
	if !on {
		m.untrace()
		s.sayf("%s is not traced", m.peer.ID().Short())
		return nil
	}
	s.sayf("%s is traced", m.peer.ID().Short())
	if m.untail != nil {
		return nil
	}
	var ctx context.Context
	ctx, m.untail = context.WithCancel(context.Background())
	events := m.peer.Events(ctx) // from here on, not from when the goroutine gets to it
	s.start(&m.quiet, func() {
		for e := range events {
			s.record(e)
			s.config.Output.Say(e.String())
		}
	})
	return nil
}

// traced says who is traced.
func (s *Shell) traced() {
	n := 0
	for _, m := range s.members {
		if m.untail != nil {
			n++
			s.record(ended{"traced", m.peer.ID()})
			s.sayf("%s is traced", m.peer.ID().Short())
		}
	}
	if n == 0 {
		s.advise("no peer is traced")
	}
}

// untrace ends a member's trace, if there is one.
func (m *member) untrace() {
	if m.untail != nil {
		m.untail()
		m.untail = nil
	}
}
