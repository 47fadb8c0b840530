package swarm

import (
	"bytes"
	"net/netip"
	"testing"

	"cicada/identity"
)

func testContact(t testing.TB) *identity.Contact {
	t.Helper()
	key := identity.KeyFromSeed([32]byte{1})
	r, err := identity.SignRecord(key, 7, []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:49610")})
	if err != nil {
		t.Fatal(err)
	}
	points, err := identity.NewPoints(identity.PointsConfig{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Verify(points)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestContentRoundTrip(t *testing.T) {
	sender := testContact(t)
	for _, c := range []struct {
		name   string
		copies int
		sender *identity.Contact
		data   string
	}{
		{"empty", 1, nil, ""},
		{"data", 1, nil, "hello!"},
		{"record", 1, sender, ""},
		{"all", 64, sender, "hello!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseContent(appendContent(nil, c.copies, c.sender, []byte(c.data)))
			if err != nil {
				t.Fatal(err)
			}
			if got.copies != c.copies || string(got.data) != c.data || (got.record != nil) != (c.sender != nil) {
				t.Errorf("got %+v, want %+v", got, c)
			}
			if c.sender != nil && !bytes.Equal(got.record.Signature, c.sender.Record.Signature) {
				t.Error("the record is another one")
			}
		})
	}
}

func TestReportRoundTrip(t *testing.T) {
	r := testContact(t).Record
	for _, want := range []report{
		{},
		{status: statusInboxFull, hops: 3, copies: 4, differing: 1},
		{status: statusDelivered, hops: 255, copies: 255, differing: 255, record: &r},
	} {
		got, err := parseReport(appendReport(nil, want))
		if err != nil {
			t.Fatal(err)
		}
		if (got.record == nil) != (want.record == nil) || got.record != nil && !bytes.Equal(got.record.Body, want.record.Body) {
			t.Errorf("got record %v, want %v", got.record, want.record)
		}
		got.record, want.record = nil, nil
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// Content cut short anywhere in its header or record is an error, not less content.
func TestContentCutShort(t *testing.T) {
	c := testContact(t)
	whole := appendContent(nil, 1, c, nil)
	for n := range len(whole) {
		if _, err := parseContent(whole[:n]); err == nil {
			t.Errorf("content of %d bytes, cut to %d: no error", len(whole), n)
		}
	}
	whole = appendReport(nil, report{record: &c.Record})
	for n := range len(whole) {
		if _, err := parseReport(whole[:n]); err == nil {
			t.Errorf("report of %d bytes, cut to %d: no error", len(whole), n)
		}
	}
}

func FuzzParseContent(f *testing.F) {
	c := testContact(f)
	f.Add(appendContent(nil, 3, c, []byte("hello!")))
	f.Add(appendReport(nil, report{hops: 2, record: &c.Record}))
	f.Add([]byte{1, 1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := parseContent(b); err == nil && len(c.data) > len(b) {
			t.Errorf("%d bytes of data in %d", len(c.data), len(b))
		}
		if r, err := parseReport(b); err == nil && r.record != nil && len(r.record.Signature) != signatureSize {
			t.Errorf("a signature of %d bytes", len(r.record.Signature))
		}
	})
}
