package control

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// What clients can take of a peer's memory and descriptors, and for how long.
const (
	maxConnections = 128                // at once; the newest wait
	maxStreams     = maxConnections / 2 // so that streams, which have no end, leave room for requests
	maxLarge       = 16                 // large bodies that are read at once
	smallBody      = 64 << 10           // what is no large body
	headerTime     = 5 * time.Second
	bodyTime       = 10 * time.Second
	answerTime     = 10 * time.Second // to take an answer
	watchTime      = 30 * time.Second // to take an event, once there is no room for more
	idleTime       = 30 * time.Second // between requests of one connection
)

// guard bounds how long a body may take to come in. What is read is over when it is
// whole: the server takes the time off again.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
			if r.Method == http.MethodGet || r.Method == http.MethodHead {
				w.Header().Set("Connection", "close") // and so it is not read
				refuse(w, &Failure{Usage, "a request to " + r.Method + " has no body"})
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// A boundedListener has a number of connections open at once. Further ones wait
// until one closes.
type boundedListener struct {
	net.Listener
	room chan struct{} // holds one for each open connection
}

func newBounded(l net.Listener, most int) *boundedListener {
	return &boundedListener{l, make(chan struct{}, most)}
}

// Accept returns the next connection once there is room for it. Closing the listener
// does not end that wait: who closes it closes the connections, too.
func (b *boundedListener) Accept() (net.Conn, error) {
	b.room <- struct{}{}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.room
		return nil, err
	}
	return &counted{Conn: conn, leave: func() { <-b.room }}, nil
}

// A counted connection makes room for another when it closes.
type counted struct {
	net.Conn
	once  sync.Once
	leave func()
}

// CloseWrite tells the client that nothing more comes, while what it still sends is
// read: one that is refused in the midst of a body can so read why.
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.leave)
	return err
}

// streaming answers with a stream where there are not too many yet.
func (s *Server) streaming(answering http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.streams <- struct{}{}:
			defer func() { <-s.streams }()
			answering(w, r)
		default:
			refuse(w, &Failure{Refused, fmt.Sprintf("%d clients receive or watch already, as many as may", maxStreams)})
		}
	}
}

// readBody returns the body of a request. Large ones take turns: after each, done is
// to be called when it is needed no more.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) (text []byte, done func(), err error) {
	done = func() {}
	if r.ContentLength < 0 || r.ContentLength > smallBody {
		turn := time.NewTimer(2 * bodyTime)
		defer turn.Stop()
		select {
		case s.large <- struct{}{}:
			done = func() { <-s.large }
		case <-turn.C:
			err = &Failure{Timeout, "too many large messages are being sent already"}
		case <-r.Context().Done():
			err = r.Context().Err()
		}
	}
	if err == nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
		text, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		switch tooLarge := new(http.MaxBytesError); {
		case errors.As(err, &tooLarge):
			err = &Failure{Usage, "the body is not what was expected: " + err.Error()}
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = &Failure{Timeout, fmt.Sprintf("the body did not come within %v", bodyTime)}
		case err != nil:
			err = &Failure{Usage, "the body broke off: " + err.Error()}
		}
	}
	if err != nil {
		done()
		w.Header().Set("Connection", "close") // nothing more of the body is read
		return nil, nil, err
	}
	return text, done, nil
}
