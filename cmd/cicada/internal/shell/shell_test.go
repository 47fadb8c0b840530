package shell

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"cicada/control"
	"cicada/swarm"
)

func TestALineIsACommandInCapitalsOrNot(t *testing.T) {
	w := newWorld(t, "abcd", "efgh")
	for _, test := range []struct{ name, line, want string }{
		{"blank", " \t ", ""},
		{"comment", "# create", ""},
		{"capitals", " PEERS\tABCD ", "successors    none\npredecessors  none"},
		{"other name", "show", "PEER      ADDRESS                MODE     SUCCESSORS  MESSAGES\n" +
			"abcdaaaa  127.0.0.1:7001         joining           0         0\n" +
			"efghaaaa  127.0.0.1:7002         joining           0         0"},
		{"inner blanks stay", "send a e  two  blanks  ", "efghaaaa <- abcdaaaa: two  blanks\n" +
			"delivered to efghaaaa: direct, 1 hop, 0 µs"},
		{"no escape sequence gets through", "send a e \x1b[2J\x07\u202e\xffé", `efghaaaa <- abcdaaaa: \x1b[2J\a\u202e\xffé` + "\n" +
			"delivered to efghaaaa: direct, 1 hop, 0 µs"},
		{"broadcast", "broadcast e to all", "abcdaaaa <- efghaaaa: to all\n1 other peer has it, by 1 message"},
		{"lookup", "lookup a e", "efgh" + strings.Repeat("a", 45) + "bba at 127.0.0.1:7002, 1 hop away\ntrail  abcdaaaa efghaaaa"},
		{"join", "join a e", "abcdaaaa joined through 127.0.0.1:7002"},
		{"join an address", "join a localhost:1", "abcdaaaa joined through localhost:1"},
		{"fingers", "fingers a", "no fingers: this peer knows everybody"},
		{"trace nobody", "trace", "no peer is traced"},
	} {
		w.run(test.line)
		if got := w.take(); got != test.want {
			t.Errorf("%s: %q:\ngot  %q\nwant %q", test.name, test.line, got, test.want)
		}
	}
}

func TestALineThatMakesNoSenseDoesNothingAndSaysWhy(t *testing.T) {
	w := newWorld(t, "abcd", "abef", "ghij")
	for _, test := range []struct{ name, line, want string }{
		{"too few", "join a", "Expected 2 parameters, got 1. Usage: join PEER ADDR|PEER"},
		{"too many", "join a b c", "Expected 2 parameters, got 3. Usage: join PEER ADDR|PEER"},
		{"none", "stop", "Expected 1 parameter, got 0. Usage: stop PEER"},
		{"range", "trace g on off", "Expected 0 to 2 parameters, got 3. Usage: trace [PEER] [on|off]"},
		{"no data", "send g abc", "Expected 3 parameters, got 2. Usage: send PEER TARGET DATA..."},
		{"takes nothing", "list all", "Expected 0 parameters, got 1. Usage: list"},
		{"unknown", "fly", `unknown command "fly": help lists them`},
		{"near", "CRAETE", `unknown command "craete", did you mean "create"?`},
		{"abbreviated", "cre", `unknown command "cre": help lists them`},
		{"not printable", "\x1b[2J", `unknown command "\x1b[2j": help lists them`},
		{"ambiguous", "kill AB", `"AB" fits 2 peers: abcdaaaa abefaaaa`},
		{"ambiguous target", "send g ab x", `"ab" fits 2 peers: abcdaaaa abefaaaa`},
		{"nobody", "kill x", `no peer of this shell has an ID that begins with "x"`},
		{"nobody there", "kill 127.0.0.1:1", `no peer of this shell listens at "127.0.0.1:1"`},
		{"no address", "join g 127.0.0.1:", `"127.0.0.1:" is no address: want host:port`},
		{"no switch", "trace g up", `trace: "up" is neither on nor off`},
		{"help of nothing", "help fly", `unknown command "fly": help lists them`},
	} {
		err := w.Run(t.Context(), test.line)
		var wrong *UsageError
		if !errors.As(err, &wrong) || err.Error() != test.want {
			t.Errorf("%s: %q:\ngot  %v\nwant %s", test.name, test.line, err, test.want)
		}
		if said := w.take(); said != "" {
			t.Errorf("%s: %q: got %q said, want nothing", test.name, test.line, said)
		}
	}
	if len(w.members) != 3 {
		t.Errorf("got %d peers left, want 3", len(w.members))
	}
}

// The table is all there is: what it says of the number of parameters holds for each.
func TestEveryCommandChecksHowManyParametersItGets(t *testing.T) {
	w := newWorld(t, "abcd")
	for _, c := range w.commands {
		for n := range len(c.params) + 2 {
			whole := len(c.params) > 0 && c.params[len(c.params)-1].kind == theRemain
			if n >= c.least && (n <= len(c.params) || whole) {
				continue
			}
			err := w.Run(t.Context(), c.names[0]+strings.Repeat(" x", n))
			want := fmt.Sprintf("Expected %s, got %d. Usage: %s", c.arity(), n, c.usage())
			if err == nil || err.Error() != want {
				t.Errorf("%s with %d: got %v, want %s", c.names[0], n, err, want)
			}
		}
	}
}

func TestAPeerIsNamedByItsAddressOrTheWholeOfItsID(t *testing.T) {
	w := newWorld(t, "abcd", "abcd")
	second := w.members[1].peer
	for _, name := range []string{"127.0.0.1:7002", "localhost:7002", "[::ffff:127.0.0.1]:7002", strings.ToUpper(second.ID().String())} {
		m, err := w.member(name)
		if err != nil || m.peer != second {
			t.Errorf("%s: got %v, error %v, want the second peer", name, m, err)
		}
	}
	whole := fmt.Sprintf(`"abcdaaaa" fits 2 peers: %s %s`, w.members[0].peer.ID(), second.ID())
	if _, err := w.member("abcdaaaa"); err == nil || err.Error() != whole {
		t.Errorf("got %v, want %s", err, whole)
	}
	w.run("create [::]:7003")
	if at, err := w.seed(w.members[2].peer.ID().String()); at != "127.0.0.1:7003" || err != nil {
		t.Errorf("a peer that listens everywhere is joined at %s, error %v, want 127.0.0.1:7003", at, err)
	}
}

func TestQuitInAllItsWords(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"quit", "q", "EXIT"} {
		if err := w.Run(t.Context(), line); !errors.Is(err, ErrQuit) {
			t.Errorf("%s: got %v, want ErrQuit", line, err)
		}
	}
}

func TestStopLeavesAndKillDoesNot(t *testing.T) {
	w := newWorld(t, "abcd", "efgh")
	first, second := w.members[0].peer.(*fake), w.members[1].peer.(*fake)
	w.run("stop a")
	w.run("kill e")
	w.run("list")
	if got, want := w.take(), "abcdaaaa has left\nefghaaaa is dead\nno peers: make one with create"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !first.left || second.left {
		t.Errorf("the first left: %t, the second: %t, want only the first", first.left, second.left)
	}
}

func TestWhatArrivedIsShownBeforeTheEnd(t *testing.T) {
	w := newWorld(t, "abcd", "efgh")
	for range 500 {
		w.members[0].peer.(*fake).take(swarm.Message{Data: []byte("late")})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(w.take(), ": late"); got != 500 {
		t.Errorf("got %d messages shown, want 500", got)
	}
}

func TestATraceShowsWhatHappensFromThenOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "abcd", "efgh")
		run := func(line, want string) {
			t.Helper()
			w.run(line)
			synctest.Wait()
			if got := w.take(); got != want {
				t.Errorf("%s: got %q, want %q", line, got, want)
			}
		}
		m := w.members[0].peer.(*fake)
		m.trace.Emit(m.event("before"))
		run("trace a on", "abcdaaaa is traced")
		run("trace", "abcdaaaa is traced")
		m.trace.Emit(m.event("\x1b[2J"))
		run("", `0s abcdaaaa test reason="\x1b[2J"`)
		run("trace A", "abcdaaaa is traced")
		run("trace a OFF", "abcdaaaa is not traced")
		m.trace.Emit(m.event("after"))
		run("trace", "no peer is traced")
		run("trace a", "abcdaaaa is traced")
		m.trace.Emit(m.event("last"))
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if got, want := w.take(), "0s abcdaaaa test reason=last"; got != want {
			t.Errorf("at the end: got %q, want %q", got, want)
		}
	})
}

func TestAShellHasALimitOfPeers(t *testing.T) {
	w := newWorld(t)
	for range MaxPeers {
		w.run("create")
	}
	if err := w.Run(t.Context(), "create"); err == nil || err.Error() != "a shell has 500 peers at most: stop one first" {
		t.Errorf("got %v, want that it is full", err)
	}
	if err := w.Run(t.Context(), "peers a"); err == nil || !strings.HasSuffix(err.Error(), " and 480 more") {
		t.Errorf("got %v, want the first candidates and how many more", err)
	}
	w.run("stop 127.0.0.1:7001")
	w.run("create")
}

func TestWithJSONHelpIsNoResult(t *testing.T) {
	w := newWorld(t, "abcd")
	w.config.JSON = true
	w.run("help trace")
	if len(w.said) > 0 || len(w.notes) != 2 {
		t.Errorf("got %q said and %q noted, want two lines noted", w.said, w.notes)
	}
	w.take()
	w.run("send a a hello")
	if len(w.records) != 2 {
		t.Errorf("got %d records, want what arrived and how it was sent", len(w.records))
	}
}

func TestHelpHasEveryCommand(t *testing.T) {
	w := newWorld(t)
	w.run("?")
	all := w.take()
	for _, c := range w.commands {
		if !strings.Contains(all, c.usage()+" ") || !strings.Contains(all, c.help) {
			t.Errorf("help lacks %s: %s", c.usage(), c.help)
		}
	}
	w.run("help show")
	if got, want := w.take(), "Usage: list\nlist shows every peer of this shell\nThe same: show"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is shown is printable, whatever the line, and whatever a peer sent.
func FuzzRun(f *testing.F) {
	for _, line := range []string{
		"send a e  two  blanks", "broadcast \x1b", "join a \x9b:7", "trace a on", "help \u202e", "lookup e localhost:7001",
		"create", "list", "stop e\x00", "send a \xff:1 x", "q", "kill a", "\xef\xbb\xbfpeers a",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		w := newWorld(t, "abcd", "efgh")
		err := w.Run(context.Background(), line)
		said := append(w.said, control.Visible([]byte(fmt.Sprint(err))))
		for _, text := range append(said, w.notes...) {
			if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("%q: got %q shown, which is not printable at %d", line, text, i)
			}
		}
		for pos := range len(line) + 1 {
			if longer, at, _ := w.Complete(line, pos); at < pos || at > len(longer) {
				t.Errorf("%q at %d: completed to %q, cursor at %d", line, pos, longer, at)
			}
		}
	})
}
