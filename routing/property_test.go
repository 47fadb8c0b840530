package routing

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cicada/identity"
	"cicada/trace"
)

// Whatever the ring, the links and the dead: nothing is delivered twice or
// elsewhere, no receipt comes without delivery, and every step but those on the
// way back is strictly nearer to its target.
func TestEverySendIsHonest(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := rapid.SampledFrom([]shape{full, classic, {2, 4}, wide}).Draw(r, "shape")
		w := newWorld(t, rapid.Uint64Range(0, 1<<20).Draw(r, "seed"), rapid.IntRange(2, 40).Draw(r, "peers"), s, Config{})
		w.loss = rapid.Float64Range(0, 0.3).Draw(r, "loss")
		w.duplicate = rapid.Float64Range(0, 0.5).Draw(r, "duplicate")
		w.jitter = time.Duration(rapid.IntRange(0, 300).Draw(r, "jitter")) * time.Millisecond
		if len(w.peers) > 4 {
			w.kill(rapid.Float64Range(0, 0.4).Draw(r, "dead"))
		}
		type sent struct {
			from, to *peer
			message  trace.MessageID
		}
		var all []sent
		for range rapid.IntRange(1, 10).Draw(r, "sends") {
			from, to := w.pair()
			message, _ := from.send(to, "dup", Sending{Duplicates: rapid.IntRange(0, 4).Draw(r, "duplicates"), Routed: true})
			all = append(all, sent{from, to, message})
			w.run(30 * time.Millisecond)
		}
		w.run(30 * time.Second)
		for _, x := range all {
			deliveries := w.delivered(x.message)
			_, answered := x.from.receipts[x.message]
			err := x.from.failures[x.message]
			switch {
			case len(deliveries) > 1:
				r.Errorf("delivered %d times", len(deliveries))
			case answered && len(deliveries) == 0:
				r.Error("a receipt for what was not delivered")
			case answered == (err != nil):
				r.Errorf("receipt %v and failure %v, want one of them", answered, err)
			case len(deliveries) == 1 && x.to.delivered == nil:
				r.Error("delivered elsewhere")
			}
		}
		w.nearer(r)
	})
}

// nearer checks that the steps of messages strictly near their target.
func (w *world) nearer(r *rapid.T) {
	for _, e := range w.events {
		if e.Kind != trace.CopySent && e.Kind != trace.CopyForwarded || e.Name != "message" {
			continue
		}
		before, after := apart(w.byID[e.Peer].contact.Point, e.Key), apart(w.byID[e.Other].contact.Point, e.Key)
		if bytes.Compare(after[:], before[:]) >= 0 {
			r.Fatalf("%s handed a copy to %s, which is no nearer", e.Peer.Short(), e.Other.Short())
		}
	}
}

// Whoever knows whom: as long as each peer knows its successor, a broadcast
// reaches all, with one message each.
func TestEveryBroadcastIsComplete(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 50).Draw(r, "peers")
		w := newWorld(t, rapid.Uint64Range(0, 1<<20).Draw(r, "seed"), n, full, Config{})
		share := rapid.Float64Range(0, 1).Draw(r, "known")
		for _, p := range w.peers {
			first := true
			p.ring.table = slices.DeleteFunc(p.ring.table, func(*identity.Contact) bool {
				keep := first || w.random.Float64() < share
				first = false
				return !keep
			})
		}
		origin := w.peers[w.random.IntN(n)]
		message := origin.broadcast("x")
		w.run(20 * time.Second)
		if got, ok := origin.results[message]; !ok || got != uint64(n-1) || w.casts != n-1 {
			r.Errorf("got %d reached (%v) by %d messages, want %d", got, ok, w.casts, n-1)
		}
		w.partition(message, origin)
	})
}

// The heap of timers against a list that is searched.
func TestTimersFireInOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var fast timers
		plain := make(map[*timer]bool)
		all := make([]timer, 20)
		for range rapid.IntRange(1, 200).Draw(r, "steps") {
			x := &all[rapid.IntRange(0, len(all)-1).Draw(r, "timer")]
			switch rapid.IntRange(0, 3).Draw(r, "step") {
			case 0:
				fast.clear(x)
				delete(plain, x)
			case 1:
				var want *timer
				for y := range plain {
					if y.at <= 50 && (want == nil || y.at < want.at || y.at == want.at && y.order < want.order) {
						want = y
					}
				}
				if got := fast.due(50); got != want {
					r.Fatalf("got %v, want %v", got, want)
				}
				delete(plain, want)
			default:
				fast.set(x, time.Duration(rapid.IntRange(0, 100).Draw(r, "at")))
				plain[x] = true
			}
			if len(fast.heap) != len(plain) {
				r.Fatalf("got %d timers, want %d", len(fast.heap), len(plain))
			}
		}
	})
}

// The table of entries against a map.
func TestTableFindsEntries(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	fast := table{secret: random.Uint64()}
	plain := make(map[key][]*entry)
	for range 20_000 {
		k := key{trace.MessageID{byte(random.IntN(256)), 8: byte(random.IntN(4))}, uint8(random.IntN(2))}
		if random.IntN(3) > 0 {
			x := &entry{key: k}
			fast.add(x)
			plain[k] = append(plain[k], x)
		} else if have := plain[k]; len(have) > 0 {
			fast.remove(have[0])
			plain[k] = have[1:]
		}
		got := 0
		for x := fast.first(k); x != nil; x = x.following() {
			if !slices.Contains(plain[k], x) {
				t.Fatal("found an entry that is not there")
			}
			got++
		}
		if got != len(plain[k]) {
			t.Fatalf("got %d entries, want %d", got, len(plain[k]))
		}
	}
}

// Any changed byte of what was sealed, and no other field, changes the digest.
func TestDigest(t *testing.T) {
	d := newDigester(rand.New(rand.NewPCG(1, 1)))
	e := append(newPath(t, 100).envelope(), 7)
	sealed := d.sealed(e, e.Payload())
	for i := range e {
		e[i] ^= 0x10
		bound := i == 3 || 8 <= i && i < 32 || i >= 48
		if changed := d.sealed(e, e.Payload()) != sealed; changed != bound {
			t.Errorf("byte %d: digest changed %v, want %v", i, changed, bound)
		}
		e[i] ^= 0x10
	}
	for n := range 70 {
		a, b := d.bytes(1, make([]byte, n)), d.bytes(1, make([]byte, n+1))
		if a == b {
			t.Errorf("%d and %d zero bytes have the same digest", n, n+1)
		}
	}
	if d.round(sealed, e) == d.round(sealed, append(make([]byte, 32), bytes.Repeat([]byte{1}, 16)...)) {
		t.Error("another nonce gives the same digest")
	}
	if other := newDigester(rand.New(rand.NewPCG(1, 2))); other.sealed(e, e.Payload()) == sealed {
		t.Error("another key gives the same digest")
	}
}
