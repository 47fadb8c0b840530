package swarm

import (
	"context"
	"testing"
	"time"
)

// Who answers a first message at once sends under a session that the other end
// has not completed yet: what completes it came with the same read and is still
// being opened. That must not cost a retry, the first of which comes after a
// second. Real sockets: they bring both at once, and memory seldom does.
func TestAnAnswerOnTheHeelsOfAFirstMessageIsNotHeldUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	a := listen(t, Config{Address: "127.0.0.1:0"})
	for range 8 {
		b := listen(t, Config{Address: "127.0.0.1:0"})
		if err := b.Join(ctx, a.Address().String()); err != nil {
			t.Fatal(err)
		}
		echoed := make(chan error, 1)
		go func() {
			m, err := a.Receive(ctx)
			if err == nil {
				_, err = a.Send(ctx, m.From, m.Data, SendOptions{})
			}
			echoed <- err
		}()
		started := time.Now()
		if _, err := b.Send(ctx, a.ID(), []byte("and back?"), SendOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Receive(ctx); err != nil {
			t.Fatal(err)
		}
		if err := <-echoed; err != nil {
			t.Fatal(err)
		}
		if got := time.Since(started); got > 900*time.Millisecond {
			t.Errorf("there and back took %v, want a few milliseconds", got)
		}
	}
}
