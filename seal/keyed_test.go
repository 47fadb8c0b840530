package seal

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"cicada/identity"
	"cicada/identity/pair"
	"cicada/wire"
)

// The keys of the stories: north's inbound key is south's outbound one. Other is like
// north but for one letter.
var northKeys, southKeys, otherKeys = entry("to south", "to north"), entry("to north", "to south"), entry("to south", "to North")

// entry returns the only entry of a key file, made when it is first asked for.
func entry(outbound, inbound string) func() *pair.Entry {
	return sync.OnceValue(func() *pair.Entry {
		file := "trusted_hosts: [{address: 192.0.2.1, outbound_key: '" + outbound + "', inbound_key: '" + inbound + "'}]"
		keys, err := pair.Parse(context.Background(), "file", []byte(file), nil)
		if err != nil {
			panic(err)
		}
		return keys.Host(netip.MustParseAddr("192.0.2.1"))
	})
}

// holding gives a peer an entry for everybody; nil is none.
func holding(e func() *pair.Entry) func(*Config) {
	return func(c *Config) {
		if e != nil {
			c.Pairs = func(identity.ID, []byte) (*pair.Entry, error) { return e(), nil }
		}
	}
}

// talkKeyed sends text from a to b, which have no session, and returns both envelopes.
func talkKeyed(a, b *actor, text string) (first, second letter) {
	a.w.tb.Helper()
	first = a.write(b, text)
	o, err := b.Open(nil, first.Envelope)
	wantError(a.w.tb, "keyed first message", err, ErrChallenge)
	r := a.learn(first, envelope(o.Reply, a.point, first.message), Again)
	var c Course
	c.Sealed(Sealed{Bare: true}, a.w.now)
	if got := c.Next(r); got != Reseal {
		a.w.tb.Errorf("got step %d, want %d", got, Reseal)
	}
	second = a.rewrite(first, text)
	reply := b.answer(b.read(second, a, text), a, "got it")
	a.learn(second, reply, Received)
	return first, second
}

func TestKeyedMessageWaitsForTheHandshake(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", holding(northKeys)), w.peer("b", holding(southKeys))
	first, second := talkKeyed(a, b, strings.Repeat("secret ", 100))
	if first.Kind() != wire.EnvelopeKeyedFirst || len(first.Payload()) != firstMinimum+markSize {
		t.Errorf("got a %s of %d bytes, want a %s of %d", first.Kind(), len(first.Payload()), wire.EnvelopeKeyedFirst, firstMinimum+markSize)
	}
	if second.Kind() != wire.EnvelopeMessage {
		t.Errorf("got a %s, want a %s", second.Kind(), wire.EnvelopeMessage)
	}
	if got := talk(b, a, "back"); got != wire.EnvelopeMessage {
		t.Errorf("back: got a %s, want a %s: there is a session", got, wire.EnvelopeMessage)
	}
	b.restart(false)
	lost := a.write(b, "lost")
	o, err := b.Open(nil, lost.Envelope)
	wantError(t, "after a restart", err, ErrUnknownSession)
	a.learn(lost, envelope(o.Reply, a.point, lost.message), Unknown)
	if got := a.rewrite(lost, "lost").Kind(); got != wire.EnvelopeKeyedFirst {
		t.Errorf("after a restart: got a %s, want a %s: no session is no reason to do without keys", got, wire.EnvelopeKeyedFirst)
	}
}

func TestKeysThatAreNotTheSameAreRefused(t *testing.T) {
	tests := []struct {
		name           string
		origin, target func() *pair.Entry
		want           Discord
	}{
		{"different", otherKeys, southKeys, KeysDiffer},
		{"the wrong way round", southKeys, southKeys, KeysDiffer},
		{"missing at the target", northKeys, nil, KeysMissing},
		{"missing at the origin", nil, southKeys, KeysWanted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.peer("a", holding(tt.origin)), w.peer("b", holding(tt.target))
			l := a.write(b, "secret")
			o, err := b.Open(nil, l.Envelope)
			wantError(t, "open", err, ErrKeys)
			wantError(t, "open", err, tt.want)
			if o.Data != nil || o.Handle != (Handle{}) || o.Fate(err) != Refuse || o.Origin != a.id {
				t.Errorf("got %q, fate %d, origin %s: want nothing, refused, %s", o.Data, o.Fate(err), o.Origin.Short(), a.id.Short())
			}
			if len(o.Reply.Payload) > len(l.Payload()) {
				t.Errorf("got %d bytes in answer to %d", len(o.Reply.Payload), len(l.Payload()))
			}
			refusal := envelope(o.Reply, a.point, l.message)
			elsewhere := a.write(b, "another message")
			_, err = a.OpenReply(nil, envelope(o.Reply, a.point, elsewhere.message), b.id, 0)
			wantError(t, "the refusal of another message", err, ErrStale)
			r := a.learn(l, refusal, Barred)
			if r.Discord != tt.want || new(Course).Next(r) != Desist {
				t.Errorf("got %v, want %v, and to desist", r.Discord, tt.want)
			}
			_, err = a.OpenReply(nil, refusal, b.id, 0)
			wantError(t, "the same refusal again", err, ErrStale)
			if len(a.table.sessions)+len(b.table.sessions) > 0 {
				t.Error("a session came about")
			}
		})
	}
}

// Sessions from before the keys were known are not used any more, at either end.
func TestNoSessionOutlivesItsKeys(t *testing.T) {
	w := newWorld(t)
	known := false
	later := func(e func() *pair.Entry) func(*Config) {
		return func(c *Config) {
			c.Pairs = func(identity.ID, []byte) (*pair.Entry, error) {
				if known {
					return e(), nil
				}
				return nil, nil
			}
		}
	}
	a, b, c := w.peer("a", later(northKeys)), w.peer("b", nil), w.peer("c", later(southKeys))
	talk(a, b, "without")
	talk(b, c, "without")
	known = true
	if got := a.Warmth(b.id); got != Cold {
		t.Errorf("got warmth %d, want %d", got, Cold)
	}
	if got := a.write(b, "with").Kind(); got != wire.EnvelopeKeyedFirst {
		t.Errorf("to a peer that has an entry by now: got a %s, want a %s", got, wire.EnvelopeKeyedFirst)
	}
	l := b.write(c, "without")
	_, err := c.Open(nil, l.Envelope)
	wantError(t, "under a session from before", err, ErrUnknownSession)
}

// Where it cannot be told yet whether there is an entry, nothing is accepted and
// nothing sealed, and the same envelope can be opened when it can.
func TestUndecidedWaits(t *testing.T) {
	w := newWorld(t)
	wait := errors.New("not known yet")
	var held string
	b := w.peer("b", func(c *Config) {
		c.Pairs = func(_ identity.ID, first []byte) (*pair.Entry, error) {
			held = string(first)
			return nil, wait
		}
	})
	a := w.peer("a", nil)
	l := a.write(b, "early")
	for range 2 {
		o, err := b.Open(nil, l.Envelope)
		wantError(t, "open", err, ErrPending)
		if o.Fate(err) != Wait || held != "early" {
			t.Errorf("got fate %d after a look at %q, want %d, at the message", o.Fate(err), held, Wait)
		}
	}
	_, err := b.Seal(nil, a.id, a.point, w.message(), nil)
	wantError(t, "seal", err, ErrPending)
	if len(b.table.pending) > 0 {
		t.Error("a handshake is under way")
	}
	wait = nil
	b.read(l, a, "early")
}

// A hop that knows both keys, and no private key, cannot refuse in the target's name,
// nor make the target refuse more often than it signs.
func TestRefusalsAreSignedAndBounded(t *testing.T) {
	w := newWorld(t)
	a, b, hop := w.peer("a", nil), w.peer("b", holding(southKeys)), w.peer("hop", nil)
	l := a.write(b, "secret")
	forged := hop.sealRefusal(l.Envelope, KeysWanted, identity.ID{}, hop.now())
	_, err := a.OpenReply(nil, envelope(forged, a.point, l.message), b.id, 0)
	wantError(t, "refusal of a hop", err, ErrForged)
	signed := 0
	for range 1000 {
		o, err := b.Open(nil, l.Envelope)
		wantError(t, "open", err, ErrKeys)
		if len(o.Reply.Payload) > 0 {
			signed++
		}
	}
	if signed != 50 {
		t.Errorf("got %d refusals at once for one link, want 50", signed)
	}
	w.pass(time.Second)
	if o, _ := b.Open(nil, l.Envelope); len(o.Reply.Payload) == 0 {
		t.Error("got no refusal a second later")
	}
}

// The keys are what a handshake takes, not only what its mark says: with the right mark
// and other keys no end can read the other.
func TestTheMarkIsNotTheKey(t *testing.T) {
	w := newWorld(t)
	a, b := w.peer("a", holding(northKeys)), w.peer("b", holding(southKeys))
	l := a.write(b, "secret")
	wrong := bytes.Repeat([]byte{1}, 32)
	if err := a.table.pending[l.message].state.SetPresharedKey(wrong); err != nil {
		t.Fatal(err)
	}
	o, err := b.Open(nil, l.Envelope)
	wantError(t, "open", err, ErrChallenge)
	_, err = a.OpenReply(nil, envelope(o.Reply, a.point, l.message), b.id, 0)
	wantError(t, "answer under other keys", err, ErrForged)
}
