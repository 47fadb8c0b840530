package adversary

import (
	"bytes"
	"encoding/binary"

	"cicada/chord"
	"cicada/identity"
)

// A Story is whom a lie names instead of who is there.
type Story uint8

// The stories.
const (
	Colluders Story = iota // members of the gang, anywhere
	Nearest                // those members that are nearest to what is asked for
	Fresh                  // peers made up for the occasion, all but at what is asked for
	Mixed                  // the nearest members, each at its place among good peers, but for who owns what is asked for
)

// Lie answers every lookup that comes by, and every question of a search, with a
// Story. It knows what is asked. With Refresh it answers those who look after their
// fingers in the same way, to get into their tables.
type Lie struct {
	honest
	Story   Story
	Refresh bool
}

// Hear answers instead of the peer's own state machine.
func (l Lie) Hear(f *Foe, in Message) bool {
	m := in.Ring
	switch {
	case m == nil:
		return true
	case m.Kind == chord.Lookup:
		l.found(f, in)
		return false
	case m.Kind == chord.Query && !m.Wide && (l.Refresh || !m.Table && m.Length == 0):
		l.peers(f, in)
		return false
	}
	return true
}

// found says that a peer of the story owns what a lookup asks for.
func (l Lie) found(f *Foe, in Message) {
	m := in.Ring
	who := l.tell(f, m.Key, 1)
	if len(who) == 0 || len(m.Trail) == 0 {
		return
	}
	trail := append(append([]identity.ID(nil), m.Trail...), f.Self.ID)
	f.send(Message{Link: in.Link, Ring: &chord.Message{Kind: chord.LookupTaken, Lookup: m.Lookup}})
	f.send(Message{Link: in.Link, Ring: &chord.Message{
		Kind: chord.Found, Lookup: m.Lookup, Key: m.Key, Hops: m.Hops, Trail: trail, Peer: who[0],
	}})
}

// peers names peers of the story.
func (l Lie) peers(f *Foe, in Message) {
	m := in.Ring
	reply := chord.Message{Kind: chord.Peers, Request: m.Request, Member: true, Hints: l.tell(f, m.Key, max(m.Count, 1))}
	if owner := f.Gang.after(m.Key, 1); l.Story != Colluders && len(owner) > 0 && f.near(m.Key) { // as sure as if it knew
		reply.Exact, reply.Owns = true, owner[0].ID == f.Self.ID
		if m.Behind {
			reply.Hints = append(l.before(f, m.Key), reply.Hints...)
		}
	}
	reply.Order = make([]byte, len(reply.Hints))
	for i := range reply.Order {
		reply.Order[i] = byte(i)
	}
	f.send(Message{Link: in.Link, Ring: &reply})
}

// near reports whether f may well have a key's owner in its lists.
func (f *Foe) near(key identity.Point) bool {
	last := f.Ring.Successors()
	if len(last) == 0 {
		return true
	}
	near, reach := distance(f.Self.Point, key), distance(f.Self.Point, last[len(last)-1].Point)
	return bytes.Compare(near[:], reach[:]) <= 0
}

// before names whom the story has before a key.
func (l Lie) before(f *Foe, key identity.Point) []*identity.Contact {
	if l.Story == Mixed {
		return f.Gang.from(f.Gang.everybody, key, 1, -1)
	}
	return f.Gang.before(key, 1)
}

// tell returns up to n peers of the story. A record may be named in one answer some
// dozens of times at most.
func (l Lie) tell(f *Foe, key identity.Point, n int) (who []*identity.Contact) {
	const most = 16
	n = min(n, most, len(f.Gang.members))
	switch l.Story {
	case Nearest:
		return f.Gang.after(key, n)
	case Mixed:
		return f.Gang.mixed(key, n)
	case Fresh:
		for range n {
			who = append(who, f.invent(key))
		}
		return who
	}
	start := f.random.IntN(len(f.Gang.members))
	for k := range n {
		who = append(who, f.Gang.members[(start+k)%len(f.Gang.members)])
	}
	return who
}

// mixed returns n peers behind a key, as close together as all are, but for those before
// the first of the gang: the lie is in who is missing.
func (g *Gang) mixed(key identity.Point, n int) []*identity.Contact {
	owner := g.after(key, 1)
	if len(owner) == 0 {
		return nil
	}
	return append(owner, g.from(g.everybody, owner[0].Point, n-1, 1)...)
}

// invent makes up a peer that stands right behind a point: a key pair that was looked
// for long enough. Nobody answers there.
func (f *Foe) invent(point identity.Point) *identity.Contact {
	c := &identity.Contact{Sequence: 1, Point: point}
	for i := 0; i < len(c.ID); i += 8 {
		binary.BigEndian.PutUint64(c.ID[i:], f.random.Uint64())
	}
	c.Fingerprint = identity.Fingerprint(c.ID[:len(c.Fingerprint)])
	low := binary.BigEndian.Uint64(c.Point[24:])
	binary.BigEndian.PutUint64(c.Point[24:], low+1+f.random.Uint64N(1<<32))
	return c
}

// Sparse forges lists: whoever asks for its neighbours hears of the gang alone, which
// stands further apart than all peers do. It knows who asks.
type Sparse struct{ honest }

// Say names the gang instead of the neighbours, also where nothing has changed since
// the asker heard the truth.
func (Sparse) Say(f *Foe, out *Message) bool {
	m := out.Ring
	if m == nil || m.Kind != chord.State || m.Busy || m.Small {
		return true
	}
	forged, point := *m, f.Self.Point
	after := f.Gang.after(point, len(f.Ring.Successors()))
	before := f.Gang.before(point, len(f.Ring.Predecessors()))
	if len(before) == 0 {
		return true
	}
	forged.Base, forged.Unchanged, forged.Version = 0, false, m.Version+1
	forged.Lists = chord.NewLists(nil, before[0], after, before)
	out.Ring = &forged
	return true
}

// Frame complains of honest peers, to whoever knows them: that they do not answer. It
// drops what it is handed, so that there is something to find the guilty of.
type Frame struct {
	Drop
	Complaints int // every Beat
}

// Tick complains.
func (x Frame) Tick(f *Foe) {
	var honest, all []*identity.Contact
	f.Ring.Each(func(peer *identity.Contact) bool {
		all = append(all, peer)
		if !f.Gang.Has(peer.ID) {
			honest = append(honest, peer)
		}
		return true
	})
	for range x.Complaints {
		if len(honest) < 2 {
			return
		}
		of, to := honest[f.random.IntN(len(honest))], all[f.random.IntN(len(all))]
		if of.ID != to.ID {
			f.send(Message{Link: to.ID, Ring: &chord.Message{Kind: chord.Suspect, Silent: of.ID, Call: true}})
		}
	}
}
