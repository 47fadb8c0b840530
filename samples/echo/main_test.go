package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// asProgram makes the test binary be the program.
const asProgram = "ECHO_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(arguments ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], arguments...)
	c.Env = append(os.Environ(), asProgram+"=1")
	return c
}

// One process listens, another does what the first one says, and gets its echo.
func TestWhatTheListenerSaysToDoWorks(t *testing.T) {
	listener := program()
	out, err := listener.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Start(); err != nil {
		t.Fatal(err)
	}
	defer listener.Wait()
	defer listener.Process.Kill()
	lines := bufio.NewScanner(out)
	lines.Scan()
	found := regexp.MustCompile(`^In another terminal: go run \./samples/echo (\S+) (\S+)$`).FindStringSubmatch(lines.Text())
	if found == nil {
		t.Fatalf("got %q, want what to do in another terminal", lines.Text())
	}
	said, err := program(found[1], found[2]+" again").Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := regexp.MustCompile(`^[a-z2-7]{8} echoes "hello again"\n$`); !want.Match(said) {
		t.Errorf("got %q, want %v", said, want)
	}
}

func TestAnAddressWithoutATextIsAMistake(t *testing.T) {
	said, err := program("127.0.0.1:40001").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("got %v, want exit code 2", err)
	}
	if got, want := string(said), "usage: echo [ADDRESS TEXT]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNobodyThere(t *testing.T) {
	if err := program("127.0.0.1:0", "hello").Run(); err == nil {
		t.Error("joining at port 0: got no error")
	}
}
