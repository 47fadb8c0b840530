package control

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cicada/swarm"
)

// HEAD, which takes nothing away elsewhere, takes no messages.
func TestHeadTakesNoMessages(t *testing.T) {
	virtual(t, func(t *testing.T, d *dummy, _ *pipes, c *Client) {
		d.in <- swarm.Message{Data: []byte("kept")}
		for _, path := range []string{"messages?count=1", "events", "status"} {
			answer, err := c.open(t.Context(), http.MethodHead, path, nil)
			if err != nil || answer.StatusCode != http.StatusNotFound {
				t.Fatalf("HEAD %s: got %v, %v, want 404", path, answer, err)
			}
			answer.Body.Close()
		}
		if got := fmt.Sprint(collect(t, c, 1)); got != "[kept]" {
			t.Errorf("got %s, want the message", got)
		}
	})
}

// What does not come in or is not taken has its time.
func TestHalfRequestsEnd(t *testing.T) {
	const post = "POST /v1/send HTTP/1.1\r\nHost: cicada\r\n"
	for _, x := range []struct {
		name, text string
		want       time.Duration
		answer     string
	}{
		{"nothing", "", headerTime, ""},
		{"half a header", "GET /v1/status HTTP/1.1\r\n", headerTime, ""},
		{"no body", post + "Content-Length: 100\r\n\r\n", bodyTime, "HTTP/1.1 504"},
		{"half a body", post + "Content-Length: 100\r\n\r\n{", bodyTime, `{"kind":"timeout","error":"the body did not come within 10s"}`},
		{"half a large body", post + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", bodyTime, "HTTP/1.1 504"},
		{"a body for nobody", "POST /v1/nothing HTTP/1.1\r\nHost: cicada\r\nContent-Length: 100\r\n\r\n", bodyTime, "HTTP/1.1 404"},
		{"a body that is not read", "POST /v1/leave HTTP/1.1\r\nHost: cicada\r\nContent-Length: 100\r\n\r\n", bodyTime, ""},
		{"GET with a body", "GET /v1/messages HTTP/1.1\r\nHost: cicada\r\nContent-Length: 100000000\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n", 0, "a request to GET has no body"},
		{"no further request", "GET /v1/peers HTTP/1.1\r\nHost: cicada\r\n\r\n", idleTime, "HTTP/1.1 200"},
	} {
		virtual(t, func(t *testing.T, _ *dummy, p *pipes, _ *Client) {
			began := time.Now()
			conn, in := say(t, p, x.text)
			defer conn.Close()
			got := textOf(in)
			if took := time.Since(began); took < x.want || took > x.want+time.Second || !strings.Contains(got, x.answer) {
				t.Errorf("%s: it ended after %v with %q, want %v, %q", x.name, took, got, x.want, x.answer)
			}
		})
	}
}

// An answer that nobody takes is not written for ever.
func TestAnswersAreNotKeptForEver(t *testing.T) {
	virtual(t, func(t *testing.T, _ *dummy, p *pipes, _ *Client) {
		conn, in := say(t, p, "GET /v1/status HTTP/1.1\r\nHost: cicada\r\n\r\n")
		defer conn.Close()
		<-time.After(answerTime + time.Second)
		if text := textOf(in); strings.Contains(text, "event") {
			t.Errorf("got %q, want that it was given up", text)
		}
	})
}

// Half requests, however many, are few connections to the peer, and who comes then
// waits for room.
func TestConnectionsAreBounded(t *testing.T) {
	virtual(t, func(t *testing.T, _ *dummy, p *pipes, c *Client) {
		const many = 400
		for range many {
			conn, err := p.dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		synctest.Wait()
		if got := many - len(p.conns); got != maxConnections {
			t.Errorf("%d connections were taken, want %d", got, maxConnections)
		}
		began := time.Now()
		_, err := c.Status(t.Context())
		for err != nil && time.Since(began) < time.Minute { // it may well give up: others wait before it
			_, err = c.Status(t.Context())
		}
		if took := time.Since(began); err != nil || took > (many/maxConnections+2)*headerTime {
			t.Errorf("got %v after %v, want an answer once the others have ended", err, took)
		}
	})
}

// Streams leave room for requests.
func TestStreamsAreBounded(t *testing.T) {
	virtual(t, func(t *testing.T, _ *dummy, p *pipes, c *Client) {
		for range maxStreams {
			conn, in := say(t, p, "GET /v1/messages HTTP/1.1\r\nHost: cicada\r\n\r\n")
			defer conn.Close()
			if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "200 OK") {
				t.Fatalf("got %q, %v", line, err)
			}
		}
		if err := c.Receive(t.Context(), 1, nil); err == nil || KindOf(err) != Refused {
			t.Errorf("got %v, want that there are too many", err)
		}
		if _, err := c.Status(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Few large bodies are in memory at once; small ones do not wait for them.
func TestLargeBodiesTakeTurns(t *testing.T) {
	virtual(t, func(t *testing.T, _ *dummy, p *pipes, c *Client) {
		for range maxLarge {
			conn, _ := say(t, p, "POST /v1/send HTTP/1.1\r\nHost: cicada\r\nContent-Length: 1000000\r\n\r\n")
			defer conn.Close()
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		}
		synctest.Wait()
		for _, x := range []struct {
			name string
			size int
			want time.Duration
		}{{"small", 1000, 0}, {"large", 1_000_000, bodyTime}} {
			began := time.Now()
			s, err := c.Send(t.Context(), "x", []byte(strings.Repeat("x", x.size)), swarm.SendOptions{}, time.Minute)
			if took := time.Since(began); err != nil || !s.Delivered || took != x.want {
				t.Errorf("%s: got %+v, %v after %v, want it delivered after %v", x.name, s, err, took, x.want)
			}
		}
	})
}
