package control

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// messages writes what arrives, one object a line, until count of them are written
// or the client goes. One that is put out finds its connection broken off, never a
// clean end: that means that the peer has left.
func (s *Server) messages(w http.ResponseWriter, r *http.Request) {
	count := 0
	if text := r.URL.Query().Get("count"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			refuse(w, &Failure{Usage, fmt.Sprintf("count %q: want a number from 1", text)})
			return
		}
		count = n
	}
	out := newStream(w)
	me := s.hub.join(out.abort)
	defer s.hub.part(me)
	_ = out.flush(nil) // an error comes again with the first line; who has the beginning misses nothing
	for n := 0; count == 0 || n < count; n++ {
		select {
		case m, ok := <-me.messages:
			if !ok {
				return
			}
			record, err := NewReceived(r.Context(), m)
			if err != nil { // the client has gone, or the server ends
				me.passed <- false
				return
			}
			err = out.writeWhole(record)
			me.passed <- err == nil
			if err != nil {
				panic(http.ErrAbortHandler)
			}
		case <-me.out:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			return
		}
	}
}

// events writes the peer's events, one object a line, until the client goes. One that
// takes nothing for long, as a process that was stopped, is put out: else it would keep a
// stream for ever that others may need.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	events := s.peer.Events(r.Context())
	out := newStream(w)
	_ = out.flush(nil) // as above
	for e := range events {
		_ = out.c.SetWriteDeadline(time.Now().Add(watchTime))
		if out.write(e) != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// A stream is an answer of one object a line, each sent at once.
type stream struct {
	w http.ResponseWriter
	c *http.ResponseController
}

func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	return &stream{w, http.NewResponseController(w)}
}

// abort has writing fail from now on, a write that is under way at once.
func (s *stream) abort() { _ = s.c.SetWriteDeadline(time.Unix(1, 0)) }

func (s *stream) write(object any) error {
	line, err := Line(object)
	if err != nil {
		return err
	}
	return s.flush(line)
}

// writeWhole is write for what must not come twice: without an error the client has
// the line, or will have it, and with one it never has the newline, whatever else
// came through. So that goes by itself: the system takes so few bytes all or none.
func (s *stream) writeWhole(object any) error {
	line, err := Line(object)
	if err != nil {
		return err
	}
	end := len(line) - 1
	if err := s.flush(line[:end]); err != nil {
		return err
	}
	return s.flush(line[end:])
}

func (s *stream) flush(text []byte) error {
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.c.Flush()
}
