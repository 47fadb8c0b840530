package swarm

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"cicada/seal"
)

// A target that restarted has the message sealed anew, twice over: its session is
// gone, and the first message could be a replay. One that is asked first, because
// the message is large, does so once. Nobody changed anything, and no receipt says so.
func TestSealedAnewDoesNotDiffer(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(5, classic())
		from, to := w.peers[1], w.peers[4]
		send := func(what string, data []byte, o SendOptions) {
			t.Helper()
			receipt, err := from.Send(t.Context(), to.ID(), data, o)
			if err != nil || receipt.Differing != 0 {
				t.Errorf("%s: got receipt %+v, %v; want no copy that differs", what, receipt, err)
			}
		}
		send("large", bytes.Repeat([]byte("x"), 100<<10), SendOptions{})
		w.net.Kill(hostAddress(5))
		to.Close()
		pass(5 * time.Second)
		to = w.restart(4, classic())
		if err := to.Join(t.Context(), w.peers[0].Address().String()); err != nil {
			t.Fatal(err)
		}
		w.awaitIdeal(w.peers, time.Minute)
		send("restarted", []byte("again"), SendOptions{})
	})
}

// More copies are asked for than there are ways. The target waits for those that
// were sent, not for the others.
func TestReceiptWaitsForCopiesThatWereSent(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(3, classic())
		pass(3 * time.Minute) // until then, keys that may be older are challenged
		for _, what := range []string{"cold", "warm"} {
			receipt, err := w.peers[1].Send(t.Context(), w.peers[2].ID(), []byte(what), SendOptions{Duplicates: 9})
			if err != nil {
				t.Fatal(err)
			}
			if receipt.Paths > 2 || receipt.Copies != receipt.Paths || receipt.Elapsed >= copiesWait {
				t.Errorf("%s: got %d of %d copies after %v, want all, at most 2, before %v",
					what, receipt.Copies, receipt.Paths, receipt.Elapsed, copiesWait)
			}
		}
	})
}

// A target that restarted about when a message was sealed is asked when that was,
// before it gets the message: sealed before, the outcome is unknown; after, not.
func TestAsksWhenTheTargetRestarted(t *testing.T) {
	for _, test := range []struct {
		name   string
		sealed time.Duration // after the target's start
		want   error
	}{{"sealed after the start", time.Millisecond, nil}, {"sealed before", -time.Millisecond, ErrOutcomeUnknown}} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, lan, func(t *testing.T, w *world) {
				w.grow(3, classic())
				from, to := w.peers[1], w.peers[2]
				if _, err := from.Send(t.Context(), to.ID(), []byte("hello"), SendOptions{}); err != nil {
					t.Fatal(err)
				}
				w.net.Kill(hostAddress(3))
				to.Close()
				pass(5 * time.Second)
				to = w.restart(2, classic())
				if err := to.Join(t.Context(), w.peers[0].Address().String()); err != nil {
					t.Fatal(err)
				}
				w.awaitIdeal(w.peers, time.Minute)
				pass(5 * time.Minute) // by now it accepts first messages as they come
				s, err := from.begin(sending{target: to.ID(), point: to.Point(), data: []byte("again")}, time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				from.mu.Lock()
				s.course = seal.Course{}
				s.course.Sealed(s.sealed, to.born.Add(test.sealed))
				s.course.Sealed(s.sealed, time.Now())
				from.mu.Unlock()
				if _, err := from.await(t.Context(), s); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				if m, ok, _ := to.inbox.pop(); ok != (test.want == nil) {
					t.Errorf("got %q delivered: %v, want %v", m.Data, ok, test.want == nil)
				}
			})
		})
	}
}
