package transporttest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"cicada/identity"
	"cicada/transport"
	"cicada/wire"
)

// number returns a control frame's body of that size that carries n.
func number(n, size int) []byte {
	body := make([]byte, max(size, 4))
	binary.BigEndian.PutUint32(body, uint32(n))
	return body
}

// numbers returns what the bodies of frames carry.
func numbers(frames []Frame) []int {
	list := make([]int, len(frames))
	for i, f := range frames {
		list[i] = int(binary.BigEndian.Uint32(f.Body))
	}
	return list
}

// upTo returns 0, 1, …, n-1.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func framesArrive(t *testing.T, w World) {
	a, b := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
	b.OnFrame(func(l transport.Link, kind wire.FrameKind, body []byte) {
		if err := l.Queue(kind, body[:len(body)/2], body[len(body)/2:]); err != nil {
			t.Errorf("echo: %v", err)
		}
	})
	l, err := a.Dial(t.Context(), b.Address, b.ID())
	if err != nil {
		t.Fatal(err)
	}
	if l.Peer() != b.ID() || !l.Dialled() || l.Remote() != b.Address {
		t.Errorf("got peer %v dialled %v remote %v, want %v true %v", l.Peer(), l.Dialled(), l.Remote(), b.ID(), b.Address)
	}
	var want []Frame
	for _, size := range []int{1, 2, 3, 1000, 16 << 10, 16<<10 - 4, 16<<10 + 1, 70_000, wire.MaxBroadcast, 5} {
		body := bytes.Repeat([]byte{byte(size)}, size)
		body[size-1] = 0xff
		want = append(want, Frame{b.ID(), wire.FrameControl, body})
	}
	for kind := wire.FrameHello; kind <= wire.FrameRefusal; kind++ {
		shortest, longest := kind.Limits()
		for _, size := range []int{shortest, longest} {
			want = append(want, Frame{b.ID(), kind, bytes.Repeat([]byte{byte(kind)}, size)})
		}
	}
	for i, f := range want {
		a.MustSend(b, f.Kind, f.Body)
		a.AwaitFrames(i + 1)
	}
	for i, got := range a.Frames() {
		if got.From != want[i].From || got.Kind != want[i].Kind || !bytes.Equal(got.Body, want[i].Body) {
			t.Errorf("frame %d: got %v of %d bytes from %v, want %v of %d", i, got.Kind, len(got.Body), got.From, want[i].Kind, len(want[i].Body))
		}
	}
	if _, err := a.Send(b.Contact(), wire.FrameControl, nil, make([]byte, wire.MaxBroadcast+1)); !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("frame over the limit: got %v, want %v", err, transport.ErrTooLarge)
	}
	if err := l.Queue(wire.FrameControl, nil, nil); err == nil {
		t.Error("frame under the limit: got no error")
	}
	if len(a.Ups()) != 1 || len(b.Ups()) != 1 {
		t.Errorf("got %d and %d links, want one", len(a.Ups()), len(b.Ups()))
	}
}

func framesWaitForTheDial(t *testing.T, w World) {
	a, b := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
	const n = 50
	for i := range n {
		a.MustSend(b, wire.FrameControl, number(i, 0))
	}
	if got := numbers(b.AwaitFrames(n)); !slices.Equal(got, upTo(n)) {
		t.Errorf("got %v, want them in order", got)
	}
	if a.Link(b.ID()) == nil || len(a.Open()) != 1 {
		t.Errorf("got link %v and %d open, want one", a.Link(b.ID()), len(a.Open()))
	}
}

func closeDelivers(t *testing.T, w World) {
	a, b := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
	l, err := a.Dial(t.Context(), b.Address, identity.ID{})
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	for i := range n {
		if err := l.Queue(wire.FrameControl, number(i, 10_000), nil); err != nil {
			t.Fatal(err)
		}
	}
	l.Close(wire.CodeLeaving, "good night")
	if err := l.Queue(wire.FrameControl, number(n, 0), nil); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("queue after close: got %v, want %v", err, transport.ErrClosed)
	}
	if a.Link(b.ID()) != nil {
		t.Error("a closed link is still handed out")
	}
	if got := numbers(b.AwaitFrames(n)); !slices.Equal(got, upTo(n)) {
		t.Errorf("got %d frames, want %d in order", len(got), n)
	}
	for _, end := range []struct {
		peer   *Peer
		remote bool
	}{{a, false}, {b, true}} {
		end.peer.Await("the end of the link", func() bool { return len(end.peer.Downs()) == 1 })
		var got *transport.CloseError
		if err := end.peer.Downs()[0].Err; !errors.As(err, &got) || got.Code != wire.CodeLeaving || got.Reason != "good night" || got.Remote != end.remote {
			t.Errorf("got %#v, want leaving, good night, remote %v", err, end.remote)
		}
	}
}

func blameDeafens(t *testing.T, w World) {
	a, b := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
	b.OnFrame(func(l transport.Link, _ wire.FrameKind, _ []byte) { l.Close(wire.CodeRefused, "go away") })
	l, err := a.Dial(t.Context(), b.Address, identity.ID{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := l.Queue(wire.FrameControl, number(i, 0), nil); err != nil {
			t.Fatal(err)
		}
	}
	l.Flush()
	for _, p := range []*Peer{a, b} {
		p.Await("the end of the link", func() bool { return len(p.Downs()) == 1 })
		var got *transport.CloseError
		if err := p.Downs()[0].Err; !errors.As(err, &got) || got.Code != wire.CodeRefused || got.Reason != "go away" {
			t.Errorf("got %v, want refused: go away", err)
		}
	}
	if got := len(b.Frames()); got != 1 {
		t.Errorf("got %d frames handed over, want none after the blame", got)
	}
}

// fill queues frames for b until a has no room for more, and returns how many fit.
func fill(t *testing.T, a, b *Peer, size int) int {
	t.Helper()
	for n := 0; ; n++ {
		l, err := a.Send(b.Contact(), wire.FrameControl, nil, number(n, size))
		if errors.Is(err, transport.ErrBacklog) {
			return n
		}
		if err != nil || n > 10_000 {
			t.Fatalf("frame %d: got %v, want %v some time", n, err, transport.ErrBacklog)
		}
		l.Flush()
	}
}

func slowReader(t *testing.T, w World) {
	a, b, c := w.Peer(t, 1, limits(transport.Limits{Backlog: 1 << 20})), w.Peer(t, 2, nil), w.Peer(t, 3, nil)
	for _, to := range []*Peer{b, c} {
		if _, err := a.Dial(t.Context(), to.Address, identity.ID{}); err != nil {
			t.Fatal(err)
		}
	}
	awake := make(chan struct{})
	b.OnFrame(func(transport.Link, wire.FrameKind, []byte) { <-awake })
	n := fill(t, a, b, 60_000)
	if n < 16 {
		t.Errorf("got %d frames of 60 kB in, want what fits into 1 MiB", n)
	}
	a.MustSend(c, wire.FrameControl, number(7, 0)) // another link goes on
	c.AwaitFrames(1)
	<-time.After(10 * time.Millisecond) // that something was taken at once says nothing
	close(awake)
	if got := numbers(b.AwaitFrames(n)); !slices.Equal(got, upTo(n)) {
		t.Errorf("got %v, want all %d in order", got, n)
	}
	if a.WroteOn() == 0 {
		t.Error("nobody was told that what had to wait was taken")
	}
	a.MustSend(b, wire.FrameControl, number(n, 0)) // and so does this one
	b.AwaitFrames(n + 1)
}

func neitherReads(t *testing.T, w World) {
	a, b := w.Peer(t, 1, limits(transport.Limits{Backlog: 1 << 20})), w.Peer(t, 2, limits(transport.Limits{Backlog: 1 << 20}))
	if _, err := a.Dial(t.Context(), b.Address, identity.ID{}); err != nil {
		t.Fatal(err)
	}
	b.Await("the link", func() bool { return b.Link(a.ID()) != nil })
	awake := make(chan struct{})
	answered := func(p *Peer) *atomic.Int64 {
		n := new(atomic.Int64)
		// Each frame read is answered, from the reader itself, while the other end
		// is in the same position.
		p.OnFrame(func(l transport.Link, kind wire.FrameKind, body []byte) {
			<-awake
			if len(body) == question && l.Queue(kind, body[:question/2], nil) == nil {
				n.Add(1)
			}
			l.Flush()
		})
		return n
	}
	fromA, fromB := answered(a), answered(b)
	n, m := fill(t, a, b, question), fill(t, b, a, question)
	close(awake)
	a.Await("all questions", func() bool { return questions(a) == m })
	b.Await("all questions", func() bool { return questions(b) == n })
	a.Await("all answers", func() bool { return len(a.Frames()) == m+int(fromB.Load()) })
	b.Await("all answers", func() bool { return len(b.Frames()) == n+int(fromA.Load()) })
}

const question = 60_000 // bytes of a frame that is answered by one of half the size

func questions(p *Peer) int {
	n := 0
	for _, f := range p.Frames() {
		if len(f.Body) == question {
			n++
		}
	}
	return n
}
