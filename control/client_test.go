package control

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cicada/swarm"
)

// Who is put out in the midst of a message has not got it, is told why, and the next
// to receive has it once.
func TestStalledClientIsCutOff(t *testing.T) {
	virtual(t, func(t *testing.T, d *dummy, _ *pipes, c *Client) {
		large := strings.Repeat("x", 900_000)
		d.in <- swarm.Message{Data: []byte("first")}
		d.in <- swarm.Message{Data: []byte(large)}
		var got []string
		err := c.Receive(t.Context(), 0, func(r Received) error {
			got = append(got, r.Data)
			<-time.After(stall + time.Second) // as one that was stopped
			return nil
		})
		if fmt.Sprint(got) != "[first]" || err == nil || KindOf(err) != Closed || !strings.Contains(err.Error(), "not read fast enough") {
			t.Errorf("got %.50q, %v, want the first and that it was too slow", got, err)
		}
		d.in <- swarm.Message{Data: []byte("last")}
		if got := collect(t, c, 2); len(got) != 2 || got[0] != large || got[1] != "last" {
			t.Errorf("got %.50q, want the large one and the last", got)
		}
	})
}

// A peer that answers nothing is not waited for for ever.
func TestSilentPeerIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes(1000) // nobody accepts
		c, ctx := p.client(), t.Context()
		for _, x := range []struct {
			name string
			want time.Duration
			ask  func() error
		}{
			{"status", patience, func() error { _, err := c.Status(ctx); return err }},
			{"peers", patience, func() error { _, err := c.Peers(ctx); return err }},
			{"fingers", patience, func() error { _, err := c.Fingers(ctx); return err }},
			{"leave", patience, func() error { return c.Leave(ctx) }},
			{"lookup", time.Minute + grace, func() error { _, err := c.Lookup(ctx, "x", time.Minute); return err }},
			{"send", time.Second + grace, func() error { _, err := c.Send(ctx, "x", nil, swarm.SendOptions{}, time.Second); return err }},
			{"send, no time named", defaultTimeout + grace, func() error { _, err := c.Send(ctx, "x", nil, swarm.SendOptions{}, 0); return err }},
			{"broadcast", time.Second + grace, func() error { _, err := c.Broadcast(ctx, nil, time.Second); return err }},
			{"receive", patience, func() error { return c.Receive(ctx, 0, nil) }},
			{"events", patience, func() error { return c.Events(ctx, nil) }},
		} {
			began := time.Now()
			err := x.ask()
			if took := time.Since(began); took != x.want || err == nil || KindOf(err) != Timeout || !strings.Contains(err.Error(), "does not answer") {
				t.Errorf("%s: got %v after %v, want that the peer does not answer after %v", x.name, err, took, x.want)
			}
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := c.Status(short); err != context.DeadlineExceeded {
			t.Errorf("got %v, want the caller's own end", err)
		}
		c.Close()
	})
}

// Only the beginning of a stream has a time, and what the peer was asked to wait for.
func TestPatienceEnds(t *testing.T) {
	virtual(t, func(t *testing.T, d *dummy, _ *pipes, c *Client) {
		if _, err := c.Status(t.Context()); err != nil { // its connection is used for what follows
			t.Error(err)
		}
		time.AfterFunc(time.Hour-time.Second, func() { d.in <- swarm.Message{Data: []byte("late")} })
		if got := fmt.Sprint(collect(t, c, 1)); got != "[late]" {
			t.Errorf("got %s", got)
		}
		d.takes = 10 * time.Minute
		if s, err := c.Send(t.Context(), "x", []byte("x"), swarm.SendOptions{}, time.Hour); err != nil || !s.Delivered {
			t.Errorf("got %+v, %v, want it delivered in the end", s, err)
		}
		d.takes = time.Hour
		if _, err := c.Send(t.Context(), "x", []byte("x"), swarm.SendOptions{}, time.Second); KindOf(err) != Timeout || strings.Contains(err.Error(), "does not answer") {
			t.Errorf("got %v, want the peer's own word", err)
		}
	})
}

// The largest message can be sent whatever is in it.
func TestLargestMessageFits(t *testing.T) {
	virtual(t, func(t *testing.T, _ *dummy, _ *pipes, c *Client) {
		for _, content := range []string{"x", "\x00", "\xff", "\u2028", "<"} {
			data := []byte(strings.Repeat(content, swarm.MaxMessage/len(content)))
			if s, err := c.Send(t.Context(), "x", data, swarm.SendOptions{}, 0); err != nil || !s.Delivered {
				t.Errorf("%q: got %+v, %v, want it delivered", content, s, err)
			}
		}
	})
}
