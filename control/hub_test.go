package control

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"cicada/swarm"
)

// inbox returns a hub over a channel of messages; closing it closes the peer.
func inbox() (chan string, *hub) {
	in := make(chan string, 100)
	return in, newHub(func(ctx context.Context) (swarm.Message, error) {
		select {
		case s, ok := <-in:
			if !ok {
				return swarm.Message{}, errors.New("closed")
			}
			return swarm.Message{Data: []byte(s)}, nil
		case <-ctx.Done():
			return swarm.Message{}, ctx.Err()
		}
	})
}

// take receives n messages, one after the other, and leaves.
func take(h *hub, n int) (got []string) {
	r := h.join(func() {})
	defer h.part(r)
	for len(got) < n {
		select {
		case m, ok := <-r.messages:
			if !ok {
				return got
			}
			got = append(got, string(m.Data))
			r.passed <- true
		case <-r.out:
			return got
		case <-time.After(time.Minute):
			return got
		}
	}
	return got
}

// Nothing is lost or doubled, however receivers come and go, as long as there is
// one at a time.
func TestEachMessageIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, h := inbox()
		for i := range 60 {
			in <- fmt.Sprint(i)
		}
		next := 0
		for n := 1; next < 60; n = n%5 + 1 {
			for _, s := range take(h, min(n, 60-next)) {
				if s != fmt.Sprint(next) {
					t.Fatalf("got %s, want %d", s, next)
				}
				next++
			}
		}
		synctest.Wait()
		in <- "kept"
		if got := take(h, 1); len(got) != 1 || got[0] != "kept" {
			t.Errorf("got %v, want what came while nobody received", got)
		}
	})
}

// What a receiver took and could not pass on waits for the next one.
func TestWhatIsNotPassedOnIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, h := inbox()
		in <- "precious"
		for _, fails := range []func(*receiver){
			func(r *receiver) { r.passed <- false },
			func(*receiver) {},                               // parts without a word
			func(r *receiver) { <-r.out },                    // takes too long
			func(r *receiver) { <-r.out; r.passed <- false }, // and its write fails
		} {
			r := h.join(func() {})
			<-r.messages
			fails(r)
			h.part(r)
			synctest.Wait()
		}
		if got := fmt.Sprint(take(h, 1)); got != "[precious]" {
			t.Errorf("got %s, want what nobody passed on", got)
		}
	})
}

// What a receiver passed on although it was put out at that moment goes to nobody
// again.
func TestWhatIsPassedOnLateIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, h := inbox()
		in <- "late"
		r := h.join(func() {})
		<-r.messages
		<-r.out
		r.passed <- true
		h.part(r)
		synctest.Wait()
		in <- "next"
		if got := fmt.Sprint(take(h, 1)); got != "[next]" {
			t.Errorf("got %s, want what came after it", got)
		}
	})
}

// All who receive at the same time get everything; those that stall are put out, each
// once, and do not keep the others from it for longer than one would.
func TestAllReceiversGetAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, h := inbox()
		aborted := make(chan struct{}, 20)
		for i := range 10 {
			stalled := h.join(func() { aborted <- struct{}{} })
			go func() {
				defer h.part(stalled)
				if i%2 == 0 { // one that took it, and one that did not come to that
					<-stalled.messages
				}
				<-stalled.out
			}()
		}
		results := make(chan []string)
		for range 3 {
			go func() { results <- take(h, 4) }()
		}
		synctest.Wait()
		began := time.Now()
		for i := range 4 {
			in <- fmt.Sprint(i)
		}
		for range 3 {
			if got := <-results; fmt.Sprint(got) != "[0 1 2 3]" {
				t.Errorf("got %v, want all", got)
			}
		}
		if took := time.Since(began); took > stall {
			t.Errorf("it took %v, want at most %v", took, stall)
		}
		if len(aborted) != 10 {
			t.Errorf("%d were put out, want 10", len(aborted))
		}
	})
}

// The end of the peer is the end of receiving, now and later.
func TestHubEndsWithThePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, h := inbox()
		in <- "last"
		close(in)
		for _, want := range []string{"[last]", "[]"} {
			if got := fmt.Sprint(take(h, 5)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}
