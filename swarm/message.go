package swarm

import (
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
	// Duplicates is how many extra copies to send, each by another first hop.
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
	Peers    int // other peers that acknowledged to have it
	Messages int // how often it was sent from one peer to another, as they count
}
