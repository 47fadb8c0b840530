package shell

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A command is one line of the table.
type command struct {
	names  []string // its name, then others for the same
	params []param
	least  int // how many of the params must be there
	help   string
	run    func(s *Shell, ctx context.Context, words []string) error
}

// A param is what may stand behind a command.
type param struct {
	name string
	kind kind
}

// A kind of param says how it is completed, and whether it is a word.
type kind int

const (
	aWord     kind = iota // which nothing is known of
	aPeer                 // also a target or a seed: a peer of the shell can stand there
	aCommand              // a command's name
	aSwitch               // on or off
	theRemain             // what is left of the line, inner blanks and all; the last one
)

var (
	peerParam = param{"PEER", aPeer}
	dataParam = param{"DATA...", theRemain}
)

// table returns all commands, in the order in which help has them.
func table() []command {
	return []command{
		{[]string{"create"}, []param{{"ADDR", aWord}}, 0, "makes a peer that listens at ADDR, [HOST]:PORT; 127.0.0.1 and any free port unless said", (*Shell).create},
		{[]string{"join"}, []param{peerParam, {"ADDR|PEER", aPeer}}, 2, "joins PEER to the swarm of another", ofPeer((*Shell).join)},
		{[]string{"lookup"}, []param{peerParam, {"TARGET", aPeer}}, 2, "has PEER ask the ring for TARGET: an ID, host:port or a peer", ofPeer((*Shell).lookup)},
		{[]string{"send"}, []param{peerParam, {"TARGET", aPeer}, dataParam}, 3, "sends the rest of the line from PEER to TARGET", ofPeer((*Shell).send)},
		{[]string{"broadcast"}, []param{peerParam, dataParam}, 2, "sends the rest of the line from PEER to everybody", ofPeer((*Shell).broadcast)},
		{[]string{"peers"}, []param{peerParam}, 1, "shows the neighbours of PEER", ofPeer((*Shell).peers)},
		{[]string{"fingers"}, []param{peerParam}, 1, "shows the finger table of PEER", ofPeer((*Shell).fingers)},
		{[]string{"trace"}, []param{peerParam, {"on|off", aSwitch}}, 0, "shows what happens at PEER as it happens; alone: who is traced", (*Shell).trace},
		{[]string{"list", "show"}, nil, 0, "shows every peer of this shell", (*Shell).list},
		{[]string{"stop"}, []param{peerParam}, 1, "has PEER leave the swarm properly", ofPeer((*Shell).stop)},
		{[]string{"kill"}, []param{peerParam}, 1, "ends PEER without a word: to the others it crashed", ofPeer((*Shell).kill)},
		{[]string{"help", "?"}, []param{{"COMMAND", aCommand}}, 0, "shows all commands, or one", (*Shell).showHelp},
		{[]string{"quit", "q", "exit"}, nil, 0, "stops all peers properly and ends the shell", (*Shell).quit},
	}
}

// ofPeer makes a command of what is done with a peer, which its first word names.
func ofPeer(do func(s *Shell, ctx context.Context, m *member, words []string) error) func(*Shell, context.Context, []string) error {
	return func(s *Shell, ctx context.Context, words []string) error {
		m, err := s.member(words[0])
		if err != nil {
			return err
		}
		return do(s, ctx, m, words[1:])
	}
}

// command returns the command of that name, in capitals or not.
func (s *Shell) command(word string) (*command, error) {
	word = strings.ToLower(word)
	nearest, distance := "", 3 // further off than two it is another word
	for i := range s.commands {
		c := &s.commands[i]
		if slices.Contains(c.names, word) {
			return c, nil
		}
		for _, name := range c.names {
			if d := editDistance(word, name); d < distance && d < len(name)-1 {
				nearest, distance = name, d
			}
		}
	}
	if nearest != "" {
		return nil, usage("unknown command %q, did you mean %q?", word, nearest)
	}
	return nil, usage("unknown command %q: help lists them", word)
}

// editDistance is how many letters to add, drop or change to make b of a.
func editDistance(a, b string) int {
	if len(a) > len(b)+2 {
		return len(a) // far off: a line can have a long first word
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// arity says how many parameters the command takes.
func (c *command) arity() string {
	switch most := len(c.params); {
	case c.least < most:
		return fmt.Sprintf("%d to %d parameters", c.least, most)
	case most == 1:
		return "1 parameter"
	default:
		return fmt.Sprintf("%d parameters", most)
	}
}

// usage shows the command with its parameters.
func (c *command) usage() string {
	text := c.names[0]
	for i, p := range c.params {
		if i < c.least {
			text += " " + p.name
		} else {
			text += " [" + p.name + "]"
		}
	}
	return text
}

const blanks = " \t\r"

// cut returns the first word of text, and what follows it and the blanks behind it.
func cut(text string) (word, rest string) {
	text = strings.TrimLeft(text, blanks)
	if i := strings.IndexAny(text, blanks); i >= 0 {
		return text[:i], strings.TrimLeft(text[i:], blanks)
	}
	return text, ""
}

// split returns the parameters in what follows the command's name.
func (c *command) split(text string) (words []string) {
	for text != "" {
		if len(words) < len(c.params) && c.params[len(words)].kind == theRemain {
			return append(words, text)
		}
		var word string
		word, text = cut(text)
		words = append(words, word)
	}
	return words
}

// showHelp shows all commands, or one.
func (s *Shell) showHelp(_ context.Context, words []string) error {
	if len(words) == 1 {
		c, err := s.command(words[0])
		if err != nil {
			return err
		}
		s.advise("Usage: " + c.usage())
		s.advise(c.names[0] + " " + c.help)
		if len(c.names) > 1 {
			s.advise("The same: " + strings.Join(c.names[1:], ", "))
		}
		return nil
	}
	for _, c := range s.commands {
		s.advise(fmt.Sprintf("%-26s %s", c.usage(), c.help))
	}
	s.advise("PEER is the ID of a peer of this shell, the beginning of one, or its host:port.")
	return nil
}

func (s *Shell) quit(context.Context, []string) error { return ErrQuit }
