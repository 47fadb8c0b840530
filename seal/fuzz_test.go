package seal

import (
	"bytes"
	"testing"
	"time"

	"cicada/wire"
)

// fuzzed returns peers in a known state, and what the origin waits for.
func fuzzed(tb testing.TB) (s []specimen, a, b *actor) {
	w := newWorld(tb)
	s = specimens(w)
	a, b = w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	return s, a, b
}

// FuzzOpen feeds envelopes to the target. What opens must be one that was sealed.
func FuzzOpen(f *testing.F) {
	all, _, _ := fuzzed(f)
	for _, s := range all {
		f.Add([]byte(s.Envelope))
		f.Add([]byte(s.Envelope[:wire.EnvelopeHeaderSize]))
	}
	f.Add([]byte{})
	_, a, b := fuzzed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		a.w.pass(time.Second)
		o, err := b.Open(nil, data)
		if err == nil && string(o.Data) != "first" && string(o.Data) != "message" {
			t.Errorf("opened %q from %s", o.Data, o.Origin.Short())
		}
		if len(o.Reply.Payload) > max(len(data)-wire.EnvelopeHeaderSize, 0) {
			t.Errorf("got %d bytes in answer to %d", len(o.Reply.Payload), len(data))
		}
		if got := len(b.table.sessions); got > 16 {
			t.Errorf("got %d sessions", got)
		}
	})
}

// FuzzOpenReply feeds envelopes to the origin, which waits for several answers.
// Only the true ones may be taken for that.
func FuzzOpenReply(f *testing.F) {
	all, _, _ := fuzzed(f)
	for _, s := range all {
		f.Add([]byte(s.Envelope))
	}
	_, a, b := fuzzed(f)
	l := a.write(b, "waits")
	cold := a.write(a.w.peer("c", nil), "waits")
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, waiting := range []letter{l, cold} {
			if r, err := a.OpenReply(nil, data, waiting.to.id, waiting.session); err == nil {
				t.Errorf("took %d bytes for status %d", len(data), r.Status)
			}
		}
	})
}

// FuzzMutated alters a valid envelope: it must open as it was where only free
// fields changed, and not at all otherwise.
func FuzzMutated(f *testing.F) {
	f.Add(uint8(0), uint16(4), uint8(1))
	f.Add(uint8(1), uint16(90), uint8(0x80))
	f.Add(uint8(2), uint16(15), uint8(7))
	f.Add(uint8(3), uint16(50), uint8(0xff))
	f.Add(uint8(4), uint16(88), uint8(2))
	f.Fuzz(func(t *testing.T, which uint8, at uint16, change uint8) {
		all := specimens(newWorld(t))
		s := all[int(which)%len(all)]
		i := int(at) % len(s.Envelope)
		e := bytes.Clone(s.Envelope)
		e[i] ^= change
		free := change == 0 || i < wire.EnvelopeHeaderSize && !bound(s.name, i)
		if err := s.open(e); (err == nil) != free {
			t.Errorf("%s, byte %d altered by %#x: got error %v, want it opened: %t", s.name, i, change, err, free)
		}
	})
}

// FuzzRoundTrip seals anything, cold and warm, and wants it back.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello"), []byte("ok"))
	f.Add([]byte{}, []byte{0, 0})
	f.Add(bytes.Repeat([]byte{0x37}, minPlain), []byte{})
	f.Fuzz(func(t *testing.T, data, receipt []byte) {
		if len(data) > firstData || len(receipt) > MaxReceipt {
			return
		}
		w := newWorld(t)
		a, b := w.peer("a", nil), w.peer("b", nil)
		for range 2 {
			l := a.write(b, string(data))
			reply := b.answer(b.read(l, a, string(data)), a, string(receipt))
			if r := a.learn(l, reply, Received); string(r.Receipt) != string(receipt) {
				t.Errorf("got receipt %q, want %q", r.Receipt, receipt)
			}
		}
	})
}

// FuzzWindow compares the window with one too simple to be wrong.
func FuzzWindow(f *testing.F) {
	f.Add([]byte{0, 1, 2, 2, 200, 100, 255, 255, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var w window
		seen := make(map[uint64]bool)
		var counter, highest uint64
		for _, step := range steps {
			switch { // small steps both ways, and leaps around the window's size
			case step < 100:
				counter += uint64(step)
			case step < 200:
				counter -= min(counter, uint64(step-100)*50)
			default:
				counter += uint64(step-199) * 80
			}
			want := !seen[counter] && counter+windowSize > highest
			if got := w.accept(counter); got != want {
				t.Fatalf("counter %d, highest %d: got %t, want %t", counter, highest, got, want)
			}
			if want {
				seen[counter] = true
			}
			highest = max(highest, counter)
		}
	})
}
