package sim

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"cicada/identity"
	"cicada/routing"
	"cicada/seal"
	"cicada/trace"
	"cicada/wire"
)

// A Sealing says what messages are sealed with.
type Sealing string

// The sealings.
const (
	// StandIn is whose a message is, in clear, and a sum that no foe can make. It costs
	// next to nothing.
	StandIn Sealing = "stand-in"
	// Noise is what ships: sessions of package seal, and broadcasts that are signed.
	// The ID of a peer is a public key, then.
	Noise Sealing = "noise"
)

// standInSize is how long a stand-in for a seal is.
const standInSize = 32 + 16

// standIn returns what stands in for a seal of a peer.
func standIn(origin identity.ID) []byte {
	return append(make([]byte, 0, standInSize), origin[:]...)[:standInSize]
}

// letterOf returns what stands in for what a peer sealed under a message ID: a message,
// or the receipt for one.
func (w *World) letterOf(origin identity.ID, message trace.MessageID, receipt bool) []byte {
	b := standIn(origin)
	sum := w.config.Seed
	for i := 0; i < len(origin); i += 8 {
		sum = mix(sum ^ binary.LittleEndian.Uint64(origin[i:]))
	}
	sum = mix(sum ^ binary.LittleEndian.Uint64(message[:]))
	sum = mix(sum ^ binary.LittleEndian.Uint64(message[8:]))
	if receipt {
		sum = mix(sum + 1)
	}
	binary.LittleEndian.PutUint64(b[len(origin):], sum)
	binary.LittleEndian.PutUint64(b[len(origin)+8:], mix(sum))
	return b
}

// standsFor returns whose seal something stands in for, and whether it is whole.
func (w *World) standsFor(e wire.Envelope, receipt bool) (origin identity.ID, whole bool) {
	copy(origin[:], e.Payload())
	return origin, bytes.Equal(e.Payload(), w.letterOf(origin, e.Message(), receipt))
}

// A secret is what a peer seals with, where that is Noise.
type secret struct {
	key     identity.PrivateKey
	began   time.Duration               // this life
	sealer  *seal.Sealer                // of this life; nil until something is sealed or opened
	swept   time.Duration               // sealer
	letters map[trace.MessageID]*letter // own messages without an answer
}

// A letter is a message as its origin keeps it.
type letter struct {
	target  *identity.Contact
	session uint64 // that it was last sealed under
	course  seal.Course
}

// forget forgets what a program does that ends.
func (s *secret) forget() {
	if s != nil {
		s.sealer, s.letters = nil, nil
	}
}

// name gives a new peer its ID.
func (w *World) name(i int32, contact *identity.Contact) {
	if w.numbers == nil {
		binary.LittleEndian.PutUint32(contact.ID[numbered:], uint32(i))
		return
	}
	s := &secret{key: identity.KeyFromSeed(contact.ID)} // so the ring is that of stand-ins
	contact.ID = s.key.ID()
	w.numbers[contact.ID], w.nodes[i].secret = i, s
}

// dawn is when virtual time begins by the clocks of peers: any time does.
var dawn = time.Unix(1_000_000_000, 0)

// wall is the time by the clocks of peers.
func (w *World) wall() time.Time { return dawn.Add(w.now) }

// sealsTag stands for the public tag of the swarm.
var sealsTag = [32]byte{'s', 'i', 'm', 'u', 'l', 'a', 't', 'e', 'd'}

// sweepEvery is how often a Sealer forgets what is over. That it does so only when it
// is used again cannot be told from outside.
const sweepEvery = 10 * time.Second

// sealer returns what a peer seals with. Like its delivery it is made when it is first
// needed, as it would have been when this life of the peer began: what it takes are
// dice of its own, and a clock.
func (w *World) sealer(i int32) *seal.Sealer {
	n := &w.nodes[i]
	s := n.secret
	if s.sealer != nil {
		if w.now >= s.swept+sweepEvery {
			s.swept = w.now
			s.sealer.Sweep()
		}
		return s.sealer
	}
	var dice [32]byte
	binary.LittleEndian.PutUint64(dice[:], w.config.Seed)
	binary.LittleEndian.PutUint64(dice[8:], uint64(i)<<32|uint64(n.lives))
	began := dawn.Add(s.began)
	clock := func() time.Time { return began }
	sealer, err := seal.New(seal.Config{
		Key: s.key, Point: n.contact.Point, Swarm: sealsTag, FreshKey: n.lives == 1,
		Clock: func() time.Time { return clock() }, Rand: rand.NewChaCha8(dice),
	})
	if err != nil {
		panic(err) // no such key is made
	}
	clock = w.wall
	s.sealer, s.swept, s.letters = sealer, w.now, make(map[trace.MessageID]*letter)
	return sealer
}

// write seals a message, for the first time or anew, or what only asks whether its
// target restarted.
func (w *World) write(i int32, id trace.MessageID, ask bool) (sealed seal.Sealed, err error) {
	sealer := w.sealer(i)
	l := w.nodes[i].secret.letters[id]
	if ask {
		sealed, err = sealer.Ask(nil, l.target.ID, id)
	} else {
		sealed, err = sealer.Seal(nil, l.target.ID, l.target.Point, id, id[:])
	}
	l.session = sealed.Session
	l.course.Sealed(sealed, w.wall())
	return sealed, err
}

// post seals a message from one peer to another, and gives it to the routing.
func (w *World) post(from, to int32, id trace.MessageID) error {
	target := w.nodes[to].contact
	m := routing.Sending{Message: id, Target: target.Point, Kind: wire.EnvelopeMessage, Duplicates: w.config.Duplicates}
	if s := w.load.sends[id]; s != nil {
		m.Found = s.found
	}
	route := w.routing(from)
	if w.nodes[from].secret == nil {
		m.Payload = w.letterOf(w.nodes[from].contact.ID, id, false)
		_, err := route.Send(w.now, m)
		return err
	}
	w.sealer(from)
	w.nodes[from].secret.letters[id] = &letter{target: target}
	sealed, err := w.write(from, id, false)
	if err == nil {
		m.Kind, m.Counter, m.Payload = sealed.Kind, sealed.Counter, sealed.Payload
		_, err = route.Send(w.now, m)
	}
	if err != nil {
		delete(w.nodes[from].secret.letters, id)
	}
	return err
}

// postAnew seals a message of a peer anew, since its target asked for that.
func (w *World) postAnew(i int32, id trace.MessageID, ask bool) {
	sealed, err := w.write(i, id, ask)
	if err == nil {
		err = w.nodes[i].route.Resend(w.now, id, sealed.Kind, sealed.Counter, sealed.Payload)
	}
	if err != nil {
		w.giveUp(i, id)
	}
}

// giveUp ends a message of a peer without an answer.
func (w *World) giveUp(i int32, id trace.MessageID) {
	delete(w.nodes[i].secret.letters, id)
	w.nodes[i].route.Cancel(id)
	w.sendFailed(id)
}

// openReceipt opens an answer to a message of a peer, and does what it asks for.
func (w *World) openReceipt(i int32, r *routing.Receipt) {
	n := &w.nodes[i]
	sealer, l := w.sealer(i), n.secret.letters[r.Message]
	if l == nil {
		return
	}
	reply, err := sealer.OpenReply(nil, r.Envelope, l.target.ID, l.session)
	if err != nil {
		w.tell(i, trace.Event{Kind: trace.Refused, Message: r.Message, Other: r.From, Reason: err.Error()})
		return // the true one may still come
	}
	switch l.course.Next(reply) {
	case seal.Finish:
		delete(n.secret.letters, r.Message)
		if n.route.Done(w.now, r.Offer, l.target.ID, r.Hops) {
			w.receipted(r.Message)
		}
	case seal.GiveUp, seal.Desist: // of these no peer here has keys
		w.giveUp(i, r.Message)
	case seal.Enquire:
		w.postAnew(i, r.Message, true)
	case seal.Reseal:
		w.postAnew(i, r.Message, false)
	}
}

// open opens a message for a peer, takes it, and answers it.
func (w *World) open(i int32, a *routing.Arrival) {
	n := &w.nodes[i]
	sealer := w.sealer(i)
	o, err := sealer.Open(nil, a.Envelope, a.From)
	switch o.Fate(err) {
	case seal.Wait:
		n.route.Postponed(a.Offer)
		return
	case seal.Deliver:
		w.tell(i, trace.Event{Kind: trace.Opened, Message: a.Offer.Message, Other: o.Origin})
		if string(o.Data) != string(a.Offer.Message[:]) {
			w.violated("a message was delivered that its origin did not send")
		}
		if !w.take(i, a, o.Origin) {
			return
		}
		if o.Reply, err = sealer.Answer(nil, o.Handle, w.pointOf(o.Origin), nil); err != nil {
			return // no dice fail here
		}
	case seal.Replace:
		n.route.Outdated(a.Offer, o.Origin)
	case seal.Refuse:
		n.route.Rejected(a.Offer)
	}
	if len(o.Reply.Payload) == 0 {
		w.tell(i, trace.Event{Kind: trace.Refused, Message: a.Offer.Message, Other: a.From, Reason: err.Error()})
		return
	}
	w.reply(i, a, routing.Replying{Kind: o.Reply.Kind, Counter: o.Reply.Counter, Payload: o.Reply.Payload, Target: w.pointOf(o.Origin)})
}

// pointOf returns where a peer stands, or nowhere where it is nobody.
func (w *World) pointOf(id identity.ID) identity.Point {
	if i, known := w.numberOf(id); known {
		return w.nodes[i].contact.Point
	}
	return identity.Point{}
}

// castOf returns a broadcast of a peer: who it is, and the message's name.
func (w *World) castOf(i int32, id trace.MessageID) (body, signature []byte) {
	body = append(standIn(w.nodes[i].contact.ID), id[:]...)
	if s := w.nodes[i].secret; s != nil {
		return body, s.key.Sign(identity.PurposeBroadcast, body)
	}
	return body, make([]byte, identity.SignatureSize)
}

// isSigned reports whether a broadcast is its origin's.
func (w *World) isSigned(b *routing.BroadcastArrival, origin identity.ID) bool {
	return w.numbers == nil || string(b.Body[standInSize:]) == string(b.Offer.Message[:]) &&
		origin.Verify(identity.PurposeBroadcast, b.Body, b.Signature)
}
