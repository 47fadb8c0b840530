package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"cicada/sim"
)

// A result is what one run gave: a line of a file of results. In JSON it is the
// object that cicada sim --json prints, with the command as the plan has it in front.
type result struct {
	Command string `json:"command"`
	sim.Result
}

// ownCommand is where an object says which command gives it, in words of its own.
var ownCommand = regexp.MustCompile(`^\{"command":"(?:[^"\\]|\\.)*",`)

// line returns the line that keeps what cicada sim --json printed.
func (r run) line(printed []byte) ([]byte, error) {
	printed = bytes.TrimSpace(printed)
	rest, isObject := bytes.CutPrefix(ownCommand.ReplaceAll(printed, []byte("{")), []byte("{"))
	if !isObject || bytes.ContainsRune(printed, '\n') {
		return nil, fmt.Errorf("%s: it printed no line of JSON but %.100q", r.command(), printed)
	}
	command, err := json.Marshal(r.command())
	if err != nil {
		return nil, err
	}
	line := slices.Concat([]byte(`{"command":`), command, []byte(","), rest)
	if _, err := parse(line); err != nil {
		return nil, fmt.Errorf("%s: it printed something else than a result: %w", r.command(), err)
	}
	return line, nil
}

// parse reads a line, and refuses what no run can have given.
func parse(line []byte) (*result, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	r := new(result)
	if err := decoder.Decode(r); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("more than one object in a line")
	}
	switch {
	case r.Command == "":
		return nil, errors.New("no command that it came of")
	case r.Peers < 1 || r.VirtualSeconds <= 0 || r.TraceHash == "":
		return nil, errors.New("no result of a run: peers, virtual_seconds or trace_hash is missing")
	case r.Right+r.Wrong+r.Failed != r.Lookups:
		return nil, fmt.Errorf("%d lookups, but %d right, %d wrong and %d failed", r.Lookups, r.Right, r.Wrong, r.Failed)
	case r.IDRight+r.IDWrong+r.IDFailed != r.IDLookups:
		return nil, fmt.Errorf("%d id_lookups, but %d right, %d wrong and %d failed", r.IDLookups, r.IDRight, r.IDWrong, r.IDFailed)
	case r.BurstDelivered > r.BurstSends || r.BurstDeliveredIn5s > r.BurstDelivered || r.BurstDeliveredIn1s > r.BurstDeliveredIn5s:
		return nil, fmt.Errorf("%d burst_sends, but %d delivered, %d within 5 s and %d within 1 s", r.BurstSends, r.BurstDelivered, r.BurstDeliveredIn5s, r.BurstDeliveredIn1s)
	case r.Violations > 0:
		return nil, fmt.Errorf("%d violations of the ring's invariants: nothing to draw before that is mended", r.Violations)
	}
	return r, nil
}

// file returns where the results of a set are kept.
func file(folder, set string) string { return filepath.Join(folder, set+".ndjson") }

// readLines returns the lines of a set by their commands. A file that is not there
// has none.
func readLines(folder, set string, runs []run) (map[string][]byte, map[string]*result, error) {
	path := file(folder, set)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	lines, results := make(map[string][]byte), make(map[string]*result)
	for number, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		if len(text) == 0 {
			break
		}
		r, err := parse(line)
		switch {
		case err != nil:
		case !slices.ContainsFunc(runs, func(p run) bool { return p.set == set && p.command() == r.Command }):
			err = fmt.Errorf("no picture wants %q: drop this line", r.Command)
		case results[r.Command] != nil:
			err = fmt.Errorf("%q stands above already", r.Command)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %w", path, number+1, err)
		}
		lines[r.Command], results[r.Command] = bytes.TrimSuffix(line, []byte("\r")), r
	}
	return lines, results, nil
}

// load returns the result of every run, by its command.
func load(folder string, runs []run) (map[run]*result, error) {
	loaded := make(map[run]*result)
	for _, set := range sets(runs) {
		_, results, err := readLines(folder, set, runs)
		if err != nil {
			return nil, err
		}
		for _, r := range runs {
			if r.set != set {
				continue
			}
			if loaded[r] = results[r.command()]; loaded[r] == nil {
				return nil, fmt.Errorf("%s: no line for %q: go run ./internal/figures -run -missing", file(folder, set), r.command())
			}
		}
	}
	return loaded, nil
}

// writeLines keeps the lines of a set in the order of the plan. Who is interrupted
// leaves the old file or the new one, no half of either.
func writeLines(folder, set string, runs []run, lines map[string][]byte) error {
	var text strings.Builder
	for _, r := range runs {
		if line, ok := lines[r.command()]; ok {
			text.Write(line)
			text.WriteByte('\n')
		}
	}
	path := file(folder, set)
	if err := os.WriteFile(path+".new", []byte(text.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// sets returns the sets of runs, in their order.
func sets(runs []run) []string {
	var all []string
	for _, r := range runs {
		if !slices.Contains(all, r.set) {
			all = append(all, r.set)
		}
	}
	return all
}
