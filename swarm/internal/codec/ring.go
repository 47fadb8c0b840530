// Package codec turns the ring's messages into control messages of the wire and
// back. Limits were checked by package wire; here every record is verified
// before it becomes a contact.
//
// Begin reading at EncodeRing.
package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"cicada/chord"
	"cicada/identity"
	"cicada/wire"
	"cicada/wire/wirepb"
)

// A Verifier turns what others sent into contacts, or says why it cannot.
type Verifier interface {
	Verify(identity.Record) (*identity.Contact, error)
	// Hint returns a contact of which nothing is proven, see identity.Points.
	Hint(id identity.ID, claimed identity.Point, addresses []netip.AddrPort) (*identity.Contact, error)
}

// ErrNotRing says that a control message is none of the ring's.
var ErrNotRing = errors.New("codec: not a message of the ring")

// EncodeRing returns m as it goes on the wire.
func EncodeRing(m chord.Message) *wirepb.Control {
	c := &wirepb.Control{Request: m.Request}
	switch m.Kind {
	case chord.Ping:
		c.Body = &wirepb.Control_Ping{Ping: &wirepb.Ping{Version: m.Version}}
	case chord.Pong:
		c.Body = &wirepb.Control_Pong{Pong: &wirepb.Pong{Member: m.Member, Version: m.Version}}
	case chord.Ask:
		c.Body = &wirepb.Control_Ask{Ask: &wirepb.Ask{Version: m.Version, Known: knownBytes(m.Known), Sides: uint32(m.Sides)}}
	case chord.State:
		c.Body = &wirepb.Control_State{State: state(&m)}
	case chord.Notify:
		c.Body = &wirepb.Control_Notify{Notify: &wirepb.Notify{Version: m.Version, Wide: m.Wide}}
	case chord.Notified:
		c.Body = &wirepb.Control_Notified{Notified: &wirepb.Notified{Accepted: m.Accepted, Predecessor: record(m.Predecessor)}}
	case chord.Lookup:
		c.Body = &wirepb.Control_Lookup{Lookup: &wirepb.Lookup{
			Message: m.Lookup[:], Key: m.Key[:], Hops: uint32(m.Hops), Trail: trailBytes(m.Trail),
		}}
	case chord.LookupTaken:
		c.Body = &wirepb.Control_LookupTaken{LookupTaken: &wirepb.LookupTaken{Message: m.Lookup[:]}}
	case chord.Found:
		c.Body = &wirepb.Control_Found{Found: &wirepb.Found{
			Message: m.Lookup[:], Key: m.Key[:], Hops: uint32(m.Hops), Trail: trailBytes(m.Trail),
			Owner: record(m.Peer),
		}}
	case chord.LookupStuck:
		c.Body = &wirepb.Control_LookupStuck{LookupStuck: &wirepb.LookupStuck{
			Message: m.Lookup[:], Key: m.Key[:], Trail: trailBytes(m.Trail),
		}}
	case chord.Suspect:
		c.Body = &wirepb.Control_Suspect{Suspect: &wirepb.Suspect{Silent: m.Silent[:], Call: m.Call}}
	case chord.Leave:
		c.Body = &wirepb.Control_Leave{Leave: &wirepb.Leave{Successors: records(m.Successors), Predecessors: records(m.Predecessors)}}
	case chord.Query:
		c.Body = &wirepb.Control_Query{Query: &wirepb.Query{
			Key: bytes.TrimRight(m.Key[:], "\x00"), Count: uint32(m.Count), Length: m.Length, Table: m.Table, Behind: m.Behind, Prints: printBytes(m.Prints),
			Wide: m.Wide, Sum: m.Sum,
		}}
	case chord.Peers:
		c.Body = &wirepb.Control_Peers{Peers: &wirepb.Peers{
			Member: m.Member, Owns: m.Owns, Exact: m.Exact, Order: m.Order, Hints: hintBytes(m.Hints), Others: hintBytes(m.Others), Wide: m.Wide, Busy: m.Busy,
		}}
	case chord.Changes:
		c.Body = &wirepb.Control_Changes{Changes: changes(&m)}
	case chord.ChangesTaken:
		c.Body = &wirepb.Control_ChangesTaken{ChangesTaken: &wirepb.ChangesTaken{Wide: m.Wide, Passed: m.Accepted}}
	}
	return c
}

// DecodeRing reads what EncodeRing wrote. It returns ErrNotRing for control
// messages of other layers, and an error that names the field for a record that
// does not verify. With a nil v it reads no records.
func DecodeRing(c *wirepb.Control, v Verifier) (chord.Message, error) {
	m := chord.Message{Request: c.GetRequest()}
	d := decoder{verifier: v}
	switch body := c.GetBody().(type) {
	case *wirepb.Control_Ping:
		m.Kind, m.Version = chord.Ping, body.Ping.GetVersion()
	case *wirepb.Control_Pong:
		m.Kind, m.Member, m.Version = chord.Pong, body.Pong.GetMember(), body.Pong.GetVersion()
	case *wirepb.Control_Ask:
		m.Kind, m.Version = chord.Ask, body.Ask.GetVersion()
		m.Known, m.Sides = fingerprints(body.Ask.GetKnown()), chord.Sides(body.Ask.GetSides())
	case *wirepb.Control_State:
		d.state(&m, body.State)
	case *wirepb.Control_Notify:
		m.Kind, m.Version, m.Wide = chord.Notify, body.Notify.GetVersion(), body.Notify.GetWide()
	case *wirepb.Control_Notified:
		m.Kind, m.Accepted = chord.Notified, body.Notified.GetAccepted()
		m.Predecessor = d.contact("predecessor", body.Notified.GetPredecessor())
	case *wirepb.Control_Lookup:
		m.Kind = chord.Lookup
		d.lookup(&m, body.Lookup)
		m.Hops = int(body.Lookup.GetHops())
	case *wirepb.Control_LookupTaken:
		m.Kind = chord.LookupTaken
		copy(m.Lookup[:], body.LookupTaken.GetMessage())
	case *wirepb.Control_Found:
		d.found(&m, body.Found)
	case *wirepb.Control_LookupStuck:
		m.Kind = chord.LookupStuck
		d.lookup(&m, body.LookupStuck)
	case *wirepb.Control_Suspect:
		m.Kind, m.Call = chord.Suspect, body.Suspect.GetCall()
		copy(m.Silent[:], body.Suspect.GetSilent())
	case *wirepb.Control_Leave:
		m.Kind = chord.Leave
		m.Successors = d.contacts("successors", body.Leave.GetSuccessors())
		m.Predecessors = d.contacts("predecessors", body.Leave.GetPredecessors())
	case *wirepb.Control_Query:
		q := body.Query
		m.Kind, m.Count, m.Length, m.Table, m.Behind = chord.Query, int(q.GetCount()), q.GetLength(), q.GetTable(), q.GetBehind()
		m.Prints = prints(q.GetPrints())
		m.Wide, m.Sum = q.GetWide(), q.GetSum()
		copy(m.Key[:], q.GetKey())
	case *wirepb.Control_Peers:
		m.Kind, m.Member, m.Exact, m.Order = chord.Peers, body.Peers.GetMember(), body.Peers.GetExact(), body.Peers.GetOrder()
		m.Wide, m.Busy, m.Owns = body.Peers.GetWide(), body.Peers.GetBusy(), body.Peers.GetOwns()
		m.Hints, m.Others = d.hints(body.Peers.GetHints()), d.hints(body.Peers.GetOthers())
	case *wirepb.Control_Changes:
		d.changes(&m, body.Changes)
	case *wirepb.Control_ChangesTaken:
		m.Kind, m.Wide, m.Accepted = chord.ChangesTaken, body.ChangesTaken.GetWide(), body.ChangesTaken.GetPassed()
	default:
		return m, ErrNotRing
	}
	return m, d.err
}

// A decoder keeps the first error, so that the fields of a message read as a list.
type decoder struct {
	verifier Verifier
	err      error
}

func (d *decoder) state(m *chord.Message, s *wirepb.State) {
	m.Kind, m.Busy, m.Member, m.Small = chord.State, s.GetBusy(), s.GetMember(), s.GetSmall()
	m.Version, m.Unchanged, m.Stay, m.Base = s.GetVersion(), s.GetUnchanged(), s.GetStay(), s.GetBase()
	if len(s.GetRecords())+len(s.GetPredecessor())+len(s.GetSuccessors())+len(s.GetPredecessors()) == 0 {
		return
	}
	l := &chord.Lists{Predecessor: s.GetPredecessor(), Successors: s.GetSuccessors(), Predecessors: s.GetPredecessors()}
	if reason := l.Fault(len(s.GetRecords())); reason != "" { // before records are verified, which takes long
		d.err = &wire.Error{Code: wire.CodeProtocol, Reason: "state: " + reason}
		return
	}
	l.Records = d.contacts("records", s.GetRecords())
	m.Lists = l
}

func (d *decoder) found(m *chord.Message, f *wirepb.Found) {
	m.Kind, m.Hops = chord.Found, int(f.GetHops())
	d.lookup(m, f)
	m.Peer = d.contact("owner", f.GetOwner())
}

// lookup reads the three fields that every message about a lookup has.
func (d *decoder) lookup(m *chord.Message, l interface {
	GetMessage() []byte
	GetKey() []byte
	GetTrail() [][]byte
}) {
	copy(m.Lookup[:], l.GetMessage())
	copy(m.Key[:], l.GetKey())
	for _, id := range l.GetTrail() {
		m.Trail = append(m.Trail, identity.ID(id))
	}
}

func (d *decoder) contact(field string, r *wirepb.Record) *identity.Contact {
	if r == nil || d.err != nil || d.verifier == nil {
		return nil
	}
	c, err := d.verifier.Verify(identity.Record{Body: r.GetBody(), Signature: r.GetSignature()})
	if err != nil {
		d.err = fmt.Errorf("codec: %s: %w", field, err)
	}
	return c
}

func (d *decoder) contacts(field string, rs []*wirepb.Record) []*identity.Contact {
	if len(rs) == 0 || d.err != nil || d.verifier == nil {
		return nil
	}
	list := make([]*identity.Contact, 0, len(rs))
	for _, r := range rs {
		if c := d.contact(field, r); c != nil {
			list = append(list, c)
		}
	}
	return list
}

// state returns m, which is one, as it goes on the wire.
func state(m *chord.Message) *wirepb.State {
	s := &wirepb.State{Busy: m.Busy, Member: m.Member, Small: m.Small, Version: m.Version, Unchanged: m.Unchanged, Stay: m.Stay, Base: m.Base}
	if l := m.Lists; l != nil {
		s.Records, s.Predecessor, s.Successors, s.Predecessors = records(l.Records), l.Predecessor, l.Successors, l.Predecessors
	}
	return s
}

func knownBytes(known []identity.Fingerprint) []byte {
	if len(known) == 0 {
		return nil
	}
	b := make([]byte, 0, len(known)*wire.FingerprintSize)
	for i := range known {
		b = append(b, known[i][:]...)
	}
	return b
}

func fingerprints(b []byte) []identity.Fingerprint {
	if len(b) < wire.FingerprintSize {
		return nil
	}
	known := make([]identity.Fingerprint, len(b)/wire.FingerprintSize)
	for i := range known {
		copy(known[i][:], b[i*wire.FingerprintSize:])
	}
	return known
}

func printBytes(list []uint32) []byte {
	var b []byte
	for _, p := range list {
		b = binary.BigEndian.AppendUint32(b, p)
	}
	return b
}

func prints(b []byte) []uint32 {
	var list []uint32
	for ; len(b) >= wire.PrintSize; b = b[wire.PrintSize:] {
		list = append(list, binary.BigEndian.Uint32(b))
	}
	return list
}

func record(c *identity.Contact) *wirepb.Record {
	if c == nil {
		return nil
	}
	return &wirepb.Record{Body: c.Record.Body, Signature: c.Record.Signature}
}

func records(list []*identity.Contact) []*wirepb.Record {
	if len(list) == 0 {
		return nil
	}
	rs := make([]*wirepb.Record, len(list))
	for i, c := range list {
		rs[i] = record(c)
	}
	return rs
}

func trailBytes(trail []identity.ID) [][]byte {
	list := make([][]byte, len(trail))
	for i := range trail {
		list[i] = trail[i][:]
	}
	return list
}
