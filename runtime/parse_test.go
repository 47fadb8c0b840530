package runtime

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cicada/identity"
	"cicada/swarm"
)

// id is a peer's name in scripts.
var id = identity.KeyFromSeed([32]byte{7}).ID().String()

func TestParseLine(t *testing.T) {
	for _, x := range []struct {
		line string
		want Command
	}{
		{"", Command{}},
		{"   \t", Command{}},
		{"# SEND a 1 b", Command{}},
		{"  #x", Command{}},
		{"SEND 127.0.0.1 49610 hello!", Command{Verb: Send, Target: "127.0.0.1:49610", Data: "hello!"}},
		{"s localhost 1 two  spaces,\tand a tab  ", Command{Verb: Send, Target: "localhost:1", Data: "two  spaces,\tand a tab"}},
		{"Send ::1 49610 6", Command{Verb: Send, Target: "[::1]:49610", Data: "6"}},
		{"SEND [::1] 49610 6", Command{Verb: Send, Target: "[::1]:49610", Data: "6"}},
		{"SEND [::1]:49610 6", Command{Verb: Send, Target: "[::1]:49610", Data: "6"}},
		{"SEND host.example:7001 x y", Command{Verb: Send, Target: "host.example:7001", Data: "x y"}},
		{"SEND " + id + " 1 2 3", Command{Verb: Send, Target: id, Data: "1 2 3"}},
		{"SEND\thost\t7001\t# no comment", Command{Verb: Send, Target: "host:7001", Data: "# no comment"}},
		{"RECV 2", Command{Verb: Receive, Count: 2}},
		{"R\r", Command{Verb: Receive, Count: 1}},
		{"b  to   all ", Command{Verb: Broadcast, Data: "to   all"}},
		{"OPT duplicates=5 routed=1", Command{Verb: Option, Options: []Setting{{"duplicates", 5}, {"routed", 1}}}},
		{"o duplicates=0", Command{Verb: Option, Options: []Setting{{"duplicates", 0}}}},
		{"WAIT", Command{Verb: Wait, Time: Forever}},
		{"W -1", Command{Verb: Wait, Time: Forever}},
		{"WAIT 0", Command{Verb: Wait}},
		{"wait 1.5", Command{Verb: Wait, Time: 1500 * time.Millisecond}},
		{"JOIN localhost:49610", Command{Verb: Join, Target: "localhost:49610"}},
		{"LOOKUP " + id, Command{Verb: Lookup, Target: id}},
		{"lookup [::1]:2", Command{Verb: Lookup, Target: "[::1]:2"}},
		{"PEERS", Command{Verb: Peers}},
		{"fingers", Command{Verb: Fingers}},
		{"SLEEP 0.25", Command{Verb: Sleep, Time: 250 * time.Millisecond}},
		{"PAUSE", Command{Verb: Pause}},
		{"LEAVE", Command{Verb: Leave}},
	} {
		got, err := parseLine(x.line)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(x.want) {
			t.Errorf("%q: got %+v, %v; want %+v", x.line, got, err, x.want)
		}
	}
}

func TestParseLineRefuses(t *testing.T) {
	for _, x := range []struct{ line, want string }{
		{"SEN a 1 b", `invalid command: "SEN"`},
		{"L x", `invalid command: "L"`},
		{"SEND", "SEND requires: host port data"},
		{"SEND host", "SEND requires: host port data"},
		{"SEND host 1", "SEND requires: host port data"},
		{"SEND host:1", "SEND requires: host port data"},
		{"SEND host port data", "SEND requires: host port data"},
		{"SEND host 0 data", `SEND: port "0": want 1 to 65535`},
		{"SEND host -1 data", `SEND: port "-1": want 1 to 65535`},
		{"SEND host 65536 data", `SEND: port "65536": want 1 to 65535`},
		{"SEND host 99999999999999999999 data", `SEND: port "99999999999999999999": want 1 to 65535`},
		{"SEND host:99999 data", `SEND: port "99999": want 1 to 65535`},
		{"SEND host:99999 1 data", `SEND: port "99999": want 1 to 65535`},
		{"SEND host: data", "SEND requires: host port data"},
		{"SEND " + id, "SEND requires: host port data"},
		{"SEND a 1 " + strings.Repeat("x", swarm.MaxMessage+1), "SEND: 1048577 bytes, and a message can have 1048576"},
		{"BCAST", "BCAST requires: data"},
		{"RECV none", `RECV: invalid count "none": 1 to 1000000000`},
		{"RECV 0", `RECV: invalid count "0": 1 to 1000000000`},
		{"RECV -1", `RECV: invalid count "-1": 1 to 1000000000`},
		{"RECV 99999999999999999999", `RECV: invalid count "99999999999999999999": 1 to 1000000000`},
		{"OPT", "OPT requires: key=value"},
		{"OPT duplicates", `OPT: "duplicates" is not key=value`},
		{"OPT copies=3", `OPT: invalid option "copies": duplicates or routed`},
		{"OPT Duplicates=3", `OPT: invalid option "Duplicates": duplicates or routed`},
		{"OPT duplicates=64", `OPT: invalid value "64" of duplicates: 0 to 63`},
		{"OPT duplicates=3 routed=yes", `OPT: invalid value "yes" of routed: 0 to 1`},
		{"WAIT long", `WAIT: invalid time "long": seconds`},
		{"WAIT -2", `WAIT: invalid time "-2": seconds`},
		{"WAIT NaN", `WAIT: invalid time "NaN": seconds`},
		{"SLEEP", `SLEEP: invalid time "": seconds`},
		{"SLEEP -1", `SLEEP: invalid time "-1": seconds`},
		{"SLEEP 1e10", `SLEEP: invalid time "1e10": seconds`},
		{"JOIN", "JOIN requires: host:port"},
		{"JOIN host", "JOIN requires: host:port"},
		{"JOIN host:0", `JOIN: port "0": want 1 to 65535`},
		{"LOOKUP [::1]:99999", `LOOKUP: port "99999": want 1 to 65535`},
		{"JOIN " + id, "JOIN requires: host:port; an ID says not where its peer is"},
		{"LOOKUP host", "LOOKUP requires: host:port or an ID"},
		{"PEERS now", `PEERS takes nothing: "now"`},
	} {
		if _, err := parseLine(x.line); err == nil || err.Error() != x.want {
			t.Errorf("%.60q: got %v, want %s", x.line, err, x.want)
		}
	}
}

// All bad lines are named at once, with their numbers, and the good ones come to nothing.
func TestParseNamesEveryBadLine(t *testing.T) {
	s, err := Parse("lesson.conf", strings.NewReader("\ufeffWAIT\n\nSEND\nRECV x\n# fine\nLEAVE\nPEERS\n"))
	want := "lesson.conf:3: SEND requires: host port data\n" +
		`lesson.conf:4: RECV: invalid count "x": 1 to 1000000000` + "\n" +
		"lesson.conf:7: PEERS: nothing can be done after the LEAVE of line 6"
	if s != nil || err == nil || err.Error() != want {
		t.Errorf("got %v, %v, want\n%s", s, err, want)
	}
	var bad *SyntaxError
	if !errors.As(err, &bad) || bad.File != "lesson.conf" || bad.Line != 3 {
		t.Errorf("got %#v, want line 3 of lesson.conf", bad)
	}
}

func TestParseHasLimits(t *testing.T) {
	long := "RECV\nBCAST " + strings.Repeat("x", MaxLine)
	if _, err := Parse("f", strings.NewReader(long)); err == nil || err.Error() != fmt.Sprintf("f:2: a line can have %d bytes", MaxLine) {
		t.Errorf("got %v, want the longest line named", err)
	}
	if _, err := Parse("f", strings.NewReader(strings.Repeat("R\n", MaxCommands+1))); err == nil ||
		err.Error() != fmt.Sprintf("f:%d: a script can have %d commands", MaxCommands+1, MaxCommands) {
		t.Errorf("got %v, want the longest script named", err)
	}
	_, err := Parse("f", strings.NewReader(strings.Repeat("X\n", 1000)))
	if got := strings.Count(err.Error(), "\n"); got != maxErrors || !strings.HasSuffix(err.Error(), "\nand 980 more") {
		t.Errorf("got %d bad lines told, want %d, in %v", got, maxErrors, err)
	}
	_, err = Parse("f", strings.NewReader(strings.Repeat("X\n", 2*MaxCommands)))
	if got := strings.Count(err.Error(), "\n"); got != maxErrors || !strings.HasSuffix(err.Error(), "a script can have 100000 commands") {
		t.Errorf("got %d bad lines told, want %d and the limit, in %v", got, maxErrors, err)
	}
	broken := errors.New("the disk is gone")
	if _, err := Parse("f", &failing{broken}); !errors.Is(err, broken) {
		t.Errorf("got %v, want what the reader failed with", err)
	}
}

// However long what is wrong may be, little of it is told.
func TestParseQuotesLittle(t *testing.T) {
	garbage := strings.Repeat("\x01", 1<<20)
	for _, before := range []string{"", "PEERS ", "RECV ", "WAIT ", "OPT ", "OPT x=", "OPT duplicates="} {
		for _, after := range []string{"", "=1"} {
			_, err := Parse("f", strings.NewReader(before+garbage+after))
			if err == nil || len(err.Error()) > 500 {
				t.Errorf("%q: got %.600v, want at most 100 characters quoted", before, err)
			}
		}
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// No text makes the parser fail otherwise than with an error, and what it takes
// keeps the limits.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"WAIT\nRECV 2\n", "s a 1 b\nO duplicates=3\nB x", "SEND " + id + " hi", "\ufeff# x\r\nLEAVE\r\n", "SLEEP 1e-3\nJOIN [::1]:4",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("f", strings.NewReader(text))
		if err != nil {
			return
		}
		last := 0
		for _, c := range s.Commands {
			if c.Line <= last || c.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("line %d after line %d", c.Line, last)
			}
			last = c.Line
			if len(c.Data) > swarm.MaxMessage || c.Verb == Receive && c.Count < 1 || c.Time < Forever {
				t.Fatalf("got %+v", c)
			}
			if (c.Verb == Send || c.Verb == Broadcast) && (c.Data == "" || !strings.Contains(text, c.Data)) {
				t.Fatalf("data %q is not of the text", c.Data)
			}
		}
	})
}
