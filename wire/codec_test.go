package wire_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"cicada/wire"
)

// A codec is one thing that is read from the wire, as the tests see it.
type codec struct {
	name string
	// read decodes b, and says what it holds, in words that fit into JSON:
	// bytes are hex, 64-bit numbers are decimal strings.
	read func(b []byte) (holds map[string]any, err error)
	// again decodes b and encodes the outcome.
	again func(b []byte) ([]byte, error)
}

// codecs has every decoder of the package.
var codecs = []codec{
	{"frame header", readHeader, func(b []byte) ([]byte, error) {
		kind, length, err := wire.ParseFrameHeader(b)
		if err != nil {
			return nil, err
		}
		return wire.AppendFrameHeader(nil, kind, length)
	}},
	{"ack", readAck, func(b []byte) (out []byte, err error) {
		acks, err := wire.ParseAck(b)
		for i := range acks.Len() {
			message, copy := acks.At(i)
			out = wire.AppendAck(out, message, copy)
		}
		return out, err
	}},
	{"refusal", readRefusal, func(b []byte) ([]byte, error) {
		r, err := wire.ParseRefusal(b)
		return wire.AppendRefusal(nil, r), err
	}},
	{"close", readClose, func(b []byte) ([]byte, error) {
		code, text, err := wire.ParseClose(b)
		return wire.AppendClose(nil, code, text), err
	}},
	{"envelope", readEnvelope, envelopeAgain},
	protoCodec("control", wire.UnmarshalControl, wire.MarshalControl),
	protoCodec("hello", wire.UnmarshalHello, wire.MarshalHello),
	protoCodec("broadcast body", wire.UnmarshalBroadcastBody, wire.MarshalBroadcastBody),
}

// find returns the codec of that name.
func find(name string) (codec, error) {
	for _, c := range codecs {
		if c.name == name {
			return c, nil
		}
	}
	return codec{}, fmt.Errorf("no codec %q", name)
}

func readHeader(b []byte) (map[string]any, error) {
	kind, length, err := wire.ParseFrameHeader(b)
	return map[string]any{"kind": kind.String(), "length": length}, err
}

func readAck(b []byte) (map[string]any, error) {
	acks, err := wire.ParseAck(b)
	list := []any{}
	for i := range acks.Len() {
		message, copy := acks.At(i)
		list = append(list, map[string]any{"message": hex.EncodeToString(message[:]), "copy": copy})
	}
	return map[string]any{"acks": list}, err
}

func readRefusal(b []byte) (map[string]any, error) {
	r, err := wire.ParseRefusal(b)
	return map[string]any{"message": hex.EncodeToString(r.Message[:]), "copy": r.Copy, "reason": r.Reason.String()}, err
}

func readClose(b []byte) (map[string]any, error) {
	code, text, err := wire.ParseClose(b)
	return map[string]any{"code": uint16(code), "text": text}, err
}

func readEnvelope(b []byte) (map[string]any, error) {
	e, err := wire.ParseEnvelope(b)
	if err != nil {
		return nil, err
	}
	message, nonce, target, bound := e.Message(), e.Nonce(), e.Target(), e.AssociatedData()
	return map[string]any{
		"ttl": e.TTL(), "hops": e.Hops(), "version": e.Version(), "kind": e.Kind().String(),
		"colours": e.Colours(), "copy": e.Copy(), "counter": strconv.FormatUint(e.Counter(), 10),
		"message": hex.EncodeToString(message[:]), "nonce": hex.EncodeToString(nonce[:]),
		"target": target.String(), "payload": hex.EncodeToString(e.Payload()),
		"associated_data": hex.EncodeToString(bound[:]),
	}, nil
}

func envelopeAgain(b []byte) ([]byte, error) {
	e, err := wire.ParseEnvelope(b)
	if err != nil {
		return nil, err
	}
	again, err := wire.NewEnvelope(wire.EnvelopeHeader{
		TTL: e.TTL(), Hops: e.Hops(), Kind: e.Kind(), Colours: e.Colours(), Copy: e.Copy(),
		Counter: e.Counter(), Message: e.Message(), Nonce: e.Nonce(), Target: e.Target(),
	}, e.Payload())
	if err == nil {
		copy(again[6:8], b[6:8]) // the reserved flags, which readers ignore
	}
	return again, err
}

// protoCodec makes a codec of a message of the schema. Decoding must keep
// unknown fields, so encoding what was decoded twice changes nothing.
func protoCodec[M proto.Message](name string, unmarshal func([]byte) (M, error), marshal func(M) ([]byte, error)) codec {
	return codec{name,
		func(b []byte) (map[string]any, error) {
			m, err := unmarshal(b)
			if err != nil {
				return nil, err
			}
			return describe(m.ProtoReflect()), nil
		},
		func(b []byte) ([]byte, error) {
			m, err := unmarshal(b)
			if err != nil {
				return nil, err
			}
			return marshal(m)
		}}
}

// describe says what a message holds, under the names of the schema.
func describe(m protoreflect.Message) map[string]any {
	holds := map[string]any{}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !f.IsList() {
			holds[string(f.Name())] = describeValue(v)
			return true
		}
		list := []any{}
		for i := range v.List().Len() {
			list = append(list, describeValue(v.List().Get(i)))
		}
		holds[string(f.Name())] = list
		return true
	})
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		holds["unknown fields"] = hex.EncodeToString(unknown)
	}
	return holds
}

func describeValue(v protoreflect.Value) any {
	switch v := v.Interface().(type) {
	case []byte:
		return hex.EncodeToString(v)
	case uint64:
		return strconv.FormatUint(v, 10)
	case protoreflect.Message:
		return describe(v)
	default:
		return v
	}
}

// count returns n bytes that count from first.
func count(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// join returns parts one behind the other.
func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
