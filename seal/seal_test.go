package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// testSwarm is the tag of the swarm that the stories play in.
var testSwarm = [32]byte(bytes.Repeat([]byte{0x5a}, 32))

// A world has one clock and hands out message IDs.
type world struct {
	tb   testing.TB
	now  time.Time
	last uint64
}

func newWorld(tb testing.TB) *world {
	return &world{tb: tb, now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

func (w *world) message() (m trace.MessageID) {
	w.last++
	binary.BigEndian.PutUint64(m[8:], w.last)
	return m
}

// An actor is a peer of a story: a Sealer with a name and a clock that may be off.
type actor struct {
	*Sealer
	w      *world
	config Config
	skew   time.Duration
}

// Open opens what came by a link that does not matter.
func (a *actor) Open(dst []byte, e wire.Envelope) (Opened, error) {
	return a.Sealer.Open(dst, e, identity.ID{1})
}

func testKey(name string) identity.PrivateKey {
	return identity.KeyFromSeed(sha256.Sum256([]byte(name)))
}

// peer starts a peer with a fresh key, unless change says otherwise.
func (w *world) peer(name string, change func(*Config)) *actor {
	w.tb.Helper()
	key := testKey(name)
	a := &actor{w: w, config: Config{Key: key, Point: sha256.Sum256(append([]byte("point"), key.ID().String()...)), Swarm: testSwarm, FreshKey: true}}
	a.config.Clock = func() time.Time { return w.now.Add(a.skew) }
	if change != nil {
		change(&a.config)
	}
	a.restart(a.config.FreshKey)
	return a
}

// restart begins a new run of the peer: everything but its key is forgotten.
func (a *actor) restart(fresh bool) {
	a.w.tb.Helper()
	a.config.FreshKey = fresh
	s, err := New(a.config)
	if err != nil {
		a.w.tb.Fatal(err)
	}
	a.Sealer = s
}

// envelope puts what was sealed into an envelope to the point to.
func envelope(s Sealed, to identity.Point, message trace.MessageID) wire.Envelope {
	e := make(wire.Envelope, wire.EnvelopeHeaderSize, wire.EnvelopeHeaderSize+len(s.Payload))
	e[0], e[2], e[3] = 64, wire.Version, byte(s.Kind)
	binary.BigEndian.PutUint64(e[8:], s.Counter)
	copy(e[16:], message[:])
	copy(e[48:], to[:])
	return append(e, s.Payload...)
}

// A letter is a sealed message as its origin keeps it.
type letter struct {
	wire.Envelope
	to      *actor
	message trace.MessageID
	session uint64
}

// write seals text to b.
func (a *actor) write(b *actor, text string) letter {
	a.w.tb.Helper()
	return a.rewrite(letter{to: b, message: a.w.message()}, text)
}

// rewrite seals the message of l anew.
func (a *actor) rewrite(l letter, text string) letter {
	a.w.tb.Helper()
	s, err := a.Seal(nil, l.to.id, l.to.point, l.message, []byte(text))
	if err != nil {
		a.w.tb.Fatalf("seal %q: %v", text, err)
	}
	l.Envelope, l.session = envelope(s, l.to.point, l.message), s.Session
	return l
}

// read opens l, which must give text from a.
func (b *actor) read(l letter, a *actor, text string) Opened {
	b.w.tb.Helper()
	o, err := b.Open(nil, l.Envelope)
	if err != nil {
		b.w.tb.Fatalf("open %q: %v", text, err)
	}
	if string(o.Data) != text || o.Origin != a.id || o.Message != l.message {
		b.w.tb.Fatalf("got %q from %s in %s, want %q from %s in %s", o.Data, o.Origin.Short(), o.Message, text, a.id.Short(), l.message)
	}
	return o
}

// answer returns the envelope that answers o with receipt.
func (b *actor) answer(o Opened, a *actor, receipt string) wire.Envelope {
	b.w.tb.Helper()
	s, err := b.Answer(nil, o.Handle, a.point, []byte(receipt))
	if err != nil {
		b.w.tb.Fatalf("answer %q: %v", receipt, err)
	}
	return envelope(s, a.point, o.Message)
}

// learn opens a reply to l and returns it; it must have status.
func (a *actor) learn(l letter, reply wire.Envelope, status Status) Reply {
	a.w.tb.Helper()
	r, err := a.OpenReply(nil, reply, l.to.id, l.session)
	if err != nil {
		a.w.tb.Fatalf("open reply: %v", err)
	}
	if r.Status != status {
		a.w.tb.Fatalf("got status %d, want %d", r.Status, status)
	}
	return r
}

// talk sends text from a to b, with its receipt back, and returns the kind it travelled as.
func talk(a, b *actor, text string) wire.EnvelopeKind {
	a.w.tb.Helper()
	l := a.write(b, text)
	reply := b.answer(b.read(l, a, text), a, "got "+text)
	if r := a.learn(l, reply, Received); string(r.Receipt) != "got "+text {
		a.w.tb.Fatalf("got receipt %q, want %q", r.Receipt, "got "+text)
	}
	return l.Kind()
}

func wantError(tb testing.TB, what string, got, want error) {
	tb.Helper()
	if !errors.Is(got, want) {
		tb.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func TestFirstMessageCarriesDataAndAnswerItsReceipt(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	if got := a.Warmth(b.id); got != Cold {
		t.Errorf("before: got warmth %d, want %d", got, Cold)
	}
	l := a.write(b, "hello")
	if got := a.Warmth(b.id); got != Opening {
		t.Errorf("meanwhile: got warmth %d, want %d", got, Opening)
	}
	o := b.read(l, a, "hello")
	a.learn(l, b.answer(o, a, "ok"), Received)
	if got := a.Warmth(b.id); got != Warm {
		t.Errorf("after: got warmth %d, want %d", got, Warm)
	}
	if got := talk(a, b, "second"); got != wire.EnvelopeMessage {
		t.Errorf("second message: got kind %d, want %d", got, wire.EnvelopeMessage)
	}
	if got := talk(b, a, "back"); got != wire.EnvelopeMessage {
		t.Errorf("message back: got kind %d, want %d", got, wire.EnvelopeMessage)
	}
}

func TestSizes(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	talk(a, b, "")
	for _, size := range []int{0, 1, minPlain - 2, minPlain - 1, minPlain, minPlain + 1, 1024, firstData, firstData + 1, MaxData} {
		text := string(bytes.Repeat([]byte{0}, size)) // zeros, as the padding
		l := a.write(b, text)
		b.read(l, a, text)
		if len(l.Payload()) < unknownSize || len(l.Payload()) > wire.MaxPayload {
			t.Errorf("%d bytes: got a payload of %d, want %d to %d", size, len(l.Payload()), unknownSize, wire.MaxPayload)
		}
	}
	_, err := a.Seal(nil, b.id, b.point, w.message(), make([]byte, MaxData+1))
	wantError(t, "message over the limit", err, ErrTooLarge)
	o := b.read(a.write(b, "x"), a, "x")
	_, err = b.Answer(nil, o.Handle, a.point, make([]byte, MaxReceipt+1))
	wantError(t, "receipt over the limit", err, ErrTooLarge)
	_, err = b.Answer(nil, Handle{}, a.point, nil)
	wantError(t, "no handle", err, ErrHandle)
}

func TestLargeMessageWaitsForHandshake(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	text := string(bytes.Repeat([]byte("large "), 20_000))
	l := a.write(b, text)
	if len(l.Payload()) != firstMinimum {
		t.Errorf("got %d bytes before the handshake, want %d", len(l.Payload()), firstMinimum)
	}
	o, err := b.Open(nil, l.Envelope)
	wantError(t, "first message without data", err, ErrChallenge)
	r := a.learn(l, envelope(o.Reply, a.point, l.message), Again)
	if got := r.Verdict(time.Time{}, w.now); got != SameRun {
		t.Errorf("got verdict %d, want %d: nothing could have been delivered", got, SameRun)
	}
	b.read(a.rewrite(l, text), a, text)
}
