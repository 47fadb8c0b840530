package chordtest

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
)

// A Story is a script that peers play out on a Net where every message takes
// 10 ms. Peers are named by the first byte of their points. Each paragraph of
// the script is one or more commands, then a line "----", then what came of
// them, which the machine writes. Lines that begin with # are for people.
//
// Commands, one a line; PEER is a number from 0 to 255:
//
//	ring R BASE         parameters of all peers: successors, finger base; first, once
//	start PEER          a ring of one
//	peers PEER…         a ring of these peers that is already right
//	join PEER via=PEER  it joins, until it owns its keys or gives up
//	crash PEER…         they vanish; who writes to them is told
//	silence PEER…       they vanish, and nobody is told
//	leave PEER…         they leave
//	pause PEER TIME     it stands still for so long
//	cut PEER PEER       nothing passes between the two, until "mend PEER PEER"
//	stabilize PEER…     each stabilises now; runs until that is over
//	run TIME [trace]    time passes; with trace, all messages are shown
//	tick                time passes until the next thing is due anywhere
//	lookup PEER key=N   runs until it is answered
//	show [PEER…]        lists of these peers, or of all
//	fingers PEER        its slots that have candidates
//	check               what is not ideal
//
// What is shown of its own accord: modes, ownership, deaths, violations.
type Story struct {
	net    *Net
	out    strings.Builder
	config chord.Config
	trace  bool
}

// storyLatency is how long every message takes.
const storyLatency = 10 * time.Millisecond

// Play runs the script and returns it with the output filled in anew.
func Play(script string) (string, error) {
	s := &Story{}
	var result strings.Builder
	lines := bufio.NewScanner(strings.NewReader(script))
	skipping := false
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimRight(lines.Text(), " \t")
		switch {
		case skipping && line != "":
			continue
		case line == "----":
			skipping = true
			result.WriteString("----\n" + s.out.String())
			s.out.Reset()
			continue
		case line != "" && line[0] != '#':
			if err := s.command(strings.Fields(line)); err != nil {
				return "", fmt.Errorf("line %d: %q: %w", number, line, err)
			}
		}
		skipping = false
		result.WriteString(line + "\n")
	}
	return result.String(), lines.Err()
}

// command carries out one line.
func (s *Story) command(words []string) error {
	name, rest := words[0], words[1:]
	if name == "ring" {
		return s.ring(rest)
	}
	if s.net == nil {
		s.open()
	}
	switch name {
	case "run":
		return s.run(rest)
	case "tick":
		s.net.Next()
		return nil
	case "join":
		return s.join(rest)
	case "lookup":
		return s.lookup(rest)
	case "pause":
		return s.pause(rest)
	case "check":
		s.check()
		return nil
	}
	peers, err := numbers(rest)
	if err != nil {
		return err
	}
	switch name {
	case "start":
		s.net.Start(s.net.Add(Contact(peers[0])))
		s.net.Run(0)
	case "peers":
		var contacts []*identity.Contact
		for _, n := range peers {
			contacts = append(contacts, Contact(n))
		}
		s.net.Settle(contacts)
		s.net.Run(0)
	case "show":
		s.show(peers)
	default:
		return s.act(name, peers)
	}
	return nil
}

// act does something to each of some peers.
func (s *Story) act(name string, peers []byte) error {
	var list []*Peer
	for _, n := range peers {
		p := s.net.Peer(Contact(n).ID)
		if p == nil {
			return fmt.Errorf("there is no peer %d", n)
		}
		list = append(list, p)
	}
	if (name == "cut" || name == "mend") && len(list) == 2 {
		s.net.Cut(list[0], list[1], name == "cut")
		return nil
	}
	for _, p := range list {
		switch name {
		case "crash":
			s.net.Crash(p)
		case "silence":
			s.net.Silence(p)
		case "leave":
			s.net.Leave(p)
			s.net.Run(2 * storyLatency)
		case "stabilize":
			s.net.Do(p, p.Core.Stabilize)
			s.net.Run(8 * storyLatency)
		case "fingers":
			s.fingers(p)
		default:
			return fmt.Errorf("no command %q", name)
		}
	}
	return nil
}

func (s *Story) ring(words []string) error {
	n, err := numbers(words)
	if err != nil || len(n) != 2 {
		return fmt.Errorf("want two numbers: %w", err)
	}
	s.config = chord.Config{Successors: int(n[0]), FingerBase: int(n[1]), TableBudget: -1}
	return nil
}

func (s *Story) open() {
	s.net = NewNet(NetConfig{Seed: 1, Chord: s.config,
		Latency: func(_, _ identity.ID) time.Duration { return storyLatency },
		Event:   s.event,
		Sent: func(from, to *identity.Contact, m chord.Message) {
			if s.trace {
				fmt.Fprintf(&s.out, "%s %d->%d %s\n", s.clock(), from.Point[0], to.Point[0], Describe(&m))
			}
		}})
}

func (s *Story) clock() string { return fmt.Sprintf("%7.3f", s.net.Now().Seconds()) }

// event shows the events that matter to every story.
func (s *Story) event(e trace.Event) {
	who := s.name(e.Peer)
	switch e.Kind {
	case trace.RingMode:
		fmt.Fprintf(&s.out, "%s %s is %s\n", s.clock(), who, e.Reason)
	case trace.RingOwns:
		fmt.Fprintf(&s.out, "%s %s owns its keys\n", s.clock(), who)
	case trace.RingDead:
		fmt.Fprintf(&s.out, "%s %s drops %s: %s\n", s.clock(), who, s.name(e.Other), e.Reason)
	case trace.Violation:
		fmt.Fprintf(&s.out, "%s %s blames %s: %s\n", s.clock(), who, s.name(e.Other), e.Reason)
	}
}

func (s *Story) name(id identity.ID) string {
	if p := s.net.Peer(id); p != nil {
		return strconv.Itoa(int(p.Contact.Point[0]))
	}
	return id.Short()
}

func (s *Story) run(words []string) error {
	d, err := time.ParseDuration(words[0])
	if err != nil {
		return err
	}
	s.trace = len(words) > 1 && words[1] == "trace"
	s.net.Run(d)
	s.trace = false
	return nil
}

func (s *Story) pause(words []string) error {
	n, err := numbers(words[:1])
	if err != nil || len(words) != 2 {
		return fmt.Errorf("want a peer and a time: %w", err)
	}
	d, err := time.ParseDuration(words[1])
	if err != nil {
		return err
	}
	s.net.Pause(s.net.Peer(Contact(n[0]).ID), d)
	return nil
}

func (s *Story) join(words []string) error {
	n, err := numbers(words)
	if err != nil || len(n) != 2 {
		return fmt.Errorf("want a peer and via=peer: %w", err)
	}
	p := s.net.Add(Contact(n[0]))
	s.net.Join(p, Contact(n[1]))
	s.net.RunUntil(time.Minute, func() bool { return p.Joined || p.JoinFail != nil })
	if p.JoinFail != nil {
		fmt.Fprintf(&s.out, "%s %d cannot join: no answer\n", s.clock(), n[0])
	}
	return nil
}

func (s *Story) lookup(words []string) error {
	n, err := numbers(words)
	if err != nil || len(n) != 2 {
		return fmt.Errorf("want a peer and key=number: %w", err)
	}
	p := s.net.Peer(Contact(n[0]).ID)
	id := s.net.Lookup(p, identity.Point{n[1]})
	var answer chord.Answer
	s.net.RunUntil(time.Minute, func() bool {
		i := slices.IndexFunc(p.Answers, func(a chord.Answer) bool { return a.Lookup == id })
		if i >= 0 {
			answer = p.Answers[i]
		}
		return i >= 0
	})
	if answer.Owner == nil {
		fmt.Fprintf(&s.out, "key %d: %v\n", n[1], answer.Err)
		return nil
	}
	path := make([]string, len(answer.Trail))
	for i, hop := range answer.Trail {
		path[i] = s.name(hop)
	}
	fmt.Fprintf(&s.out, "key %d: owner %d, %d hops: %s\n", n[1], answer.Owner.Point[0], answer.Hops, strings.Join(path, " "))
	return nil
}

// show writes the lists of some peers, or of all.
func (s *Story) show(peers []byte) {
	for _, p := range s.net.Live() {
		n := p.Contact.Point[0]
		if len(peers) > 0 && !slices.Contains(peers, n) {
			continue
		}
		fmt.Fprintf(&s.out, "%3d %-7s successors %-12s predecessors %s\n", n, p.Core.Mode(),
			Brief(p.Core.Successors()), Brief(p.Core.Predecessors()))
	}
}

func (s *Story) fingers(p *Peer) {
	for _, f := range p.Core.Fingers() {
		if len(f.Candidates) > 0 {
			fmt.Fprintf(&s.out, "from %d to %d: %s\n", f.Start[0], f.End[0], Brief(f.Candidates))
		}
	}
}

func (s *Story) check() {
	r := s.config.Successors
	bad := Check(s.net.Cores(), Rules{Successors: r})
	bad = append(bad, Ideal(s.net.Cores(), r)...)
	if len(bad) == 0 {
		s.out.WriteString("ideal\n")
	}
	for _, v := range bad {
		fmt.Fprintln(&s.out, v)
	}
}

// numbers reads peers and name=peer alike.
func numbers(words []string) ([]byte, error) {
	list := make([]byte, 0, len(words))
	for _, w := range words {
		if i := strings.IndexByte(w, '='); i >= 0 {
			w = w[i+1:]
		}
		n, err := strconv.ParseUint(w, 10, 8)
		if err != nil {
			return nil, err
		}
		list = append(list, byte(n))
	}
	return list, nil
}
