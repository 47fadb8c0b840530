package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"cicada/control"
)

// A peer that is told to leave while it still looks for somebody to join does so,
// and that is no failure.
func TestLeaveEndsAJoin(t *testing.T) {
	p := begin(t, "--join", "127.0.0.1:1")
	err := control.ErrNotRunning
	for errors.Is(err, control.ErrNotRunning) {
		<-time.After(10 * time.Millisecond)
		err = p.client.Leave(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Wait(); err != nil {
		t.Errorf("got %v, want a good end", err)
	}
}

// A process is a peer that runs as a process of its own.
type process struct {
	folder  string
	command *exec.Cmd
	out     *bufio.Scanner // its stdout
	client  *control.Client
}

// up starts a peer on a port that is free, which joins seed unless that is nil,
// and waits until it is in.
func up(t *testing.T, seed *process) *process {
	t.Helper()
	var flags []string
	if seed != nil {
		flags = []string{"--join", seed.status(t).Address.String()}
	}
	p := begin(t, flags...)
	if !p.out.Scan() {
		t.Fatal("the peer did not come up")
	}
	return p
}

// begin starts a peer on a port that is free, with more flags.
func begin(t *testing.T, flags ...string) *process {
	t.Helper()
	p := &process{folder: filepath.Join(t.TempDir(), "s")}
	flags = append([]string{"up", "--bind", "127.0.0.1:0", "--state", p.folder, "--no-port-mapping", "--timeout", "30s"}, flags...)
	p.command = exec.Command(os.Args[0], flags...)
	p.command.Env = append(os.Environ(), asCommand+"=1")
	out, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	p.command.Stderr = os.Stderr
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	})
	p.client = control.NewClient(filepath.Join(p.folder, socketFile))
	t.Cleanup(p.client.Close)
	return p
}

// status asks the peer how it stands, and fails if it does not answer soon.
func (p *process) status(t *testing.T) control.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := p.client.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// memory returns how much of the peer is resident, in KiB.
func (p *process) memory(t *testing.T) int {
	t.Helper()
	if goruntime.GOOS != "linux" {
		t.Skip("how much memory another process has is read from /proc, as Linux has it")
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}
