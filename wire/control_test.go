package wire_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"cicada/wire"
	"cicada/wire/wirepb"
)

func TestEveryKindOfControlThereAndBack(t *testing.T) {
	all := controls()
	oneof := (&wirepb.Control{}).ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
	if len(all) != oneof.Len() {
		t.Fatalf("got %d samples, want %d", len(all), oneof.Len())
	}
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			b, err := wire.AppendControl([]byte("before"), want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := wire.UnmarshalControl(b[len("before"):])
			if err != nil || !proto.Equal(got, want) {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
			clear(b)
			if !proto.Equal(got, want) {
				t.Error("the message shares memory with the bytes it was read from")
			}
		})
	}
}

// broadcast returns one whose signed body has n bytes.
func broadcast(n int) *wirepb.Control {
	c := controls()["broadcast"]
	c.GetBroadcast().Body = make([]byte, n)
	return c
}

// fullBroadcast returns one with the most that each field may hold.
func fullBroadcast() *wirepb.Control {
	c := broadcast(wire.MaxBroadcastBody)
	b := c.GetBroadcast()
	b.Start, b.Silent, b.Hops = count(0, 32), make([]byte, 32*wire.MaxSilent), wire.MaxControlHops
	return c
}

// given returns a broadcast that was asked for whose signed body has n bytes.
func given(n int) *wirepb.Control {
	c := controls()["broadcast_given"]
	c.GetBroadcastGiven().Body = make([]byte, n)
	return c
}

// leave returns one with n records of the longest kind on each side.
func leave(n int) *wirepb.Control {
	r := record(1)
	r.Body = make([]byte, wire.MaxRecordBody)
	all := slices.Repeat([]*wirepb.Record{r}, n)
	return &wirepb.Control{Body: &wirepb.Control_Leave{Leave: &wirepb.Leave{Successors: all, Predecessors: all}}}
}

func TestSizesOfControlMessages(t *testing.T) {
	pad := func(c *wirepb.Control, n int) *wirepb.Control {
		c.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 1000, protowire.BytesType), make([]byte, n)))
		return c
	}
	tests := []struct {
		name    string
		control *wirepb.Control
		want    wire.Code
	}{
		{"longest broadcast", broadcast(wire.MaxBroadcastBody), wire.CodeNone},
		{"longest broadcast, with all there can be", fullBroadcast(), wire.CodeNone},
		{"longest broadcast given", given(wire.MaxBroadcastBody), wire.CodeNone},
		{"broadcast given that is too long", given(wire.MaxBroadcastBody + 1), wire.CodeLimit},
		{"broadcast too long", broadcast(wire.MaxBroadcastBody + 1), wire.CodeLimit},
		{"broadcast with too much besides", pad(broadcast(wire.MaxBroadcastBody), 1024), wire.CodeLimit},
		{"two times 29 of the longest records", leave(29), wire.CodeNone},
		{"two times 64 of the longest records", leave(64), wire.CodeLimit},
		{"ping with 65 000 bytes to skip", pad(controls()["ping"], 65000), wire.CodeNone},
		{"ping with 65 536 bytes to skip", pad(controls()["ping"], 65536), wire.CodeLimit},
		{"unknown kind with 65 536 bytes", pad(&wirepb.Control{}, 65536), wire.CodeLimit},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, read := wire.UnmarshalControl(encode(test.control))
			prefix := []byte("before")
			b, write := wire.AppendControl(prefix, test.control)
			for _, err := range []error{read, write} {
				got := wire.CodeNone
				var broken *wire.Error
				if errors.As(err, &broken) {
					got = broken.Code
				}
				if got != test.want {
					t.Errorf("got %v, want %v", err, test.want)
				}
			}
			if write != nil && !bytes.Equal(b, prefix) {
				t.Errorf("after an error: got %d bytes, want the %d there were", len(b), len(prefix))
			}
		})
	}
}

func TestMessagesWithHolesAreNotSent(t *testing.T) {
	var noPing *wirepb.Ping
	for name, c := range map[string]*wirepb.Control{
		"nil":            nil,
		"empty":          {},
		"nil in a list":  {Body: &wirepb.Control_Leave{Leave: &wirepb.Leave{Successors: []*wirepb.Record{nil}}}},
		"nil lookup":     {Body: &wirepb.Control_Lookup{}},
		"too many hops":  {Body: &wirepb.Control_Broadcast{Broadcast: &wirepb.Broadcast{Hops: math.MaxUint32}}},
		"bare broadcast": {Body: &wirepb.Control_Broadcast{Broadcast: &wirepb.Broadcast{}}},
	} {
		if b, err := wire.MarshalControl(c); err == nil {
			t.Errorf("%s: got %x, want an error", name, b)
		}
	}
	if _, err := wire.MarshalControl(&wirepb.Control{Body: &wirepb.Control_Ping{Ping: noPing}}); err != nil {
		t.Errorf("a ping has nothing to leave out: %v", err)
	}
	if _, err := wire.MarshalHello(&wirepb.Hello{Version: 1, Record: record(1), Agent: "\xff"}); err == nil {
		t.Error("an agent that is not UTF-8 was sent")
	}
}

// A stranger's bytes are refused before they cost memory: at most the error.
func TestRefusingTakesNoMemory(t *testing.T) {
	bomb := nest(5, bytes.Repeat([]byte{0x4a, 0x00}, 32000)) // a state of 32 000 empty records
	many := bytes.Repeat([]byte{0xa0, 0x06, 0x00}, 20000)    // 20 000 unknown fields
	for name, b := range map[string][]byte{"records": bomb, "fields": many} {
		got := testing.AllocsPerRun(10, func() {
			if _, err := wire.UnmarshalControl(b); err == nil {
				t.Fatal("taken")
			}
		})
		if got > 10 {
			t.Errorf("%s: got %v allocations for %d refused bytes, want no more than the error needs", name, got, len(b))
		}
	}
}

func BenchmarkControlPing(b *testing.B) {
	ping := controls()["ping"]
	b.ReportAllocs()
	buffer := make([]byte, 0, 64)
	for b.Loop() {
		body, err := wire.AppendControl(buffer, ping)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := wire.UnmarshalControl(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkControlState(b *testing.B) { // 16 successors and 16 predecessors
	r := record(1)
	r.Body = make([]byte, 120)
	for _, bench := range []struct {
		name  string
		whole int
	}{{"whole", 32}, {"one new", 1}, {"known", 0}} {
		b.Run(bench.name, func(b *testing.B) {
			numbers := count(0, 32)
			for i := bench.whole; i < len(numbers); i++ {
				numbers[i] |= 0x80
			}
			body := encode(&wirepb.Control{Body: &wirepb.Control_State{State: &wirepb.State{
				Records:     slices.Repeat([]*wirepb.Record{r}, bench.whole),
				Predecessor: numbers[16:17], Successors: numbers[:16], Predecessors: numbers[16:]}}})
			b.ReportAllocs()
			b.ReportMetric(float64(len(body)), "bytes")
			for b.Loop() {
				if _, err := wire.UnmarshalControl(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
