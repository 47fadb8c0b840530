package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"cicada/cmd/cicada/internal/bench"
	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
	"cicada/wire"
)

// The demonstration is only worth something if it notices when a swarm does not
// do what it should.
func TestTheLedgerNoticesWhatIsWrong(t *testing.T) {
	a, b := identity.KeyFromSeed([32]byte{1}).ID(), identity.KeyFromSeed([32]byte{2}).ID()
	id := trace.MessageID{7}
	good := swarm.Message{ID: id, From: a, Data: []byte("hello")}
	for _, test := range []struct {
		name    string
		arrived []swarm.Message
		want    string // in the error; empty: none
	}{
		{"once and unchanged", []swarm.Message{good}, ""},
		{"lost", nil, "never came out there"},
		{"twice", []swarm.Message{good, good}, "2 times"},
		{"changed", []swarm.Message{{ID: id, From: a, Data: []byte("hullo")}}, `as "hullo"`},
		{"from another", []swarm.Message{{ID: id, From: b, Data: []byte("hello")}}, "from " + b.Short()},
		{"never sent", []swarm.Message{good, {ID: trace.MessageID{8}, From: a}}, "was not sent there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // nothing more will come
			l := newLedger()
			l.expect(id, a, []byte("hello"), b)
			for _, m := range test.arrived {
				l.heard(b, m)
			}
			n, err := l.audit(ctx)
			if test.want == "" && (err != nil || n != 1) {
				t.Errorf("got %d, %v, want 1 and no error", n, err)
			}
			if got := fmt.Sprint(err); !strings.Contains(got, test.want) {
				t.Errorf("got %s, want %q in it", got, test.want)
			}
		})
	}
}

// What has no receipt may arrive or not, but not as something else.
func TestTheLedgerAllowsWhatHadNoReceipt(t *testing.T) {
	a, b := identity.KeyFromSeed([32]byte{1}).ID(), identity.KeyFromSeed([32]byte{2}).ID()
	good := swarm.Message{ID: trace.MessageID{7}, From: a, Data: []byte("hello")}
	changed := swarm.Message{ID: good.ID, From: a, Data: []byte("hullo")}
	for _, test := range []struct {
		name           string
		arrived        []swarm.Message
		altered, twice int
	}{
		{"never", nil, 0, 0},
		{"once", []swarm.Message{good}, 0, 0},
		{"twice", []swarm.Message{good, good}, 0, 1},
		{"changed", []swarm.Message{changed}, 1, 0},
		{"made up", []swarm.Message{{ID: trace.MessageID{8}, From: a}}, 1, 0},
	} {
		l := newLedger()
		l.allow(good.ID, a, []byte("hello"), b)
		for _, m := range test.arrived {
			l.heard(b, m)
		}
		altered, twice := l.wrong()
		n, err := l.audit(t.Context())
		if altered != test.altered || twice != test.twice || (err == nil) != (altered+twice == 0) || n != 0 {
			t.Errorf("%s: %d altered, %d twice, audit %d, %v; want %d, %d", test.name, altered, twice, n, err, test.altered, test.twice)
		}
	}
}

// A round is one in which the origin sends a copy anew, and not to another first hop
// since the one before did not take it.
func TestRoundsAreCountedAtTheOrigin(t *testing.T) {
	origin, hop := identity.KeyFromSeed([32]byte{1}).ID(), identity.KeyFromSeed([32]byte{2}).ID()
	const sent, retried, dropped = trace.CopySent, trace.CopyRetried, trace.CopyDropped
	for _, test := range []struct {
		name  string
		kinds []trace.Kind // at the origin
		want  int
	}{
		{"nothing", nil, 0},
		{"once", []trace.Kind{sent}, 1},
		{"by another hop", []trace.Kind{sent, retried, sent}, 1},
		{"anew", []trace.Kind{sent, sent}, 2},
		{"anew when nobody took it", []trace.Kind{sent, retried, dropped, sent}, 2},
	} {
		r := newRounds()
		for _, kind := range test.kinds {
			e := trace.Event{Kind: kind, Message: trace.MessageID{7}, Copy: 1, Peer: origin, Name: wire.EnvelopeFirst.String()}
			r.Emit(e)
			e.Peer = hop // does with it what it likes
			r.Emit(e)
			e.Name = wire.EnvelopeReceipt.String()
			e.Copy++
			r.Emit(e)
		}
		if got := r.of(trace.MessageID{7}); got != test.want || r.of(trace.MessageID{7}) != 0 {
			t.Errorf("%s: got %d, want %d, and then 0", test.name, got, test.want)
		}
	}
}

func TestTheLedgerWaitsForWhatIsOnItsWay(t *testing.T) {
	a, b := identity.KeyFromSeed([32]byte{1}).ID(), identity.KeyFromSeed([32]byte{2}).ID()
	l := newLedger()
	l.expect(trace.MessageID{7}, a, nil, b)
	audited := make(chan error)
	go func() {
		_, err := l.audit(t.Context())
		audited <- err
	}()
	l.heard(b, swarm.Message{ID: trace.MessageID{7}, From: a})
	if err := <-audited; err != nil {
		t.Error(err)
	}
}

func TestPathsAreReadFromTheTrace(t *testing.T) {
	var id [4]identity.ID
	for i := range id {
		id[i] = identity.KeyFromSeed([32]byte{byte(i)}).ID()
	}
	step := func(kind trace.Kind, copy, at, to int, name string) trace.Event {
		return trace.Event{Kind: kind, Message: trace.MessageID{7}, Copy: copy, Peer: id[at], Other: id[to], Name: name}
	}
	const message, receipt = "message", "receipt"
	s := newPaths()
	for _, e := range []trace.Event{
		step(trace.CopySent, 2, 0, 2, message),
		step(trace.CopySent, 1, 0, 2, message), // who does not take it
		step(trace.CopySent, 1, 0, 1, message),
		step(trace.CopyForwarded, 1, 1, 3, message),
		step(trace.CopyForwarded, 2, 2, 3, message),
		step(trace.CopySent, 3, 0, 1, message), // and lost there
		step(trace.CopyForwarded, 1, 3, 1, receipt),
		step(trace.CopyArrived, 1, 3, 1, message),
	} {
		s.Emit(e)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	got := fmt.Sprint(s.of(t.Context(), trace.MessageID{7}, id[0], id[3], 2))
	want := fmt.Sprint([]path{{id[0], id[1], id[3]}, {id[0], id[2], id[3]}})
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if again := s.of(over, trace.MessageID{7}, id[0], id[3], 2); len(again) > 0 {
		t.Errorf("asked again: got %v, want nothing", again)
	}
	if wire.EnvelopeMessage.String() != message || wire.EnvelopeReceipt.String() != receipt {
		t.Error("the names of envelopes are not those in this test")
	}
}

func TestExitCodes(t *testing.T) {
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name string
		ctx  context.Context
		err  error
		code int
		text string
	}{
		{"done", t.Context(), nil, 0, ""},
		{"our fault", t.Context(), errors.New("disk on fire"), 1, "cicada: disk on fire\n"},
		{"two errors are one sentence", t.Context(), errors.Join(errors.New("a"), errors.New("b")), 1, "cicada: a; b\n"},
		{"usage", t.Context(), usageError("--peers %d", 1), 2, "cicada: --peers 1\n"},
		{"no answer", t.Context(), fmt.Errorf("x: %w", swarm.ErrNoAnswer), 3, "cicada: x: swarm: no answer in time\n"},
		{"deadline", t.Context(), context.DeadlineExceeded, 3, "cicada: context deadline exceeded\n"},
		{"refused", t.Context(), &swarm.TargetError{Err: swarm.ErrRefused}, 4, ""},
		{"nobody there", t.Context(), &swarm.TargetError{Err: swarm.ErrNoSuchPeer}, 4, ""},
		{"other swarm, though it took long", t.Context(), errors.Join(swarm.ErrNoAnswer, swarm.ErrOtherSwarm), 4, ""},
		{"interrupted", interrupted, swarm.ErrClosed, 130, "cicada: interrupted\n"},
		{"interrupted when all was done", interrupted, nil, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var said strings.Builder
			if got := conclude(test.ctx, newConsole(io.Discard, &said), test.err); got != test.code {
				t.Errorf("got exit code %d, want %d", got, test.code)
			}
			if test.text != "" && said.String() != test.text {
				t.Errorf("got %q, want %q", said.String(), test.text)
			}
		})
	}
}

// A pipe that closes early, as under head, is our fault to report and not to panic about.
func TestAResultThatCannotBeWrittenFails(t *testing.T) {
	var notes strings.Builder
	if got := run([]string{"version"}, brokenPipe{}, &notes); got != exitOurFault {
		t.Errorf("got exit code %d, want %d", got, exitOurFault)
	}
	if got, want := notes.String(), "cicada: writing results: pipe is closed\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Help that nobody can read is no mistake of who asked for it.
func TestHelpThatCannotBeWrittenFails(t *testing.T) {
	for _, line := range [][]string{{"--help"}, {"help", "up"}, {"up", "--help"}} {
		var notes strings.Builder
		if got := run(line, brokenPipe{}, &notes); got != exitOurFault {
			t.Errorf("%q: got exit code %d, want %d", line, got, exitOurFault)
		}
		if got, want := notes.String(), "cicada: writing help: pipe is closed\n"; got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("pipe is closed") }

func TestAMissedGoalIsMarked(t *testing.T) {
	m := bench.Metric{Goal: "30"}
	if got, want := goal(m, 29)+", "+goal(m, 31), "30, ! 30"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFiguresHaveAboutFourDigits(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 1: "1", .12344: "0.1234", 12.3456: "12.35", 999.96: "1000", 12345.6: "12346", -1: "-1"} {
		if got := figure(value); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
		}
	}
}
