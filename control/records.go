package control

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/netip"
	"unicode/utf8"

	"cicada/identity"
	"cicada/swarm"
)

// The encodings of data in a JSON string: as it is where it is UTF-8, else base64.
const (
	EncodingText   = "utf-8"
	EncodingBase64 = "base64"
)

// encode returns data as a JSON string can hold it, and in which encoding.
func encode(data []byte) (text, encoding string) {
	if utf8.Valid(data) {
		return string(data), EncodingText
	}
	return base64.StdEncoding.EncodeToString(data), EncodingBase64
}

// decode is the reverse of encode; no encoding means text.
func decode(text, encoding string) ([]byte, error) {
	switch encoding {
	case "", EncodingText:
		return []byte(text), nil
	case EncodingBase64:
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("data is no base64: %w", err)
		}
		return data, nil
	}
	return nil, fmt.Errorf("encoding %q: want %s or %s", encoding, EncodingText, EncodingBase64)
}

// Received is a message that arrived.
type Received struct {
	Event     string         `json:"event"` // "received"
	From      identity.ID    `json:"from"`  // proven, the origin, not the last hop
	Address   netip.AddrPort `json:"address,omitzero"`
	Data      string         `json:"data"`
	Encoding  string         `json:"encoding"`
	Hops      int            `json:"hops"`
	Copies    int            `json:"copies"`
	Differing int            `json:"differing"`
	Path      swarm.Path     `json:"path"`
	Sealed    bool           `json:"sealed"` // a broadcast is not: it is signed, for everybody to read
}

// NewReceived returns the record of a message. Where several copies of it were
// sent it waits for them, as Message.Copies does; the error is ctx's.
func NewReceived(ctx context.Context, m swarm.Message) (Received, error) {
	r := Received{Event: "received", From: m.From, Address: m.Address, Hops: m.Hops, Path: m.Path, Sealed: !m.Broadcast}
	r.Data, r.Encoding = encode(m.Data)
	var err error
	r.Copies, r.Differing, err = m.Copies(ctx)
	return r, err
}

// Bytes returns what was sent. The error says that Data is not of its Encoding.
func (r Received) Bytes() ([]byte, error) { return decode(r.Data, r.Encoding) }

// Sent is how a message of one's own ended.
type Sent struct {
	Event        string      `json:"event"` // "sent"
	To           identity.ID `json:"to,omitzero"`
	Target       string      `json:"target,omitempty"` // as it was named, where nobody's ID could be learned
	Delivered    bool        `json:"delivered"`
	Hops         int         `json:"hops"`
	Copies       int         `json:"copies"`
	Differing    int         `json:"differing"`
	Paths        int         `json:"paths"`
	Path         swarm.Path  `json:"path,omitempty"`
	Microseconds int64       `json:"microseconds"`
	Error        string      `json:"error,omitempty"`
}

// NewSent returns the record of a send, from what Peer.Send returned.
func NewSent(to identity.ID, r swarm.Receipt, err error) Sent {
	return Sent{
		Event: "sent", To: to, Delivered: err == nil, Hops: r.Hops, Copies: r.Copies, Differing: r.Differing,
		Paths: r.Paths, Path: r.Path, Microseconds: r.Elapsed.Microseconds(), Error: text(err),
	}
}

// NewUnreached returns the record of a send to somebody who could not be reached even
// to learn an ID.
func NewUnreached(target string, err error) Sent {
	return Sent{Event: "sent", Target: target, Error: text(err)}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Broadcast is how far a broadcast came.
type Broadcast struct {
	Event    string `json:"event"` // "broadcast"
	Reached  int    `json:"reached"`
	Messages int    `json:"messages"`
	Error    string `json:"error,omitempty"`
}

// Sentence says how far the broadcast came.
func (b Broadcast) Sentence() string {
	has := "have"
	if b.Reached == 1 {
		has = "has"
	}
	return fmt.Sprintf("%s %s it, by %s", Count(b.Reached, "other peer"), has, Count(b.Messages, "message"))
}

// Count says how many there are of what has a plural with s: "1 hop", "2 hops".
func Count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// NewBroadcast returns the record of a broadcast, from what Peer.Broadcast returned.
func NewBroadcast(r swarm.Reached, err error) Broadcast {
	return Broadcast{Event: "broadcast", Reached: r.Peers, Messages: r.Messages, Error: text(err)}
}

// Lookup is the answer to a lookup.
type Lookup struct {
	Event   string         `json:"event"` // "lookup"
	Target  identity.ID    `json:"target"`
	Owner   identity.ID    `json:"owner"`
	Address netip.AddrPort `json:"address,omitzero"`
	Hops    int            `json:"hops"`
	Trail   []identity.ID  `json:"trail"` // this peer first, the owner last
}

// NewLookup returns the record of a lookup, from what Peer.Lookup returned.
func NewLookup(target identity.ID, owner *identity.Contact, trail []identity.ID) Lookup {
	l := Lookup{Event: "lookup", Target: target, Owner: owner.ID, Hops: max(len(trail)-1, 0), Trail: trail}
	if len(owner.Addresses) > 0 {
		l.Address = owner.Addresses[0]
	}
	return l
}

// Peers are a peer's neighbours, nearest first.
type Peers struct {
	Event        string        `json:"event"` // "peers"
	Successors   []identity.ID `json:"successors"`
	Predecessors []identity.ID `json:"predecessors"`
}

// NewPeers returns the neighbours in a status.
func NewPeers(s swarm.Status) Peers { return Peers{"peers", ids(s.Successors), ids(s.Predecessors)} }

// Finger is one slot of a finger table.
type Finger struct {
	Event      string         `json:"event"` // "finger"
	Start      identity.Point `json:"start"`
	End        identity.Point `json:"end"` // the first point beyond
	Candidates []identity.ID  `json:"candidates"`
}

// NewFingers returns the finger table in a status.
func NewFingers(s swarm.Status) []Finger {
	all := make([]Finger, len(s.Fingers))
	for i, f := range s.Fingers {
		all[i] = Finger{"finger", f.Start, f.End, ids(f.Candidates)}
	}
	return all
}

func ids(contacts []*identity.Contact) []identity.ID {
	all := make([]identity.ID, len(contacts))
	for i, c := range contacts {
		all[i] = c.ID
	}
	return all
}
