package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"cicada/swarm"
	"cicada/trace"
)

// ErrNotRunning is the error of a socket that nobody answers on.
var ErrNotRunning = errors.New("control: no peer is running there")

// A Client asks a running peer. Its methods return a *Failure for what the peer did
// not do, and ErrNotRunning where there is none. All may be called concurrently.
type Client struct {
	path string
	http http.Client
}

// NewClient returns a client for the peer whose socket is at path.
func NewClient(path string) *Client {
	c := &Client{path: path}
	c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}
	return c
}

// Close closes what connections are open to the peer.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status returns how the peer stands.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.ask(ctx, http.MethodGet, "status", nil, &s)
}

// Peers returns the peer's neighbours.
func (c *Client) Peers(ctx context.Context) (p Peers, err error) {
	return p, c.ask(ctx, http.MethodGet, "peers", nil, &p)
}

// Fingers returns the peer's finger table.
func (c *Client) Fingers(ctx context.Context) (f []Finger, err error) {
	return f, c.ask(ctx, http.MethodGet, "fingers", nil, &f)
}

// Lookup finds a peer by its ID or host:port. A timeout of zero means the peer's own.
func (c *Client) Lookup(ctx context.Context, target string, timeout time.Duration) (l Lookup, err error) {
	query := url.Values{"target": {target}}
	if timeout > 0 {
		query.Set("timeout", timeout.String())
	}
	return l, c.ask(ctx, http.MethodGet, "lookup?"+query.Encode(), nil, &l)
}

// Send sends data to an ID or host:port. A timeout of zero means the peer's own.
// What could not be delivered is told in both results.
func (c *Client) Send(ctx context.Context, target string, data []byte, o swarm.SendOptions, timeout time.Duration) (s Sent, err error) {
	q := SendRequest{To: target, Duplicates: o.Duplicates, Routed: o.Routed}
	return s, c.post(ctx, "send", q, data, timeout, &s)
}

// Broadcast sends data to everybody. A timeout of zero means the peer's own.
func (c *Client) Broadcast(ctx context.Context, data []byte, timeout time.Duration) (b Broadcast, err error) {
	return b, c.post(ctx, "broadcast", SendRequest{}, data, timeout, &b)
}

// Leave has the peer leave its swarm and end.
func (c *Client) Leave(ctx context.Context) error {
	return c.ask(ctx, http.MethodPost, "leave", nil, nil)
}

// Receive calls each for every message that arrives, until count of them came (0:
// without end), each returns an error, or ctx ends.
func (c *Client) Receive(ctx context.Context, count int, each func(Received) error) error {
	path := "messages"
	if count > 0 {
		path += "?count=" + strconv.Itoa(count)
	}
	got := 0
	err := follow(ctx, c, path, func(r Received) error {
		got++
		return each(r)
	})
	if err == nil && (count == 0 || got < count) {
		return &Failure{Closed, "the peer has left"}
	}
	return err
}

// Events calls each for every event, until each returns an error or ctx ends.
func (c *Client) Events(ctx context.Context, each func(trace.Event) error) error {
	if err := follow(ctx, c, "events", each); err != nil {
		return err
	}
	return &Failure{Closed, "the peer has left"}
}

func (c *Client) post(ctx context.Context, path string, q SendRequest, data []byte, timeout time.Duration, result any) error {
	q.Data, q.Encoding = encode(data)
	if timeout > 0 {
		q.Timeout = timeout.String()
	}
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	return c.ask(ctx, http.MethodPost, path, body, result)
}

// open sends a request and returns its answer, if that is not a refusal.
func (c *Client) open(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://cicada/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	var dial *net.OpError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("control: %s: %w", c.path, fs.ErrPermission)
	case errors.As(err, &dial) && dial.Op == "dial":
		return nil, fmt.Errorf("%w: %s", ErrNotRunning, c.path)
	case err != nil:
		return nil, fmt.Errorf("control: %w", err)
	}
	return answer, nil
}

// ask sends a request and reads its answer into result. One that failed is read,
// too, for what it says beside that.
func (c *Client) ask(ctx context.Context, method, path string, body []byte, result any) error {
	answer, err := c.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	if result != nil {
		if err := json.Unmarshal(text, result); err != nil {
			return fmt.Errorf("control: the answer is not what was expected: %w", err)
		}
	}
	return refusal(answer.StatusCode, text)
}

// refusal returns the failure that an answer tells of, or nil.
func refusal(status int, text []byte) error {
	if status == http.StatusOK {
		return nil
	}
	f := &Failure{Kind: Fault}
	for kind, s := range statuses {
		if s == status {
			f.Kind = kind
		}
	}
	if err := json.Unmarshal(text, f); err != nil || f.Text == "" {
		f.Text = fmt.Sprintf("control: the peer answered %d %s", status, http.StatusText(status))
	}
	return f
}

// follow reads a stream of objects, one a line, until it ends.
func follow[T any](ctx context.Context, c *Client, path string, each func(T) error) error {
	answer, err := c.open(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
		return refusal(answer.StatusCode, text)
	}
	in := bufio.NewReader(answer.Body)
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case err != nil:
			return &Failure{Closed, "the peer has ended: " + err.Error()}
		}
		var object T
		if err := json.Unmarshal(line, &object); err != nil {
			return fmt.Errorf("control: the answer is not what was expected: %w", err)
		}
		if err := each(object); err != nil {
			return err
		}
	}
}
