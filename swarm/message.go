package swarm

import (
	"context"
	"net/netip"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// A Message is what arrived for this peer.
type Message struct {
	ID        trace.MessageID
	From      identity.ID    // who sent it, proven by its key; not the last hop
	Address   netip.AddrPort // where From says it can be dialled; zero if it told none
	Data      []byte         // the receiver's own
	Hops      int            // links that the first copy crossed: 0 from this peer itself, 1 if direct, else as the peers on the way count
	Path      Path           // how the first copy came
	Broadcast bool           // sent to all peers

	tally *tally // nil: it was sent once
}

// A tally says of a message that was sent as several copies how many came.
type tally struct {
	done               chan struct{} // closed once the fields below are set
	arrived, differing int
}

// Copies says how many copies of the message came, and how many that were
// changed on the way; none of those was delivered. The message is the program's as
// soon as the first copy is there, so Copies waits: for all that the sender
// announced, at most 50 ms, or until the peer is closed. It may be called
// concurrently. The error is ctx's.
func (m *Message) Copies(ctx context.Context) (arrived, differing int, err error) {
	if m.tally == nil {
		return 1, 0, nil
	}
	select {
	case <-m.tally.done:
		return m.tally.arrived, m.tally.differing, nil
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
}

// A Path says how a message reached its target.
type Path string

// The paths.
const (
	Direct Path = "direct" // over one link from origin to target: whose link it was is proven
	Routed Path = "routed" // through other peers of the ring, two links at least
)

// SendOptions change how one message travels. The zero value is right for most.
type SendOptions struct {
	// Duplicates is how many extra copies to send over the ring, by ways that share no
	// peer where there are enough. Where no round brings a receipt, the target is looked up, and one
	// of the copies goes to it over a direct link.
	Duplicates int
	// Routed sends over the ring even where a direct link to the target could be had.
	Routed bool
}

// A Receipt is the target's own word, sealed by it, that a message was delivered.
type Receipt struct {
	ID        trace.MessageID
	Hops      int           // links that the first copy to arrive had crossed, as far as its target knows
	Paths     int           // copies that were sent by different first hops
	Copies    int           // copies that had arrived when the target answered
	Differing int           // of these, copies that had been changed on the way
	Path      Path          // how the first copy came; direct only where the receipt came so, too
	Elapsed   time.Duration // from Send to receipt
}

// A Reached says how far a broadcast came: to how many peers, whether or not
// their programs took it.
type Reached struct {
	ID       trace.MessageID
	Peers    int // other peers that acknowledged to have it; not those that pulled it later
	Messages int // how often it was sent from one peer to another on that way, as they count
}
