package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/netip"
	"time"
	"unicode/utf8"

	"cicada/cmd/cicada/internal/lab"
	"cicada/identity"
)

// What --json writes, one object a line.
type (
	sentEvent struct {
		Event        string      `json:"event"`
		From         identity.ID `json:"from"`
		To           identity.ID `json:"to"`
		Delivered    bool        `json:"delivered"`
		Hops         int         `json:"hops"`
		Copies       int         `json:"copies"`
		Differing    int         `json:"differing"`
		Paths        int         `json:"paths"`
		Path         string      `json:"path"`
		Trails       []path      `json:"trails,omitempty"`
		Microseconds int64       `json:"microseconds"`
		Error        string      `json:"error,omitempty"`
	}
	receivedEvent struct {
		Event     string      `json:"event"`
		At        identity.ID `json:"at"`
		From      identity.ID `json:"from"`
		Address   string      `json:"address"`
		Data      string      `json:"data"`
		Encoding  string      `json:"encoding"`
		Hops      int         `json:"hops"`
		Path      string      `json:"path"`
		Sealed    bool        `json:"sealed"`
		Broadcast bool        `json:"broadcast"`
	}
	broadcastEvent struct {
		Event        string      `json:"event"`
		From         identity.ID `json:"from"`
		Reached      int         `json:"reached"`
		Messages     int         `json:"messages"`
		Microseconds int64       `json:"microseconds"`
		Error        string      `json:"error,omitempty"`
	}
	killedEvent struct {
		Event     string        `json:"event"`
		Peers     []identity.ID `json:"peers"`
		Silent    bool          `json:"silent"`
		Survivors int           `json:"survivors"`
	}
	hostileEvent struct {
		Event string `json:"event"`
		foes
		Foes []identity.ID `json:"foes"`
	}
	ringEvent struct { // "ring" and "healed"
		Event   string     `json:"event"`
		Ideal   bool       `json:"ideal"`
		Seconds float64    `json:"seconds"`
		Peers   []ringPeer `json:"peers"`
	}
	ringPeer struct {
		ID           identity.ID    `json:"id"`
		Point        identity.Point `json:"point"`
		Address      string         `json:"address"`
		Successors   []identity.ID  `json:"successors"`
		Predecessors []identity.ID  `json:"predecessors"`
	}
	summaryEvent struct {
		Event string `json:"event"`
		report
	}
)

// A report is what a demonstration comes to.
type report struct {
	Peers       int      `json:"peers"`
	Killed      int      `json:"killed"`
	Deliveries  int      `json:"deliveries"` // messages that arrived once and unchanged, broadcasts by receiver
	LongestPath int      `json:"longest_path"`
	TalkSeconds float64  `json:"talk_seconds"` // from the death until survivors had sent across the ring
	HealSeconds float64  `json:"heal_seconds"` // from the death until the ring was ideal
	Acts        []timing `json:"acts"`
	Hostile     *foes    `json:"hostile,omitempty"`
}

// The most lines that the ring takes, and how many of them at its end.
const (
	ringLines = 24
	ringTail  = 3
)

func (d *demo) printRing(peers []*lab.Peer) {
	n := len(peers)
	d.out.say("      %-10s %-18s %-17s %s", "peer", "point", "listens at", "successor")
	for i, p := range peers {
		if n > ringLines && i >= ringLines-ringTail-1 && i < n-ringTail {
			if i == ringLines-ringTail-1 {
				d.out.say("      ... %d more ...", n-ringLines+1)
			}
			continue
		}
		d.out.say("      %-10s %-18s %-17s %s", name(p.ID()), p.Point().String()[:16], p.Address(), name(p.Status().Successors[0].ID))
	}
}

func (d *demo) recordRing(event string, peers []*lab.Peer, took time.Duration) {
	e := ringEvent{Event: event, Ideal: true, Seconds: took.Seconds()}
	for _, p := range peers {
		s := p.Status()
		e.Peers = append(e.Peers, ringPeer{
			ID: s.ID, Point: s.Point, Address: s.Address.String(), Successors: ids(s.Successors), Predecessors: ids(s.Predecessors),
		})
	}
	d.out.record(e)
}

func ids(contacts []*identity.Contact) []identity.ID {
	list := make([]identity.ID, len(contacts))
	for i, c := range contacts {
		list[i] = c.ID
	}
	return list
}

// audit fails unless every message arrived once and unchanged, and one took two hops.
func (d *demo) audit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sendPatience)
	defer cancel()
	n, err := d.ledger.audit(ctx)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	d.report.Peers, d.report.Killed, d.report.Deliveries, d.report.Acts = d.config.Peers, d.killed, n, d.timing
	const fewestForHops = 4 // with fewer a message need not find a way of two hops
	if d.config.Peers >= fewestForHops && d.report.LongestPath < 2 {
		return fmt.Errorf("demo: no message took two hops, among %d peers", d.config.Peers)
	}
	return nil
}

// summarise ends the demonstration on one screen.
func (d *demo) summarise() {
	r, say := &d.report, d.out.say
	d.out.record(summaryEvent{"summary", *r})
	say("")
	say("What happened")
	say("   %d messages were delivered, each once and unchanged; the longest path had %s.", r.Deliveries, plural(r.LongestPath, "hop"))
	if r.LongestPath < 2 {
		say("   Among %d peers everybody knows everybody: no path of two hops exists.", r.Peers)
	}
	if h := r.Hostile; h != nil {
		say("   %d of %d peers were hostile for a while: with %s, with %s in the first round; all arrived,",
			h.Peers, r.Peers, h.Tries[0], h.Tries[1])
		say("   none altered, none twice.")
	}
	if r.Killed > 0 {
		say("   %d of %d peers died at once. Survivors had talked across the ring %.2f s later, and were one ideal ring after %.2f s.",
			r.Killed, r.Peers, r.TalkSeconds, r.HealSeconds)
	}
	line := "  "
	for _, t := range r.Acts {
		line += fmt.Sprintf(" %s %.2f s ", t.Act, t.Seconds)
	}
	say("%s", line)
	say("")
	say("Try next")
	for _, s := range suggestions {
		say("   %-42s %s", s.command, s.why)
	}
}

// suggestions are commands that a person may like to try next.
var suggestions = []struct{ command, why string }{
	{"go run ./cmd/cicada demo --peers 200", "the same with more peers"},
	{"go run ./cmd/cicada demo --silent", "the victims do not die, they only stop talking"},
	{"go run ./cmd/cicada demo --json", "every step as data"},
	{"go run ./samples/echo", "two peers, each in a terminal of its own"},
	{"go run ./cmd/cicada bench", "how fast it is here"},
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// readable returns data as text where it is some, else in base64.
func readable(data []byte) (text, encoding string) {
	if utf8.Valid(data) {
		return string(data), "utf-8"
	}
	return base64.StdEncoding.EncodeToString(data), "base64"
}

func addressText(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
