package swarm

import (
	"crypto/sha256"
	"net/netip"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/swarm/internal/codec"
	"cicada/trace"
	"cicada/wire"
)

// Records in answers that nobody asked for are not verified: that is what costs.
func TestUnaskedRecordsAreNotVerified(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(5, classic())
		victim := w.peers[0]
		s := w.stranger(1)
		link := s.dial(t, victim)
		if err := link.Queue(wire.FrameHello, nil, hello(t, s.key)); err != nil {
			t.Fatal(err)
		}
		points, err := identity.NewPoints(identity.PointsConfig{})
		if err != nil {
			t.Fatal(err)
		}
		var list []*identity.Contact
		for i := range byte(32) {
			r, err := identity.SignRecord(identity.KeyFromSeed(sha256.Sum256([]byte{i})), 1, []netip.AddrPort{netip.MustParseAddrPort("10.9.9.1:1")})
			if err != nil {
				t.Fatal(err)
			}
			c, err := r.Verify(points)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, c)
		}
		lists := &chord.Lists{Records: list}
		for i := range list {
			lists.Successors = append(lists.Successors, byte(i))
		}
		for _, m := range []chord.Message{
			{Kind: chord.State, Request: 1 << 40, Member: true, Lists: lists},
			{Kind: chord.Notified, Request: 1 << 40, Accepted: true, Predecessor: list[0]},
			{Kind: chord.Found, Lookup: trace.MessageID{1}, Peer: list[0], Predecessor: list[1], Successors: list[:3]},
			{Kind: chord.Leave, Successors: list, Predecessors: list},
		} {
			if err := link.Queue(wire.FrameControl, nil, control(t, codec.EncodeRing(m))); err != nil {
				t.Fatal(err)
			}
		}
		link.Flush()
		pass(time.Second)
		for i, c := range list {
			if victim.book.find(signature(c.Record.Signature)) != nil {
				t.Fatalf("record %d was verified", i)
			}
		}
		if _, closed := s.closedWith(); closed {
			t.Error("the link was closed")
		}
		reasons := 0
		for _, e := range w.records[0].Events() {
			if e.Kind == trace.Violation && e.Other == s.key.ID() {
				reasons++
			}
		}
		if reasons != 2 { // who answers a lookup was told by others whose it is; who leaves need not know who has it in its lists
			t.Errorf("got %d violations reported, want 2", reasons)
		}
	})
}
