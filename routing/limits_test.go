package routing

import (
	"bytes"
	"testing"
	"time"

	"cicada/trace"
)

// Links that send broadcasts which nobody signed keep no true one out, and those
// that are at work leave a share for this peer's own.
func TestRejectedBroadcastsGiveWay(t *testing.T) {
	w := newWorld(t, 40, 12, classic, Config{RememberArrivals: 4 * time.Minute})
	origin, victim := w.peers[0], w.peers[5]
	flood := func(body []byte, signature []byte) {
		for k := range 30 {
			for i := range 100 {
				victim.core.BroadcastIn(w.now, throwaway(k), BroadcastMessage{
					Message: trace.MessageID{byte(i), byte(k)}, Body: body, Signature: signature, Limit: victim.contact.Point, Hops: 1,
				})
				victim.pump()
			}
		}
	}
	flood([]byte("rubbish"), []byte("x"))
	if got, most := len(victim.core.broadcasts), victim.core.config.MaxBroadcasts; got > most {
		t.Errorf("got %d broadcasts remembered, want at most %d", got, most)
	}
	message := origin.broadcast("hear this")
	w.run(10 * time.Second)
	if got := victim.casts[message]; got != 1 {
		t.Errorf("the victim got it %d times, want once", got)
	}
	if got := origin.results[message]; got != 11 {
		t.Errorf("got count %d, want 11", got)
	}
	body := append(bytes.Clone(origin.contact.ID[:]), "loud"...)
	flood(body, checksumOf(body)) // nobody but those who brought them may displace these
	message = victim.broadcast("and me")
	w.run(10 * time.Second)
	if got := victim.results[message]; got != 11 {
		t.Errorf("got count %d of an own one, want 11", got)
	}
}
