package shell

import (
	"slices"
	"strings"
)

// Complete returns line with the word before pos, a byte, completed as far as that is
// certain, and the position behind it. Where nothing is, line comes back as it was,
// with what the word may become, if anything.
func (s *Shell) Complete(line string, pos int) (string, int, []string) {
	start := strings.LastIndexAny(line[:pos], blanks) + 1
	word := line[start:pos]
	choices := s.choices(strings.TrimLeft(line[:start], blanks), word)
	if len(choices) == 0 {
		return line, pos, nil
	}
	longer := common(choices)
	if len(choices) == 1 {
		longer += " "
	} else if len(longer) <= len(word) {
		return line, pos, choices
	}
	rest := line[pos:]
	if len(choices) == 1 && strings.HasPrefix(rest, " ") {
		rest = rest[1:]
	}
	return line[:start] + longer + rest, start + len(longer), nil
}

// choices returns what the last word may become, behind the words before it.
func (s *Shell) choices(before, word string) []string {
	name, rest := cut(before)
	if name == "" {
		return s.names(word)
	}
	c, err := s.command(name)
	if err != nil {
		return nil
	}
	at := len(c.split(rest))
	if at >= len(c.params) {
		return nil
	}
	switch c.params[at].kind {
	case aPeer:
		return s.peersLike(word)
	case aCommand:
		return s.names(word)
	case aSwitch:
		return beginning([]string{"on", "off"}, word)
	default:
		return nil
	}
}

// names returns the names of commands that begin with word.
func (s *Shell) names(word string) []string {
	var all []string
	for _, c := range s.commands {
		for _, name := range c.names {
			if len(name) > 1 {
				all = append(all, name)
			}
		}
	}
	return beginning(all, word)
}

// peersLike returns the peers whose ID begins with word, in short; and where one has
// begun to type them, addresses.
func (s *Shell) peersLike(word string) []string {
	var all []string
	for _, m := range s.members {
		all = append(all, nameOf(m, len(word)))
		if word != "" {
			all = append(all, m.peer.Address().String())
		}
	}
	return beginning(all, word)
}

// beginning returns those of all that begin with word, in capitals or not, in order.
func beginning(all []string, word string) []string {
	word = strings.ToLower(word)
	all = slices.DeleteFunc(all, func(text string) bool { return !strings.HasPrefix(text, word) })
	slices.Sort(all)
	return slices.Compact(all)
}

// common returns what all begin with.
func common(all []string) string {
	prefix := all[0]
	for _, text := range all[1:] {
		for !strings.HasPrefix(text, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}
