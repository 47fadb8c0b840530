package sim

import (
	"bytes"
	"hash/fnv"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// Runs with real seals repeat themselves, whatever is done to the swarm.
func TestRealSealsGiveTheSameTrace(t *testing.T) {
	config := Config{
		Peers: 50, Seed: 7, Seal: Noise, Sends: 200, Broadcasts: 2, Duplicates: 2, Session: 20 * time.Second, Leave: 0.5,
		Kill: 0.2, SendsAfterKill: 20, BroadcastsAfterKill: 1,
		Network: Network{Loss: 0.02, Duplicate: 0.02, Jitter: 10 * time.Millisecond}, IdealWithin: 10 * time.Minute, Steps: everyFault(),
	}
	first, second := simulate(t, config), simulate(t, config)
	for _, r := range []*Result{first, second} {
		r.EventsPerSecond, r.BytesPerPeer = 0, 0 // of the real machine
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("got\n%+v and\n%+v of the same seed", first, second)
	}
	config.Seal = StandIn
	if simulate(t, config).TraceHash == first.TraceHash {
		t.Error("peers that began anew asked for nothing again")
	}
}

// What is sealed is the same in each run, byte by byte: no clock and no dice are those
// of the machine.
func TestRealSealsAreMadeOfTheSeed(t *testing.T) {
	run := func(seed uint64) uint64 {
		w := perfect(Config{Peers: 20, Seed: seed, Seal: Noise})
		w.spread(50, 5*time.Second, w.sendMessage)
		w.spread(2, 5*time.Second, w.broadcast)
		Crash{Share: 0.3, Back: 2 * time.Second, Forget: true}.begin(w)
		sum := fnv.New64a()
		watched(w, 10*time.Second, func(p *parcel) {
			sum.Write(p.bytes)
			if p.sort == cast {
				sum.Write(p.cast.Signature)
			}
		})
		return sum.Sum64()
	}
	if first, second := run(1), run(1); first != second || first == run(2) {
		t.Errorf("got %x and %x of the same seed, or the same of another", first, second)
	}
}

// Where no line is narrow and nobody forgets, real seals change nothing but how many
// bytes go over the links: the same peers stand at the same places, and do the same at
// the same times.
func TestRealSealsChangeNoEvent(t *testing.T) {
	config := Config{Peers: 200, Seed: 3, Sends: 400, Lookups: 100, IDLookups: 100, Broadcasts: 2, Duplicates: 1,
		Ring: chord.Config{TableBudget: -1}, Kill: 0.1, SendsAfterKill: 20, Network: Network{Loss: 0.01}}
	config.Seal = Noise
	sealed := simulate(t, config)
	config.Seal = StandIn
	plain := simulate(t, config)
	if sealed.Traffic <= plain.Traffic {
		t.Errorf("got %.1f B/s with seals, and %.1f with what stands in for them", sealed.Traffic, plain.Traffic)
	}
	for _, r := range []*Result{sealed, plain} {
		r.EventsPerSecond, r.BytesPerPeer, r.Traffic, r.Seal = 0, 0, 0, ""
	}
	if !reflect.DeepEqual(sealed, plain) {
		t.Errorf("got\n%+v with seals, and\n%+v with what stands in for them", sealed, plain)
	}
}

// watched lets time pass, and shows each message that is about to arrive.
func watched(w *World, d time.Duration, see func(*parcel)) {
	for until := w.now + d; w.queue.next() <= until; w.step() {
		if e := w.queue.soon(1)[0]; e.slot > timer {
			see(w.parcels.at(e.slot))
		}
	}
}

// flip returns b with a bit changed somewhere.
func flip(b []byte, random *rand.Rand) []byte {
	b = bytes.Clone(b)
	b[random.IntN(len(b))] ^= 1 << random.IntN(8)
	return b
}

// A liar changes a bit of every envelope and every broadcast of others that it passes on.
type liar struct {
	*World
	random *rand.Rand
	lies   int
}

func (l *liar) see(p *parcel) {
	if p.from%4 != 0 { // the others are honest
		return
	}
	switch p.sort {
	case envelope:
		message := trace.MessageID(wire.Envelope(p.bytes).Message())
		if s := l.load.sends[message]; s == nil || s.from == p.from || s.to == p.from {
			return
		}
		p.bytes = flip(p.bytes, l.random)
	case cast, castGiven:
		if b := l.load.broadcasts[p.cast.Message]; b == nil || b.from == p.from {
			return
		}
		m := *p.cast
		switch l.random.IntN(3) {
		case 0:
			m.Body = flip(m.Body, l.random)
		case 1:
			m.Signature = flip(m.Signature, l.random)
		case 2:
			m.Message = trace.MessageID(flip(m.Message[:], l.random))
		}
		p.cast = &m
	default:
		return
	}
	l.lies++
}

// A quarter of all peers changes whatever it passes on. Nothing of that is delivered:
// what arrives is what its origin sent, where it was sent to.
func TestNothingIsDeliveredAltered(t *testing.T) {
	var told events
	w := perfect(Config{Peers: 80, Seed: 5, Seal: Noise, Ring: chord.Classic(), Trace: &told})
	l := &liar{World: w, random: rand.New(rand.NewPCG(1, 2))}
	sent := make(map[trace.MessageID]send)
	for range 20 {
		for range 10 {
			w.sendMessage()
		}
		w.broadcast()
		for id, s := range w.load.sends {
			sent[id] = *s
		}
		for id, b := range w.load.broadcasts {
			sent[id] = send{from: b.from, to: -1}
		}
		watched(w, 3*time.Second, l.see)
	}
	watched(w, time.Minute, l.see)
	wrong, delivered, refused := 0, map[trace.Kind]int{}, map[string]int{}
	for _, e := range told {
		switch e.Kind {
		case trace.Delivered, trace.BroadcastDelivered:
			delivered[e.Kind]++
			s, ok := sent[e.Message]
			if !ok || e.Other != w.nodes[s.from].contact.ID || s.to >= 0 && e.Peer != w.nodes[s.to].contact.ID {
				wrong++
			}
		case trace.Refused:
			refused[e.Reason[:strings.IndexByte(e.Reason, ':')]]++
		}
	}
	if wrong+w.watch.violations+w.load.messages.twice > 0 {
		t.Errorf("%d were delivered elsewhere, or as somebody else's; %d altered, %d twice", wrong, w.watch.violations, w.load.messages.twice)
	}
	if l.lies < 200 || refused["seal"] < 50 || refused["broadcast"] < 50 {
		t.Errorf("%d lies were told, and refused were %v", l.lies, refused)
	}
	if delivered[trace.Delivered] < 180 || delivered[trace.BroadcastDelivered] < 20*79*9/10 {
		t.Errorf("delivered were %v", delivered)
	}
}

// Sessions live as long as the memory of both ends. Who stood still, or was cut off, goes
// on under them; who began anew is sent everything once more, for it cannot know what
// it was sent before.
func TestSessionsSurviveACrashWithState(t *testing.T) {
	w := perfect(Config{Peers: 20, Seed: 1, Seal: Noise})
	const from, to = 3, 11
	exchange := func(what string, want ...wire.EnvelopeKind) {
		t.Helper()
		id := w.messageID()
		s := &send{from: from, to: to, began: w.now, of: &w.load.messages}
		w.load.sends[id] = s
		if err := w.post(from, to, id); err != nil {
			t.Fatal(err)
		}
		w.settle(from)
		var kinds []wire.EnvelopeKind
		watched(w, 10*time.Second, func(p *parcel) {
			if p.sort == envelope {
				kinds = append(kinds, wire.Envelope(p.bytes).Kind())
			}
		})
		if !slices.Equal(kinds, want) || !s.delivered || w.load.sends[id] != nil {
			t.Errorf("%s: got envelopes %v, delivered %v; want %v", what, kinds, s.delivered, want)
		}
	}
	exchange("the first message", wire.EnvelopeFirst, wire.EnvelopeAnswer)
	exchange("the second", wire.EnvelopeMessage, wire.EnvelopeReceipt)
	w.unlist(to, "away")
	watched(w, 20*time.Second, func(*parcel) {})
	w.wake(to)
	watched(w, 20*time.Second, func(*parcel) {})
	exchange("after a crash with state", wire.EnvelopeMessage, wire.EnvelopeReceipt)
	known := []*identity.Contact{w.nodes[0].contact}
	w.crash(to)
	watched(w, 20*time.Second, func(*parcel) {})
	w.restart(to, known)
	watched(w, 20*time.Second, func(*parcel) {})
	exchange("after one without", wire.EnvelopeMessage, wire.EnvelopeUnknown, wire.EnvelopeFirst, wire.EnvelopeAnswer,
		wire.EnvelopeMessage, wire.EnvelopeReceipt)
	exchange("and then", wire.EnvelopeMessage, wire.EnvelopeReceipt)
	if m := &w.load.messages; m.delivered != 5 || m.receipts != 5 || m.twice+m.failed > 0 {
		t.Errorf("got %+v", m)
	}
}

// A message that an earlier run of its target may have had is not sent again: the
// target is asked when it began, by a first message that is the shorter by the data.
func TestOutcomeUnknownAfterARestart(t *testing.T) {
	w := perfect(Config{Peers: 20, Seed: 1, Seal: Noise})
	const from, to = 3, 11
	var firsts []int // their sizes
	note := func(p *parcel) {
		if p.sort == envelope && wire.Envelope(p.bytes).Kind() == wire.EnvelopeFirst {
			firsts = append(firsts, len(p.bytes))
		}
	}
	id := w.messageID()
	_ = w.post(from, to, id)
	w.settle(from)
	watched(w, 5*time.Second, note)
	id = w.messageID()
	w.load.sends[id] = &send{from: from, to: to, began: w.now, of: &w.load.messages}
	_ = w.post(from, to, id)
	w.settle(from)
	known := []*identity.Contact{w.nodes[0].contact}
	watched(w, 5*time.Second, func(p *parcel) {
		note(p)
		if p.sort == envelope && w.nodes[to].lives == 1 {
			w.crash(to)
			w.at(w.now+50*time.Millisecond, func() { w.restart(to, known) })
		}
	})
	watched(w, 20*time.Second, func(*parcel) {})
	if m := &w.load.messages; m.delivered != 0 || m.failed != 1 || len(w.nodes[from].secret.letters) != 0 {
		t.Errorf("got %+v, and %d letters are kept", m, len(w.nodes[from].secret.letters))
	}
	shorter := func(size int) bool { return size == firsts[0]-len(id) }
	if len(firsts) < 2 || slices.ContainsFunc(firsts[1:], func(size int) bool { return !shorter(size) }) {
		t.Errorf("got first messages of %v bytes, want one, and then those without the data", firsts)
	}
}
