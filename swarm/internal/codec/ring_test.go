package codec

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
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

func (v verifier) Hint(id identity.ID, claimed identity.Point, addresses []netip.AddrPort) (*identity.Contact, error) {
	return v.points.Hint(id, claimed, addresses)
}

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

// hinted returns c as one of which nothing is proven.
func hinted(c *identity.Contact) *identity.Contact {
	return &identity.Contact{ID: c.ID, Point: c.Point, Addresses: c.Addresses}
}

// messages returns one message of each kind, every field that it uses set.
func messages(t testing.TB, v Verifier) []chord.Message {
	a, b, c := contact(t, v, 1), contact(t, v, 2), contact(t, v, 3)
	id, key, trail := trace.MessageID{1, 2, 3}, identity.Point{4, 5, 6}, []identity.ID{a.ID, b.ID}
	return []chord.Message{
		{Kind: chord.Ping, Request: 1, Version: 5},
		{Kind: chord.Pong, Request: 1, Member: true, Version: 5},
		{Kind: chord.Ask, Request: 2, Version: 9, Sides: chord.Before, Known: []identity.Fingerprint{a.Fingerprint, {1, 7: 2}}},
		{Kind: chord.State, Request: 2, Busy: true, Member: true, Small: true, Version: 8, Unchanged: true, Stay: 3600, Base: 6,
			Lists: &chord.Lists{Records: []*identity.Contact{b, c}, Predecessor: []byte{128}, Successors: []byte{0, 1}, Predecessors: []byte{128, 191, 1}}},
		{Kind: chord.State, Request: 3, Member: true, Lists: &chord.Lists{Successors: []byte{255}}},
		{Kind: chord.Notify, Request: 3, Version: 5, Wide: true},
		{Kind: chord.Notified, Request: 3, Accepted: true, Predecessor: a},
		{Kind: chord.Lookup, Request: 4, Lookup: id, Key: key, Hops: 3, Trail: trail},
		{Kind: chord.LookupTaken, Request: 4, Lookup: id},
		{Kind: chord.Found, Lookup: id, Key: key, Hops: 3, Trail: trail, Peer: a},
		{Kind: chord.LookupStuck, Lookup: id, Key: key, Trail: trail},
		{Kind: chord.Suspect, Silent: c.ID, Call: true},
		{Kind: chord.Leave, Successors: []*identity.Contact{a}, Predecessors: []*identity.Contact{b, c}},
		{Kind: chord.Query, Request: 4, Key: identity.Point{9, 8}, Count: 4, Length: 1 << 63, Table: true, Behind: true, Prints: []uint32{1, 1 << 31}, Wide: true, Sum: 1 << 62},
		{Kind: chord.Peers, Request: 4, Member: true, Exact: true, Owns: true, Order: []byte{128, 0, 1}, Hints: []*identity.Contact{hinted(a), hinted(b)}},
		{Kind: chord.Peers, Request: 5, Member: true, Wide: true, Busy: true, Hints: []*identity.Contact{hinted(a)}, Others: []*identity.Contact{hinted(b)}},
		{Kind: chord.Changes, Request: 6, Hints: []*identity.Contact{hinted(a)}, Others: []*identity.Contact{hinted(b), hinted(c)},
			Left: []uint64{7, 1 << 63}, Limits: []uint32{1, 2, 3, 1 << 31, 5}},
		{Kind: chord.Changes, Request: 7, Left: []uint64{7, 8}, Limits: []uint32{9}},
		{Kind: chord.ChangesTaken, Request: 7, Wide: true, Accepted: true},
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
	for k := chord.Ping; k <= chord.ChangesTaken; k++ {
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

// A counter counts the records that it verifies.
type counter struct {
	Verifier
	records int
}

func (c *counter) Verify(r identity.Record) (*identity.Contact, error) {
	c.records++
	return c.Verifier.Verify(r)
}

// Places that mean nothing close the link, before any record is verified.
func TestPlacesThatMeanNothingAreRefused(t *testing.T) {
	v := newVerifier(t)
	for name, lists := range map[string]chord.Lists{
		"a record that is not there":    {Predecessor: []byte{1}},
		"the same record twice":         {Successors: []byte{0, 0}},
		"the same known record twice":   {Predecessors: []byte{128, 0, 128}},
		"a place just below the known":  {Successors: []byte{127}},
		"more records than are allowed": {Records: slices.Repeat([]*identity.Contact{contact(t, v, 1)}, 64)},
	} {
		lists.Records = append(lists.Records, contact(t, v, 1))
		count := &counter{Verifier: v}
		_, err := DecodeRing(EncodeRing(chord.Message{Kind: chord.State, Request: 1, Member: true, Lists: &lists}), count)
		var broken *wire.Error
		if !errors.As(err, &broken) || broken.Code != wire.CodeProtocol || count.records > 0 {
			t.Errorf("%s: got %v after %d records, want code %d before any", name, err, count.records, wire.CodeProtocol)
		}
	}
}

// What one peer tells another in differences is what it would have told whole,
// and no record that is known is verified.
func TestDifferencesTellTheSame(t *testing.T) {
	v := newVerifier(t)
	a, b, c := contact(t, v, 1), contact(t, v, 2), contact(t, v, 3)
	body, err := wire.MarshalControl(EncodeRing(chord.Message{Kind: chord.Ask, Request: 1, Known: []identity.Fingerprint{a.Fingerprint, c.Fingerprint}}))
	if err != nil {
		t.Fatal(err)
	}
	control, err := wire.UnmarshalControl(body)
	if err != nil {
		t.Fatal(err)
	}
	ask, err := DecodeRing(control, v)
	if err != nil {
		t.Fatal(err)
	}
	count := &counter{Verifier: v}
	lists := chord.NewLists(ask.Known, a, []*identity.Contact{c, b}, []*identity.Contact{a, b})
	got, err := DecodeRing(EncodeRing(chord.Message{Kind: chord.State, Request: 1, Member: true, Lists: lists}), count)
	if err != nil || count.records != 1 {
		t.Fatalf("got %v, %d records verified, want 1", err, count.records)
	}
	want := &chord.Lists{Records: []*identity.Contact{b}, Predecessor: []byte{128}, Successors: []byte{129, 0}, Predecessors: []byte{128, 0}}
	if !reflect.DeepEqual(got.Lists, want) {
		t.Errorf("got %+v, want %+v", got.Lists, want)
	}
}

// Limits that belong to no change close the link, before any hint is read.
func TestLimitsOfNothingAreRefused(t *testing.T) {
	for name, m := range map[string]chord.Message{
		"no limit":             {Left: []uint64{1}},
		"no change":            {Limits: []uint32{1}},
		"a limit too many":     {Left: []uint64{1, 2}, Limits: []uint32{1, 2, 3}},
		"two limits for three": {Left: []uint64{1, 2, 3}, Limits: []uint32{1, 2}},
	} {
		m.Kind = chord.Changes
		_, err := DecodeRing(EncodeRing(m), newVerifier(t))
		var broken *wire.Error
		if !errors.As(err, &broken) || broken.Code != wire.CodeProtocol {
			t.Errorf("%s: got %v, want code %d", name, err, wire.CodeProtocol)
		}
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
