package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cicada/cmd/cicada/internal/lab"
	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
	"cicada/wire"
)

// A ledger holds what was sent against what arrived: each message must arrive
// once, unchanged, from whom it is, and nothing else must. All methods may be
// called concurrently.
type ledger struct {
	mu       sync.Mutex // guards the fields below
	numbered int
	expected map[parcel]content
	allowed  map[parcel]content // what was sent in vain, as far as its sender knows
	arrived  map[parcel][]content
	changed  chan struct{} // closed when something arrives
}

// A parcel is a message at one receiver.
type parcel struct {
	message trace.MessageID
	at      identity.ID
}

type content struct {
	from identity.ID
	data []byte
}

func newLedger() *ledger {
	return &ledger{
		expected: make(map[parcel]content), allowed: make(map[parcel]content), arrived: make(map[parcel][]content), changed: make(chan struct{}),
	}
}

// next numbers the messages from 1.
func (l *ledger) next() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.numbered++
	return l.numbered
}

// expect notes that a message was sent.
func (l *ledger) expect(message trace.MessageID, from identity.ID, data []byte, at identity.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected[parcel{message, at}] = content{from, data}
}

// allow notes that a message was sent, and that nobody knows whether it arrived.
func (l *ledger) allow(message trace.MessageID, from identity.ID, data []byte, at identity.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allowed[parcel{message, at}] = content{from, data}
}

// sent returns what was sent to somebody. It is called with mu held.
func (l *ledger) sent(p parcel) (content, bool) {
	if want, sent := l.expected[p]; sent {
		return want, true
	}
	want, sent := l.allowed[p]
	return want, sent
}

// is reports whether what arrived is what was sent.
func (c content) is(want content) bool { return c.from == want.from && bytes.Equal(c.data, want.data) }

// wrong returns how many messages arrived so far as something that was not sent, and
// how many came more than once.
func (l *ledger) wrong() (altered, twice int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, copies := range l.arrived {
		want, sent := l.sent(p)
		if !sent || !copies[0].is(want) {
			altered++
		}
		if len(copies) > 1 {
			twice++
		}
	}
	return altered, twice
}

// heard notes that a message arrived.
func (l *ledger) heard(at identity.ID, m swarm.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := parcel{m.ID, at}
	l.arrived[p] = append(l.arrived[p], content{m.From, m.Data})
	close(l.changed)
	l.changed = make(chan struct{})
}

// audit waits until all that was expected has arrived, and returns how much that
// was, or what is wrong.
func (l *ledger) audit(ctx context.Context) (int, error) {
	for {
		missing, changed := l.missing()
		if missing == nil {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, fmt.Errorf("message %s was sent to %s, and never came out there: %w",
				missing.message, name(missing.at), ctx.Err())
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, copies := range l.arrived {
		want, sent := l.sent(p)
		switch {
		case !sent:
			return 0, fmt.Errorf("message %s arrived at %s, and was not sent there", p.message, name(p.at))
		case len(copies) > 1:
			return 0, fmt.Errorf("message %s arrived at %s %d times", p.message, name(p.at), len(copies))
		case !copies[0].is(want):
			return 0, fmt.Errorf("message %s arrived at %s as %q from %s, and was sent as %q by %s",
				p.message, name(p.at), copies[0].data, name(copies[0].from), want.data, name(want.from))
		}
	}
	return len(l.expected), nil
}

// missing returns a parcel that has not arrived, and a channel that tells when to ask again.
func (l *ledger) missing() (*parcel, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.expected {
		if len(l.arrived[p]) == 0 {
			return &p, l.changed
		}
	}
	return nil, nil
}

// readers read what arrives at peers.
type readers struct {
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func (r *readers) init() { r.ctx, r.cancel = context.WithCancel(context.Background()) }

// start reads what arrives at p until p is closed or end is called.
func (r *readers) start(p *lab.Peer, heard func(*lab.Peer, swarm.Message)) {
	r.running.Go(func() {
		for {
			m, err := p.Receive(r.ctx)
			if err != nil {
				return
			}
			heard(p, m)
		}
	})
}

func (r *readers) end() {
	r.cancel()
	r.running.Wait()
}

// A path is the peers that one copy went through, origin first, target last.
type path []identity.ID

// String shows the path for people.
func (p path) String() string {
	names := make([]string, len(p))
	for i, id := range p {
		names[i] = name(id)
	}
	return strings.Join(names, " > ")
}

// paths is a trace.Sink that remembers which way messages went.
type paths struct {
	mu      sync.Mutex // guards the fields below
	steps   map[trace.MessageID][]trace.Event
	changed chan struct{} // closed when there is a further step
}

var _ trace.Sink = (*paths)(nil)

func newPaths() *paths {
	return &paths{steps: make(map[trace.MessageID][]trace.Event), changed: make(chan struct{})}
}

// Enabled reports that events are wanted.
func (s *paths) Enabled() bool { return true }

// Emit takes in an event.
func (s *paths) Emit(e trace.Event) {
	if e.Kind != trace.CopySent && e.Kind != trace.CopyForwarded {
		return
	}
	if !isMessage(&e) {
		return // a receipt on its way back
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps[e.Message] = append(s.steps[e.Message], e)
	close(s.changed)
	s.changed = make(chan struct{})
}

// isMessage reports whether an event is about a message and not about a receipt.
func isMessage(e *trace.Event) bool {
	return e.Name == wire.EnvelopeFirst.String() || e.Name == wire.EnvelopeKeyedFirst.String() || e.Name == wire.EnvelopeMessage.String()
}

// of returns the paths of a message, by copy, as soon as n are known from end to
// end; where ctx ends first, those that are. It forgets them.
func (s *paths) of(ctx context.Context, message trace.MessageID, from, to identity.ID, n int) []path {
	for {
		s.mu.Lock()
		steps, changed := s.steps[message], s.changed
		s.mu.Unlock()
		all := join(steps, from, to)
		if len(all) < n && ctx.Err() == nil {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
			}
		}
		s.mu.Lock()
		delete(s.steps, message)
		s.mu.Unlock()
		return all
	}
}

// join puts steps together.
func join(steps []trace.Event, from, to identity.ID) []path {
	const most = 64 // steps: where a copy was sent anew it may have been in one place twice
	var all []path
	for number := 1; ; number++ {
		at, way := from, path{from}
		for at != to && len(way) < most {
			next, known := nextStep(steps, at, number)
			if !known {
				break
			}
			at = next
			way = append(way, at)
		}
		if at == to {
			all = append(all, way)
		}
		if !slices.ContainsFunc(steps, func(e trace.Event) bool { return e.Copy > number }) {
			return all
		}
	}
}

// nextStep returns whom the peer at sent a copy to: the last one, where those
// before did not take it.
func nextStep(steps []trace.Event, at identity.ID, number int) (next identity.ID, known bool) {
	for _, e := range slices.Backward(steps) {
		if e.Peer == at && e.Copy == number {
			return e.Other, true
		}
	}
	return identity.ID{}, false
}
