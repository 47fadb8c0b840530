package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"time"

	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
)

// A Peer is what a Server answers for. *swarm.Peer is one.
type Peer interface {
	Resolve(ctx context.Context, text string) (identity.ID, error)
	Send(ctx context.Context, target identity.ID, data []byte, options swarm.SendOptions) (swarm.Receipt, error)
	Receive(ctx context.Context) (swarm.Message, error)
	Broadcast(ctx context.Context, data []byte) (swarm.Reached, error)
	Lookup(ctx context.Context, target identity.ID) (*identity.Contact, []identity.ID, error)
	Status() swarm.Status
	Events(ctx context.Context) iter.Seq[trace.Event]
}

var _ Peer = (*swarm.Peer)(nil)

// Config says how a Server is to be.
type Config struct {
	// Timeout bounds what a request may take that names no time. Zero means 10 s.
	Timeout time.Duration
	// Leave is called once, after a request to leave was answered. Nil means that
	// such requests are refused.
	Leave func()
	// Logger receives the text log. Nil means no log.
	Logger *slog.Logger
}

const (
	defaultTimeout = 10 * time.Second
	maxTimeout     = 24 * time.Hour
	maxBody        = 4*swarm.MaxMessage/3 + 64<<10 // the largest message in base64, and the rest
)

// A Server answers the requests that docs/control.md describes. All methods may be
// called concurrently.
type Server struct {
	peer    Peer
	config  Config
	hub     *hub
	http    http.Server
	streams chan struct{}   // holds one for each stream
	large   chan struct{}   // holds one for each large body
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
}

// NewServer returns a server for a peer.
func NewServer(peer Peer, config Config) *Server {
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		peer: peer, config: config, hub: newHub(peer.Receive),
		streams: make(chan struct{}, maxStreams), large: make(chan struct{}, maxLarge),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.http = http.Server{
		Handler: guard(s.requests()), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: 16 << 10,
		ErrorLog:    slog.NewLogLogger(config.Logger.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return s.ctx },
	}
	return s
}

// requests returns what answers which request.
func (s *Server) requests() http.Handler {
	mux := http.NewServeMux()
	for path, answering := range map[string]http.HandlerFunc{
		"status": ask(s.status), "peers": ask(s.peers), "fingers": ask(s.fingers), "lookup": ask(s.lookup),
		"messages": s.streaming(s.messages), "events": s.streaming(s.events),
	} {
		mux.HandleFunc("GET /v1/"+path, answering)
		mux.HandleFunc("HEAD /v1/"+path, s.unknown) // else it is taken for a GET, and messages for delivered
	}
	mux.HandleFunc("POST /v1/send", ask(s.send))
	mux.HandleFunc("POST /v1/broadcast", ask(s.broadcast))
	mux.HandleFunc("POST /v1/leave", s.leave)
	mux.HandleFunc("/", s.unknown)
	return mux
}

// Serve answers requests that come in through listener, until Close, when it
// returns nil.
func (s *Server) Serve(listener net.Listener) error {
	if err := s.http.Serve(newBounded(listener, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("control: %w", err)
	}
	return nil
}

// Close ends all requests and their connections, and closes the listener. Those
// whose answer is about to be written have a second for it.
func (s *Server) Close() error {
	s.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) == nil {
		return nil
	}
	return s.http.Close()
}

// ask makes a handler of what answers a request with one object. An error without
// an object is told as a Failure.
func ask(answering func(w http.ResponseWriter, r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		object, err := answering(w, r)
		if err != nil && object == nil {
			refuse(w, err)
			return
		}
		answer(w, statusOf(err), object)
	}
}

func (s *Server) status(http.ResponseWriter, *http.Request) (any, error) {
	return NewStatus(s.peer.Status()), nil
}

func (s *Server) peers(http.ResponseWriter, *http.Request) (any, error) {
	return NewPeers(s.peer.Status()), nil
}

func (s *Server) fingers(http.ResponseWriter, *http.Request) (any, error) {
	return NewFingers(s.peer.Status()), nil
}

func (s *Server) lookup(_ http.ResponseWriter, r *http.Request) (any, error) {
	ctx, cancel, err := s.within(r.Context(), r.URL.Query().Get("timeout"))
	if err != nil {
		return nil, err
	}
	defer cancel()
	target, err := s.resolve(ctx, r.URL.Query().Get("target"))
	if err != nil {
		return nil, err
	}
	owner, trail, err := s.peer.Lookup(ctx, target)
	if err != nil {
		return nil, err
	}
	return NewLookup(target, owner, trail), nil
}

// A SendRequest is the body of a request to send, or, without To, Duplicates and
// Routed, to broadcast.
type SendRequest struct {
	To         string `json:"to,omitempty"` // an ID or host:port
	Data       string `json:"data"`
	Encoding   string `json:"encoding,omitempty"` // EncodingText unless said
	Duplicates int    `json:"duplicates,omitempty"`
	Routed     bool   `json:"routed,omitempty"`
	Timeout    string `json:"timeout,omitempty"` // such as "5s"
}

func (s *Server) send(w http.ResponseWriter, r *http.Request) (any, error) {
	q, data, err := s.readRequest(w, r)
	if err != nil {
		return nil, err
	}
	ctx, cancel, err := s.within(r.Context(), q.Timeout)
	if err != nil {
		return nil, err
	}
	defer cancel()
	target, err := s.resolve(ctx, q.To)
	switch {
	case err != nil && KindOf(err) == Usage:
		return nil, err
	case err != nil:
		return NewUnreached(q.To, err), err
	}
	receipt, err := s.peer.Send(ctx, target, data, swarm.SendOptions{Duplicates: q.Duplicates, Routed: q.Routed})
	return NewSent(target, receipt, err), err
}

func (s *Server) broadcast(w http.ResponseWriter, r *http.Request) (any, error) {
	q, data, err := s.readRequest(w, r)
	if err != nil {
		return nil, err
	}
	if q.To != "" || q.Duplicates != 0 || q.Routed {
		return nil, &Failure{Usage, "a broadcast goes to everybody, once: to, duplicates and routed have no place here"}
	}
	ctx, cancel, err := s.within(r.Context(), q.Timeout)
	if err != nil {
		return nil, err
	}
	defer cancel()
	reached, err := s.peer.Broadcast(ctx, data)
	return NewBroadcast(reached, err), err
}

// leave answers first and leaves then, or the answer would not come through.
func (s *Server) leave(w http.ResponseWriter, _ *http.Request) {
	if s.config.Leave == nil {
		refuse(w, &Failure{Refused, "this peer is not to be stopped from here"})
		return
	}
	answer(w, http.StatusOK, struct{}{})
	go s.config.Leave()
}

func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close") // its body is not waited for
	}
	answer(w, http.StatusNotFound, &Failure{Usage, fmt.Sprintf("no such request: %s %s", r.Method, r.URL.Path)})
}

// within returns a context for a request that named a time, or none.
func (s *Server) within(ctx context.Context, text string) (context.Context, context.CancelFunc, error) {
	d := s.config.Timeout
	if text != "" {
		var err error
		if d, err = time.ParseDuration(text); err != nil || d <= 0 || d > maxTimeout {
			return nil, nil, &Failure{Usage, fmt.Sprintf("timeout %q: want a time like 5s, at most %v", text, maxTimeout)}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	return ctx, cancel, nil
}

// resolve finds whom a target names.
func (s *Server) resolve(ctx context.Context, target string) (identity.ID, error) {
	if target == "" {
		return identity.ID{}, &Failure{Usage, "a target is missing: an ID or host:port"}
	}
	return s.peer.Resolve(ctx, target)
}

// readRequest returns the body of a request, and its data.
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request) (q SendRequest, data []byte, err error) {
	text, done, err := s.readBody(w, r)
	if err != nil {
		return q, nil, err
	}
	defer done()
	body := json.NewDecoder(bytes.NewReader(text))
	body.DisallowUnknownFields()
	if err := body.Decode(&q); err != nil {
		return q, nil, &Failure{Usage, "the body is not what was expected: " + err.Error()}
	}
	if _, err := body.Token(); !errors.Is(err, io.EOF) {
		return q, nil, &Failure{Usage, "the body goes on after its object"}
	}
	if data, err = decode(q.Data, q.Encoding); err != nil {
		return q, nil, &Failure{Usage, err.Error()}
	}
	return q, data, nil
}

func statusOf(err error) int {
	if err == nil {
		return http.StatusOK
	}
	return statuses[KindOf(err)]
}

// refuse answers with a Failure.
func refuse(w http.ResponseWriter, err error) {
	kind := KindOf(err)
	answer(w, statuses[kind], &Failure{kind, err.Error()})
}

// answer writes one object. Where the client has gone there is nobody to tell.
func answer(w http.ResponseWriter, status int, object any) {
	line, err := Line(object)
	if err != nil {
		status, line = http.StatusInternalServerError, nil
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(line)
}
