package swarm

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
	"cicada/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestInboxKeepsOrderAndBounds(t *testing.T) {
	b := newInbox(3, 10)
	for _, data := range []string{"one", "two", "3"} {
		if !b.put(Message{Data: []byte(data)}) {
			t.Fatalf("no room for %q", data)
		}
	}
	if b.put(Message{}) {
		t.Error("took a fourth of three messages")
	}
	for _, want := range []string{"one", "two"} {
		m, err := b.take(t.Context())
		if err != nil || string(m.Data) != want {
			t.Errorf("got %q, %v; want %q", m.Data, err, want)
		}
	}
	if b.put(Message{Data: make([]byte, 10)}) {
		t.Error("took 11 of 10 bytes")
	}
	if !b.put(Message{Data: make([]byte, 9)}) {
		t.Error("no room for the last byte")
	}
}

// All who wait are told when the peer closes, and what had arrived can still be taken.
func TestInboxClose(t *testing.T) {
	b := newInbox(10, 10)
	b.put(Message{Data: []byte("last")})
	b.close()
	if m, err := b.take(t.Context()); err != nil || string(m.Data) != "last" {
		t.Errorf("got %q, %v", m.Data, err)
	}
	errs := make(chan error)
	for range 3 {
		go func() {
			_, err := b.take(t.Context())
			errs <- err
		}()
	}
	for range 3 {
		if err := <-errs; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
	if b.put(Message{}) {
		t.Error("a closed inbox took a message")
	}
}

func TestInboxTakeEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newInbox(1, 1).take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// A broadcast is heard once; what an origin sent before all that is remembered
// of it is refused rather than heard again.
func TestHeardBroadcasts(t *testing.T) {
	var h heardBroadcasts
	link, origin, now := identity.ID{9}, identity.ID{1}, time.Now()
	name := func(i int) trace.MessageID { return trace.MessageID{byte(i), byte(i >> 8)} }
	for i := range 2 * maxHeard {
		if h.add(link, origin, name(i), now.Add(time.Duration(i)), now) != novel {
			t.Fatalf("broadcast %d is not new", i)
		}
	}
	for i := range 2 * maxHeard {
		if h.add(link, origin, name(i), now.Add(time.Duration(i)), now) != stale {
			t.Errorf("broadcast %d was heard again", i)
		}
	}
}

// Whoever sends a flood of broadcasts by ever new keys, dated as late as is
// allowed, silences only its own link, makes nobody forget what was heard, and
// is forgotten in its turn.
func TestFloodOfBroadcastsSilencesNobodyElse(t *testing.T) {
	var h heardBroadcasts
	now := time.Now()
	flooding, other := identity.ID{8}, identity.ID{9}
	before := trace.MessageID{7}
	h.add(flooding, identity.ID{1}, before, now, now)
	for i := range maxOrigins + 10 {
		for k := range 3 {
			h.add(flooding, identity.ID{2, byte(i), byte(i >> 8)}, trace.MessageID{byte(k), 1}, now.Add(broadcastAge+time.Duration(k)), now)
		}
	}
	if got := h.add(flooding, identity.ID{1}, before, now, now); got != stale {
		t.Errorf("what was heard before the flood: got %v, want stale", got)
	}
	if got := h.add(flooding, identity.ID{3}, trace.MessageID{1}, now, now); got != crowded {
		t.Errorf("one more over the flooded link: got %v, want crowded", got)
	}
	if got := h.add(other, identity.ID{3}, trace.MessageID{1}, now, now); got != novel {
		t.Errorf("over another link: got %v, want novel", got)
	}
	if len(h.origins) > maxOrigins/2+2 {
		t.Errorf("%d origins remembered, at most half of %d allowed for one link", len(h.origins), maxOrigins)
	}
	now = now.Add(2*broadcastAge + time.Second)
	if got := h.add(flooding, identity.ID{4}, trace.MessageID{1}, now, now); got != novel || len(h.origins) != 1 || len(h.links) != 1 {
		t.Errorf("minutes later: got %v, %d origins, %d links; want novel, one, one", got, len(h.origins), len(h.links))
	}
	set := now.Add(-3 * broadcastAge) // the clock is set back
	if got := h.add(other, identity.ID{1}, before, set.Add(broadcastAge), set); got != stale {
		t.Errorf("what was forgotten, by a clock that was set back: got %v, want stale", got)
	}
}

func TestBookVerifiesOnce(t *testing.T) {
	points, err := identity.NewPoints(identity.PointsConfig{})
	if err != nil {
		t.Fatal(err)
	}
	b := newBook(points)
	known := testContact(t)
	first, err := b.Verify(known.Record)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := b.Verify(known.Record); again != first {
		t.Error("the same record gave another contact")
	}
	forged := known.Record
	forged.Body = append([]byte(nil), forged.Body...)
	forged.Body[len(forged.Body)-1] ^= 1
	if _, err := b.Verify(forged); !errors.Is(err, identity.ErrRecord) {
		t.Errorf("another body under a known signature: %v, want ErrRecord", err)
	}
	if _, err := b.Verify(identity.Record{}); !errors.Is(err, identity.ErrRecord) {
		t.Errorf("an empty record: %v, want ErrRecord", err)
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ text, want, wrong string }{
		{text: "127.0.0.1:7000", want: "127.0.0.1:7000"},
		{text: "[::1]:7000", want: "[::1]:7000"},
		{text: "[::ffff:127.0.0.1]:7000", want: "127.0.0.1:7000"},
		{text: "127.0.0.1:0", wrong: `port "0"`},
		{text: "127.0.0.1", wrong: "want host:port"},
		{text: "127.0.0.1:70000", wrong: "70000"},
		{text: "127.0.0.1:http", wrong: "http"},
		{text: ":7000", wrong: "want host:port"},
	} {
		var got []netip.AddrPort
		d, err := parseDialling(c.text)
		if err == nil {
			got, err = d.addresses(t.Context(), nil)
		}
		switch {
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%s: got %v, want an error with %q", c.text, err, c.wrong)
		case c.wrong == "" && (err != nil || len(got) != 1 || got[0].String() != c.want):
			t.Errorf("%s: got %v, %v; want %s", c.text, got, err, c.want)
		}
	}
}

func TestAdvertised(t *testing.T) {
	bound := netip.MustParseAddrPort("192.0.2.1:7000")
	if got, err := advertised(bound); err != nil || len(got) != 1 || got[0] != bound {
		t.Errorf("got %v, %v; want %v", got, err, bound)
	}
	got, err := advertised(netip.MustParseAddrPort("0.0.0.0:7000"))
	if err != nil || len(got) == 0 {
		t.Fatalf("got %v, %v; want the machine's addresses", got, err)
	}
	for _, a := range got {
		if !a.Addr().Is4() || a.Port() != 7000 || a.Addr().IsUnspecified() {
			t.Errorf("%v cannot be dialled at an IPv4 listener", a)
		}
	}
}

// Listening where it cannot be says what and where.
func TestListenErrors(t *testing.T) {
	first := listen(t, Config{Address: "127.0.0.1:0"})
	for _, c := range []struct {
		name   string
		config Config
		want   string
	}{
		{"port in use", Config{Address: first.Address().String()}, first.Address().String()},
		{"no port", Config{Address: "127.0.0.1"}, "127.0.0.1"},
		{"port too large", Config{Address: "127.0.0.1:99999"}, "99999"},
		{"negative limit", Config{InboxBytes: -1}, "Config.InboxBytes is negative"},
		{"negative limit of links", Config{Links: transport.Limits{MaxDials: -1}}, "Config.Links.MaxDials is negative"},
		{"ring", Config{Ring: chord.Config{Successors: -1}}, "Config.Ring"},
		{"no address to advertise", Config{Address: "127.0.0.1:0", Advertise: []netip.AddrPort{first.Address(), {}}}, "Config.Advertise[1]"},
		{"no port to advertise", Config{Address: "127.0.0.1:0", Advertise: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:0")}}, "192.0.2.1:0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Listen(t.Context(), c.config)
			if err == nil {
				p.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q does not name %q", err, c.want)
			}
		})
	}
}
