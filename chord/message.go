package chord

import (
	"slices"
	"strconv"

	"cicada/identity"
	"cicada/trace"
)

// A Message is what two peers of the ring say to each other. Which fields are
// used depends on its kind, see Kind. It is a value: the core never changes a
// message or a list in it once it was handed out.
type Message struct {
	Kind    Kind
	Request uint64 // chosen by who asks, echoed by who answers; 0 where no answer is owed

	Lookup trace.MessageID // names a lookup
	Key    identity.Point
	Hops   int           // links the lookup has crossed, this one included
	Trail  []identity.ID // peers the lookup came through: origin first, last sender last

	Member    bool   // the sender is a member, not still joining
	Small     bool   // Successors holds every other member
	Busy      bool   // no lists yet: the sender waits for an answer that may change them
	Accepted  bool   // the notifier is now the sender's predecessor
	Unchanged bool   // no lists: the asker has this version
	Version   uint64 // of the sender's lists

	Sides Sides                  // Ask: which lists; none: both
	Known []identity.Fingerprint // Ask without Version: the records that the asker has, at most 64
	Stay  uint32                 // State: how long peers stay, on average, in seconds; 0: not told
	Base  uint64                 // State: if not 0, what Lists name as known is what they had in that version
	Lists *Lists                 // State: as they travel; the core reads them into the fields below

	Count  int                 // Query: how many peers, at most
	Length uint64              // Query: how far from Key on, the first word of it; 0: all round
	Table  bool                // Query: of the table, clockwise, rather than the nearest to Key
	Behind bool                // Query: name the one before Key, too, first
	Prints []uint32            // Query: the peers that the asker has there, see Print
	Owns   bool                // Peers: Key is the sender's
	Exact  bool                // Peers: these are all there are, and no others between them
	Order  []byte              // Peers: who they are: below 128 a place in Hints, else, less 128, one in Prints
	Hints  []*identity.Contact // Peers: those of them that the asker did not have; what they say of themselves is not proven

	Wide   bool                // Notify, Peers, ChangesTaken: the sender is wide. Query: of all peers, rather than the table
	Sum    uint64              // Query: what the peers come to that the asker knows there; 0: not told
	Others []*identity.Contact // beside Hints, which are wide, those that are not
	Left   []uint64            // Changes: the first words of the points of peers that are gone
	Limits []uint32            // Changes: where the telling ends, for all or for each of Hints, Others, Left

	Silent identity.ID // Suspect: who does not answer
	Call   bool        // Suspect: have it call me

	Peer         *identity.Contact // Found: the owner
	Predecessor  *identity.Contact
	Successors   []*identity.Contact // nearest first
	Predecessors []*identity.Contact // nearest first
}

// A Kind says what a message is.
type Kind uint8

// The kinds of messages; behind each, the fields it uses and the answer it gets.
const (
	Ping   Kind = iota + 1 // Version                                    -> Pong
	Pong                   // Member Version
	Ask                    // Sides Version (of the lists the asker has) Known -> State
	State                  // Busy Member Small Version Unchanged Stay Base Lists
	Notify                 // Version Wide                               -> Notified
	//                             I am a member and precede you; with Request 0 only: I am a member, and there is news of me
	Notified    // Accepted Predecessor (if accepted: who was it until now)
	Lookup      // Lookup Key Hops Trail                     -> LookupTaken, later Found or LookupStuck
	LookupTaken // Lookup
	Found       // Lookup Key Hops Trail Peer, back along the trail  -> LookupTaken
	LookupStuck // Lookup Key, to the peer the lookup came from
	Suspect     // Silent Call
	Leave       // Successors Predecessors
	Query       // Key Count Length Behind Table Prints Wide Sum  -> Peers
	Peers       // Member Owns Exact Order Hints, or Member Wide Busy Exact Hints Others

	Changes      // Hints Others Left Limits               -> ChangesTaken
	ChangesTaken // Wide Accepted (the sender passes them on)
)

// Sides say which lists an Ask is for.
type Sides uint8

// The sides.
const (
	After  Sides = 1 << iota // the successors, and the predecessor
	Before                   // the predecessors
	Head                     // the first successor alone, of a ring that is not small
)

// kindNames are the names of the kinds in events, stories and logs.
var kindNames = [...]string{Ping: "ping", Pong: "pong", Ask: "ask", State: "state", Notify: "notify",
	Notified: "notified", Lookup: "lookup", LookupTaken: "taken", Found: "found", LookupStuck: "stuck",
	Suspect: "suspect", Leave: "leave", Query: "query", Peers: "peers", Changes: "changes", ChangesTaken: "heard"}

// String returns the name of the kind: "ping", "notify", …
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return "kind " + strconv.Itoa(int(k))
	}
	return kindNames[k]
}

// The most a message may hold; wire refuses more before the core sees it.
const (
	maxList  = 64 // contacts in a list
	maxTrail = 64 // peers a lookup may pass
)

// fault returns what is wrong with m whoever sent it, or "".
func (m *Message) fault() string {
	switch {
	case m.Kind == 0 || int(m.Kind) >= len(kindNames):
		return "a kind of message that does not exist"
	case len(m.Successors) > maxList || len(m.Predecessors) > maxList:
		return "a list too long"
	case len(m.Known) > maxKnown || len(m.Prints) > maxKnown:
		return "too many known records"
	case len(m.Trail) > maxTrail:
		return "a trail too long"
	case slices.Contains(m.Successors, nil) || slices.Contains(m.Predecessors, nil):
		return "a list with a hole"
	case m.Kind == Found && m.Peer == nil, m.Kind == Suspect && m.Silent == identity.ID{}:
		return "no peer named"
	case m.Kind == Lookup && len(m.Trail) == 0:
		return "a lookup from nowhere"
	}
	switch m.Kind {
	case Peers:
		return m.faultOfPeers()
	case Changes:
		return m.faultOfChanges()
	}
	if m.Lists == nil {
		return ""
	}
	if slices.Contains(m.Lists.Records, nil) {
		return "a list with a hole"
	}
	return m.Lists.Fault(len(m.Lists.Records))
}
