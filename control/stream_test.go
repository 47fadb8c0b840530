package control

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cicada/swarm"
)

// Who stops reading events gives room to others before long, and who reads them slowly
// stays.
func TestWhoTakesNoEventsIsPutOut(t *testing.T) {
	const request = "GET /v1/events HTTP/1.1\r\nHost: cicada\r\n\r\n"
	virtual(t, func(t *testing.T, d *dummy, p *pipes, _ *Client) {
		d.watched = make(chan struct{})
		conn, in := say(t, p, request)
		defer conn.Close()
		for range 10 { // slowly
			<-time.After(watchTime - time.Second)
			for read := ""; !strings.HasSuffix(read, "\"}\n"); {
				b, err := in.ReadByte()
				if err != nil {
					t.Fatalf("got %q, %v", read, err)
				}
				read += string(b)
			}
		}
		select {
		case <-d.watched:
			t.Fatal("it was put out for being slow")
		case <-time.After(watchTime - time.Second):
		}
		select {
		case <-d.watched:
		case <-time.After(2 * time.Second):
			t.Fatal("it has its stream still")
		}
		if rest := textOf(in); strings.HasSuffix(rest, "0\r\n\r\n") {
			t.Errorf("got %q, which is a clean end", rest)
		}
	})
}

// A line without its newline is none, and one with it does not come again.
func TestLineIsWholeWithItsNewline(t *testing.T) {
	const request = "GET /v1/messages HTTP/1.1\r\nHost: cicada\r\n\r\n"
	for _, x := range []struct {
		name, upTo string
		again      bool
	}{{"all but the newline", `"sealed":true}`, true}, {"the newline", "\"sealed\":true}\r\n1\r\n\n\r\n", false}} {
		virtual(t, func(t *testing.T, d *dummy, p *pipes, c *Client) {
			conn, in := say(t, p, request)
			defer conn.Close()
			d.in <- swarm.Message{Data: []byte("one")}
			read := ""
			for !strings.HasSuffix(read, x.upTo) {
				b, err := in.ReadByte()
				if err != nil {
					t.Fatalf("%s: got %q, %v", x.name, read, err)
				}
				read += string(b)
			}
			d.in <- swarm.Message{Data: []byte("two")}
			<-time.After(stall + time.Second)
			rest := textOf(in)
			if strings.Contains(rest, "0\r\n\r\n") || strings.Contains(rest, "\n\r\n") {
				t.Errorf("%s: got %q, want that it breaks off", x.name, rest)
			}
			d.in <- swarm.Message{Data: []byte("three")}
			want := "[two three]"
			if x.again {
				want = "[one two three]"
			}
			if got := fmt.Sprint(collect(t, c, len(strings.Fields(want)))); got != want {
				t.Errorf("%s: got %s, want %s", x.name, got, want)
			}
		})
	}
}
