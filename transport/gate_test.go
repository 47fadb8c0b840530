package transport

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// visit returns a visitor from that address.
func visit(address string, since time.Time) *visitor {
	remote := netip.MustParseAddr(address)
	return &visitor{remote: netip.AddrPortFrom(remote, 1), site: siteOf(remote), since: since}
}

func TestGateLetsFurtherOnesWait(t *testing.T) {
	g := gate{limit: 2}
	start := time.Unix(0, 0)
	var came []*visitor
	for range 5 {
		v := visit("192.0.2.1", start)
		came = append(came, v)
		enter, drop := g.arrive(v)
		if inside := len(came) <= 2; inside != (len(enter) == 1) || len(drop) != 0 {
			t.Errorf("visitor %d: got %d let in, %d closed, want in: %v", len(came), len(enter), len(drop), inside)
		}
	}
	for i := range 3 {
		enter, drop := g.leave(came[i], start, time.Second)
		if len(enter) != 1 || enter[0] != came[i+2] || len(drop) != 0 {
			t.Errorf("after %d left: got %v let in, %v closed, want the one that came next", i+1, enter, drop)
		}
	}
}

func TestGateClosesOldestOfWhoHoldsMost(t *testing.T) {
	g := gate{limit: 4}
	start := time.Unix(0, 0)
	many := []*visitor{visit("2001:db8::1", start), visit("2001:db8::2", start), visit("2001:db8::3", start)}
	other := visit("192.0.2.1", start)
	for _, v := range append(slices.Clone(many), other) {
		g.arrive(v)
	}
	newcomer := visit("192.0.2.2", start)
	enter, drop := g.arrive(newcomer)
	if !slices.Equal(enter, []*visitor{newcomer}) || !slices.Equal(drop, many[:1]) {
		t.Errorf("got %v in, %v closed, want the newcomer in for the oldest of the /64", enter, drop)
	}
	// Now nobody holds much more than a second newcomer of that site would.
	enter, drop = g.arrive(visit("192.0.2.2", start))
	if len(enter)+len(drop) != 0 {
		t.Errorf("got %d in, %d closed, want it to wait", len(enter), len(drop))
	}
}

func TestGateServesWhoHoldsFewest(t *testing.T) {
	g := gate{limit: 2}
	start := time.Unix(0, 0)
	a := visit("192.0.2.1", start)
	g.arrive(a)
	g.arrive(visit("192.0.2.1", start))
	g.arrive(visit("192.0.2.1", start)) // waits first
	b := visit("192.0.2.9", start)
	if enter, drop := g.arrive(b); len(enter) != 1 || len(drop) != 1 || drop[0] != a {
		t.Fatalf("got %v in, %v closed, want b in place of a", enter, drop)
	}
	c := visit("192.0.2.7", start)
	if enter, _ := g.arrive(c); len(enter) != 0 {
		t.Fatal("got it in, want it to wait: each site holds one")
	}
	if enter, _ := g.leave(b, start, time.Second); !slices.Equal(enter, []*visitor{c}) {
		t.Errorf("got %v, want the one whose site holds nothing", enter)
	}
}

func TestGateBoundsWhoWaits(t *testing.T) {
	g := gate{limit: 1}
	start := time.Unix(0, 0)
	first := visit("192.0.2.1", start)
	g.arrive(first)
	dropped := 0
	for range maxLobby + 10 {
		_, drop := g.arrive(visit("192.0.2.1", start))
		dropped += len(drop)
	}
	if dropped != 10 || len(g.lobby) != maxLobby {
		t.Errorf("got %d closed and %d waiting, want 10 and %d", dropped, len(g.lobby), maxLobby)
	}
	late := visit("192.0.2.1", start.Add(6*time.Second))
	g.arrive(late)
	enter, drop := g.leave(first, start.Add(6*time.Second), 5*time.Second)
	if !slices.Equal(enter, []*visitor{late}) || len(drop) != maxLobby-1 {
		t.Errorf("got %d in, %d closed, want the only one that did not wait too long", len(enter), len(drop))
	}
	if got := g.shut(); !slices.Equal(got, []*visitor{late}) {
		t.Errorf("got %v to close, want who is inside", got)
	}
	v := visit("192.0.2.1", start)
	if enter, drop := g.arrive(v); len(enter) != 0 || !slices.Equal(drop, []*visitor{v}) {
		t.Errorf("after shut: got %v in, %v closed, want it closed", enter, drop)
	}
}
