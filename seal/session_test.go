package seal

import (
	"sync"
	"testing"
	"time"

	"cicada/identity"
	"cicada/wire"
)

func TestTargetThatForgotTheSession(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	w.pass(time.Minute)
	b.restart(true)
	w.pass(time.Minute)
	one, two := a.write(b, "one"), a.write(b, "two")
	w.pass(time.Second)
	for _, l := range []letter{one, two} { // both were on their way
		o, err := b.Open(nil, l.Envelope)
		wantError(t, "message under a forgotten session", err, ErrUnknownSession)
		if len(o.Reply.Payload) > len(l.Payload()) {
			t.Errorf("got %d bytes in answer to %d", len(o.Reply.Payload), len(l.Payload()))
		}
		unknown := envelope(o.Reply, a.point, l.message)
		r := a.learn(l, unknown, Unknown)
		sealedAt := w.now.Add(-time.Second)
		if got := r.Verdict(sealedAt, sealedAt); got != SameRun {
			t.Errorf("got verdict %d, want %d", got, SameRun)
		}
		again := a.rewrite(l, "again")
		b.read(again, a, "again")
		_, err = a.OpenReply(nil, unknown, b.id, again.session)
		wantError(t, "the same statement about the message sealed anew", err, ErrStale)
	}
}

func TestUnknownMustBeSignedByTheTarget(t *testing.T) {
	w := newWorld(t)
	a, b, m := w.peer("a", nil), w.peer("b", nil), w.peer("m", nil)
	talk(a, b, "hello")
	l := a.write(b, "hello again")
	lie := m.sealUnknown(l.message, l.session, identity.ID{}, m.now())
	_, err := a.OpenReply(nil, envelope(lie, a.point, l.message), b.id, l.session)
	wantError(t, "signed by another", err, ErrForged)
	true1 := b.sealUnknown(l.message, l.session+1, identity.ID{}, b.now())
	_, err = a.OpenReply(nil, envelope(true1, a.point, l.message), b.id, l.session)
	wantError(t, "about another session", err, ErrStale)
	true2 := b.sealUnknown(w.message(), l.session, identity.ID{}, b.now())
	_, err = a.OpenReply(nil, envelope(true2, a.point, l.message), b.id, l.session)
	wantError(t, "about another message", err, ErrForged)
	if got := a.Warmth(b.id); got != Warm {
		t.Errorf("got warmth %d after lies, want %d", got, Warm)
	}
}

// Who asks about sessions that are gone over one link has answers up to a share of what
// is signed in all: those who ask over others get theirs.
func TestUnknownsAreLimited(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	l := a.write(b, "x")
	b = w.peer("b", func(c *Config) { c.Limits.Unknowns = 20 })
	signed := func(link byte) (count int) {
		for range 100 {
			o, err := b.Sealer.Open(nil, l.Envelope, identity.ID{link})
			wantError(t, "unknown session", err, ErrUnknownSession)
			if len(o.Reply.Payload) > 0 {
				count++
			}
		}
		return count
	}
	for link, want := range []int{10, 10, 10, 10, 0} { // a quarter each of 40, twice the rate
		if got := signed(byte(link)); got != want {
			t.Errorf("link %d: got %d signed at once, want %d", link, got, want)
		}
	}
	w.pass(time.Second)
	if got := signed(0); got != 5 {
		t.Errorf("got %d signed a second later, want 5", got)
	}
	w.pass(time.Second)
	if got := signed(5); got != 10 {
		t.Errorf("a link that asked for nothing yet: got %d signed, want 10", got)
	}
}

// However many links there were, few are remembered, and none that has its share again.
func TestLimiterForgetsLinks(t *testing.T) {
	l := newLimiter(1 << 20)
	for i := range 3 * mostLinks {
		l.take(identity.ID{1, byte(i >> 8), byte(i)}, 0)
	}
	if got := len(l.links); got > mostLinks+1 {
		t.Errorf("got %d links remembered, want at most %d", got, mostLinks+1)
	}
	l.forget(time.Minute)
	if got := len(l.links); got != 0 {
		t.Errorf("got %d links remembered after a minute, want none", got)
	}
}

func TestCrossingHandshakesConverge(t *testing.T) {
	tests := []struct {
		name  string
		apart time.Duration // between the two first messages
	}{
		{"at the same time", 0},
		{"a before b", time.Millisecond},
		{"b before a", -time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.peer("a", nil), w.peer("b", nil)
			b.skew = tt.apart
			ab, ba := a.write(b, "a to b"), b.write(a, "b to a")
			oa, ob := a.read(ba, b, "b to a"), b.read(ab, a, "a to b")
			b.learn(ba, a.answer(oa, b, "1"), Received)
			a.learn(ab, b.answer(ob, a, "2"), Received)
			// Each knows by now that the other has the session it began. Both work.
			la, lb := a.write(b, "3"), b.write(a, "4")
			b.read(la, a, "3")
			a.read(lb, b, "4")
			na, nb := a.table.peers[b.id].current, b.table.peers[a.id].current
			if na.local != nb.remote || na.remote != nb.local {
				t.Error("the two go on under different sessions")
			}
			for range 3 {
				if talk(a, b, "5") != wire.EnvelopeMessage || talk(b, a, "6") != wire.EnvelopeMessage {
					t.Error("another handshake was made")
				}
			}
		})
	}
}

func TestManyFirstMessagesAtOnce(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	var letters []letter
	for range 64 {
		letters = append(letters, a.write(b, "x"))
		w.pass(time.Microsecond)
	}
	var replies []wire.Envelope
	for _, l := range letters {
		replies = append(replies, b.answer(b.read(l, a, "x"), a, "ok"))
	}
	a.learn(letters[0], replies[0], Received)
	early := a.write(b, "as soon as one answer is there")
	b.read(early, a, "as soon as one answer is there")
	for i := range letters[1:] { // the last answer first
		i = len(letters) - 1 - i
		if r := a.learn(letters[i], replies[i], Received); string(r.Receipt) != "ok" {
			t.Errorf("got receipt %q, want ok", r.Receipt)
		}
	}
	if got := len(a.table.sessions); got != perStanding {
		t.Errorf("origin: got %d sessions, want %d", got, perStanding)
	}
	if got := len(b.table.sessions); got != perStanding {
		t.Errorf("target: got %d sessions, want %d", got, perStanding)
	}
	if talk(a, b, "on") != wire.EnvelopeMessage || talk(b, a, "on") != wire.EnvelopeMessage {
		t.Error("no session is left to use")
	}
	if got := len(a.table.pending) + len(a.table.waiting); got != 0 {
		t.Errorf("got %d handshakes under way, want 0", got)
	}
}

func TestMessageBeforeTheAnswer(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	l := a.write(b, "hello")
	answer := b.answer(b.read(l, a, "hello"), a, "ok")
	early := b.write(a, "overtook the answer")
	if early.Kind() != wire.EnvelopeMessage {
		t.Fatalf("got kind %d, want %d", early.Kind(), wire.EnvelopeMessage)
	}
	_, err := a.Open(nil, early.Envelope)
	wantError(t, "message before the answer", err, ErrPending)
	a.learn(l, answer, Received)
	a.read(early, b, "overtook the answer")

	// Where the answer is lost for good, the target is told so and starts anew.
	c := w.peer("c", nil)
	l = a.write(c, "hello")
	c.answer(c.read(l, a, "hello"), a, "lost")
	early = c.write(a, "under a session a never got")
	w.pass(pendingYoung)
	o, err := a.Open(nil, early.Envelope)
	wantError(t, "after a while", err, ErrUnknownSession)
	c.learn(early, envelope(o.Reply, c.point, early.message), Unknown)
	again := c.rewrite(early, "anew")
	if again.Kind() != wire.EnvelopeFirst {
		t.Errorf("got kind %d, want %d", again.Kind(), wire.EnvelopeFirst)
	}
	a.read(again, c, "anew")
}

func TestRekeyUnderTraffic(t *testing.T) {
	tests := []struct {
		name string
		age  func(a, b *actor, n *session)
	}{
		{"after an hour", func(a, b *actor, _ *session) {
			for range 11 {
				a.w.pass(softAge / 12)
				talk(a, b, "now and then")
			}
			a.w.pass(softAge / 12)
		}},
		{"after 2^32 messages", func(_, _ *actor, n *session) { n.sent.Store(softMessages) }},
		{"after 64 GiB", func(_, _ *actor, n *session) { n.bytes.Store(softBytes) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.peer("a", nil), w.peer("b", nil)
			talk(a, b, "hello")
			talk(b, a, "hello")
			old := a.table.peers[b.id].current
			w.pass(time.Second)
			tt.age(a, b, old)
			late := letter{}
			var kinds []wire.EnvelopeKind
			if got := a.Warmth(b.id); got != Cold {
				t.Errorf("due: got warmth %d, want %d", got, Cold)
			}
			first := a.write(b, "makes the new session")
			if got := a.Warmth(b.id); got != Warm {
				t.Errorf("meanwhile: got warmth %d, want %d", got, Warm)
			}
			for range 10 { // meanwhile the old one carries on
				late = a.write(b, "old")
				kinds = append(kinds, late.Kind())
				b.write(a, "old, too")
			}
			for _, kind := range kinds {
				if kind != wire.EnvelopeMessage {
					t.Errorf("during the handshake: got kind %d, want %d", kind, wire.EnvelopeMessage)
				}
			}
			a.learn(first, b.answer(b.read(first, a, "makes the new session"), a, "ok"), Received)
			if got := talk(a, b, "new"); got != wire.EnvelopeMessage {
				t.Errorf("after: got kind %d, want %d", got, wire.EnvelopeMessage)
			}
			if n := a.table.peers[b.id].current; n == old {
				t.Error("origin still seals under the old session")
			}
			if n := b.table.peers[a.id].current; n.remote == old.local {
				t.Error("target still seals under the old session")
			}
			b.read(late, a, "old")
			w.pass(retiredFor)
			b.Sweep()
			_, err := b.Open(nil, a.raw(old, b, "much too late").Envelope)
			wantError(t, "two minutes later", err, ErrUnknownSession)
		})
	}
}

// raw seals text to b under n, whether or not a still would.
func (a *actor) raw(n *session, b *actor, text string) letter {
	m := a.w.message()
	s, err := n.seal(nil, &a.scratches, wire.EnvelopeMessage, b.point, m, []byte(text), a.now().age)
	if err != nil {
		a.w.tb.Fatal(err)
	}
	return letter{Envelope: envelope(s, b.point, m), to: b, message: m, session: s.Session}
}

func TestSpentSessionIsNotUsed(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	a.table.peers[b.id].current.sent.Store(hardMessages)
	for range 3 {
		if got := a.write(b, "x").Kind(); got != wire.EnvelopeFirst {
			t.Errorf("got kind %d, want %d", got, wire.EnvelopeFirst)
		}
	}
	if got := a.Warmth(b.id); got != Opening {
		t.Errorf("got warmth %d, want %d", got, Opening)
	}
}

func TestRekeyIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	a.table.peers[b.id].current.bytes.Store(softBytes)
	for range 3 { // no answer comes
		if got := a.write(b, "x").Kind(); got != wire.EnvelopeFirst {
			t.Errorf("got kind %d, want %d", got, wire.EnvelopeFirst)
		}
		if got := a.write(b, "x").Kind(); got != wire.EnvelopeMessage {
			t.Errorf("got kind %d, want %d", got, wire.EnvelopeMessage)
		}
		w.pass(rekeyEvery)
	}
}

// TestAcceptedSessionTakesOver: the target of the handshake has nothing to prove
// that its answer arrived but time.
func TestAcceptedSessionTakesOver(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	talk(b, a, "hello")
	old := b.table.peers[a.id].current
	a.table.peers[b.id].current.bytes.Store(softBytes)
	w.pass(time.Second)
	talk(a, b, "new session")
	if got := b.table.peers[a.id].current; got != old {
		t.Error("at once: the target already seals under a session that may not have arrived")
	}
	w.pass(acceptedSettle)
	b.Sweep()
	if got := b.table.peers[a.id].current; got == old {
		t.Error("ten seconds later: the target still seals under the old one")
	}
	talk(b, a, "arrives")
}

// TestDishonestPeer has the keys but breaks the rules inside the seal.
func TestDishonestPeer(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "hello")
	n := a.table.peers[b.id].current
	for _, padding := range []byte{minPlain, 0xff} {
		c, m := new(scratch), w.message()
		counter := n.sent.Add(1)
		c.set(counter, wire.EnvelopeMessage, m, b.point, n.remote)
		plain := make([]byte, minPlain)
		plain[minPlain-1] = padding
		payload := append([]byte{}, a.raw(n, b, "").Payload()[:indexSize]...)
		aead, err := n.outward.cipher()
		if err != nil {
			t.Fatal(err)
		}
		payload = aead.Seal(payload, c.nonce[:], plain, c.bound[:])
		_, err = b.Open(nil, envelope(Sealed{Kind: wire.EnvelopeMessage, Counter: counter, Payload: payload}, b.point, m))
		wantError(t, "padding longer than all", err, ErrMalformed)
	}

	plains := []struct {
		name  string
		plain []byte
		want  error
	}{
		{"inner version", append([]byte{2, 1}, make([]byte, 16)...), ErrMalformed},
		{"status 0", append([]byte{1, 0}, make([]byte, 16)...), ErrMalformed},
		{"status 3", append([]byte{1, 3}, make([]byte, 16)...), ErrMalformed},
		{"again without a session", append([]byte{1, 2}, make([]byte, 16)...), ErrMalformed},
		{"accepted without a session", append([]byte{1, 1}, make([]byte, 16)...), nil},
	}
	for _, tt := range plains {
		c := w.peer("c", nil)
		l := a.write(c, "x")
		o := c.read(l, a, "x")
		payload, _, _, err := o.Handle.first.state.WriteMessage(nil, tt.plain)
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.OpenReply(nil, envelope(Sealed{Kind: wire.EnvelopeAnswer, Payload: payload}, a.point, l.message), c.id, 0)
		wantError(t, tt.name, err, tt.want)
	}

	state, err := a.newHandshake(b.static.Public, b.id, w.message(), false)
	if err != nil {
		t.Fatal(err)
	}
	p := &pending{stamp: w.now.UnixNano()} // index 0
	payload, _, _, err := state.WriteMessage(nil, a.firstPlain(p, nil))
	if err != nil {
		t.Fatal(err)
	}
	w.last-- // the message of that handshake
	_, err = b.Open(nil, envelope(Sealed{Kind: wire.EnvelopeFirst, Payload: payload}, b.point, w.message()))
	wantError(t, "first message with index 0", err, ErrMalformed)
}

func TestConcurrentUse(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	var group sync.WaitGroup
	var mu sync.Mutex
	seen := make(map[string]int)
	for g := range 8 {
		group.Go(func() {
			for i := range 20 {
				text := string([]byte{byte('a' + g), byte('a' + i)})
				m := [16]byte{byte(g), byte(i), 1}
				s, err := a.Seal(nil, b.id, b.point, m, []byte(text))
				if err != nil {
					t.Error(err)
					return
				}
				e := envelope(s, b.point, m)
				for range 2 { // two copies arrive
					o, err := b.Open(nil, e)
					if err != nil {
						continue
					}
					mu.Lock()
					seen[string(o.Data)]++
					mu.Unlock()
					r, err := b.Answer(nil, o.Handle, a.point, []byte(text))
					if err != nil {
						t.Error(err)
						return
					}
					reply, err := a.OpenReply(nil, envelope(r, a.point, m), b.id, s.Session)
					if err != nil || string(reply.Receipt) != text {
						t.Errorf("got receipt %q, error %v, want %q", reply.Receipt, err, text)
					}
				}
				a.Warmth(b.id)
				b.Sweep()
			}
		})
	}
	group.Wait()
	if len(seen) != 160 {
		t.Errorf("got %d messages, want 160", len(seen))
	}
	for text, count := range seen {
		if count != 1 {
			t.Errorf("%q: got it %d times, want once", text, count)
		}
	}
}

func TestNew(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a sealer without a key was made")
	}
	if _, err := New(Config{Key: identity.PrivateKey{}}); err == nil {
		t.Error("a sealer with the zero key was made")
	}
	s, err := New(Config{Key: testKey("a"), Point: identity.Point{1}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Warmth(testKey("b").ID()); got != Cold {
		t.Errorf("got warmth %d, want %d", got, Cold)
	}
}
