package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cicada/identity"
	"cicada/swarm"
	"cicada/transport/memory"
)

// A recorder keeps what a script printed, and counts what it reported.
type recorder struct {
	lines    []string
	sent     []swarm.Receipt
	missed   []string
	received []swarm.Message
	reached  []swarm.Reached
	lookups  int
	statuses int
}

func (r *recorder) Say(line string)                                        { r.lines = append(r.lines, line) }
func (r *recorder) Sent(_ identity.ID, s swarm.Receipt, _ error)           { r.sent = append(r.sent, s) }
func (r *recorder) Unreached(target string, _ error)                       { r.missed = append(r.missed, target) }
func (r *recorder) Received(m swarm.Message)                               { r.received = append(r.received, m) }
func (r *recorder) Broadcast(s swarm.Reached, _ error)                     { r.reached = append(r.reached, s) }
func (r *recorder) LookedUp(identity.ID, *identity.Contact, []identity.ID) { r.lookups++ }
func (r *recorder) Peers(swarm.Status)                                     { r.statuses++ }
func (r *recorder) Fingers(swarm.Status)                                   { r.statuses++ }

// peers returns peers 10.0.0.1, 10.0.0.2, … of a swarm each, on one network in memory.
func peers(t *testing.T, n int) []*swarm.Peer {
	network := memory.New(memory.Config{Latency: time.Millisecond})
	var all []*swarm.Peer
	for i := range n {
		host := netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})
		p, err := swarm.Listen(t.Context(), swarm.Config{
			Key: identity.KeyFromSeed([32]byte{byte(i + 1)}), Address: netip.AddrPortFrom(host, swarm.DefaultPort).String(),
			Network: network.Host(host), SendTimeout: 5 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		all = append(all, p)
	}
	return all
}

func parse(t *testing.T, text string) *Script {
	t.Helper()
	s, err := Parse("test.conf", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What is typed at a PAUSE is not kept, however long its lines are.
func TestPauseKeepsNothing(t *testing.T) {
	const size = 64 << 20
	line := io.MultiReader(io.LimitReader(zeros{}, size), strings.NewReader("\n"), io.LimitReader(zeros{}, size))
	lines := make(chan struct{}, 10)
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	readLines(line, lines)
	goruntime.ReadMemStats(&after)
	if n := len(lines); n != 1 {
		t.Errorf("got %d lines, want 1", n)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > size/8 {
		t.Errorf("%d bytes were allocated for a line of %d", got, size)
	}
}

// Zeros are a file without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Two scripts talk to each other, and print what they did in the words of the
// program that Cicada succeeds.
func TestTwoScripts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := peers(t, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var first, second recorder
		done := make(chan error, 1)
		go func() {
			done <- Run(ctx, parse(t, "WAIT\nRECV 2\nSEND 10.0.0.2 49610 thank  you\nBCAST bye\n"), p[0], nil, &first)
		}()
		err := Run(ctx, parse(t, `
			JOIN 10.0.0.1:49610
			WAIT 5
			SEND 10.0.0.1 49610 hello,  world!
			OPT duplicates=2
			SEND `+p[0].ID().String()+` again
			RECV
			RECV 1
			LOOKUP 10.0.0.1:49610
			PEERS
			FINGERS
			SLEEP 0.5
			PAUSE
			PAUSE
			LEAVE`), p[1], strings.NewReader("\n"), &second)
		if err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		other := p[0].ID().Short() + " at 10.0.0.1:49610"
		check(t, "first", first.lines, []string{
			"Waiting for a connection.",
			"1/2 -- 10.0.0.2:49610: hello,  world!", "2/2 -- 10.0.0.2:49610: again",
			"Sending 10 bytes to 10.0.0.2:49610.", "done", "Broadcasting 3 bytes.",
		})
		check(t, "second", second.lines, []string{
			"Joining 10.0.0.1:49610.", "Waiting for 5 seconds for a connection.",
			"Sending 14 bytes to 10.0.0.1:49610.", "done", "Set duplicates = 2",
			"Sending 5 bytes to " + p[0].ID().String() + ".", "done",
			"1/1 -- 10.0.0.1:49610: thank  you", "1/1 -- 10.0.0.1:49610: bye",
			"10.0.0.1:49610 is " + other + ", 1 hop away.",
			"successor 1: " + other, "predecessor 1: " + other,
			"No fingers: this peer knows everybody.", "Sleeping for 0.5 seconds.",
			"Paused: press Enter to go on.", "Paused: press Enter to go on.", "Leaving the swarm.",
		})
		if len(second.sent) != 2 || len(second.received) != 2 || len(first.reached) != 1 || second.lookups != 1 || second.statuses != 2 {
			t.Errorf("got reports %+v, %+v", first, second)
		}
	})
}

func check(t *testing.T, who string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", who, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What goes wrong ends the script, and says where.
func TestRunErrors(t *testing.T) {
	for _, x := range []struct {
		script string
		want   string
		is     error
	}{
		{"PEERS\nWAIT 0.5", "test.conf:2: WAIT: Peers didn't connect before timeout.", ErrNobody},
		{"\n\nSEND 10.0.0.9 49610 x", "test.conf:3: SEND: ", nil},
		{"SEND " + id + " x", "test.conf:1: SEND: swarm: ", swarm.ErrNoSuchPeer},
		{"JOIN 10.0.0.9:1", "test.conf:1: JOIN: swarm: join 10.0.0.9:1: ", nil},
		{"LOOKUP " + id, "test.conf:1: LOOKUP: swarm: ", swarm.ErrNoSuchPeer},
	} {
		t.Run(x.script, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := peers(t, 1)[0]
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err := Run(ctx, parse(t, x.script+"\nBCAST never"), p, nil, &recorder{})
				var failed *RunError
				if !errors.As(err, &failed) || !strings.HasPrefix(err.Error(), x.want) || x.is != nil && !errors.Is(err, x.is) {
					t.Errorf("got %v, want %s…", err, x.want)
				}
			})
		})
	}
}

// A target that cannot be reached is reported as it was named.
func TestUnreachedIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var told recorder
		err := Run(ctx, parse(t, "SEND 10.0.0.9 1 x"), peers(t, 1)[0], nil, &told)
		if err == nil || len(told.sent) > 0 || !slices.Equal(told.missed, []string{"10.0.0.9:1"}) {
			t.Errorf("got %v, sent %v, unreached %q", err, told.sent, told.missed)
		}
	})
}

// Whatever a script waits for, the end of its context ends it.
func TestRunEnds(t *testing.T) {
	for _, script := range []string{"WAIT", "RECV", "SLEEP 1000", "PAUSE", "JOIN 10.0.0.9:1"} {
		t.Run(script, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := peers(t, 1)[0]
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				in, typing := io.Pipe()
				defer typing.Close()
				began := time.Now()
				err := Run(ctx, parse(t, script), p, in, &recorder{})
				if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, swarm.ErrNoAnswer) || time.Since(began) > 1100*time.Millisecond {
					t.Errorf("got %v after %v, want the deadline", err, time.Since(began))
				}
			})
		})
	}
}

func ExampleParse() {
	s, err := Parse("lesson.conf", strings.NewReader("# wait for somebody\nW 10\nR 2\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range s.Commands {
		fmt.Println(c.Line, c.Verb)
	}
	// Output:
	// 2 WAIT
	// 3 RECV
}
