package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"cicada/cmd/cicada/internal/lab"
	"cicada/identity"
	"cicada/routing/adversary"
	"cicada/swarm"
	"cicada/swarm/hostile"
	"cicada/trace"
)

const (
	attempts     = 24                      // messages with each number of copies
	ringPatience = 2500 * time.Millisecond // then a message takes a link of its own
)

// foes tells what became of messages while some peers were hostile.
type foes struct {
	Peers   int     `json:"peers"`
	Dropped int     `json:"dropped"` // envelopes of others
	Changed int     `json:"changed"`
	Altered int     `json:"altered"` // messages that arrived as something else
	Twice   int     `json:"twice"`   // messages that arrived again
	Tries   []tries `json:"tries"`
}

// tries are messages that were sent in the same way.
type tries struct {
	Copies     int   `json:"copies"`
	Sent       int   `json:"sent"`
	Arrived    int   `json:"arrived"`
	FirstRound int   `json:"first_round"` // with the copies that left first
	Direct     int   `json:"direct"`      // in the end over a link of their own
	P50        int64 `json:"p50_microseconds"`
	P99        int64 `json:"p99_microseconds"`
}

// String sums up tries in a few words.
func (t tries) String() string {
	return fmt.Sprintf("%s %d of %d messages", copies(t.Copies), t.FirstRound, t.Sent)
}

// turnSome has a quarter of the peers drop or change what they relay, and the others
// talk on.
func (d *demo) turnSome(ctx context.Context) error {
	peers := d.lab.Peers()
	n := len(peers) / 4
	if n == 0 {
		d.out.say("")
		d.out.say("   Fewer than four peers: a hostile one among them would have nothing to relay.")
		return nil
	}
	done := d.begin("hostile", "%d of %d peers turn hostile: they drop or change what they relay", n, len(peers))
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	bad, good := peers[:n], peers[n:]
	band := hostile.Turn(swarmPeers(bad), func(i int) adversary.Behaviour {
		if i%2 == 0 {
			return adversary.Drop{}
		}
		return adversary.Corrupt{}
	})
	defer band.Recall()
	f := foes{Peers: n}
	pairs := d.pairsOf(attempts, good)
	for _, extra := range []int{0, duplicates} {
		t, err := d.try(ctx, pairs, extra)
		if err != nil {
			return err
		}
		f.Tries = append(f.Tries, t)
		d.out.say("   %-9s %d of %d arrived, %d of them in the first round; half within %s, all within %s",
			copies(t.Copies)+":", t.Arrived, t.Sent, t.FirstRound, micros(t.P50), micros(t.P99))
		if t.Direct > 0 {
			d.out.say("             %d of them had no receipt after %v and took a direct link", t.Direct, ringPatience)
		}
	}
	f.Dropped, f.Changed = band.Dropped(), band.Changed()
	f.Altered, f.Twice = d.ledger.wrong()
	d.report.Hostile = &f
	d.out.record(hostileEvent{"hostile", f, idsOf(bad)})
	d.out.say("   They dropped %s and changed %d; %d messages were altered by that, %d came twice.  %s",
		plural(f.Dropped, "envelope"), f.Changed, f.Altered, f.Twice, seconds(done()))
	return nil
}

// pairsOf returns n pairs of these peers, first those that do not know each other.
func (d *demo) pairsOf(n int, peers []*lab.Peer) [][2]*lab.Peer {
	var pairs [][2]*lab.Peer
	for _, pair := range d.far {
		if slices.Contains(peers, pair[0]) && slices.Contains(peers, pair[1]) {
			pairs = append(pairs, pair)
		}
	}
	for i := 0; len(pairs) < n; i++ {
		a := i % len(peers)
		b := (a + 1 + i/len(peers)%(len(peers)-1)) % len(peers)
		pairs = append(pairs, [2]*lab.Peer{peers[a], peers[b]})
	}
	return pairs[:n]
}

// try sends between all pairs at once, and sums up.
func (d *demo) try(ctx context.Context, pairs [][2]*lab.Peer, extra int) (tries, error) {
	t := tries{Copies: extra + 1, Sent: len(pairs)}
	var under sync.WaitGroup
	var mu sync.Mutex // guards the variables below, and t
	var took []int64
	var failed error
	for _, pair := range pairs {
		under.Go(func() {
			began := time.Now()
			direct, first, err := d.sendPast(ctx, pair, extra)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				failed = err
				return
			case direct:
				t.Direct++
			case first:
				t.FirstRound++
			}
			t.Arrived++
			took = append(took, time.Since(began).Microseconds())
		})
	}
	under.Wait()
	if failed != nil {
		return t, failed
	}
	slices.Sort(took)
	t.P50, t.P99 = took[len(took)/2], took[len(took)*99/100]
	return t, nil
}

// meet has one peer look another up and dial it. Where that fails, so will sending.
func meet(ctx context.Context, pair [2]*lab.Peer) {
	contact, _, err := pair[0].Lookup(ctx, pair[1].ID())
	if err == nil && len(contact.Addresses) > 0 {
		_, _ = pair[0].Resolve(ctx, contact.Addresses[0].String())
	}
}

// sendPast sends one message across the ring and, where that brings no receipt, over a
// link of its own. It reports whether it came to that, and whether one round was enough.
func (d *demo) sendPast(ctx context.Context, pair [2]*lab.Peer, extra int) (direct, first bool, err error) {
	from, to := pair[0], pair[1]
	ring, cancel := context.WithTimeout(ctx, ringPatience)
	defer cancel()
	receipt, err := d.note(ring, pair, swarm.SendOptions{Duplicates: extra, Routed: true})
	if errors.Is(err, swarm.ErrNoAnswer) && ctx.Err() == nil {
		direct = true
		meet(ctx, pair)
		receipt, err = d.note(ctx, pair, swarm.SendOptions{})
	}
	event := sentEvent{
		Event: "sent", From: from.ID(), To: to.ID(), Delivered: err == nil, Hops: receipt.Hops, Copies: receipt.Copies,
		Differing: receipt.Differing, Paths: receipt.Paths, Path: string(receipt.Path), Microseconds: receipt.Elapsed.Microseconds(),
	}
	if err != nil {
		event.Error = err.Error()
		err = &codedError{max(exitCode(err), exitTimeout), fmt.Errorf("demo: from %s: %w", name(from.ID()), err)}
	}
	d.out.record(event)
	return direct, err == nil && d.rounds.of(receipt.ID) == 1, err
}

// note sends, and enters in the ledger what was sent. What has no receipt may have
// arrived all the same.
func (d *demo) note(ctx context.Context, pair [2]*lab.Peer, options swarm.SendOptions) (swarm.Receipt, error) {
	from, to := pair[0], pair[1]
	data := fmt.Appendf(nil, "message %d from %s to %s", d.ledger.next(), name(from.ID()), name(to.ID()))
	receipt, err := from.Send(ctx, to.ID(), data, options)
	if err == nil {
		d.ledger.expect(receipt.ID, from.ID(), data, to.ID())
	} else {
		d.ledger.allow(receipt.ID, from.ID(), data, to.ID())
	}
	return receipt, err
}

// rounds is a trace.Sink that counts how often messages left their origins anew.
type rounds struct {
	mu   sync.Mutex // guards the fields below
	left map[leaving]*departures
}

// A leaving is one copy of a message at its origin.
type leaving struct {
	message trace.MessageID
	copy    int
}

type departures struct {
	origin  identity.ID
	times   int
	another bool // the next one is only another first hop in the same round
}

var _ trace.Sink = (*rounds)(nil)

func newRounds() *rounds { return &rounds{left: make(map[leaving]*departures)} }

// Enabled reports that events are wanted.
func (r *rounds) Enabled() bool { return true }

// Emit takes in an event.
func (r *rounds) Emit(e trace.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := leaving{e.Message, e.Copy}
	x := r.left[key]
	switch {
	case x == nil && e.Kind == trace.CopySent && isMessage(&e):
		r.left[key] = &departures{origin: e.Peer, times: 1}
	case x == nil || x.origin != e.Peer: // what others do with it on the way
	case e.Kind == trace.CopySent:
		if !x.another {
			x.times++
		}
		x.another = false
	case e.Kind == trace.CopyRetried:
		x.another = true
	case e.Kind == trace.CopyDropped: // nobody is left in this round
		x.another = false
	}
}

// of returns in how many rounds a message was sent, and forgets it.
func (r *rounds) of(message trace.MessageID) (most int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, x := range r.left {
		if key.message == message {
			most = max(most, x.times)
			delete(r.left, key)
		}
	}
	return most
}

// sinks is a trace.Sink that passes on to others.
type sinks []trace.Sink

// Enabled reports that events are wanted.
func (sinks) Enabled() bool { return true }

// Emit takes in an event.
func (s sinks) Emit(e trace.Event) {
	for _, sink := range s {
		sink.Emit(e)
	}
}

func swarmPeers(peers []*lab.Peer) []*swarm.Peer {
	list := make([]*swarm.Peer, len(peers))
	for i, p := range peers {
		list[i] = p.Peer
	}
	return list
}

func idsOf(peers []*lab.Peer) []identity.ID {
	list := make([]identity.ID, len(peers))
	for i, p := range peers {
		list[i] = p.ID()
	}
	return list
}

func copies(n int) string {
	if n == 1 {
		return "1 copy"
	}
	return fmt.Sprintf("%d copies", n)
}

func micros(n int64) string { return millis(time.Duration(n) * time.Microsecond) }
