package seal

import (
	"math/rand/v2"
	"testing"
	"time"

	"cicada/wire"
)

func TestSessionsAreForgotten(t *testing.T) {
	w := newWorld(t)
	b := w.peer("b", func(c *Config) { c.Limits.Sessions = 8 })
	var others []*actor
	for _, name := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		x := w.peer(name, nil)
		talk(b, x, "hello")
		if len(others) > 0 {
			w.pass(time.Second)
			talk(others[0], b, "still here")
		}
		others = append(others, x)
		w.pass(time.Second)
	}
	if got := len(b.table.sessions); got != 8 {
		t.Errorf("got %d sessions, want 8", got)
	}
	if got := b.Warmth(others[0].id); got != Warm {
		t.Errorf("the one in use: got warmth %d, want %d", got, Warm)
	}
	for _, x := range others[1:3] {
		if got := b.Warmth(x.id); got != Cold {
			t.Errorf("one long unused: got warmth %d, want %d", got, Cold)
		}
	}
	w.pass(idleAfter - 3*time.Second)
	b.Sweep()
	if got := len(b.table.sessions); got != 2 {
		t.Errorf("after nearly ten minutes: got %d sessions, want the 2 youngest", got)
	}
	w.pass(3 * time.Second)
	b.Sweep()
	if got := len(b.table.sessions) + len(b.table.peers); got != 0 {
		t.Errorf("after ten minutes: got %d notes, want 0", got)
	}
}

// With the same clock and the same dice the same sessions are forgotten, also where
// all were used at one instant.
func TestTheSameSessionsAreForgotten(t *testing.T) {
	run := func() (kept string) {
		w := newWorld(t)
		b := w.peer("b", func(c *Config) { c.Limits.Sessions, c.Rand = 8, rand.NewChaCha8([32]byte{1}) })
		for name := 'A'; name <= 'Z'; name++ {
			talk(b, w.peer(string(name), nil), "hello")
		}
		for name := 'A'; name <= 'Z'; name++ {
			if b.Warmth(testKey(string(name)).ID()) == Warm {
				kept += string(name)
			}
		}
		return kept
	}
	first := run()
	if len(first) != 8 {
		t.Errorf("kept %s, want 8", first)
	}
	for range 5 {
		if again := run(); again != first {
			t.Errorf("kept %s, and %s the first time", again, first)
		}
	}
}

// TestRestingSession: what a session gives back when it rests must not include
// what protects it.
func TestRestingSession(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	l := a.write(b, "before the rest")
	b.read(l, a, "before the rest")
	w.pass(restAfter)
	a.Sweep()
	b.Sweep()
	for _, n := range []*session{a.table.peers[b.id].current, b.table.peers[a.id].current} {
		if n.outward.ready.Load() != nil || n.inward.ready.Load() != nil {
			t.Error("a resting session keeps its ciphers")
		}
	}
	_, err := b.Open(nil, l.Envelope)
	wantError(t, "replay after the rest", err, ErrReplay)
	next := a.write(b, "after the rest")
	if next.Kind() != wire.EnvelopeMessage || next.Counter() != l.Counter()+1 {
		t.Errorf("got kind %d, counter %d, want %d, %d", next.Kind(), next.Counter(), wire.EnvelopeMessage, l.Counter()+1)
	}
	b.read(next, a, "after the rest")
}

func TestHandshakesAreBounded(t *testing.T) {
	w := newWorld(t)
	a := w.peer("a", func(c *Config) { c.Limits.Handshakes = 4 })
	b := w.peer("b", nil)
	var letters []letter
	for range 4 {
		letters = append(letters, a.write(b, "x"))
	}
	_, err := a.Seal(nil, b.id, b.point, w.message(), nil)
	wantError(t, "one too many", err, ErrBusy)
	w.pass(pendingYoung)
	letters = append(letters, a.write(b, "takes the place of the oldest"))
	reply := b.answer(b.read(letters[0], a, "x"), a, "ok")
	_, err = a.OpenReply(nil, reply, b.id, 0)
	wantError(t, "answer to what was given up", err, ErrStale)
	a.learn(letters[1], b.answer(b.read(letters[1], a, "x"), a, "ok"), Received)
	w.pass(pendingFor)
	a.Sweep()
	if got := len(a.table.pending) + len(a.table.waiting) + len(a.table.order); got != 0 {
		t.Errorf("two minutes later: got %d notes, want 0", got)
	}
}

func TestSealingAnewGivesUpTheHandshake(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	l := a.write(b, "x")
	again := a.rewrite(l, "x")
	_, err := a.OpenReply(nil, b.answer(b.read(l, a, "x"), a, "1"), b.id, 0)
	wantError(t, "answer to the first handshake", err, ErrForged)
	a.learn(again, b.answer(b.read(again, a, "x"), a, "2"), Received)
	if got := len(a.table.pending) + len(a.table.waiting); got != 0 {
		t.Errorf("got %d handshakes under way, want 0", got)
	}
}
