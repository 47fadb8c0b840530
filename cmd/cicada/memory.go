package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"cicada/identity"
	"cicada/swarm"
)

// A memory is a file that says where peers were that this one knew.
type memory struct {
	path  string
	known []acquaintance // those known last first
	saved []acquaintance // as the file has it
	due   time.Time      // the file is not written again before
}

// An acquaintance is a peer that is remembered. It has one place however often it
// moves, or says so: no neighbour can fill the memory.
type acquaintance struct {
	ID        identity.ID      `json:"id,omitzero"` // none in files that had only addresses
	Addresses []netip.AddrPort `json:"addresses"`
}

// Limits of what is remembered.
const (
	maxRemembered = 64              // peers
	maxAddresses  = 2               // of each
	maxPeersFile  = 1 << 20         // bytes
	rememberEvery = 5 * time.Second // at most
)

// recall reads the memory at path. A file that makes no sense is as good as none,
// which is noted: seeds can be named. One that is no file is an error.
func recall(path string, note func(format string, arguments ...any)) (*memory, error) {
	m := &memory{path: path}
	file, err := openRegular(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	} else if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxPeersFile+1))
	if err == nil && len(text) > maxPeersFile {
		err = fmt.Errorf("it has more than %d bytes", maxPeersFile)
	}
	var list []acquaintance
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		note("cicada: %s is of no use, and no peer is remembered: %.200v", path, err)
		return m, nil
	}
	for _, a := range list {
		m.known = appendNew(m.known, a)
	}
	m.saved = m.known
	return m, nil
}

// UnmarshalJSON reads an acquaintance, or an address alone, as files had before.
func (a *acquaintance) UnmarshalJSON(text []byte) error {
	var fields struct {
		ID        identity.ID
		Addresses []string
	}
	var address string
	if json.Unmarshal(text, &address) == nil {
		fields.Addresses = []string{address}
	} else if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	*a = acquaintance{ID: fields.ID}
	for _, address := range fields.Addresses {
		if at, err := netip.ParseAddrPort(address); err == nil && at.Port() > 0 && isPlainZone(at.Addr().Zone()) {
			a.Addresses = append(a.Addresses, at)
		}
	}
	a.Addresses = a.Addresses[:min(len(a.Addresses), maxAddresses)]
	return nil
}

// isPlainZone reports whether the zone of an address is nothing but a name: what is
// read from a file is shown on terminals.
func isPlainZone(zone string) bool {
	return strings.Trim(zone, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == ""
}

// appendNew appends a to a list of those that are remembered, unless that is full or
// has it.
func appendNew(list []acquaintance, a acquaintance) []acquaintance {
	same := func(b acquaintance) bool {
		return a.ID == b.ID && (!a.ID.IsZero() || slices.Equal(a.Addresses, b.Addresses))
	}
	if len(a.Addresses) == 0 || len(list) == maxRemembered || slices.ContainsFunc(list, same) {
		return list
	}
	return append(list, a)
}

// addresses returns where to look for peers, those known last first.
func (m *memory) addresses() (all []string) {
	for _, a := range m.known {
		for _, address := range a.Addresses {
			all = append(all, address.String())
		}
	}
	return all
}

// learn takes in the peers that a status names, the neighbours first. Behind them
// stay those of before, who may come back.
func (m *memory) learn(status swarm.Status) {
	lists := [][]*identity.Contact{status.Successors, status.Predecessors}
	for _, f := range status.Fingers {
		lists = append(lists, f.Candidates)
	}
	var known []acquaintance
	for _, c := range slices.Concat(lists...) {
		known = appendNew(known, acquaintance{c.ID, c.Addresses[:min(len(c.Addresses), maxAddresses)]})
	}
	for _, a := range m.known {
		known = appendNew(known, a)
	}
	m.known = known
}

// save writes down what is new, the first time at once, then at most once in five
// seconds, and at once again if it is the last time. The file is replaced whole.
func (m *memory) save(now time.Time, last bool) error {
	same := slices.EqualFunc(m.known, m.saved, func(a, b acquaintance) bool {
		return a.ID == b.ID && slices.Equal(a.Addresses, b.Addresses)
	})
	if same || !last && now.Before(m.due) {
		return nil
	}
	m.due = now.Add(rememberEvery)
	text, err := json.Marshal(m.known)
	if err != nil {
		return err
	}
	part := m.path + ".new"
	if err := writeNew(part, append(text, '\n')); err != nil {
		return err
	}
	if err := os.Rename(part, m.path); err != nil {
		return err
	}
	m.saved = m.known
	return nil
}

// writeNew writes a file that was not there before: what has its name is taken away.
func writeNew(path string, text []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := openRegular(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}
