package runtime

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"cicada/identity"
	"cicada/swarm"
)

// Limits of a script.
const (
	MaxLine     = swarm.MaxMessage + 4096 // bytes of one line: the largest message, and its command
	MaxCommands = 100_000
	MaxCount    = 1_000_000_000 // messages of one RECV
	maxErrors   = 20            // told of one script; the others are counted
	maxSeconds  = 1e9           // of one WAIT or SLEEP
)

// A SyntaxError says what is wrong with one line of a script.
type SyntaxError struct {
	File   string
	Line   int // from 1
	Reason string
}

// Error returns "file:line: reason".
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason) }

// Parse reads a script to its end. name is that of its file. The error joins a
// *SyntaxError for each bad line, of which it quotes 100 characters at most, up to
// twenty, and says how many more there are; or it is what r failed with. It may be
// called concurrently.
func Parse(name string, r io.Reader) (*Script, error) {
	s := &Script{Name: name}
	var bad faults
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), MaxLine)
	left := 0 // the line of a LEAVE
	number := 0
	for lines.Scan() {
		number++
		text := lines.Bytes()
		if number == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		c, err := parseLine(string(text))
		switch {
		case err == nil && c.Verb == "":
			continue
		case err == nil && left > 0:
			err = fmt.Errorf("%s: nothing can be done after the LEAVE of line %d", c.Verb, left)
		case len(s.Commands)+bad.count == MaxCommands:
			over := &SyntaxError{name, number, fmt.Sprintf("a script can have %d commands", MaxCommands)}
			return nil, errors.Join(append(bad.told, over)...)
		case err == nil && c.Verb == Leave:
			left = number
		}
		if err != nil {
			bad.add(&SyntaxError{name, number, err.Error()})
			continue
		}
		c.Line = number
		s.Commands = append(s.Commands, c)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		bad.add(&SyntaxError{name, number + 1, fmt.Sprintf("a line can have %d bytes", MaxLine)})
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if bad.count > 0 {
		return nil, bad.err()
	}
	return s, nil
}

// Faults are what is wrong with a script, as far as it is told.
type faults struct {
	told  []error
	count int
}

func (f *faults) add(err *SyntaxError) {
	if f.count++; f.count <= maxErrors {
		f.told = append(f.told, err)
	}
}

func (f *faults) err() error {
	told := f.told
	if more := f.count - len(told); more > 0 {
		told = append(told, fmt.Errorf("and %d more", more))
	}
	return errors.Join(told...)
}

// verbs are the words that begin a line.
var verbs = map[string]Verb{
	"SEND": Send, "S": Send, "RECV": Receive, "R": Receive, "BCAST": Broadcast, "B": Broadcast,
	"OPT": Option, "O": Option, "WAIT": Wait, "W": Wait,
	"JOIN": Join, "LOOKUP": Lookup, "PEERS": Peers, "FINGERS": Fingers,
	"SLEEP": Sleep, "PAUSE": Pause, "LEAVE": Leave,
}

// parseLine reads one line. A line that says nothing is a command without a verb.
func parseLine(line string) (Command, error) {
	word, rest := cut(strings.TrimRight(line, blanks))
	if word == "" || strings.HasPrefix(word, "#") {
		return Command{}, nil
	}
	verb, ok := verbs[strings.ToUpper(word)]
	if !ok {
		return Command{}, fmt.Errorf("invalid command: %.100q", word)
	}
	c := Command{Verb: verb}
	var err error
	switch verb {
	case Send:
		err = c.parseSend(rest)
	case Broadcast:
		err = c.parseData(rest)
	case Receive:
		err = c.parseCount(rest)
	case Option:
		err = c.parseOptions(rest)
	case Wait, Sleep:
		err = c.parseTime(rest)
	case Join, Lookup:
		err = c.parseTarget(rest)
	default:
		if rest != "" {
			err = fmt.Errorf("%s takes nothing: %.100q", verb, rest)
		}
	}
	return c, err
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

// parseSend reads "host port data", "host:port data" or "ID data".
func (c *Command) parseSend(text string) error {
	target, data := cut(text)
	if err := checkPort(portOf(target)); err != nil {
		return fmt.Errorf("SEND: %w", err)
	}
	if !names(target) {
		port, rest := cut(data)
		if _, err := strconv.ParseInt(port, 10, 64); target == "" || err != nil && !errors.Is(err, strconv.ErrRange) {
			return errors.New("SEND requires: host port data")
		}
		if err := checkPort(port); err != nil {
			return fmt.Errorf("SEND: %w", err)
		}
		target, data = net.JoinHostPort(strings.Trim(target, "[]"), port), rest
	}
	if data == "" {
		return errors.New("SEND requires: host port data")
	}
	c.Target = target
	return c.parseData(data)
}

// names reports whether text is a whole target: an ID, or a host with its port.
func names(text string) bool {
	if _, err := identity.ParseID(text); err == nil {
		return true
	}
	port := portOf(text)
	return port != "" && checkPort(port) == nil
}

// portOf returns the digits of the port in host:port, or nothing where there are none.
func portOf(text string) string {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" || strings.Trim(port, "0123456789") != "" {
		return ""
	}
	return port
}

// checkPort returns what is wrong with the digits of a port, of which there may be none.
func checkPort(port string) error {
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return fmt.Errorf("port %.100q: want 1 to 65535", port)
	}
	return nil
}

func (c *Command) parseData(data string) error {
	switch {
	case data == "":
		return fmt.Errorf("%s requires: data", c.Verb)
	case len(data) > swarm.MaxMessage:
		return fmt.Errorf("%s: %d bytes, and a message can have %d", c.Verb, len(data), swarm.MaxMessage)
	}
	c.Data = data
	return nil
}

func (c *Command) parseCount(text string) error {
	c.Count = 1
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > MaxCount {
		return fmt.Errorf("RECV: invalid count %.100q: 1 to %d", text, MaxCount)
	}
	c.Count = n
	return nil
}

// parseTime reads seconds, with a fraction or without.
func (c *Command) parseTime(text string) error {
	if c.Verb == Wait && (text == "" || text == "-1") {
		c.Time = Forever
		return nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds < 0 || seconds > maxSeconds || math.IsNaN(seconds) {
		return fmt.Errorf("%s: invalid time %.100q: seconds", c.Verb, text)
	}
	c.Time = time.Duration(seconds * float64(time.Second))
	return nil
}

func (c *Command) parseTarget(text string) error {
	if err := checkPort(portOf(text)); err != nil {
		return fmt.Errorf("%s: %w", c.Verb, err)
	}
	if !names(text) {
		wanted := "host:port"
		if c.Verb == Lookup {
			wanted = "host:port or an ID"
		}
		return fmt.Errorf("%s requires: %s", c.Verb, wanted)
	}
	if _, err := identity.ParseID(text); err == nil && c.Verb == Join {
		return errors.New("JOIN requires: host:port; an ID says not where its peer is")
	}
	c.Target = text
	return nil
}

func (c *Command) parseOptions(text string) error {
	for text != "" {
		var pair string
		pair, text = cut(text)
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return fmt.Errorf("OPT: %.100q is not key=value", pair)
		}
		n, err := optionValue(key, value)
		if err != nil {
			return err
		}
		c.Options = append(c.Options, Setting{key, n})
	}
	if len(c.Options) == 0 {
		return errors.New("OPT requires: key=value")
	}
	return nil
}

func optionValue(key, value string) (int, error) {
	most := 0
	switch key {
	case "duplicates":
		most = swarm.MaxDuplicates
	case "routed":
		most = 1
	default:
		return 0, fmt.Errorf("OPT: invalid option %.100q: duplicates or routed", key)
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("OPT: invalid value %.100q of %s: 0 to %d", value, key, most)
	}
	return n, nil
}
