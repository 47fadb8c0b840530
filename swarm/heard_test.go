package swarm

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/transport"
	"cicada/wire"
	"cicada/wire/wirepb"
)

// greet links the stranger to a peer and says who it is.
func (s *stranger) greet(t *testing.T, to *Peer) transport.Link {
	t.Helper()
	link := s.dial(t, to)
	say(t, link, wire.FrameHello, hello(t, s.key))
	return link
}

// say sends one frame over a stranger's link.
func say(t *testing.T, link transport.Link, kind wire.FrameKind, body []byte) {
	t.Helper()
	if err := link.Queue(kind, nil, body); err != nil {
		t.Fatal(err)
	}
	link.Flush()
}

// castTo returns a broadcast as it comes to a peer that is to pass it on to nobody.
func castTo(t *testing.T, to *Peer, origin identity.PrivateKey, id trace.MessageID) []byte {
	t.Helper()
	from := origin.ID()
	body, err := wire.MarshalBroadcastBody(&wirepb.BroadcastBody{
		Origin: from[:], Message: id[:], Time: uint64(time.Now().UnixNano()), Data: []byte("pay 100"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return control(t, &wirepb.Control{Body: &wirepb.Control_Broadcast{Broadcast: &wirepb.Broadcast{
		Body: body, Signature: origin.Sign(identity.PurposeBroadcast, body), Limit: to.point[:], Hops: 1,
	}}})
}

// received empties a peer's inbox and counts what is from one origin.
func (p *Peer) received(from identity.ID) (n int) {
	for {
		m, ok, _ := p.inbox.pop()
		if !ok {
			return n
		}
		if m.From == from {
			n++
		}
	}
}

// A neighbour brings a broadcast, then so many others by fresh keys that a peer
// cannot remember them all, then the first again: it is not delivered twice. Over
// another link, others are still heard.
func TestBroadcastAfterFloodIsNotDeliveredTwice(t *testing.T) {
	inWorld(t, lan, func(t *testing.T, w *world) {
		w.grow(3, classic())
		victim, honest := w.peers[0], w.peers[1]
		link := w.stranger(1).greet(t, victim)
		first := castTo(t, victim, honest.config.Key, trace.MessageID{77})
		say(t, link, wire.FrameControl, first)
		pass(100 * time.Millisecond)
		if got := victim.received(honest.id); got != 1 {
			t.Fatalf("delivered %d times at first, want once", got)
		}
		for i := range maxOrigins + 100 {
			key := identity.KeyFromSeed(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i))))
			say(t, link, wire.FrameControl, castTo(t, victim, key, trace.MessageID{byte(i), byte(i >> 8), 1}))
			if i%32 == 0 {
				pass(40 * time.Millisecond)
				victim.received(honest.id)
			}
		}
		pass(time.Second)
		say(t, link, wire.FrameControl, first)
		pass(100 * time.Millisecond)
		if got := victim.received(honest.id); got != 0 {
			t.Errorf("delivered %d times more after the flood", got)
		}
		if _, err := w.peers[2].Broadcast(t.Context(), []byte("well?")); err != nil {
			t.Error(err)
		}
		if got := victim.received(w.peers[2].id); got != 1 {
			t.Errorf("after the flood an honest broadcast was delivered %d times, want once", got)
		}
	})
}
