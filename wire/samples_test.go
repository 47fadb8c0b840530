package wire_test

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"cicada/identity"
	"cicada/wire"
	"cicada/wire/wirepb"
)

// A sample is bytes that are right, by name.
type sample struct {
	name, codec string
	bytes       []byte
}

// samples returns at least one of everything that the wire carries.
func samples() []sample {
	all := []sample{
		{"one ack", "ack", wire.AppendAck(nil, [16]byte(count(1, 16)), 0)},
		{"two acks", "ack", wire.AppendAck(wire.AppendAck(nil, [16]byte(count(1, 16)), 0), [16]byte(count(0x80, 16)), 255)},
		{"close with text", "close", wire.AppendClose(nil, wire.CodeLimit, "too many lookups, größer als erlaubt")},
		{"close without text", "close", wire.AppendClose(nil, wire.CodeIdle, "")},
		{"close with the longest text", "close", wire.AppendClose(nil, wire.CodeProtocol, strings.Repeat("x", 128))},
		{"close of a later version", "close", []byte{0xff, 0xfe, 'o', 'k'}},
	}
	for _, f := range []struct {
		kind   wire.FrameKind
		length int
	}{
		{wire.FrameProof, 32}, {wire.FrameHello, 1}, {wire.FrameHello, 2048}, {wire.FrameControl, 1}, {wire.FrameControl, 1049600},
		{wire.FrameEnvelope, 80}, {wire.FrameEnvelope, 1049680}, {wire.FrameAck, 17}, {wire.FrameAck, 17408},
		{wire.FrameRefusal, 18}, {wire.FrameClose, 2}, {wire.FrameClose, 130},
	} {
		all = append(all, sample{"header of " + f.kind.String(), "frame header", []byte{
			byte(f.kind), byte(f.length >> 16), byte(f.length >> 8), byte(f.length)}})
	}
	for reason := wire.ReasonNone; reason <= wire.ReasonDenied+1; reason++ {
		all = append(all, sample{"refusal: " + reason.String(), "refusal",
			wire.AppendRefusal(nil, wire.Refusal{Message: [16]byte(count(1, 16)), Copy: uint8(reason), Reason: reason})})
	}
	return append(append(all, envelopes()...), messages()...)
}

func envelopes() []sample {
	header := wire.EnvelopeHeader{
		TTL: 64, Hops: 2, Colours: 4, Copy: 3, Counter: 0x0102030405060708,
		Message: [16]byte(count(0x10, 16)), Nonce: [16]byte(count(0x20, 16)), Target: identity.Point(count(0x30, 32)),
	}
	var all []sample
	for kind := wire.EnvelopeFirst; kind <= wire.EnvelopeKeyRefusal; kind++ {
		header.Kind = kind
		all = append(all, sample{"envelope " + kind.String(), "envelope",
			append(wire.AppendEnvelopeHeader(nil, header), "sealed"...)})
	}
	last := wire.AppendEnvelopeHeader(nil, wire.EnvelopeHeader{Kind: wire.EnvelopeMessage})
	flags := append([]byte(nil), all[2].bytes...)
	flags[6], flags[7] = 0x80, 1
	return append(all, sample{"envelope on its last link, without payload", "envelope", last},
		sample{"envelope with flags of a later version", "envelope", flags})
}

// record returns a record that keeps the rules, and proves nothing.
func record(first byte) *wirepb.Record {
	return &wirepb.Record{Body: count(first, 24), Signature: count(first, 64)}
}

// hint returns a peer of which nothing is proven, with one address.
func hint(first byte) []byte {
	return append(append([]byte{1}, count(first, 32)...), 4, 192, 0, 2, first, 0xc1, 0xca)
}

// controls returns one control message of each kind, the name of the kind first.
func controls() map[string]*wirepb.Control {
	message, key, limit := count(1, 16), count(0x40, 32), count(0x60, 32)
	trail := [][]byte{count(0x80, 32), count(0xa0, 32)}
	return map[string]*wirepb.Control{
		"ping": {Request: 1, Body: &wirepb.Control_Ping{Ping: &wirepb.Ping{Version: 6}}},
		"pong": {Request: 1, Body: &wirepb.Control_Pong{Pong: &wirepb.Pong{Member: true, Version: 6}}},
		"ask":  {Request: 1 << 63, Body: &wirepb.Control_Ask{Ask: &wirepb.Ask{Version: 7, Known: count(0x20, 48), Sides: 3}}},
		"state": {Request: 3, Body: &wirepb.Control_State{State: &wirepb.State{Busy: true, Member: true, Small: true, Version: 8,
			Unchanged: true, Records: []*wirepb.Record{record(1), record(2)}, Predecessor: []byte{0x80},
			Successors: []byte{0x81, 0, 1}, Predecessors: []byte{0x80, 0x82, 1}, Stay: 3600, Base: 7}}},
		"notify":   {Request: 4, Body: &wirepb.Control_Notify{Notify: &wirepb.Notify{Version: 6, Wide: true}}},
		"notified": {Request: 4, Body: &wirepb.Control_Notified{Notified: &wirepb.Notified{Accepted: true, Predecessor: record(4)}}},
		"lookup": {Request: 5, Body: &wirepb.Control_Lookup{Lookup: &wirepb.Lookup{
			Message: message, Key: key, Hops: 2, Trail: trail}}},
		"found": {Request: 6, Body: &wirepb.Control_Found{Found: &wirepb.Found{Message: message, Key: key, Owner: record(5),
			Hops: 2, Trail: trail}}},
		"lookup_taken": {Request: 5, Body: &wirepb.Control_LookupTaken{LookupTaken: &wirepb.LookupTaken{Message: message}}},
		"lookup_stuck": {Body: &wirepb.Control_LookupStuck{LookupStuck: &wirepb.LookupStuck{Message: message, Key: key, Trail: trail}}},
		"suspect":      {Body: &wirepb.Control_Suspect{Suspect: &wirepb.Suspect{Silent: count(8, 32), Call: true}}},
		"leave": {Body: &wirepb.Control_Leave{Leave: &wirepb.Leave{
			Successors: []*wirepb.Record{record(9)}, Predecessors: []*wirepb.Record{record(10), record(11)}}}},
		"broadcast": {Body: &wirepb.Control_Broadcast{Broadcast: &wirepb.Broadcast{
			Body: broadcastBody(), Signature: count(0xc0, 64), Limit: limit, Hops: 3}}},
		"broadcast_taken": {Body: &wirepb.Control_BroadcastTaken{BroadcastTaken: &wirepb.BroadcastTaken{Message: message, Limit: limit}}},
		"broadcast_done": {Body: &wirepb.Control_BroadcastDone{BroadcastDone: &wirepb.BroadcastDone{
			Message: message, Limit: limit, Reached: 63}}},
		"broadcast_told": {Body: &wirepb.Control_BroadcastTold{BroadcastTold: &wirepb.BroadcastTold{Tags: count(0x20, 16)}}},
		"broadcast_pull": {Body: &wirepb.Control_BroadcastPull{BroadcastPull: &wirepb.BroadcastPull{Tags: count(0x28, 8)}}},
		"broadcast_given": {Body: &wirepb.Control_BroadcastGiven{BroadcastGiven: &wirepb.BroadcastGiven{
			Body: broadcastBody(), Signature: count(0xc0, 64), Hops: 4, Age: 5250}}},
		"query": {Request: 6, Body: &wirepb.Control_Query{Query: &wirepb.Query{Key: count(0x40, 8), Count: 4, Length: 1 << 60, Table: true, Prints: count(1, 8), Behind: true,
			Wide: true, Sum: 1 << 61}}},
		"peers": {Request: 6, Body: &wirepb.Control_Peers{Peers: &wirepb.Peers{Member: true, Exact: true, Owns: true, Order: []byte{0x80, 0, 1, 0x81},
			Hints: [][]byte{hint(1), hint(2)}, Others: [][]byte{hint(3)}, Wide: true, Busy: true}}},
		"changes": {Request: 7, Body: &wirepb.Control_Changes{Changes: &wirepb.Changes{Joined: [][]byte{hint(1), hint(2)}, Others: [][]byte{hint(3)},
			Left: count(0x50, 16), Limits: count(0x70, 20)}}},
		"changes_taken": {Request: 7, Body: &wirepb.Control_ChangesTaken{ChangesTaken: &wirepb.ChangesTaken{Wide: true, Passed: true}}},
	}
}

// broadcastBody returns the signed part of a broadcast.
func broadcastBody() []byte {
	return encode(&wirepb.BroadcastBody{Origin: count(0xe0, 32), Message: count(1, 16), Time: 1_800_000_000_000_000_000, Data: []byte("hello, all")})
}

// encode encodes m whether it keeps the rules or not.
func encode(m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err) // a mistake in this file
	}
	return b
}

func messages() []sample {
	var all []sample
	fields := (&wirepb.Control{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if name := string(fields.Get(i).Name()); name != "request" {
			all = append(all, sample{name, "control", encode(controls()[name])})
		}
	}
	unknown := protowire.AppendString(protowire.AppendTag(nil, 1000, protowire.BytesType), "later")
	return append(all,
		sample{"pong of a peer that is no member, with no request", "control", encode(&wirepb.Control{
			Body: &wirepb.Control_Pong{Pong: &wirepb.Pong{}}})},
		sample{"ask of a peer at rest", "control", encode(&wirepb.Control{Request: 2,
			Body: &wirepb.Control_Ask{Ask: &wirepb.Ask{Version: 7}}})},
		sample{"state in which all records are known", "control", encode(&wirepb.Control{Request: 2,
			Body: &wirepb.Control_State{State: &wirepb.State{Member: true, Version: 8, Predecessor: []byte{0x80},
				Successors: []byte{0x81, 0x82}, Predecessors: []byte{0x80, 0x83}}}})},
		sample{"changes with one limit for all", "control", encode(&wirepb.Control{Request: 7,
			Body: &wirepb.Control_Changes{Changes: &wirepb.Changes{Left: count(0x50, 16), Limits: count(0x70, 4)}}})},
		sample{"ping with a field of a later version", "control", join(encode(controls()["ping"]), unknown)},
		sample{"message of a kind of a later version", "control", join(encode(&wirepb.Control{Request: 9}), unknown)},
		sample{"broadcast in the place of a peer that was silent", "control", encode(&wirepb.Control{
			Body: &wirepb.Control_Broadcast{Broadcast: &wirepb.Broadcast{Body: broadcastBody(), Signature: count(0xc0, 64),
				Limit: count(0x60, 32), Hops: 3, Start: count(0x40, 32), Silent: count(0x50, 64)}}})},
		sample{"hello", "hello", encode(&wirepb.Hello{Version: 1, Record: record(1), Agent: "cicada 1.0"})},
		sample{"hello of a later version", "hello", join(encode(&wirepb.Hello{Version: 2, Record: record(1)}), unknown)},
		sample{"signed part of a broadcast", "broadcast body", broadcastBody()},
		sample{"signed part of an empty broadcast", "broadcast body",
			encode(&wirepb.BroadcastBody{Origin: count(0xe0, 32), Message: count(1, 16)})},
	)
}
