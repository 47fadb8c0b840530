package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// asCommand makes the test binary be the command, for the tests that need a process of their own.
const asCommand = "CICADA_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"cicada": main})
}

// TestScripts runs each story in testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"events": events,
		},
	})
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
	interrupt(t, "1  The swarm gathers", "demo", "--peers", "20")
}

func TestAnInterruptEndsAPuzzleAndLeavesNoFile(t *testing.T) {
	folder := t.TempDir()
	interrupt(t, "puzzle", "id", "--new", "--difficulty", "32", "--identity", filepath.Join(folder, "key"))
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("got %v left in the folder, error %v, want nothing", left, err)
	}
}

// interrupt runs this program in a process of its own and interrupts it once it
// has said when.
func interrupt(t *testing.T, when string, arguments ...string) {
	if goruntime.GOOS == "windows" {
		t.Skip("a Windows process cannot send another one an interrupt")
	}
	command := exec.Command(os.Args[0], arguments...)
	command.Env = append(os.Environ(), asCommand+"=1")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
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
