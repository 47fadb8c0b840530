// Package trace is the one stream of typed events that tests, the simulator,
// the visualizer and trace files read. Logs are for people; events are data.
//
// The cores of chord and routing return events with everything filled in but At
// and Peer, which their driver knows. A recorded stream is NDJSON: one event a
// line, fields that are empty left out. Kinds are added, never renamed.
//
// Reading is lenient where writing is strict: kinds and fields of later versions
// pass through a Reader unharmed. Writer, Reader and Recorder do no more than
// carry events; what they mean is for those who read them.
//
// Begin reading at Event, then Sink.
package trace

import (
	"time"

	"cicada/identity"
)

// An Event is one thing that happened at one peer.
type Event struct {
	At      time.Duration  `json:"at"`                // nanoseconds since that peer started
	Peer    identity.ID    `json:"peer,omitzero"`     // where it happened
	Kind    Kind           `json:"kind"`              // what happened
	Other   identity.ID    `json:"other,omitzero"`    // the other peer concerned
	Key     identity.Point `json:"key,omitzero"`      // a key looked up, or the target's point
	Message MessageID      `json:"message,omitzero"`  // which message or request
	Name    string         `json:"name,omitempty"`    // of a ring message or frame: "lookup", "notify", …
	Copy    int            `json:"copy,omitempty"`    // number of the copy, from 1
	Hops    int            `json:"hops,omitempty"`    // links crossed so far
	Count   int            `json:"count,omitempty"`   // of whatever the kind counts
	Size    int            `json:"size,omitempty"`    // bytes
	Peers   []identity.ID  `json:"peers,omitempty"`   // a list of the peer, nearest first; a trail, origin first
	Address string         `json:"address,omitempty"` // host:port
	Reason  string         `json:"reason,omitempty"`  // why something was dropped, closed or refused
}

// A Kind names a kind of event: layer, dot, what happened.
type Kind string

// The kinds of events, by layer. Each comment names the fields that are filled
// in beside At and Peer.
const (
	PeerUp      Kind = "peer.up"      // the peer listens: Address, Key is its point
	PeerDown    Kind = "peer.down"    // the peer closed: Reason
	LinkUp      Kind = "link.up"      // Other, Address
	LinkDown    Kind = "link.down"    // Other, Reason
	LinkRefused Kind = "link.refused" // a connection that never became a link: Address, Reason

	RingSent         Kind = "ring.sent"         // a message of the ring: Other, Name, Key
	RingMode         Kind = "ring.mode"         // Reason is "joining", "small" or "full"
	RingSuccessors   Kind = "ring.successors"   // the list changed: Peers
	RingPredecessors Kind = "ring.predecessors" // the list changed: Peers
	RingFinger       Kind = "ring.finger"       // Key is the finger's start, Peers its candidates
	RingSuspect      Kind = "ring.suspect"      // Other missed an answer; Count is how many in a row, Reason is set where it could not even be reached
	RingDead         Kind = "ring.dead"         // Other is dropped from the table: Reason
	RingOwns         Kind = "ring.owns"         // the successor accepted this peer, which answers for its keys now: nothing more

	LookupSent      Kind = "lookup.sent"      // at the origin: Key, Message
	LookupForwarded Kind = "lookup.forwarded" // Key, Message, Other is the next hop, Hops, Reason is the rule
	LookupAnswered  Kind = "lookup.answered"  // at the owner: Key, Message, Other is the origin, Hops
	LookupDone      Kind = "lookup.done"      // at the origin: Key, Message, Other is the owner, Hops, Peers is the trail
	LookupFailed    Kind = "lookup.failed"    // at the origin: Key, Message, Reason

	CopySent      Kind = "copy.sent"         // at the origin: Message, Copy, Key, Other is the first hop, Hops, Name is the kind of envelope, Size of its payload
	CopyForwarded Kind = "copy.forwarded"    // Message, Copy, Key, Other is the next hop, Hops, Name is the kind of envelope, Size of its payload
	CopyArrived   Kind = "copy.arrived"      // at the target: Message, Copy, Other is the last hop, Hops
	CopyDropped   Kind = "copy.dropped"      // Message, Copy, Key, Name is the kind of envelope, Reason
	CopyRetried   Kind = "copy.retried"      // the next hop, Other, did not take it: Message, Copy, Reason
	Delivered     Kind = "message.delivered" // the program at the target has it: Message, Other is the origin, Hops
	Opened        Kind = "message.opened"    // a seal was opened here: Message, Other is who made it
	Refused       Kind = "message.refused"   // the target did not take it: Message, Other is the origin, or the last hop where the origin is not proven, Reason
	ReceiptSent   Kind = "receipt.sent"      // at the target: Message, Copy, Key, Other is the origin, Size of its payload
	ReceiptDone   Kind = "receipt.done"      // at the origin: Message, Key, Other is the target, Hops
	SendFailed    Kind = "send.failed"       // at the origin: Message, Other is the target, Reason

	BroadcastSent      Kind = "broadcast.sent"      // at the origin: Message, Count is the children
	BroadcastForwarded Kind = "broadcast.forwarded" // Message, Other is the child, Key the end of its interval, Hops
	BroadcastDelivered Kind = "broadcast.delivered" // Message, Other is the origin, Hops
	BroadcastTaken     Kind = "broadcast.taken"     // Message, Other is the dead child whose interval went to another, Hops
	BroadcastDone      Kind = "broadcast.done"      // at the origin: Message, Count is the peers reached

	Violation Kind = "violation"  // a peer broke a rule of the wire: Other, Address, Reason, as far as known
	Lost      Kind = "trace.lost" // a reader was slower than the events: Count of them are missing here
)
