package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"cicada/swarm"
	"cicada/trace"
)

// ErrNotRunning is the error of a socket that nobody answers on.
var ErrNotRunning = errors.New("control: no peer is running there")

// errSilent is the error of a peer that lets its clients wait: one that was stopped,
// say, whose socket the system still opens.
var errSilent = &Failure{Timeout, "control: the peer does not answer"}

const (
	patience = 10 * time.Second // with requests that the peer answers at once, and for a stream to begin
	grace    = 2 * time.Second  // for an answer to come in after the time of a request
)

// A Client asks a running peer. Its methods return a *Failure for what the peer did
// not do, and ErrNotRunning where there is none. None waits for ever for a peer that
// does not answer, but a stream of Receive or Events that began may be silent for any
// time. All may be called concurrently.
type Client struct {
	path string
	http http.Client
}

// NewClient returns a client for the peer whose socket is at path.
func NewClient(path string) *Client {
	c := &Client{path: path}
	c.http.Transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
		IdleConnTimeout: idleTime / 2, // before the peer closes it, maybe under a request
	}
	return c
}

// Close closes what connections are open to the peer.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status returns how the peer stands.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.ask(ctx, patience, http.MethodGet, "status", nil, &s)
}

// Peers returns the peer's neighbours.
func (c *Client) Peers(ctx context.Context) (p Peers, err error) {
	return p, c.ask(ctx, patience, http.MethodGet, "peers", nil, &p)
}

// Fingers returns the peer's finger table.
func (c *Client) Fingers(ctx context.Context) (f []Finger, err error) {
	return f, c.ask(ctx, patience, http.MethodGet, "fingers", nil, &f)
}

// Lookup finds a peer by its ID or host:port. A timeout of zero means 10 s.
func (c *Client) Lookup(ctx context.Context, target string, timeout time.Duration) (l Lookup, err error) {
	timeout = orDefault(timeout)
	query := url.Values{"target": {target}, "timeout": {timeout.String()}}
	return l, c.ask(ctx, timeout+grace, http.MethodGet, "lookup?"+query.Encode(), nil, &l)
}

// Send sends data to an ID or host:port. A timeout of zero means 10 s.
// What could not be delivered is told in both results.
func (c *Client) Send(ctx context.Context, target string, data []byte, o swarm.SendOptions, timeout time.Duration) (s Sent, err error) {
	q := SendRequest{To: target, Duplicates: o.Duplicates, Routed: o.Routed}
	return s, c.post(ctx, "send", q, data, timeout, &s)
}

// Broadcast sends data to everybody. A timeout of zero means 10 s.
func (c *Client) Broadcast(ctx context.Context, data []byte, timeout time.Duration) (b Broadcast, err error) {
	return b, c.post(ctx, "broadcast", SendRequest{}, data, timeout, &b)
}

// Leave has the peer leave its swarm and end.
func (c *Client) Leave(ctx context.Context) error {
	return c.ask(ctx, patience, http.MethodPost, "leave", nil, nil)
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
	timeout = orDefault(timeout)
	q.Timeout = timeout.String()
	q.Data, q.Encoding = encode(data)
	body, err := json.Marshal(q)
	if err == nil && len(body) > maxBody { // text of control characters takes six times its size
		q.Data, q.Encoding = base64.StdEncoding.EncodeToString(data), EncodingBase64
		body, err = json.Marshal(q)
	}
	if err != nil {
		return err
	}
	return c.ask(ctx, timeout+grace, http.MethodPost, path, body, result)
}

// orDefault is how long a request may take: the peer is told, so that both agree.
func orDefault(timeout time.Duration) time.Duration {
	if timeout <= 0 {
		return defaultTimeout
	}
	return timeout
}

// open sends a request and returns its answer, if that is not a refusal.
func (c *Client) open(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	if err := checkPath(c.path); err != nil {
		return nil, err
	}
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
		return nil, ended(ctx)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("control: %s: %w", c.path, fs.ErrPermission)
	case errors.Is(err, syscall.EAGAIN): // as many wait for it already as the system lets wait
		return nil, errSilent
	case errors.As(err, &dial) && dial.Op == "dial":
		return nil, fmt.Errorf("%w: %s", ErrNotRunning, c.path)
	case err != nil:
		return nil, fmt.Errorf("control: %w", err)
	}
	return answer, nil
}

// ended returns why ctx has ended: the time of the client itself, or the caller.
func ended(ctx context.Context) error {
	if context.Cause(ctx) == errSilent {
		return errSilent
	}
	return ctx.Err()
}

// ask sends a request and reads its answer into result, all within limit. One that
// failed is read, too, for what it says beside that.
func (c *Client) ask(ctx context.Context, limit time.Duration, method, path string, body []byte, result any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSilent)
	defer cancel()
	answer, err := c.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	switch {
	case err != nil && ctx.Err() != nil:
		return ended(ctx)
	case err != nil:
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
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(patience, func() { cancel(errSilent) })
	defer silent.Stop()
	answer, err := c.open(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
		return refusal(answer.StatusCode, text)
	}
	silent.Stop()
	in := bufio.NewReader(answer.Body)
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case ctx.Err() != nil:
			return ended(ctx)
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case err != nil: // and what came of a line is not whole
			return c.brokenOff(ctx, err)
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

// brokenOff says why a stream ended without its end. Who is put out cannot be told,
// as it reads nothing; but then the peer is still there.
func (c *Client) brokenOff(ctx context.Context, err error) error {
	if _, gone := c.Status(ctx); gone != nil {
		return &Failure{Closed, "the peer has ended: " + err.Error()}
	}
	return &Failure{Closed, "the peer stopped sending: what it sent was not read fast enough"}
}
