package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The transcript of docs/shell.md is what the shell says to those lines, but for keys
// that are drawn anew, ports that are free, times, and who hears a broadcast first.
func TestTheTranscriptOfTheShellIsTrue(t *testing.T) {
	_, after, found := strings.Cut(read(t, "docs/shell.md"), "```\n$ cicada shell --no-port-mapping\n")
	transcript, _, closed := strings.Cut(after, "```")
	if !found || !closed {
		t.Fatal("docs/shell.md has no transcript")
	}
	ports, err := unusedPorts(3)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for i, port := range ports {
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
