package routing

import (
	"errors"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// Ready is what the driver is to do after calls to a Core. Everything in it,
// bytes included, is valid until the next call of [Core.Ready].
type Ready struct {
	Envelopes []Outgoing // send these, in order
	Acks      []Ack      // send these; those to one peer fit in one frame
	Refusals  []Refusal  // send these
	Arrivals  []Arrival  // open these, then call Accepted, Rejected, Outdated or Postponed
	Receipts  []Receipt  // open these, then call Done where one is true, ReceiptPostponed where there is no time
	Failures  []Failure  // own sends that ended without receipt
	// Doubtful are peers that did not acknowledge in time: find out whether they live.
	Doubtful []identity.ID

	Broadcasts        []BroadcastOutgoing // send these
	BroadcastAnswers  []BroadcastAnswer   // send these
	BroadcastArrivals []BroadcastArrival  // verify these, then call BroadcastAccepted, BroadcastRejected or BroadcastPostponed
	BroadcastResults  []BroadcastResult   // own broadcasts that ended
	BroadcastTags     []BroadcastTags     // send these
	BroadcastGifts    []BroadcastGiven    // send these to peers that asked for them

	Events []trace.Event // report these, with At and Peer filled in
}

// Outgoing is an envelope to send: header and payload, one after the other.
type Outgoing struct {
	To      identity.ID
	Contact *identity.Contact // nil on the way back: use the link that exists, else report Unreachable
	Header  [wire.EnvelopeHeaderSize]byte
	Payload []byte
}

// An Ack tells the previous hop that this peer is responsible for a copy now.
type Ack struct {
	To      identity.ID
	Message trace.MessageID
	Copy    uint8
}

// A Refusal tells the previous hop that this peer does not forward a copy.
type Refusal struct {
	To      identity.ID
	Message trace.MessageID
	Copy    uint8
	Reason  wire.Reason
}

// An Offer names sealed bytes that were offered to the driver: a message ID may
// come with several, of which at most one opens for each origin.
type Offer struct {
	Message trace.MessageID
	digest  uint64
}

// An Arrival is a message for this peer whose seal is to be opened.
type Arrival struct {
	Offer    Offer
	Envelope wire.Envelope
	From     identity.ID // the last hop
	Copy     uint8
	Hops     int
	First    bool // nothing else came under this message ID before
}

// A Receipt is an answer to an own send whose seal is to be opened. It may be forged.
type Receipt struct {
	Offer    Offer
	Message  trace.MessageID
	Envelope wire.Envelope
	From     identity.ID // the last hop
	Copy     uint8       // the copy it answers, or one more where it took a route of its own
	Hops     int
	Elapsed  time.Duration // since the message was first sent
}

// A Failure is the end of an own send without receipt.
type Failure struct {
	Message trace.MessageID
	Err     error // ErrStuck or ErrNoReceipt
}

// The errors of a send. ErrStuck and ErrNoReceipt come in a Failure, the others
// at once.
var (
	// ErrStuck: in the last round no path led to the target.
	ErrStuck = errors.New("routing: no path to the target")
	// ErrNoReceipt: the message went on its way and nothing came back in time.
	ErrNoReceipt = errors.New("routing: no receipt in time")
	// ErrLimit: this peer keeps as much as it may; try again when something ended.
	ErrLimit = errors.New("routing: too much under way")
	// ErrInvalid: the call makes no sense; the text says why.
	ErrInvalid = errors.New("routing: invalid")
)
