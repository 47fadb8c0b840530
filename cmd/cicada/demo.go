package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"cicada/chord"
	"cicada/cmd/cicada/internal/lab"
	"cicada/identity"
	"cicada/swarm"
)

type demoCommand struct {
	Peers  int  `default:"12" placeholder:"N" help:"How many peers, 2 to 500 (${default})."`
	Silent bool `help:"Let the victims fall silent with open sockets, as when a cable is pulled, instead of dying."`
	JSON   bool `name:"json" help:"Write one JSON object a line."`
}

const (
	fewestPeers, mostPeers = 2, 500
	parallelJoins          = 4

	gatherPatience = 2 * time.Minute
	sendPatience   = time.Minute
	healPatience   = 2 * time.Minute
	leavePatience  = 2 * time.Second // an interrupt is to be over within three
)

// Help is shown by --help.
func (*demoCommand) Help() string { return "Example: cicada demo --peers 8" }

// Run gathers a swarm, shows what it can do, and fails if it does not.
func (c *demoCommand) Run(ctx context.Context, out *console) error {
	out.useJSON(c.JSON)
	if c.Peers < fewestPeers || c.Peers > mostPeers {
		return usageError("--peers %d: a demonstration has %d to %d peers", c.Peers, fewestPeers, mostPeers)
	}
	d := newDemo(c, out)
	defer d.end()
	for _, act := range []func(context.Context) error{
		d.gather, d.showRing, d.sendMessages, d.sendCopies, d.broadcastToAll, d.turnSome, d.killSome, d.audit,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	d.summarise()
	return nil
}

// A demo is one performance. Its acts run one after the other.
type demo struct {
	config  *demoCommand
	out     *console
	lab     *lab.Lab
	paths   *paths
	rounds  *rounds
	ledger  *ledger
	readers readers

	act    int
	timing []timing
	far    [][2]*lab.Peer // pairs that do not know each other
	killed int
	report report
}

// timing is how long an act took.
type timing struct {
	Act     string  `json:"act"`
	Seconds float64 `json:"seconds"`
}

func newDemo(c *demoCommand, out *console) *demo {
	d := &demo{config: c, out: out, paths: newPaths(), rounds: newRounds(), ledger: newLedger()}
	d.readers.init()
	d.lab = lab.New(lab.Config{
		Ring: demoRing(c.Peers), Mortal: true, Parallel: parallelJoins, Trace: sinks{d.paths, d.rounds}, SendTimeout: sendPatience,
	})
	return d
}

// demoRing is the ring of the textbooks. As people watch, few peers stabilise
// more often than peers would elsewhere; many share the one processor.
func demoRing(peers int) chord.Config {
	ring := chord.Classic()
	n := time.Duration(peers)
	ring.StabilizeMin = min(max(250*time.Millisecond, n*8*time.Millisecond), time.Second)
	ring.StabilizeMax = max(time.Second, n*20*time.Millisecond)
	return ring
}

// end has everybody leave. It is also called after an interrupt.
func (d *demo) end() {
	ctx, cancel := context.WithTimeout(context.Background(), leavePatience)
	defer cancel()
	if err := d.lab.Close(ctx); err != nil {
		d.out.note("cicada: %v", err)
	}
	d.readers.end()
}

// begin announces an act, and returns what ends it.
func (d *demo) begin(name, headline string, arguments ...any) func() time.Duration {
	d.act++
	d.out.say("")
	d.out.say("%d  %s", d.act, fmt.Sprintf(headline, arguments...))
	started := time.Now()
	return func() time.Duration {
		took := time.Since(started)
		d.timing = append(d.timing, timing{name, took.Seconds()})
		return took
	}
}

func (d *demo) gather(ctx context.Context) error {
	n := d.config.Peers
	d.out.say("A swarm of %d peers in this one process: real sockets on loopback, every link encrypted,", n)
	d.out.say("every message sealed from its origin to its target. Nothing leaves this machine.")
	done := d.begin("gather", "The swarm gathers")
	ctx, cancel := context.WithTimeout(ctx, gatherPatience)
	defer cancel()
	err := d.lab.Grow(ctx, n, func(joined int) { d.out.show("   %d of %d peers have joined", joined, n) })
	if err != nil {
		return fmt.Errorf("demo: gathering %d peers: %w", n, err)
	}
	for _, p := range d.lab.Peers() {
		d.readers.start(p, d.heard)
	}
	d.out.say("   %d peers listen; %d joined, each through one that was there before.  %s", n, n-1, seconds(done()))
	return nil
}

// heard takes in a message that arrived at a peer.
func (d *demo) heard(at *lab.Peer, m swarm.Message) {
	data, encoding := readable(m.Data)
	d.ledger.heard(at.ID(), m)
	d.out.record(receivedEvent{
		Event: "received", At: at.ID(), From: m.From, Address: addressText(m.Address), Data: data, Encoding: encoding,
		Hops: m.Hops, Path: string(m.Path), Sealed: !m.Broadcast, Broadcast: m.Broadcast,
	})
}

func (d *demo) showRing(ctx context.Context) error {
	done := d.begin("ring", "The ring, clockwise: each peer and its successor")
	ctx, cancel := context.WithTimeout(ctx, gatherPatience)
	defer cancel()
	if err := d.lab.AwaitIdeal(ctx); err != nil {
		return fmt.Errorf("demo: waiting for the ring: %w", err)
	}
	took := done()
	peers := d.lab.Peers()
	d.printRing(peers)
	d.recordRing("ring", peers, took)
	d.out.say("   Checked from outside by sorting the points: all successor and predecessor lists are right.  %s", seconds(took))
	d.far = d.lab.Far(64 * len(peers))
	rand.Shuffle(len(d.far), func(i, j int) { d.far[i], d.far[j] = d.far[j], d.far[i] })
	return nil
}

// pairs returns n pairs of peers: those first that do not know each other, then
// such as stand opposite on the ring, so that there are others on the way.
func (d *demo) pairs(n int, of [][2]*lab.Peer) [][2]*lab.Peer {
	pairs := append([][2]*lab.Peer(nil), of[:min(n, len(of))]...)
	peers := d.lab.Peers()
	for len(pairs) < n {
		a := rand.IntN(len(peers))
		pairs = append(pairs, [2]*lab.Peer{peers[a], peers[(a+len(peers)/2)%len(peers)]})
	}
	return pairs
}

// name is how the demonstration calls a peer.
func name(id identity.ID) string { return id.Short() }

func seconds(d time.Duration) string { return fmt.Sprintf("[%.2f s]", d.Seconds()) }
