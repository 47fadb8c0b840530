package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
)

// The transcript of docs/shell.md is what the shell says to those lines, but for keys
// that are drawn anew, ports that are free, times, and who hears a broadcast first.
func TestTheTranscriptOfTheShellIsTrue(t *testing.T) {
	_, after, found := strings.Cut(read(t, "docs/shell.md"), "```\n$ cicada shell --no-port-mapping\n")
	transcript, _, closed := strings.Cut(after, "```")
	if !found || !closed {
		t.Fatal("docs/shell.md has no transcript")
	}
	var pairs []string
	for i, port := range unusedPorts(3) {
		pairs = append(pairs, fmt.Sprint(":4961", i+1), ":"+port)
	}
	var typed, want strings.Builder
	for line := range strings.Lines(transcript) {
		if command, ok := strings.CutPrefix(line, "> "); ok {
			typed.WriteString(strings.NewReplacer(pairs...).Replace(command))
		} else {
			want.WriteString(line)
		}
	}
	command := exec.Command(os.Args[0], "shell", "--no-port-mapping")
	command.Env = append(os.Environ(), asCommand+"=1")
	command.Stdin = strings.NewReader(typed.String())
	var out bytes.Buffer // errors at their place
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err == nil {
		t.Error("got exit code 0, and one line is wrong")
	}
	slices.Reverse(pairs)
	got := strings.NewReplacer(pairs...).Replace(out.String())
	got = strings.TrimSuffix(got, "cicada: a command failed\n")
	got = regexp.MustCompile(`(?m)^cicada: stdin:\d+: `).ReplaceAllString(got, "")
	if got, want := anonymous(got), anonymous(want.String()); got != want {
		t.Errorf("the shell says\n%s\nand docs/shell.md has\n%s", got, want)
	}
}

// All peers of a shell write into one log, and each says which line is its own.
func TestALogOfManyPeersSaysWhoseLineItIs(t *testing.T) {
	var log bytes.Buffer
	flags := swarmFlags{Swarm: "cicada", NoPortMapping: true, MappingAttempts: -1, Stdout: true, Debug: true, ringFlags: ringFlags{Successors: 16, FingerBase: 16}}
	out := newConsole(&log, io.Discard)
	n, err := flags.nursery(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := n.create(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other, err := identity.NewSwarm("other", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := swarm.Listen(t.Context(), swarm.Config{Address: "127.0.0.1:0", Swarm: other})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	events := peer.Events(t.Context())
	if err := stranger.Join(t.Context(), peer.Address().String()); err == nil {
		t.Error("a peer of another swarm joined")
	}
	for e := range events {
		if e.Kind == trace.LinkRefused { // which was logged before
			break
		}
	}
	if err := errors.Join(peer.Close(), n.end()); err != nil {
		t.Error(err)
	}
	out.flush()
	if want := "self=" + peer.ID().Short(); !strings.Contains(log.String(), want) {
		t.Errorf("got the log %q, want %s in it", log.String(), want)
	}
}

// anonymous returns a transcript that has numbers for IDs, in the order in which the
// peers were made, equally long; no times; and what arrives, where lines are adjacent,
// in the order of these numbers.
func anonymous(transcript string) string {
	for i, m := range regexp.MustCompile(`created ([a-z2-7]{8})([a-z2-7]{44})`).FindAllStringSubmatch(transcript, -1) {
		name := fmt.Sprintf("peer%04d", i+1)
		transcript = strings.NewReplacer(m[1]+m[2], name+strings.Repeat("-", 44), m[1], name).Replace(transcript)
	}
	transcript = regexp.MustCompile(`\d+ µs`).ReplaceAllString(transcript, "N µs")
	lines := strings.Split(transcript, "\n")
	for from := 0; from < len(lines); from++ {
		to := from
		for to < len(lines) && strings.Contains(lines[to], " <- ") {
			to++
		}
		slices.Sort(lines[from:to])
		from = to
	}
	return strings.Join(lines, "\n")
}
