package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cicada/control"
	"cicada/identity"
)

// asCommand makes the test binary be the command, for the tests that need a process of their own.
const asCommand = "CICADA_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		guarded()
	}
	testscript.Main(m, map[string]func(){"cicada": guarded})
}

// longest is how long one command of a test may run: several times what the longest
// takes on a busy machine under the race detector.
const longest = 4 * time.Minute

// guarded is main for a process of its own. Whoever waits for a command that hangs
// waits forever: so it ends itself and shows where it stood.
func guarded() {
	time.AfterFunc(longest, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("%q still runs after %v", os.Args, longest))
	})
	main()
}

// TestScripts runs each story in testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: freePorts,

		Condition: tool,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"events":   events,
			"examples": examples,
			"readme":   readme,
			"traced":   traced,
			"curl":     curl,
			"running":  runningExamples,
			"oneRing":  oneRing,
			"remember": remember,
			"idOf":     idOf,
			"fill":     fill,

			"traceHash":  traceHash,
			"again":      again,
			"command":    command,
			"everyPair":  everyPair,
			"hopsTraced": hopsTraced,
			"relay":      relay,
			"replay":     replay,
		},
	})
}

// nextPort is where unusedPorts goes on looking: below the ports that systems hand
// out by themselves, or another test's connection could take one in the meantime.
var nextPort atomic.Int32

func init() { nextPort.Store(20000 + rand.Int32N(10000)) }

// freePorts tells scripts twelve ports that nobody listens at, as $PORT1 to $PORT12.
func freePorts(env *testscript.Env) error {
	for i, port := range unusedPorts(12) {
		env.Setenv(fmt.Sprint("PORT", i+1), port)
	}
	return nil
}

// unusedPorts returns ports that nobody listens at.
func unusedPorts(n int) (ports []string) {
	for len(ports) < n {
		port := strconv.Itoa(int(nextPort.Add(1)))
		if listener, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			listener.Close()
			ports = append(ports, port)
		}
	}
	return ports
}

// tool is a condition: tool:NAME holds where a program of that name is installed.
// Where everything is required it must be.
func tool(condition string) (bool, error) {
	name, found := strings.CutPrefix(condition, "tool:")
	if !found {
		return false, fmt.Errorf("no such condition: %s", condition)
	}
	_, err := exec.LookPath(name)
	if err != nil && os.Getenv("CICADA_REQUIRE") == "all" {
		return false, fmt.Errorf("CICADA_REQUIRE=all: %w", err)
	}
	return err == nil, nil
}

// oneRing [LEAST] FOLDER... waits until the peers with these folders are one ring:
// each has all others as its successors, or the LEAST nearest, in the order of
// their points.
func oneRing(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) < 2 {
		ts.Fatalf("usage: oneRing [LEAST] FOLDER...")
	}
	least, err := strconv.Atoi(arguments[0])
	if err == nil {
		arguments = arguments[1:]
	} else {
		least = len(arguments) - 1
	}
	wrong := ""
	for began := time.Now(); time.Since(began) < 20*time.Second; <-time.After(50 * time.Millisecond) {
		if wrong = notOneRing(ts, least, arguments); wrong == "" {
			ts.Logf("one ring after %v", time.Since(began).Round(time.Millisecond))
			return
		}
	}
	for _, folder := range arguments {
		client := control.NewClient(filepath.Join(ts.MkAbs(folder), socketFile))
		if s, err := client.Status(context.Background()); err == nil {
			ts.Logf("%s is %s, %s: after it %s, before it %s", folder, s.ID.Short(), s.Mode, short(s.Successors), short(s.Predecessors))
		}
		client.Close()
	}
	ts.Fatalf("after 20 s: %s", wrong)
}

// remember N FOLDER... waits until the peers with these folders have written down
// where N others are.
func remember(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) < 2 {
		ts.Fatalf("usage: remember N FOLDER...")
	}
	for _, folder := range arguments[1:] {
		n := ""
		for began := time.Now(); n != arguments[0]; <-time.After(20 * time.Millisecond) {
			m, err := recall(filepath.Join(ts.MkAbs(folder), peersFile), ts.Logf)
			ts.Check(err)
			if n = fmt.Sprint(len(m.known)); time.Since(began) > 20*time.Second {
				ts.Fatalf("%s: %s peers are remembered, want %s", folder, n, arguments[0])
			}
		}
	}
}

func notOneRing(ts *testscript.TestScript, least int, folders []string) string {
	var ring []control.Status
	for _, folder := range folders {
		client := control.NewClient(filepath.Join(ts.MkAbs(folder), socketFile))
		s, err := client.Status(context.Background())
		client.Close()
		if err != nil {
			return err.Error()
		}
		ring = append(ring, s)
	}
	slices.SortFunc(ring, func(a, b control.Status) int { return bytes.Compare(a.Point[:], b.Point[:]) })
	for i, s := range ring {
		var want []identity.ID
		for k := range len(ring) - 1 {
			want = append(want, ring[(i+1+k)%len(ring)].ID)
		}
		if n := len(s.Successors); n < least || n > len(want) || !slices.Equal(s.Successors, want[:n]) {
			return fmt.Sprintf("%s has the successors %s, want %s", s.ID.Short(), short(s.Successors), short(want))
		}
	}
	return ""
}

// idOf NAME keeps the ID in the JSON object on stdout as an environment variable.
func idOf(ts *testscript.TestScript, negated bool, arguments []string) {
	var object struct{ ID string }
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &object); negated || len(arguments) != 1 || err != nil {
		ts.Fatalf("usage: idOf NAME, after a command that wrote an ID: %v", err)
	}
	ts.Setenv(arguments[0], object.ID)
}

// fill FILE... puts environment variables into files, where they have $NAME, and
// keys, where they have <Tab>, <Up>, <Bell> or, at the end of a line, <Enter>.
func fill(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) == 0 {
		ts.Fatalf("usage: fill FILE...")
	}
	keys := strings.NewReplacer("<Tab>", "\t", "<Up>", "\x1b[A", "<Bell>", "\a", "<Enter>\n", "\r")
	for _, name := range arguments {
		text := os.Expand(keys.Replace(ts.ReadFile(name)), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

// exits CODE COMMAND... runs a command and fails unless it exits with the code.
func exits(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(arguments[1], arguments[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want := arguments[0]; fmt.Sprint(got) != want {
		ts.Fatalf("exit code: got %d, want %s", got, want)
	}
}

// events NAME=COUNT... fails unless stdout is one JSON object a line, with so many events of each name.
func events(ts *testscript.TestScript, negated bool, arguments []string) {
	if negated {
		ts.Fatalf("usage: events NAME=COUNT...")
	}
	counts := make(map[string]int)
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		var object struct {
			Event string `json:"event"`
		}
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			ts.Fatalf("%q is no JSON object: %v", line, err)
		}
		counts[object.Event]++
	}
	for _, a := range arguments {
		event, want, _ := strings.Cut(a, "=")
		if got := fmt.Sprint(counts[event]); got != want {
			ts.Fatalf("%s events: got %s, want %s", event, got, want)
		}
		delete(counts, event)
	}
	if len(counts) > 0 {
		ts.Fatalf("events that were not asked about: %v", counts)
	}
}

func TestAnInterruptEndsADemoSoon(t *testing.T) {
	interrupt(t, "", "1  The swarm gathers", "demo", "--peers", "20")
}

func TestAnInterruptEndsAPuzzleAndLeavesNoFile(t *testing.T) {
	folder := t.TempDir()
	interrupt(t, "", "puzzle", "id", "--new", "--difficulty", "32", "--identity", filepath.Join(folder, "key"))
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("got %v left in the folder, error %v, want nothing", left, err)
	}
}

func TestAnInterruptEndsAShellSoon(t *testing.T) {
	interrupt(t, "create 127.0.0.1:0\nhelp quit\n", "quit stops all peers", "shell", "--no-port-mapping")
}

func TestAnInterruptEndsAWait(t *testing.T) {
	script := filepath.Join(t.TempDir(), "wait.conf")
	if err := os.WriteFile(script, []byte("WAIT\nBCAST never\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	interrupt(t, "", "Waiting for a connection.", "run", "--bind", "127.0.0.1:0", "--no-port-mapping", script)
}

func TestAnInterruptEndsAPeer(t *testing.T) {
	interrupt(t, "", "state ", "up", "--bind", "127.0.0.1:0", "--no-port-mapping", "--state", filepath.Join(t.TempDir(), "s"))
}

// A peer that tries to join is no harder to stop.
func TestAnInterruptEndsAJoin(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // and never accepts
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	interrupt(t, "", "not opened", "up", "--bind", "127.0.0.1:0", "--state", filepath.Join(t.TempDir(), "s"), "--timeout", "1h", "--join", deaf.Addr().String())
}

// interrupt runs this program in a process of its own, types something, and
// interrupts it once it has said when.
func interrupt(t *testing.T, typed, when string, arguments ...string) {
	if goruntime.GOOS == "windows" {
		t.Skip("a Windows process cannot send another one an interrupt")
	}
	command := exec.Command(os.Args[0], arguments...)
	command.Env = append(os.Environ(), asCommand+"=1")
	in, err := command.StdinPipe() // stays open
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, typed); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	last := ""
	for !strings.Contains(last, when) && lines.Scan() {
		last = lines.Text()
	}
	started := time.Now()
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		last = lines.Text()
	}
	err = command.Wait()
	took := time.Since(started)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("got %v, want exit code %d", err, exitInterrupted)
	}
	if want := "cicada: interrupted"; last != want {
		t.Errorf("got %q last, want %q", last, want)
	}
	if took > 3*time.Second {
		t.Errorf("it took %v to end, want at most 3 s", took)
	}
}
