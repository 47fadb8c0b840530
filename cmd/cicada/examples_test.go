package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// An example is what a command's help says can be pasted. Of ports it may name 7001,
// for the peer in /tmp/peer1, and 7002, for another one that is in its swarm.
type example struct {
	command *kong.Node
	line    string
}

// findExamples returns the example of every command that is not hidden.
func findExamples(t *testing.T) []example {
	t.Helper()
	parser, err := kong.New(new(commandLine), kong.Name("cicada"))
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	for _, c := range parser.Model.Leaves(true) {
		var found []string
		for line := range strings.Lines(c.Detail) {
			if line, ok := strings.CutPrefix(line, "Example: "); ok {
				found = append(found, strings.TrimSpace(line))
			}
		}
		if len(found) != 1 || !regexp.MustCompile(`(^|\| )cicada `+c.Name+`( |$)`).MatchString(found[0]) {
			t.Errorf("%s: got the examples %q in its help, want one that runs it", c.Name, found)
			continue
		}
		all = append(all, example{c, found[0]})
	}
	return all
}

// ofPeer1 reports whether the example is for the running peer of the up command's.
func (e example) ofPeer1() bool { return strings.Contains(e.line, "--state /tmp/peer1") }

// place puts the example into a folder of its own, and gives it ports that are free:
// 0 for its own peer, and target for the other one.
func (e example) place(t *testing.T, folder, target string) string {
	t.Helper()
	line := strings.NewReplacer("/tmp/", folder+string(filepath.Separator), "127.0.0.1:7001", "127.0.0.1:0", "127.0.0.1:7002", target).Replace(e.line)
	_, free, _ := net.SplitHostPort(target)
	for _, port := range regexp.MustCompile(`(?:--port[ =]|-p ?|[a-z0-9]:)([0-9]+)\b`).FindAllStringSubmatch(line, -1) {
		if port[1] != "0" && port[1] != free {
			t.Fatalf("%s: port %s may be in use here: an example has 7001, 7002 or 0", e.line, port[1])
		}
	}
	hasPort := slices.ContainsFunc(e.command.Flags, func(f *kong.Flag) bool { return f.Name == "port" })
	if hasPort && !regexp.MustCompile(`--(port|bind|state)[ =]`).MatchString(line) {
		t.Fatalf("%s: the default port may be in use here: an example has --port 0, --bind or --state", e.line)
	}
	return line
}

// pasted makes a process of a line: by the shell only if it needs one.
func pasted(t *testing.T, folder, line string) *exec.Cmd {
	t.Helper()
	words := strings.Fields(line)
	if strings.ContainsAny(line, "|&;<>'\"\\$*`~") {
		if goruntime.GOOS == "windows" {
			t.Skip("this example is for a shell that is not here: ", line)
		}
		words = []string{"sh", "-c", line}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // one that hangs is killed, and fails
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Dir = folder
	c.Env = append(os.Environ(), "HOME="+folder, "XDG_CONFIG_HOME="+folder, "XDG_STATE_HOME="+folder)
	c.WaitDelay = 10 * time.Second
	return c
}

// shortFolder makes a folder whose name leaves room for that of a socket.
func shortFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "cicada")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

func TestEveryCommandHasAnExampleThatHelpShowsWhole(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	for _, e := range findExamples(t) {
		var out bytes.Buffer
		if code := run([]string{e.command.Name, "--help"}, &out, io.Discard); code != exitDone {
			t.Errorf("%s --help: exit code %d", e.command.Name, code)
		}
		if !strings.Contains(out.String(), "\nExample: "+e.line+"\n") {
			t.Errorf("got\n%s\nwant a line in it: Example: %s", out.String(), e.line)
		}
	}
}

func TestExamplesThatNeedNoPeer(t *testing.T) {
	for _, e := range findExamples(t) {
		if e.ofPeer1() {
			continue
		}
		t.Run(e.command.Name, func(t *testing.T) {
			folder := shortFolder(t)
			done(t, pasted(t, folder, e.place(t, folder, "")))
		})
	}
}

// done runs a command that has to succeed and to say something.
func done(t *testing.T, c *exec.Cmd) {
	t.Helper()
	var errors bytes.Buffer
	c.Stderr = &errors
	out, err := c.Output()
	if err != nil || len(out) == 0 {
		t.Errorf("%q: %v, wrote %q, and to stderr %q", c.Args, err, out, errors.String())
	}
}

// The example of up is run beside another peer, and those of all commands to a
// running peer talk to it.
func TestExamplesOfARunningPeer(t *testing.T) {
	all := findExamples(t)
	find := func(name string) example {
		i := slices.IndexFunc(all, func(e example) bool { return e.command.Name == name })
		if i < 0 {
			t.Fatalf("%s has no example", name)
		}
		return all[i]
	}
	folder := shortFolder(t)
	up := pasted(t, folder, find("up").place(t, folder, ""))
	address := listening(t, up)
	other := pasted(t, folder, "cicada up --bind 127.0.0.1:0 --state other --no-port-mapping --join "+address)
	target := listening(t, other)
	done(t, pasted(t, folder, "cicada send --state other "+address+" for recv")) // which finds it waiting

	for _, e := range all {
		if name := e.command.Name; !e.ofPeer1() || name == "up" || name == "leave" {
			continue
		}
		t.Run(e.command.Name, func(t *testing.T) {
			c := pasted(t, folder, e.place(t, folder, target))
			if e.command.Name == "watch" {
				watched(t, c)
			} else {
				done(t, c)
			}
		})
	}
	done(t, pasted(t, folder, find("leave").place(t, folder, target)))
	if err := up.Wait(); err != nil {
		t.Errorf("told to leave, the peer of the example ended with %v", err)
	}
	done(t, pasted(t, folder, "cicada leave --state other"))
	if err := other.Wait(); err != nil {
		t.Errorf("told to leave, the other peer ended with %v", err)
	}
}

// listening starts a peer and returns its address, once it has said it.
func listening(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	lines := started(t, c)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "listens  "); ok {
			return address
		}
	}
	t.Fatalf("%q ended without saying where it listens", c.Args)
	return ""
}

// started starts a process and returns the lines that it writes.
func started(t *testing.T, c *exec.Cmd) *bufio.Scanner {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return bufio.NewScanner(out)
}

// watched runs a command that ends by an interrupt only, until it has shown a line.
func watched(t *testing.T, c *exec.Cmd) {
	t.Helper()
	lines := started(t, c)
	if !lines.Scan() {
		t.Errorf("%q showed nothing", c.Args)
	}
	if goruntime.GOOS == "windows" { // which cannot send a process an interrupt
		_ = c.Cancel()
		_ = c.Wait()
		return
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // or it could not write on
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("%q ended with %v, want exit code %d", c.Args, err, exitInterrupted)
	}
}
