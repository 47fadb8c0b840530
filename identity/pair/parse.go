package pair

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode/utf8"

	"cicada/identity"
)

const (
	maxFile    = 1 << 20
	maxEntries = 10_000
)

// Load reads the key file at path: JSON, or YAML. Deriving the secrets takes almost half
// a second an entry; progress, if it is not nil, hears how far it is, and ctx ends it.
// The error wraps identity.ErrPermissions where others than the owner have access to
// the file, or names the file and the line.
func Load(ctx context.Context, path string, progress func(done, total int)) (*Keys, error) {
	text, err := identity.ReadRestricted(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return Parse(ctx, path, text, progress)
}

// Parse reads the text of a key file of that name. See Load.
func Parse(ctx context.Context, name string, text []byte, progress func(done, total int)) (*Keys, error) {
	lines, err := read(name, text)
	if err != nil {
		return nil, err
	}
	entries, err := derive(ctx, lines, progress)
	if err != nil {
		return nil, err
	}
	keys, _ := newKeys(entries)
	return keys, nil
}

// A line is an entry as it stands in a file.
type line struct {
	file              string
	number            int
	target            target
	outbound, inbound string
}

// A mistake is what is wrong in a line of a file. It quotes nothing of it.
type mistake struct {
	line int
	why  string
}

func (m *mistake) Error() string { return m.why }

func wrong(line int, format string, arguments ...any) error {
	return &mistake{line, fmt.Sprintf(format, arguments...)}
}

// read returns the entries of a file.
func read(name string, text []byte) ([]line, error) {
	lines, err := readLines(name, text)
	var m *mistake
	switch {
	case errors.As(err, &m):
		return nil, fmt.Errorf("%s:%d: %s", name, m.line, m.why)
	case err != nil:
		return nil, err
	}
	entries := make([]*Entry, len(lines))
	for i, l := range lines {
		entries[i] = &Entry{file: l.file, line: l.number, target: l.target}
	}
	if _, twice := newKeys(entries); twice != nil {
		return nil, fmt.Errorf("%v: %w", twice, ErrTwice)
	}
	return lines, nil
}

func readLines(name string, text []byte) ([]line, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	switch {
	case len(text) > maxFile:
		return nil, wrong(1, "the file has more than %d bytes", maxFile)
	case !utf8.Valid(text):
		return nil, wrong(1, "the file is not UTF-8")
	}
	parse := parseYAML
	if json.Valid(text) {
		parse = parseJSON
	}
	top, err := parse(text)
	if err != nil {
		return nil, err
	}
	members, err := top.members("the file", "trusted_hosts")
	if err != nil {
		return nil, err
	}
	list := members["trusted_hosts"]
	switch {
	case list == nil:
		return nil, wrong(top.line, "trusted_hosts is missing")
	case list.form != sequence:
		return nil, wrong(list.line, "trusted_hosts: want a list")
	case len(list.items) > maxEntries:
		return nil, wrong(list.line, "more than %d entries", maxEntries)
	}
	var lines []line
	for _, item := range list.items {
		if item.form == mapping && len(item.items) == 0 {
			continue // as the original's example has one
		}
		l, err := readEntry(item)
		if err != nil {
			return nil, err
		}
		l.file, l.number = name, item.line
		lines = append(lines, l)
	}
	return lines, nil
}

func readEntry(n *node) (l line, err error) {
	members, err := n.members("an entry", "peer", "address", "outbound_key", "inbound_key")
	if err != nil {
		return l, err
	}
	if l.outbound, err = readKey(n, "outbound_key", members["outbound_key"]); err != nil {
		return l, err
	}
	if l.inbound, err = readKey(n, "inbound_key", members["inbound_key"]); err != nil {
		return l, err
	}
	l.target, err = readTarget(n, members["peer"], members["address"])
	return l, err
}

func readKey(n *node, name string, value *node) (string, error) {
	switch {
	case value == nil:
		return "", wrong(n.line, "%s is missing", name)
	case value.form != text:
		return "", wrong(value.line, "%s: want text: put what is not into quotes", name)
	case value.text == "" || len(value.text) > maxKey:
		return "", wrong(value.line, "%s: want 1 to %d bytes", name, maxKey)
	case strings.ContainsRune(value.text, utf8.RuneError):
		return "", wrong(value.line, "%s: a character in it is none", name)
	}
	return value.text, nil
}

// readTarget returns whom an entry is for. Where it has both, the peer decides.
func readTarget(n, peer, address *node) (t target, err error) {
	if peer == nil && address == nil {
		return t, wrong(n.line, "want a peer or an address")
	}
	var at target
	if address != nil {
		if address.form != text {
			return t, wrong(address.line, "address: want text")
		}
		if at, err = parseAddress(address.text); err != nil {
			return t, wrong(address.line, "%v", err)
		}
	}
	if peer == nil {
		return at, nil
	}
	if peer.form != text && peer.form != number {
		return t, wrong(peer.line, "peer: want text or a number")
	}
	if t, err = parsePeer(peer.text); err != nil {
		return t, wrong(peer.line, "%v", err)
	}
	if at.port != 0 && t.kind == byNumber && t.id == sha256.Sum256([]byte(net.JoinHostPort(at.host, strconv.Itoa(int(at.port))))) {
		return at, nil // the same, and can be dialled
	}
	return t, nil
}
