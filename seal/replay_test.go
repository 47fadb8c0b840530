package seal

import (
	"math/rand/v2"
	"testing"
	"time"

	"cicada/wire"
)

func TestReplayOfFirstMessageGetsItsReceiptAgain(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	l := a.write(b, "once")
	o := b.read(l, a, "once")

	early, err := b.Open(nil, l.Envelope)
	wantError(t, "copy before the answer", err, ErrReplay)
	if early.Reply.Payload != nil {
		t.Errorf("before the program answered: got a reply of %d bytes, want none", len(early.Reply.Payload))
	}
	answer := b.answer(o, a, "receipt")
	again, err := b.Open(nil, l.Envelope)
	wantError(t, "copy after the answer", err, ErrReplay)
	if string(again.Data) != "" || again.Origin != a.id {
		t.Errorf("got %q from %s, want nothing from %s", again.Data, again.Origin.Short(), a.id.Short())
	}
	if string(again.Reply.Payload) != string(answer.Payload()) {
		t.Error("the copy's answer differs from the first one")
	}
	if got := b.answer(again, a, "another receipt"); string(got.Payload()) != string(answer.Payload()) {
		t.Error("a second answer differs from the first one")
	}
	if r := a.learn(l, answer, Received); string(r.Receipt) != "receipt" {
		t.Errorf("got receipt %q, want %q", r.Receipt, "receipt")
	}
	_, err = a.OpenReply(nil, answer, b.id, l.session)
	wantError(t, "answer twice", err, ErrStale)
}

func TestReplayUnderSession(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	l := a.write(b, "once")
	receipt := b.answer(b.read(l, a, "once"), a, "ok")
	o, err := b.Open(nil, l.Envelope)
	wantError(t, "message twice", err, ErrReplay)
	if len(o.Data) != 0 || o.Origin != a.id {
		t.Errorf("got %q from %s, want nothing from %s", o.Data, o.Origin.Short(), a.id.Short())
	}
	second := b.answer(o, a, "ok") // the receipt got lost: seal it again
	a.learn(l, second, Received)
	a.learn(l, receipt, Received)
	_, err = a.OpenReply(nil, receipt, b.id, l.session)
	wantError(t, "receipt twice", err, ErrReplay)
}

func TestMessagesOpenInAnyOrder(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	late := a.write(b, "too late")
	edge := a.write(b, "just in time")
	var letters []letter
	for range windowSize - 1 {
		letters = append(letters, a.write(b, "text"))
	}
	order := rand.New(rand.NewPCG(1, 2))
	order.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
	for _, l := range letters {
		b.read(l, a, "text")
	}
	b.read(edge, a, "just in time")
	_, err := b.Open(nil, late.Envelope)
	wantError(t, "a window too late", err, ErrReplay)
	for _, l := range letters {
		if _, err := b.Open(nil, l.Envelope); err == nil {
			t.Fatal("a message opened twice")
		}
	}
}

func TestForgedCounterDoesNotMoveWindow(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	l := a.write(b, "true")
	forged := append(wire.Envelope(nil), l.Envelope...)
	forged[8] = 0xff
	_, err := b.Open(nil, forged)
	wantError(t, "forged counter", err, ErrForged)
	b.read(l, a, "true")
}

// TestReplayAfterRestart is the reason for the floor: what an earlier run accepted
// must not be delivered by the next one, which remembers nothing.
func TestReplayAfterRestart(t *testing.T) {
	tests := []struct {
		name string
		wait time.Duration // from the start of the next run to the replay
		skew time.Duration // of the origin's clock
	}{
		{"at once", 0, 0},
		{"a minute later", time.Minute, 0},
		{"origin ahead", time.Minute, 2 * time.Minute},
		{"origin behind", time.Second, -2 * time.Minute},
		{"long after", 3 * time.Minute, 0},
		{"a year after", 365 * 24 * time.Hour, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.peer("a", nil), w.peer("b", nil)
			a.skew = tt.skew
			l := a.write(b, "pay ten coins")
			b.answer(b.read(l, a, "pay ten coins"), a, "ok")

			b.restart(false)
			w.pass(tt.wait)
			o, err := b.Open(nil, l.Envelope)
			wantError(t, "replay", err, ErrChallenge)
			if len(o.Data) != 0 {
				t.Errorf("got data %q, want none", o.Data)
			}
			if len(o.Reply.Payload) == 0 || len(o.Reply.Payload) > len(l.Payload()) {
				t.Errorf("got a challenge of %d bytes, want 1 to %d", len(o.Reply.Payload), len(l.Payload()))
			}
			if got := b.Warmth(a.id); got != Cold {
				t.Errorf("got warmth %d, want %d: who replays must not turn messages aside", got, Cold)
			}
			// The true origin, still waiting, learns that nobody can know whether
			// the earlier run delivered the message: that run ended after it was sealed.
			r := a.learn(l, envelope(o.Reply, a.point, l.message), Again)
			sealedAt := w.now.Add(a.skew - tt.wait)
			if got := r.Verdict(sealedAt, sealedAt); got != OtherRun {
				t.Errorf("got verdict %d, want %d", got, OtherRun)
			}
			b.read(a.rewrite(l, "another"), a, "another")
		})
	}
}

func TestFirstMessageAfterRestart(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	b.restart(false)
	w.pass(time.Minute)
	l := a.write(b, "hello")
	w.pass(time.Second)
	o, err := b.Open(nil, l.Envelope)
	wantError(t, "a minute after the start", err, ErrChallenge)
	r := a.learn(l, envelope(o.Reply, a.point, l.message), Again)
	sealedAt := w.now.Add(-time.Second)
	if got := r.Verdict(sealedAt, sealedAt); got != SameRun {
		t.Errorf("got verdict %d, want %d: it cannot have been delivered", got, SameRun)
	}
	again := a.rewrite(l, "hello")
	if again.Kind() != wire.EnvelopeMessage {
		t.Errorf("got kind %d, want %d", again.Kind(), wire.EnvelopeMessage)
	}
	b.read(again, a, "hello")

	c := w.peer("c", nil)
	w.pass(maxSkew)
	b.read(c.write(b, "later"), c, "later")
}

func TestClockSkew(t *testing.T) {
	tests := []struct {
		name string
		skew time.Duration
		want error
	}{
		{"right", 0, nil},
		{"two minutes ahead", maxSkew, nil},
		{"two minutes behind", -maxSkew, nil},
		{"more ahead", maxSkew + 1, ErrChallenge},
		{"more behind", -maxSkew - 1, ErrChallenge},
		{"a century behind", -100 * 365 * 24 * time.Hour, ErrChallenge},
		{"a century ahead", 100 * 365 * 24 * time.Hour, ErrChallenge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.peer("a", nil), w.peer("b", nil)
			a.skew = tt.skew
			a.restart(true) // ages do not count the skew
			l := a.write(b, "hello")
			o, err := b.Open(nil, l.Envelope)
			wantError(t, "open", err, tt.want)
			if tt.want == nil {
				return
			}
			copied, err := b.Open(nil, l.Envelope)
			wantError(t, "copy of a challenged message", err, ErrReplay)
			if string(copied.Reply.Payload) != string(o.Reply.Payload) {
				t.Error("the copy made another challenge")
			}
			a.learn(l, envelope(o.Reply, a.point, l.message), Again)
			b.read(a.rewrite(l, "hello"), a, "hello")
			if got := talk(b, a, "back"); got != wire.EnvelopeMessage {
				t.Errorf("back: got kind %d, want %d", got, wire.EnvelopeMessage)
			}
		})
	}
}

// TestClockSetBack moves the target's wall clock on, so that it forgets what it
// accepted, and back, so that the time of that fits again.
func TestClockSetBack(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	l := a.write(b, "once")
	b.answer(b.read(l, a, "once"), a, "ok")
	b.skew = time.Hour
	b.Sweep()
	if got := len(b.memory.firsts); got != 0 {
		t.Fatalf("got %d first messages remembered, want 0", got)
	}
	b.skew = 0
	_, err := b.Open(nil, l.Envelope)
	wantError(t, "replay after the clock was set back", err, ErrChallenge)
}

func TestMoreFirstMessagesThanRemembered(t *testing.T) {
	w := newWorld(t)
	b := w.peer("b", func(c *Config) { c.Limits.Firsts = 3 })
	a := w.peer("a", nil)
	for range 3 {
		b.read(a.write(b, "x"), a, "x")
	}
	_, err := b.Open(nil, a.write(b, "x").Envelope)
	wantError(t, "over the bound", err, ErrChallenge)
	w.pass(maxSkew + 1)
	b.read(a.write(b, "x"), a, "x")
	if got := len(b.memory.accepted); got != 1 {
		t.Errorf("got %d remembered, want 1", got)
	}
}

func TestChallengesAreBounded(t *testing.T) {
	w := newWorld(t)
	b := w.peer("b", func(c *Config) { c.Limits.Sessions = 8 })
	b.restart(false)
	for range 3 {
		a := w.peer("a", nil)
		for range perStanding + 2 {
			_, err := b.Open(nil, a.write(b, "x").Envelope)
			wantError(t, "first message", err, ErrChallenge)
		}
	}
	if got := len(b.table.sessions); got != 2 {
		t.Errorf("got %d unconfirmed sessions, want 2: a quarter of the bound", got)
	}
	for range challengesKept + 10 {
		f := &first{key: firstKey(w.message())}
		b.memory.admit(f, b.now())
	}
	if got := len(b.memory.challenged); got != challengesKept {
		t.Errorf("got %d challenges remembered, want %d", got, challengesKept)
	}
	if got, want := len(b.memory.firsts), challengesKept; got != want {
		t.Errorf("got %d first messages remembered, want %d", got, want)
	}
}
