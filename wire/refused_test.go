package wire_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"cicada/wire"
	"cicada/wire/wirepb"
)

// A refused sample is bytes that break one rule: what closes the link, and where
// the first bad byte is.
type refused struct {
	sample
	code   wire.Code
	offset int
}

// refusals returns bytes that every implementation must refuse.
func refusals() []refused {
	no := func(name, codec string, code wire.Code, offset int, b []byte) refused {
		return refused{sample{name, codec, b}, code, offset}
	}
	all := []refused{
		no("empty header", "frame header", wire.CodeProtocol, 0, nil),
		no("header cut short", "frame header", wire.CodeProtocol, 3, []byte{1, 0, 0}),
		no("frame kind 0", "frame header", wire.CodeProtocol, 0, []byte{0, 0, 0, 1}),
		no("unknown frame kind", "frame header", wire.CodeProtocol, 0, []byte{8, 0, 0, 1}),
		no("HTTP", "frame header", wire.CodeProtocol, 0, []byte("GET ")),
		no("proof too short", "frame header", wire.CodeProtocol, 1, []byte{1, 0, 0, 31}),
		no("proof too long", "frame header", wire.CodeLimit, 1, []byte{1, 0, 0, 33}),
		no("empty hello", "frame header", wire.CodeProtocol, 1, []byte{2, 0, 0, 0}),
		no("hello too long", "frame header", wire.CodeLimit, 1, []byte{2, 0, 8, 1}),
		no("empty control", "frame header", wire.CodeProtocol, 1, []byte{3, 0, 0, 0}),
		no("control too long", "frame header", wire.CodeLimit, 1, []byte{3, 0x10, 4, 1}),
		no("envelope without a whole header", "frame header", wire.CodeProtocol, 1, []byte{4, 0, 0, 79}),
		no("envelope too long", "frame header", wire.CodeLimit, 1, []byte{4, 0x10, 4, 81}),
		no("ack of nothing", "frame header", wire.CodeProtocol, 1, []byte{5, 0, 0, 0}),
		no("ack and a half", "frame header", wire.CodeProtocol, 1, []byte{5, 0, 0, 18}),
		no("too many acks", "frame header", wire.CodeLimit, 1, []byte{5, 0, 0x44, 17}),
		no("refusal too short", "frame header", wire.CodeProtocol, 1, []byte{6, 0, 0, 17}),
		no("refusal too long", "frame header", wire.CodeLimit, 1, []byte{6, 0, 0, 19}),
		no("close without a code", "frame header", wire.CodeProtocol, 1, []byte{7, 0, 0, 1}),
		no("close too long", "frame header", wire.CodeLimit, 1, []byte{7, 0, 0, 131}),
		no("empty ack body", "ack", wire.CodeProtocol, 0, nil),
		no("odd ack body", "ack", wire.CodeProtocol, 18, count(0, 18)),
		no("refusal body with a byte more", "refusal", wire.CodeLimit, 19, count(0, 19)),
		no("close text that is not UTF-8", "close", wire.CodeProtocol, 2, []byte{0, 5, 'a', 0xff}),
		no("close text too long", "close", wire.CodeLimit, 131, count(0, 131)),
	}
	for _, bad := range []struct {
		name  string
		at    int
		value byte
		code  wire.Code
	}{
		{"envelope that lives too long", 0, 65, wire.CodeLimit},
		{"envelope of version 0", 2, 0, wire.CodeVersion},
		{"envelope of version 2", 2, 2, wire.CodeVersion},
		{"envelope of kind 0", 3, 0, wire.CodeProtocol},
		{"envelope of an unknown kind", 3, 8, wire.CodeProtocol},
	} {
		b := slices.Clone(envelopes()[0].bytes)
		b[bad.at] = bad.value
		all = append(all, no(bad.name, "envelope", bad.code, bad.at, b))
	}
	all = append(all, no("envelope header cut short", "envelope", wire.CodeProtocol, 79, envelopes()[0].bytes[:79]))
	return append(append(all, rawRefusals()...), messageRefusals()...)
}

// tag returns the tag of a field.
func tag(number protowire.Number, typ protowire.Type) []byte {
	return protowire.AppendTag(nil, number, typ)
}

// nest returns content as the message in field number.
func nest(number protowire.Number, content ...[]byte) []byte {
	return protowire.AppendBytes(tag(number, protowire.BytesType), join(content...))
}

// rawRefusals returns bytes that no encoder makes.
func rawRefusals() []refused {
	no := func(name string, code wire.Code, offset int, parts ...[]byte) refused {
		return refused{sample{name, "control", join(parts...)}, code, offset}
	}
	ping, pong := nest(2), nest(3)
	number := func(field protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(tag(field, protowire.VarintType), v)
	}
	lookup := [][]byte{nest(1, count(0, 16)), nest(2, count(0, 32))}
	return []refused{
		no("nothing", wire.CodeProtocol, 0),
		no("no body", wire.CodeProtocol, 2, number(1, 1)),
		no("two bodies", wire.CodeProtocol, 2, ping, pong),
		no("the same body twice", wire.CodeLimit, 2, ping, ping),
		no("two requests", wire.CodeLimit, 2, number(1, 1), number(1, 1), ping),
		no("request is a string", wire.CodeProtocol, 1, nest(1, []byte("x")), ping),
		no("ping is a number", wire.CodeProtocol, 1, number(2, 1)),
		no("field number 0", wire.CodeProtocol, 0, []byte{0x00, 0x00}),
		no("tag never ends", wire.CodeProtocol, 0, bytes.Repeat([]byte{0xff}, 11)),
		no("number never ends", wire.CodeProtocol, 1, []byte{0x08}, bytes.Repeat([]byte{0xff}, 11)),
		no("a body longer than the frame", wire.CodeProtocol, 1, []byte{0x12, 0xff, 0xff, 0xff, 0xff, 0x0f}),
		no("a field longer than its message", wire.CodeProtocol, 3, []byte{0x2a, 0x02, 0x32, 0x7f}),
		no("a group", wire.CodeProtocol, 0, tag(1000, protowire.StartGroupType), tag(1000, protowire.EndGroupType)),
		no("the end of a group", wire.CodeProtocol, 0, tag(1000, protowire.EndGroupType)),
		no("reserved wire type 7", wire.CodeProtocol, 1, []byte{0x0f}),
		no("member is 2", wire.CodeProtocol, 3, nest(3, number(1, 2))),
		no("hops beyond 255", wire.CodeLimit, 55, nest(8, append(lookup, number(3, 256))...)),
		no("hops beyond 32 bits", wire.CodeLimit, 55, nest(8, append(lookup, number(3, 1<<32+1))...)),
		no("two keys", wire.CodeLimit, 54, nest(8, append(lookup, lookup[1])...)),
		no("known records cut short", wire.CodeProtocol, 4, nest(4, nest(2, count(0, 17)))),
		no("65 known records", wire.CodeLimit, 6, nest(4, nest(2, count(0, 65*16)))),
		no("two predecessors", wire.CodeLimit, 4, nest(5, nest(10, []byte{0, 1}))),
		no("65 numbers of successors", wire.CodeLimit, 4, nest(5, nest(11, count(0, 65)))),
		no("65 numbers of predecessors", wire.CodeLimit, 4, nest(5, nest(12, count(0, 65)))),
		no("numbers of successors as a list", wire.CodeLimit, 5, nest(5, nest(11, []byte{0}), nest(11, []byte{1}))),
		no("65 records of a state", wire.CodeLimit, 6019, nest(5, bytes.Repeat(nest(9, nest(1, count(0, 24)), nest(2, count(0, 64))), 65))),
		no("the gone cut short", wire.CodeProtocol, 5, nest(22, nest(3, count(0, 9)))),
		no("limits cut short", wire.CodeProtocol, 5, nest(22, nest(4, count(0, 6)))),
		no("256 gone", wire.CodeLimit, 7, nest(22, nest(3, make([]byte, 256*8)))),
		no("65 who joined", wire.CodeLimit, 2692, nest(22, bytes.Repeat(nest(1, hint(1)), 65))),
		no("241 hints of a page", wire.CodeLimit, 10084, nest(21, bytes.Repeat(nest(6, hint(1)), 241))),
		no("more than 1024 fields", wire.CodeLimit, 3072, bytes.Repeat([]byte{0xa0, 0x06, 0x00}, 1025)),
	}
}

// messageRefusals returns messages that an encoder makes of wrong values.
func messageRefusals() []refused {
	var all []refused
	no := func(name string, code wire.Code, offset int, kind string, change func(*wirepb.Control)) {
		c := controls()[kind]
		change(c)
		all = append(all, refused{sample{name, "control", encode(c)}, code, offset})
	}
	no("lookup without a message ID", wire.CodeProtocol, 108, "lookup", func(c *wirepb.Control) { c.GetLookup().Message = nil })
	no("lookup with a short message ID", wire.CodeProtocol, 6, "lookup", func(c *wirepb.Control) { c.GetLookup().Message = count(0, 15) })
	no("lookup with a long key", wire.CodeLimit, 24, "lookup", func(c *wirepb.Control) { c.GetLookup().Key = count(0, 33) })
	no("trail with a short ID", wire.CodeProtocol, 60, "lookup", func(c *wirepb.Control) { c.GetLookup().Trail[0] = count(0, 31) })
	no("trail of 65", wire.CodeLimit, 2235, "lookup", func(c *wirepb.Control) {
		c.GetLookup().Trail = slices.Repeat(c.GetLookup().Trail[:1], 65)
	})
	no("65 successors", wire.CodeLimit, 6019, "leave", func(c *wirepb.Control) {
		c.GetLeave().Successors = slices.Repeat(c.GetLeave().Successors, 65)
	})
	no("empty record", wire.CodeProtocol, 8, "notified", func(c *wirepb.Control) { c.GetNotified().Predecessor = &wirepb.Record{} })
	no("record with a short signature", wire.CodeProtocol, 36, "notified", func(c *wirepb.Control) {
		c.GetNotified().Predecessor.Signature = count(0, 63)
	})
	no("record too long", wire.CodeLimit, 13, "notified", func(c *wirepb.Control) { c.GetNotified().Predecessor.Body = make([]byte, 1025) })
	no("suspicion of nobody", wire.CodeProtocol, 4, "suspect", func(c *wirepb.Control) { c.GetSuspect().Silent = nil })
	no("found without an owner", wire.CodeProtocol, 126, "found", func(c *wirepb.Control) { c.GetFound().Owner = nil })
	no("broadcast of nothing", wire.CodeProtocol, 104, "broadcast", func(c *wirepb.Control) { c.GetBroadcast().Body = nil })
	no("broadcast without a signature", wire.CodeProtocol, 114, "broadcast", func(c *wirepb.Control) { c.GetBroadcast().Signature = nil })
	no("broadcast with a long limit", wire.CodeLimit, 147, "broadcast", func(c *wirepb.Control) { c.GetBroadcast().Limit = count(0, 33) })
	no("broadcast with a short start", wire.CodeProtocol, 183, "broadcast", func(c *wirepb.Control) { c.GetBroadcast().Start = count(0, 31) })
	no("broadcast with 17 silent peers", wire.CodeLimit, 184, "broadcast", func(c *wirepb.Control) { c.GetBroadcast().Silent = count(0, 17*32) })
	no("broadcast with half a silent peer", wire.CodeProtocol, 183, "broadcast", func(c *wirepb.Control) { c.GetBroadcast().Silent = count(0, 48) })
	no("told of nothing", wire.CodeProtocol, 3, "broadcast_told", func(c *wirepb.Control) { c.GetBroadcastTold().Tags = nil })
	no("told of 65 broadcasts", wire.CodeLimit, 7, "broadcast_told", func(c *wirepb.Control) { c.GetBroadcastTold().Tags = count(0, 65*8) })
	no("pull by a tag and a half", wire.CodeProtocol, 5, "broadcast_pull", func(c *wirepb.Control) { c.GetBroadcastPull().Tags = count(0, 12) })
	no("broadcast given without a body", wire.CodeProtocol, 74, "broadcast_given", func(c *wirepb.Control) { c.GetBroadcastGiven().Body = nil })
	no("broadcast given that is too old", wire.CodeLimit, 149, "broadcast_given", func(c *wirepb.Control) { c.GetBroadcastGiven().Age = 60001 })
	for name, h := range map[string]*wirepb.Hello{
		"hello without a version": {Record: record(1)},
		"hello without a record":  {Version: 1},
	} {
		all = append(all, refused{sample{name, "hello", encode(h)}, wire.CodeProtocol, len(encode(h))})
	}
	slices.SortFunc(all[len(all)-2:], func(a, b refused) int { return strings.Compare(a.name, b.name) })
	return append(all,
		refused{sample{"agent with an escape", "hello", encode(&wirepb.Hello{Version: 1, Record: record(1), Agent: "a\x1b[2J"})}, wire.CodeProtocol, 99},
		refused{sample{"agent too long", "hello", encode(&wirepb.Hello{Version: 1, Record: record(1), Agent: strings.Repeat("a", 65)})}, wire.CodeLimit, 98},
		refused{sample{"origin missing", "broadcast body", encode(&wirepb.BroadcastBody{Message: count(0, 16)})}, wire.CodeProtocol, 18},
	)
}

func TestBadBytesAreRefused(t *testing.T) {
	for _, bad := range refusals() {
		t.Run(bad.codec+"/"+bad.name, func(t *testing.T) {
			c, err := find(bad.codec)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.again(bad.bytes)
			var broken *wire.Error
			if !errors.As(err, &broken) {
				t.Fatalf("got %v, want a *wire.Error", err)
			}
			if broken.Code != bad.code || broken.Offset != bad.offset {
				t.Errorf("got %q, want code %d at byte %d", err, bad.code, bad.offset)
			}
		})
	}
}
