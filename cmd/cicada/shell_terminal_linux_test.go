package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cicada/identity"
	"cicada/swarm"
)

// A session is this program at a pseudo-terminal of its own.
type session struct {
	t       *testing.T
	command *exec.Cmd
	control *os.File // the end of who types
	tty     *os.File
	before  *unix.Termios

	mu    sync.Mutex // guards the fields below
	more  *sync.Cond
	shown string // and not expected yet
	over  bool
}

// open starts a shell at a terminal, and waits for the prompt.
func open(t *testing.T, arguments ...string) *session {
	t.Helper()
	s := atTerminal(t, append([]string{"shell", "--no-port-mapping"}, arguments...)...)
	s.expect("help lists the commands.*\n> ")
	if now := s.settings(); now.Lflag == s.before.Lflag {
		t.Error("the terminal is not raw")
	}
	return s
}

// atTerminal starts this program at a terminal.
func atTerminal(t *testing.T, arguments ...string) *session {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { control.Close() })
	fd := int(control.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	s := &session{t: t, control: control, tty: tty}
	s.more = sync.NewCond(&s.mu)
	s.before = s.settings()
	s.command = exec.Command(os.Args[0], arguments...)
	s.command.Env = append(os.Environ(), asCommand+"=1")
	s.command.Stdin, s.command.Stdout, s.command.Stderr = tty, tty, tty
	s.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.command.Process.Kill() }) // where it ended, nothing
	go s.watch()
	return s
}

func (s *session) settings() *unix.Termios {
	settings, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return settings
}

// watch notes what is shown.
func (s *session) watch() {
	var b [4096]byte
	for {
		n, err := s.control.Read(b[:])
		s.mu.Lock()
		s.shown += string(b[:n])
		s.over = err != nil
		s.more.Broadcast()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *session) typeIn(keys string) {
	if _, err := s.control.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// expect waits until something is shown, and returns what is in its first group.
func (s *session) expect(pattern string) string {
	s.t.Helper()
	late := false
	timer := time.AfterFunc(20*time.Second, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.more.Broadcast()
	})
	defer timer.Stop()
	wanted := regexp.MustCompile(pattern)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if at := wanted.FindStringSubmatchIndex(s.shown); at != nil {
			group := ""
			if len(at) > 2 {
				group = s.shown[at[2]:at[3]]
			}
			s.shown = s.shown[at[1]:]
			return group
		}
		if late || s.over {
			s.t.Fatalf("got %q shown, want %s", s.shown, pattern)
		}
		s.more.Wait()
	}
}

// ends waits until the shell has ended, with that exit code and the terminal as it was.
func (s *session) ends(code int) {
	s.t.Helper()
	err := s.command.Wait()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	if got != code {
		s.t.Errorf("exit code: got %d, want %d", got, code)
	}
	if now := s.settings(); *now != *s.before {
		s.t.Errorf("the terminal's settings are %+v, and were %+v", *now, *s.before)
	}
}

func TestCtrlCEndsACommandAndClearsALineAndCtrlDQuits(t *testing.T) {
	s := open(t, "--timeout", "1h")
	s.typeIn("create\r")
	address := s.expect(`created \w{52} at ([0-9.:]+)\r\n> `)
	s.typeIn("join " + address + " 127.0.0.1:1\r") // nobody is there: it is tried for an hour
	s.expect("join .*\r\n")
	s.typeIn("kill " + address + "\r\x03") // what was typed ahead is not done
	s.expect("interrupted\r\n> ")
	s.typeIn("kill " + address)
	s.expect("kill " + address)
	s.typeIn("\x03peers " + address + "\r")
	s.expect("peers .*\r\nsuccessors    none\r\n(?s:.*)> ")
	s.typeIn("\x04")
	s.ends(exitDone)
}

func TestASignalGivesTheTerminalBack(t *testing.T) {
	for _, sent := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		s := open(t)
		s.typeIn("create\r")
		s.expect("created .*\r\n> ")
		s.typeIn("half a li")
		s.expect("half a li")
		if err := s.command.Process.Signal(sent); err != nil {
			t.Fatal(err)
		}
		s.expect("\r\ncicada: interrupted\r\n")
		s.ends(exitInterrupted)
	}
}

// A message that comes while somebody types stands above the line, which is whole
// below it; while a command runs, too.
func TestAMessageDoesNotGarbleWhatIsTyped(t *testing.T) {
	s := open(t, "--timeout", "1h")
	s.typeIn("create\r")
	name := s.expect(`created (\w{52}) at`)
	address := s.expect(` ([0-9.:]+)\r\n> `)
	peer, err := swarm.Listen(t.Context(), swarm.Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	id, err := identity.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Join(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	send := func(text string) {
		t.Helper()
		if _, err := peer.Send(t.Context(), id, []byte(text), swarm.SendOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s.typeIn("li")
	s.expect("li")
	send("one\x1b[2J")
	s.expect(regexp.QuoteMeta(name[:8]+" <- "+peer.ID().Short()+`: one\x1b[2J`) + "\r\n> li")
	s.typeIn("st\r")
	s.expect("st\r\nPEER +ADDRESS")
	s.typeIn("join " + address + " 127.0.0.1:1\r")
	s.expect("join .*\r\n")
	send("two")
	s.expect(": two\r\n")
	s.typeIn("\x03")
	s.expect("interrupted\r\n> ")
	s.typeIn("quit\r")
	s.ends(exitDone)
}

// The width of the terminal is followed: a line that fits is shown in one.
func TestTheSizeOfTheTerminalIsFollowed(t *testing.T) {
	s := open(t)
	for _, width := range []uint16{60, 100} {
		if err := unix.IoctlSetWinsize(int(s.control.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: width}); err != nil {
			t.Fatal(err)
		}
		s.expect("> ") // drawn anew
		s.typeIn("#" + strings.Repeat("x", 70))
		wrapped := "#x{57}\r\n"
		if width == 100 {
			wrapped = "#x{70}"
		}
		s.expect(wrapped)
		s.typeIn("\r")
		s.expect("\r\n> ")
	}
	s.typeIn("quit\r")
	s.ends(exitDone)
}
