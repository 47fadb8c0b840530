package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cicada/cmd/cicada/internal/lab"
	"cicada/identity"
	"cicada/swarm"
)

const (
	fewMessages = 6
	fewCopies   = 3
	duplicates  = 3

	tracePatience = time.Second // for copies that come behind the receipt
)

// send sends one message, tells what became of it, and enters it in the ledger.
func (d *demo) send(ctx context.Context, from, to *lab.Peer, options swarm.SendOptions) (swarm.Receipt, []path, error) {
	data := fmt.Appendf(nil, "message %d from %s to %s", d.ledger.next(), name(from.ID()), name(to.ID()))
	receipt, err := from.Send(ctx, to.ID(), data, options)
	var taken []path
	if err == nil {
		d.ledger.expect(receipt.ID, from.ID(), data, to.ID())
		tracing, cancel := context.WithTimeout(ctx, tracePatience)
		taken = d.paths.of(tracing, receipt.ID, from.ID(), to.ID(), receipt.Paths)
		cancel()
		for _, p := range taken {
			d.report.LongestPath = max(d.report.LongestPath, len(p)-1)
		}
		d.report.LongestPath = max(d.report.LongestPath, receipt.Hops)
	}
	event := sentEvent{
		Event: "sent", From: from.ID(), To: to.ID(), Delivered: err == nil, Hops: receipt.Hops, Copies: receipt.Copies,
		Differing: receipt.Differing, Paths: receipt.Paths, Path: string(receipt.Path),
		Microseconds: receipt.Elapsed.Microseconds(), Trails: taken,
	}
	if err != nil {
		event.Error = err.Error()
		err = &codedError{max(exitCode(err), exitTimeout), fmt.Errorf("demo: from %s: %w", name(from.ID()), err)}
	}
	d.out.record(event)
	return receipt, taken, err
}

func (d *demo) sendMessages(ctx context.Context) error {
	done := d.begin("send", "Messages, by key and not by address")
	d.out.say("   over the ring       then as it likes    the way over the ring")
	for _, pair := range d.pairs(fewMessages, d.far) {
		first, taken, err := d.send(ctx, pair[0], pair[1], swarm.SendOptions{Routed: true})
		if err != nil {
			return err
		}
		again, _, err := d.send(ctx, pair[0], pair[1], swarm.SendOptions{})
		if err != nil {
			return err
		}
		d.out.say("   %-7s %8s    %-7s %8s    %s", plural(first.Hops, "hop"), millis(first.Elapsed),
			plural(again.Hops, "hop"), millis(again.Elapsed), trail(taken, first, pair))
	}
	d.out.say("   A receipt teaches its sender the direct way: left alone, the next message takes that.  %s", seconds(done()))
	return nil
}

// trail shows the first path, or as much as is known of it.
func trail(taken []path, r swarm.Receipt, pair [2]*lab.Peer) string {
	for _, p := range taken {
		if len(p)-1 == r.Hops {
			return p.String()
		}
	}
	return path{pair[0].ID(), pair[1].ID()}.String()
}

func (d *demo) sendCopies(ctx context.Context) error {
	done := d.begin("copies", "The same with %d duplicates: each copy leaves another way", duplicates)
	for _, pair := range d.pairs(fewCopies, d.far[min(fewMessages, len(d.far)):]) {
		receipt, taken, err := d.send(ctx, pair[0], pair[1], swarm.SendOptions{Duplicates: duplicates})
		if err != nil {
			return err
		}
		d.out.say("   %s > %s: %s sent, %d arrived, %d differed, %s", name(pair[0].ID()), name(pair[1].ID()),
			plural(receipt.Paths, "path"), receipt.Copies, receipt.Differing, millis(receipt.Elapsed))
		for i, p := range taken {
			d.out.say("      copy %d  %s", i+1, p)
		}
	}
	d.out.say("   The program at the target got each message once.  %s", seconds(done()))
	return nil
}

func (d *demo) broadcastToAll(ctx context.Context) error {
	done := d.begin("broadcast", "A broadcast")
	defer done()
	return d.broadcast(ctx)
}

// broadcast has any peer send to all others. The count of those who acknowledged
// may be low where peers died meanwhile; whether all have it, the ledger knows.
func (d *demo) broadcast(ctx context.Context) error {
	peers := d.lab.Peers()
	from := peers[rand.IntN(len(peers))]
	data := fmt.Appendf(nil, "message %d from %s to all", d.ledger.next(), name(from.ID()))
	casts := func() (n uint64) {
		for _, p := range peers {
			n += p.Status().Counters.Broadcasts
		}
		return n
	}
	before, started := casts(), time.Now()
	reached, err := from.Broadcast(ctx, data)
	elapsed := time.Since(started)
	messages := int(casts() - before)
	event := broadcastEvent{
		Event: "broadcast", From: from.ID(), Reached: reached.Peers, Messages: messages, Microseconds: elapsed.Microseconds(),
	}
	if err != nil {
		event.Error = err.Error()
	}
	d.out.record(event)
	if err != nil {
		return &codedError{max(exitCode(err), exitTimeout), fmt.Errorf("demo: broadcast from %s: %w", name(from.ID()), err)}
	}
	for _, p := range peers {
		if p != from {
			d.ledger.expect(reached.ID, from.ID(), data, p.ID())
		}
	}
	d.out.say("   %s sent to all: %d of %s acknowledged within %s, %s in all. The broadcast is signed by its origin.",
		name(from.ID()), reached.Peers, plural(len(peers)-1, "other"), millis(elapsed), plural(messages, "message"))
	return nil
}

// killSome ends a quarter of the peers, talks on, and waits until the ring has healed.
func (d *demo) killSome(ctx context.Context) error {
	victims := d.victims()
	if len(victims) == 0 {
		d.out.say("")
		d.out.say("   Two peers: if one died, the other would have nobody to heal a ring with. Try --peers 12.")
		return nil
	}
	how, end := "die at once, without a word", d.lab.Kill
	if d.config.Silent {
		how, end = "fall silent at once, their sockets open", d.lab.Silence
	}
	done := d.begin("heal", "%d of %d peers %s", len(victims), d.config.Peers, how)
	alive := slices.DeleteFunc(slices.Clone(d.far), func(pair [2]*lab.Peer) bool {
		return slices.Contains(victims, pair[0]) || slices.Contains(victims, pair[1])
	})
	killedAt := time.Now()
	if err := end(victims); err != nil {
		return err
	}
	d.killed = len(victims)
	ids := make([]identity.ID, len(victims))
	names := make([]string, len(victims))
	for i, p := range victims {
		ids[i], names[i] = p.ID(), name(p.ID())
	}
	d.out.record(killedEvent{Event: "killed", Peers: ids, Silent: d.config.Silent, Survivors: len(d.lab.Peers())})
	d.out.say("   Gone: %s", shorten(names, 8))
	healed := d.watchHealing(ctx, killedAt)
	if err := d.talkOn(ctx, alive, killedAt); err != nil {
		return err
	}
	h := <-healed
	if h.err != nil {
		return fmt.Errorf("demo: waiting for the ring to heal: %w", h.err)
	}
	d.report.HealSeconds = h.after.Seconds()
	d.recordRing("healed", d.lab.Peers(), h.after)
	d.out.say("   %.2f s after the death the %d survivors are one ideal ring again: all lists are right.  %s",
		h.after.Seconds(), len(d.lab.Peers()), seconds(done()))
	return d.broadcast(ctx)
}

type healing struct {
	after time.Duration
	err   error
}

// watchHealing reports when the ring is ideal again.
func (d *demo) watchHealing(ctx context.Context, since time.Time) <-chan healing {
	healed := make(chan healing, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, healPatience)
		defer cancel()
		err := d.lab.AwaitIdeal(ctx)
		healed <- healing{time.Since(since), err}
	}()
	return healed
}

// talkOn sends among the survivors while their ring still heals.
func (d *demo) talkOn(ctx context.Context, alive [][2]*lab.Peer, since time.Time) error {
	var slowest time.Duration
	pairs := d.pairs(fewMessages, alive)
	for _, pair := range pairs {
		receipt, _, err := d.send(ctx, pair[0], pair[1], swarm.SendOptions{Routed: true})
		if err != nil {
			return err
		}
		slowest = max(slowest, receipt.Elapsed)
	}
	d.out.say("   Survivors sent %s across the ring at once: all delivered, the slowest in %s.", plural(len(pairs), "message"), millis(slowest))
	d.report.TalkSeconds = time.Since(since).Seconds()
	return nil
}

// victims chooses a quarter of the peers, at least one of three, and never three
// in a row: with three successors a peer survives that two of them die at once.
func (d *demo) victims() []*lab.Peer {
	peers := d.lab.Peers()
	n := len(peers)
	if n < 3 {
		return nil
	}
	dead := make([]bool, n)
	var victims []*lab.Peer
	for _, i := range rand.Perm(n) {
		dead[i] = true
		for k := range 3 {
			a, b, c := (i+n-k)%n, (i+n-k+1)%n, (i+n-k+2)%n
			if n > 3 && dead[a] && dead[b] && dead[c] {
				dead[i] = false
			}
		}
		if dead[i] {
			victims = append(victims, peers[i])
		}
		if len(victims) == max(1, n/4) {
			break
		}
	}
	return victims
}

// shorten joins names, and leaves out those beyond limit.
func shorten(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:limit], " "), len(names)-limit)
}
