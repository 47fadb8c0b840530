package seal

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"cicada/wire"
)

// warmPair returns two peers with a session, on the real clock.
func warmPair(tb testing.TB) (a, b *actor) {
	w := newWorld(tb)
	real := func(c *Config) { c.Clock = time.Now }
	a, b = w.peer("a", real), w.peer("b", real)
	talk(a, b, "hello")
	return a, b
}

// reseal seals data to b into e, which it overwrites and returns.
func (a *actor) reseal(tb testing.TB, e wire.Envelope, b *actor, data []byte) wire.Envelope {
	s, err := a.Seal(e[:wire.EnvelopeHeaderSize], b.id, b.point, e.Message(), data)
	if err != nil {
		tb.Fatal(err)
	}
	e = s.Payload
	e[3] = byte(s.Kind)
	for i := range 8 {
		e[8+i] = byte(s.Counter >> (56 - 8*i))
	}
	return e
}

func TestWarmPathTakesNoMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	a, b := warmPair(t)
	data, plain, receipt := make([]byte, 1024), make([]byte, 0, 4096), make([]byte, 0, 4096)
	l := a.write(b, string(data))
	e := append(make(wire.Envelope, 0, 4096), l.Envelope...)
	answer := append(make(wire.Envelope, 0, 4096), e[:wire.EnvelopeHeaderSize]...)
	copy(answer[48:80], a.point[:])
	answer[3] = byte(wire.EnvelopeReceipt)
	got := testing.AllocsPerRun(1000, func() {
		e = a.reseal(t, e, b, data)
		o, err := b.Open(plain, e)
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.Answer(answer[:wire.EnvelopeHeaderSize], o.Handle, a.point, data[:24])
		if err != nil {
			t.Fatal(err)
		}
		answer = s.Payload
		for i := range 8 {
			answer[8+i] = byte(s.Counter >> (56 - 8*i))
		}
		if _, err := a.OpenReply(receipt, answer, b.id, 0); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations a message with its receipt, want 0", got)
	}
}

// BenchmarkPlainGCM1KiB is the cipher alone: the part of a seal that cannot be saved.
func BenchmarkPlainGCM1KiB(b *testing.B) {
	aead, err := new(direction).cipher()
	if err != nil {
		b.Fatal(err)
	}
	data, out, nonce := make([]byte, 1025), make([]byte, 0, 2048), make([]byte, 12)
	b.SetBytes(1024)
	for b.Loop() {
		aead.Seal(out, nonce, data, nonce)
	}
}

func BenchmarkSeal1KiB(b *testing.B) {
	x, y := warmPair(b)
	data := make([]byte, 1024)
	e := x.write(y, string(data)).Envelope
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		e = x.reseal(b, e, y, data)
	}
}

func BenchmarkOpen1KiB(b *testing.B) {
	x, y := warmPair(b)
	data, plain := make([]byte, 1024), make([]byte, 0, 4096)
	envelopes := make([]wire.Envelope, 4096)
	for i := range envelopes {
		envelopes[i] = x.write(y, string(data)).Envelope
	}
	n := y.table.peers[x.id].current
	b.SetBytes(1024)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(envelopes) {
			i, n.received = 0, new(window)
		}
		if _, err := y.Open(plain, envelopes[i]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkHandshake is everything from a cold start to the receipt, both ends.
func BenchmarkHandshake(b *testing.B) {
	w := newWorld(b)
	x, y := w.peer("x", nil), w.peer("y", nil)
	b.ReportAllocs()
	for b.Loop() {
		x.table, y.table = newTable(x.id, x.table.limits), newTable(y.id, y.table.limits)
		w.pass(time.Second) // so that first messages are forgotten after a while
		talk(x, y, "hello")
	}
}

// BenchmarkFirst is the origin's part before anything comes back.
func BenchmarkFirst(b *testing.B) {
	w := newWorld(b)
	x, y := w.peer("x", nil), w.peer("y", nil)
	for b.Loop() {
		x.table = newTable(x.id, x.table.limits)
		x.write(y, "hello")
	}
}

// BenchmarkGarbageFirst is what a forged first message costs its target.
func BenchmarkGarbageFirst(b *testing.B) {
	w := newWorld(b)
	x, y := w.peer("x", nil), w.peer("y", nil)
	l := x.write(y, "hello")
	l.Envelope[wire.EnvelopeHeaderSize+40] ^= 1
	b.ReportAllocs()
	for b.Loop() {
		if _, err := y.Open(nil, l.Envelope); err == nil {
			b.Fatal("garbage opened")
		}
	}
}

// BenchmarkSessionMemory reports the bytes that one session takes at one end,
// everything included: after messages both ways, and after a minute of rest.
func BenchmarkSessionMemory(b *testing.B) {
	const count = 1000
	w := newWorld(b)
	x := w.peer("x", nil)
	names := make([]*actor, count)
	for i := range names {
		names[i] = w.peer(fmt.Sprint(i), nil)
	}
	for b.Loop() {
		x.restart(true)
		before := heap()
		for _, y := range names {
			l := x.write(y, "hello")
			x.learn(l, y.answer(y.read(l, x, "hello"), x, "ok"), Received)
			talk(x, y, "active")
			talk(y, x, "active")
			y.table, y.memory = newTable(y.id, y.table.limits), newMemory(1, w.now, true)
		}
		x.Sweep()
		b.ReportMetric(float64(heap()-before)/count, "B/active")
		w.pass(restAfter)
		x.Sweep()
		b.ReportMetric(float64(heap()-before)/count, "B/resting")
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
