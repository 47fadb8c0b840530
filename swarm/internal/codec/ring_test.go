package codec

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
	"cicada/wire/wirepb"
)

// A verifier verifies, without remembering.
type verifier struct{ points *identity.Points }

func (v verifier) Verify(r identity.Record) (*identity.Contact, error) { return r.Verify(v.points) }

func newVerifier(t testing.TB) verifier {
	t.Helper()
	points, err := identity.NewPoints(identity.PointsConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return verifier{points}
}

func contact(t testing.TB, v Verifier, number byte) *identity.Contact {
	t.Helper()
	r, err := identity.SignRecord(identity.KeyFromSeed([32]byte{number}), uint64(number),
		[]netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, number}), 7000)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Verify(r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// messages returns one message of each kind, every field that it uses set.
func messages(t testing.TB, v Verifier) []chord.Message {
	a, b, c := contact(t, v, 1), contact(t, v, 2), contact(t, v, 3)
	id, key, trail := trace.MessageID{1, 2, 3}, identity.Point{4, 5, 6}, []identity.ID{a.ID, b.ID}
	return []chord.Message{
		{Kind: chord.Ping, Request: 1, Version: 5},
		{Kind: chord.Pong, Request: 1, Member: true, Version: 5},
		{Kind: chord.Ask, Request: 2, Version: 9},
		{Kind: chord.State, Request: 2, Busy: true, Member: true, Small: true, Version: 8, Unchanged: true,
			Predecessor: a, Successors: []*identity.Contact{b, c}, Predecessors: []*identity.Contact{a}},
		{Kind: chord.Notify, Request: 3, Version: 5},
		{Kind: chord.Notified, Request: 3, Accepted: true, Predecessor: a},
		{Kind: chord.Lookup, Request: 4, Lookup: id, Key: key, Hops: 3, Trail: trail, Join: true},
		{Kind: chord.LookupTaken, Request: 4, Lookup: id},
		{Kind: chord.Found, Lookup: id, Key: key, Hops: 3, Trail: trail, Peer: a, Predecessor: b, Successors: []*identity.Contact{c}},
		{Kind: chord.LookupStuck, Lookup: id, Key: key, Trail: trail},
		{Kind: chord.Suspect, Peer: c},
		{Kind: chord.Leave, Successors: []*identity.Contact{a}, Predecessors: []*identity.Contact{b, c}},
	}
}

// Every kind of message survives the wire with every field it uses.
func TestRoundTrip(t *testing.T) {
	v := newVerifier(t)
	seen := make(map[chord.Kind]bool)
	for _, want := range messages(t, v) {
		seen[want.Kind] = true
		body, err := wire.MarshalControl(EncodeRing(want))
		if err != nil {
			t.Errorf("%v: %v", want.Kind, err)
			continue
		}
		control, err := wire.UnmarshalControl(body)
		if err != nil {
			t.Errorf("%v: %v", want.Kind, err)
			continue
		}
		got, err := DecodeRing(control, v)
		if err != nil {
			t.Errorf("%v: %v", want.Kind, err)
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v:\n got %+v\nwant %+v", want.Kind, got, want)
		}
	}
	for k := chord.Ping; k <= chord.Leave; k++ {
		if !seen[k] {
			t.Errorf("no test of %v", k)
		}
	}
}

func TestForgedRecordIsNamed(t *testing.T) {
	v := newVerifier(t)
	c := EncodeRing(chord.Message{Kind: chord.Leave, Successors: []*identity.Contact{contact(t, v, 1)}})
	c.GetLeave().Successors[0].Signature[3] ^= 1
	if _, err := DecodeRing(c, v); !errors.Is(err, identity.ErrRecord) {
		t.Errorf("got %v, want ErrRecord", err)
	}
}

func TestOtherLayersAreNotRing(t *testing.T) {
	v := newVerifier(t)
	c := &wirepb.Control{Body: &wirepb.Control_BroadcastTaken{BroadcastTaken: &wirepb.BroadcastTaken{}}}
	if _, err := DecodeRing(c, v); !errors.Is(err, ErrNotRing) {
		t.Errorf("got %v, want ErrNotRing", err)
	}
}

// Whatever the wire lets through is decoded or refused; what is decoded comes out the same again.
func FuzzDecodeRing(f *testing.F) {
	v := newVerifier(f)
	for _, m := range messages(f, v) {
		body, err := wire.MarshalControl(EncodeRing(m))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		control, err := wire.UnmarshalControl(body)
		if err != nil {
			return
		}
		m, err := DecodeRing(control, v)
		if err != nil {
			return
		}
		again, err := DecodeRing(EncodeRing(m), v)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("once %+v\nagain %+v, %v", m, again, err)
		}
	})
}
