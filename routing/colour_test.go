package routing

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// Two copies of a round share no hop but the target, whatever way they take.
func TestCopiesShareNoHop(t *testing.T) {
	w := newWorld(t, 11, 400, wide, Config{})
	type round struct {
		message trace.MessageID
		nonce   [16]byte
	}
	class := make(map[round]map[identity.ID]uint8)
	shared, relays := 0, 0
	w.meddle = func(from, to *peer, e wire.Envelope) wire.Envelope {
		if e.Colours() == 0 || e.Target() == to.contact.Point {
			return e
		}
		relays++
		r := round{e.Message(), e.Nonce()}
		if class[r] == nil {
			class[r] = make(map[identity.ID]uint8)
		}
		if before, there := class[r][to.contact.ID]; there && before != e.Copy() {
			shared++
		}
		class[r][to.contact.ID] = e.Copy()
		return e
	}
	for _, duplicates := range []int{1, 2, 4, 7} {
		for range 40 {
			from, to := w.pair()
			from.send(to, "dup", Sending{Duplicates: duplicates})
			w.run(500 * time.Millisecond)
		}
	}
	if relays < 200 || shared > 0 {
		t.Errorf("of %d hops %d were shared by two copies, want 200 hops at least and none shared", relays, shared)
	}
}

// A copy that comes to a peer of another colour is refused, and goes no further: so a
// hop that keeps no rule cannot have two copies meet. The target takes any.
func TestWrongColourIsRefused(t *testing.T) {
	w := line(t, []byte{0, 10, 20}, map[int][]int{0: {1}, 1: {2}})
	relay, target := w.peers[1], w.peers[2]
	e := wire.Envelope(wire.AppendEnvelopeHeader(nil, wire.EnvelopeHeader{
		TTL: 8, Kind: wire.EnvelopeMessage, Colours: 2, Message: [16]byte{1}, Target: target.contact.Point,
	}))
	e = append(e, "sealed"...)
	right := colour(e, &relay.contact.Point)
	for _, test := range []struct {
		name    string
		copy    uint8
		to      *peer
		refused bool
	}{
		{"of the relay's colour", right, relay, false},
		{"of the other", 1 - right, relay, true},
		{"of a colour that there is not", 7, relay, true},
		{"for the target", 1 - right, target, false},
	} {
		e.SetCopy(test.copy)
		test.to.core.Envelope(w.now, w.peers[0].contact.ID, e)
		r := test.to.core.Ready()
		switch {
		case test.refused && (len(r.Refusals) != 1 || r.Refusals[0].Reason != wire.ReasonColour || len(r.Envelopes) > 0):
			t.Errorf("%s: got refusals %v and %d envelopes, want one for its colour", test.name, r.Refusals, len(r.Envelopes))
		case !test.refused && (len(r.Refusals) > 0 || len(r.Acks) != 1):
			t.Errorf("%s: got refusals %v and %d acknowledgements, want it taken", test.name, r.Refusals, len(r.Acks))
		}
	}
}

// All ways lead over two peers, which seldom are of one colour. Where a round got stuck
// for that, the next one does without colours.
func TestTooFewHopsForColours(t *testing.T) {
	knows := map[int][]int{0: {1, 2, 3, 4, 5, 6}, 7: {8}, 8: {9}}
	for first := 1; first <= 6; first++ {
		knows[first] = []int{7}
	}
	stuck := 0
	for draw := range 40 {
		w := line(t, []byte{0, 10, 11, 12, 13, 14, 15, 30, 40, 50}, knows)
		for range draw { // another nonce each time
			w.peers[0].core.nonce()
		}
		message, _ := w.peers[0].send(w.peers[9], "dup", Sending{Duplicates: 1})
		w.run(50 * time.Millisecond)
		if len(w.delivered(message)) == 0 {
			stuck++
		}
		w.run(time.Second)
		if len(w.delivered(message)) != 1 {
			t.Errorf("got %d deliveries within a second, want 1", len(w.delivered(message)))
		}
	}
	if stuck == 0 {
		t.Error("no first round got stuck: the story did not happen")
	}
}

// A copy that is alone has no colour, in no round: it has nobody to keep apart from.
func TestColoursOfRounds(t *testing.T) {
	for _, test := range []struct {
		duplicates, round int
		plain             bool
		want              uint8
	}{
		{0, 1, false, 0}, {0, 2, false, 0}, {1, 1, false, 2}, {1, 2, false, 4}, {2, 3, false, 4},
		{7, 1, false, 8}, {7, 2, false, 8}, {63, 1, false, 64}, {7, 2, true, 0},
	} {
		s := &send{Sending: Sending{Duplicates: test.duplicates}, round: test.round, plain: test.plain}
		if got := s.colours(); got != test.want {
			t.Errorf("%+v: got %d colours, want %d", test, got, test.want)
		}
	}
}

// The colours of docs/spec/envelope.md, and every class about as large as any other.
func TestColourOfPoint(t *testing.T) {
	e := wire.Envelope(wire.AppendEnvelopeHeader(nil, wire.EnvelopeHeader{Colours: 8, Nonce: [16]byte(counted(0xa0, 16))}))
	var point identity.Point
	copy(point[:], counted(0x10, 32))
	if got, want := colour(e, &point), uint8(specColour); got != want {
		t.Errorf("got colour %d of nonce %s and point %s, want %d", got, hex.EncodeToString(counted(0xa0, 16)), point, want)
	}
	var classes [8]int
	for i := range uint64(4000) {
		point := identity.Point(sha256.Sum256(binary.BigEndian.AppendUint64(nil, i)))
		classes[colour(e, &point)]++
	}
	for class, n := range classes {
		if n < 400 || n > 600 {
			t.Errorf("class %d has %d of 4000 peers, want about 500", class, n)
		}
	}
}

// specColour is what docs/spec/envelope.md says in its example.
const specColour = 3

// counted returns n bytes that count up from first.
func counted(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}
