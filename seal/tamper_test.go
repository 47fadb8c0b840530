package seal

import (
	"encoding/hex"
	"errors"
	"testing"

	"cicada/identity"
	"cicada/wire"
)

// A specimen is one valid envelope of each kind, with who opens it.
type specimen struct {
	name string
	wire.Envelope
	open func(wire.Envelope) error
}

// specimens returns one envelope of each kind. Opening one does not spoil another.
func specimens(w *world) []specimen {
	a, b, c := w.peer("a", nil), w.peer("b", nil), w.peer("c", nil)
	toC := a.write(c, "answered")
	answer := c.answer(c.read(toC, a, "answered"), a, "ok")
	talk(a, b, "hello")
	message := a.write(b, "message")
	asked := a.write(b, "asked")
	receipt := b.answer(b.read(asked, a, "asked"), a, "ok")
	lost := a.write(b, "lost")
	b2 := w.peer("b", nil)
	o, err := b2.Open(nil, lost.Envelope)
	wantError(w.tb, "message to a peer that restarted", err, ErrUnknownSession)
	unknown := envelope(o.Reply, a.point, lost.message)

	at := func(x *actor) func(wire.Envelope) error {
		return func(e wire.Envelope) error { _, err := x.Open(nil, e); return err }
	}
	about := func(l letter) func(wire.Envelope) error {
		return func(e wire.Envelope) error { _, err := a.OpenReply(nil, e, l.to.id, l.session); return err }
	}
	d := w.peer("d", nil)
	k, l := w.peer("k", holding(northKeys)), w.peer("l", holding(southKeys))
	wanted := a.write(k, "wanted")
	o, err = k.Open(nil, wanted.Envelope)
	wantError(w.tb, "message without the keys that its target has", err, ErrKeys)
	refusal := envelope(o.Reply, a.point, wanted.message)
	challenge := func(e wire.Envelope) error {
		if _, err := l.Open(nil, e); !errors.Is(err, ErrChallenge) {
			return err
		}
		return nil
	}
	return []specimen{
		{"first", d.write(b, "first").Envelope, at(b)},
		{"answer", answer, about(toC)},
		{"message", message.Envelope, at(b)},
		{"receipt", receipt, about(asked)},
		{"unknown", unknown, about(lost)},
		{"keyed first", k.write(l, "later").Envelope, challenge},
		{"key refusal", refusal, about(wanted)},
	}
}

// bound lists which bytes of the header the seal of each kind binds.
func bound(kind string, at int) bool {
	switch {
	case at == 2 || at == 3: // version, kind
		return true
	case 8 <= at && at < 16: // counter: in the nonce of what travels under a session
		return kind == "message" || kind == "receipt"
	case 16 <= at && at < 32: // message
		return true
	case 48 <= at && at < 80: // target
		return kind != "unknown" // who signs it does not know the origin
	}
	return false
}

func TestEveryByteIsBoundOrFree(t *testing.T) {
	for i, name := range []string{"first", "answer", "message", "receipt", "unknown", "keyed first", "key refusal"} {
		t.Run(name, func(t *testing.T) {
			s := specimens(newWorld(t))[i]
			if s.name != name {
				t.Fatalf("got specimen %s", s.name)
			}
			free := append(wire.Envelope(nil), s.Envelope...)
			for at := range s.Envelope {
				if at < wire.EnvelopeHeaderSize && !bound(name, at) {
					free[at] ^= 0x55
					continue
				}
				bit := byte(1) << (at % 8) // in the last byte of a key the one that X25519 ignores
				e := append(wire.Envelope(nil), s.Envelope...)
				e[at] ^= bit
				if err := s.open(e); err == nil {
					t.Errorf("byte %d altered by %#x: opened all the same", at, bit)
				}
			}
			// After all that, the true one still opens, whatever hops made of the free fields.
			if err := s.open(free); err != nil {
				t.Errorf("free fields altered: got %v, want it opened", err)
			}
		})
	}
}

func TestEveryLengthIsChecked(t *testing.T) {
	for _, s := range specimens(newWorld(t)) {
		t.Run(s.name, func(t *testing.T) {
			for n := range s.Envelope {
				if err := s.open(s.Envelope[:n:n]); err == nil {
					t.Errorf("cut to %d bytes of %d: opened all the same", n, len(s.Envelope))
				}
			}
			long := append(append(wire.Envelope(nil), s.Envelope...), make([]byte, wire.MaxPayload)...)
			wantError(t, "too long", s.open(long), ErrMalformed)
			if s.open(long[:len(s.Envelope)+1]) == nil {
				t.Error("with one byte more: opened all the same")
			}
		})
	}
}

func TestSwappedKinds(t *testing.T) {
	all := specimens(newWorld(t))
	for _, s := range all {
		for kind := range 8 {
			if wire.EnvelopeKind(kind) == s.Kind() {
				continue
			}
			e := append(wire.Envelope(nil), s.Envelope...)
			e[3] = byte(kind)
			for _, opener := range all {
				if opener.open(e) == nil {
					t.Errorf("%s as kind %d opened where %s does", s.name, kind, opener.name)
				}
			}
		}
	}
}

func TestWrongTarget(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.peer("a", nil), w.peer("b", nil), w.peer("c", nil)
	l := a.write(b, "for b")
	_, err := c.Open(nil, l.Envelope)
	wantError(t, "for another point", err, ErrTarget)
	misled := append(wire.Envelope(nil), l.Envelope...)
	copy(misled[48:], c.point[:])
	_, err = c.Open(nil, misled)
	wantError(t, "with the point rewritten", err, ErrForged)

	other := w.peer("b", func(c *Config) { c.Swarm[0]++ })
	_, err = other.Open(nil, l.Envelope)
	wantError(t, "in another swarm", err, ErrForged)

	o := b.read(l, a, "for b")
	answer := b.answer(o, a, "ok")
	_, err = a.OpenReply(nil, answer, c.id, 0)
	wantError(t, "answer taken for that of another target", err, ErrStale)
	a.learn(l, answer, Received)

	talk(a, c, "hello")
	second := a.write(b, "again")
	receipt := b.answer(b.read(second, a, "again"), a, "ok")
	_, err = a.OpenReply(nil, receipt, c.id, second.session)
	wantError(t, "receipt taken for that of another target", err, ErrForged)
	a.learn(second, receipt, Received)
}

func TestTargetsThatCannotBeSealedTo(t *testing.T) {
	w := newWorld(t)
	a := w.peer("a", nil)
	tests := []struct{ name, id string }{
		{"zero", "0000000000000000000000000000000000000000000000000000000000000000"},
		{"identity", "0100000000000000000000000000000000000000000000000000000000000000"},
		{"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
		{"not canonical", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
		{"no point", "0200000000000000000000000000000000000000000000000000000000000000"},
	}
	for _, tt := range tests {
		var id identity.ID
		if _, err := hex.Decode(id[:], []byte(tt.id)); err != nil {
			t.Fatal(err)
		}
		_, err := a.Seal(nil, id, identity.Point{}, w.message(), []byte("x"))
		wantError(t, tt.name, err, ErrTarget)
	}
	_, err := a.Seal(nil, a.id, a.point, w.message(), nil)
	wantError(t, "own ID", err, ErrTarget)
	if got := len(a.table.pending) + len(a.table.peers); got != 0 {
		t.Errorf("got %d notes of what failed, want 0", got)
	}
}

// smallPoints are the X25519 public keys that turn any secret into zero.
var smallPoints = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

// TestSmallOrderDoesNotSpoilHandshake lets a lying hop answer first, with keys
// that the handshake chokes on: the true answer must still be good.
func TestSmallOrderDoesNotSpoilHandshake(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	l := a.write(b, "hello")
	answer := b.answer(b.read(l, a, "hello"), a, "ok")
	for _, text := range smallPoints {
		forged := append(wire.Envelope(nil), answer...)
		if _, err := hex.Decode(forged[wire.EnvelopeHeaderSize:][:32], []byte(text)); err != nil {
			t.Fatal(err)
		}
		_, err := a.OpenReply(nil, forged, b.id, l.session)
		wantError(t, "answer with "+text, err, ErrForged)

		first := append(wire.Envelope(nil), l.Envelope...)
		copy(first[wire.EnvelopeHeaderSize:], forged[wire.EnvelopeHeaderSize:][:32])
		_, err = b.Open(nil, first)
		wantError(t, "first message with "+text, err, ErrForged)
	}
	for i := range 100 {
		forged := append(wire.Envelope(nil), answer...)
		forged[wire.EnvelopeHeaderSize+i%len(answer.Payload())] ^= 4
		_, err := a.OpenReply(nil, forged, b.id, l.session)
		wantError(t, "altered answer", err, ErrForged)
	}
	a.learn(l, answer, Received)
	if got := talk(a, b, "and on"); got != wire.EnvelopeMessage {
		t.Errorf("got kind %d, want %d", got, wire.EnvelopeMessage)
	}
}

// A liar has a key of its own and claims to be another.
type liar struct {
	identity.PrivateKey
	claims identity.ID
}

func (l liar) ID() identity.ID { return l.claims }

func TestOriginIsProven(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	if _, err := New(Config{Key: liar{testKey("m"), a.id}}); err == nil {
		t.Error("a key that does not belong to its ID was accepted")
	}
	m := w.peer("m", nil)
	m.id = a.id // as a peer would that runs another program
	_, err := b.Open(nil, m.write(b, "I am a").Envelope)
	wantError(t, "first message from a liar", err, ErrForged)

	// The same key under the ID with the other sign: the key exchange cannot tell,
	// so only who holds the key can do it; it must not be taken for a.
	twin := a.id
	twin[31] ^= 0x80
	a.Sealer.id = twin
	o, err := b.Open(nil, a.write(b, "I am a twin").Envelope)
	if err != nil || o.Origin == testKey("a").ID() {
		t.Errorf("got origin %s, error %v; want the twin's ID", o.Origin.Short(), err)
	}
}

func TestGarbageLeavesNothing(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", nil), w.peer("b", nil)
	l := a.write(b, "hello")
	for i := range 64 {
		e := append(wire.Envelope(nil), l.Envelope...)
		e[wire.EnvelopeHeaderSize+i] ^= 0x10
		_, err := b.Open(nil, e)
		wantError(t, "garbage", err, ErrForged)
	}
	if got := len(b.memory.firsts) + len(b.table.sessions) + len(b.table.peers); got != 0 {
		t.Errorf("got %d notes of garbage, want 0", got)
	}
}
