package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strconv"

	"cicada/identity"
	"cicada/swarm"
)

// A state is the folder of a peer that runs: its key, whom it knew, and the socket
// that commands reach it by. One peer at a time has it.
type state struct {
	folder string
	lock   *os.File
	peers  []netip.AddrPort // as remembered, those known last first
}

// Names in a state folder.
const (
	identityFile = "identity"
	peersFile    = "peers.json"
	socketFile   = "control.sock"
	lockFile     = "lock"
)

// maxRemembered is how many peers are remembered for the next start.
const maxRemembered = 64

// defaultState returns the folder of the peer at a port, where none is named.
func defaultState(port int) (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" && goruntime.GOOS != "windows" && goruntime.GOOS != "darwin" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", usageError("no folder for the peer's state: %w; name one with --state", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	if base == "" {
		var err error
		if base, err = os.UserConfigDir(); err != nil {
			return "", usageError("no folder for the peer's state: %w; name one with --state", err)
		}
	}
	return filepath.Join(base, "cicada", strconv.Itoa(port)), nil
}

// openState makes the folder if need be, for its owner alone, and locks it.
func openState(folder string) (*state, error) {
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return nil, usageError("--state: %w", err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, usageError("--state: %w", err)
	}
	info, err := os.Stat(folder)
	switch {
	case err != nil:
		return nil, usageError("--state: %w", err)
	case !info.IsDir():
		return nil, usageError("--state %s: not a folder", folder)
	case goruntime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0:
		return nil, usageError("--state %s: others can write to it (mode %04o); chmod 700 %s", folder, info.Mode().Perm(), folder)
	}
	file, err := os.OpenFile(filepath.Join(folder, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, usageError("--state: %w", err)
	}
	if err := lockExclusively(file); err != nil {
		file.Close()
		return nil, &codedError{exitRefused, fmt.Errorf("--state %s: another peer runs with it", folder)}
	}
	s := &state{folder: folder, lock: file}
	s.recall()
	return s, nil
}

func (s *state) path(name string) string { return filepath.Join(s.folder, name) }

// close unlocks the folder. The lock's file stays: another process may wait for it.
func (s *state) close() error { return s.lock.Close() }

// key returns the peer's key, and whether it is to be made: there is none yet.
func (s *state) key() (key identity.PrivateKey, missing bool, err error) {
	key, err = identity.LoadKey(s.path(identityFile), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return key, true, nil
	}
	return key, false, err
}

// recall reads where peers were that this one knew. A file that cannot be read is
// as good as none: seeds can be named.
func (s *state) recall() {
	text, err := os.ReadFile(s.path(peersFile))
	var addresses []netip.AddrPort
	if err != nil || json.Unmarshal(text, &addresses) != nil {
		return
	}
	for _, a := range addresses {
		if a.IsValid() && a.Port() > 0 && len(s.peers) < maxRemembered {
			s.peers = append(s.peers, a)
		}
	}
}

// remembered returns where to look for peers, those known last first.
func (s *state) remembered() []string {
	all := make([]string, len(s.peers))
	for i, a := range s.peers {
		all[i] = a.String()
	}
	return all
}

// remember writes down where the peers are that a status names, the neighbours
// first, and behind them those of before, who may come back. Where nothing is new
// it does nothing; else the file is replaced whole.
func (s *state) remember(status swarm.Status) error {
	var addresses []netip.AddrPort
	add := func(a netip.AddrPort) {
		if len(addresses) < maxRemembered && !slices.Contains(addresses, a) {
			addresses = append(addresses, a)
		}
	}
	lists := [][]*identity.Contact{status.Successors, status.Predecessors}
	for _, f := range status.Fingers {
		lists = append(lists, f.Candidates)
	}
	for _, list := range lists {
		for _, c := range list {
			for _, a := range c.Addresses {
				add(a)
			}
		}
	}
	for _, a := range s.peers {
		add(a)
	}
	if slices.Equal(addresses, s.peers) {
		return nil
	}
	s.peers = addresses
	text, err := json.Marshal(addresses)
	if err != nil {
		return err
	}
	part := s.path(peersFile + ".new")
	if err := os.WriteFile(part, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(part, s.path(peersFile))
}
