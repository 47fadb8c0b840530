package wire

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// A shape says what a message of control.proto may look like. Raw bytes are
// held against it before they are decoded, because decoding takes memory for
// whatever the bytes announce.
type shape struct {
	name   string
	fields []field // by field number less one
	kinds  bool    // has exactly one of several bodies: fields from its second on
}

// A field says what one field of a message may hold.
type field struct {
	name     string
	form     form
	min, max int    // bytes, or the greatest number
	unit     int    // bytes of one entry, where they stand one behind the other; 0: no entries
	list     int    // entries at most; 0: the field is no list and stands at most once
	required bool   // must be there
	shape    *shape // of a message field
}

// A form says how a field's value is written.
type form uint8

const (
	flag    form = iota // 0 or 1
	number              // at most max
	counter             // any 64 bits
	octets              // min to max bytes
	ascii               // min to max bytes, printable
	nested              // a message
	gone                // the number of a field that was: as unknown as those to come
)

// The shapes of all messages. They are never changed.
var (
	recordShape = shape{name: "record", fields: []field{
		{name: "body", form: octets, min: 1, max: MaxRecordBody, required: true},
		exactly("signature", SignatureSize),
	}}
	helloShape = shape{name: "hello", fields: []field{
		{name: "version", form: number, min: 1, max: MaxVersion, required: true},
		record("record", true),
		{name: "agent", form: ascii, max: MaxAgent},
	}}
	controlShape = shape{name: "control", kinds: true, fields: []field{
		{name: "request", form: counter},
		body("ping", field{name: "version", form: counter}),
		body("pong", field{name: "member", form: flag}, field{name: "version", form: counter}),
		body("ask", field{name: "version", form: counter},
			field{name: "known", form: octets, max: MaxKnown * FingerprintSize, unit: FingerprintSize},
			field{name: "sides", form: number, max: 7}),
		body("state",
			field{name: "busy", form: flag},
			field{name: "member", form: flag},
			field{name: "small", form: flag},
			field{name: "version", form: counter},
			field{name: "unchanged", form: flag},
			field{form: gone}, field{form: gone}, field{form: gone},
			records("records"), places("predecessor", 1), places("successors", MaxRecords), places("predecessors", MaxRecords),
			field{name: "stay", form: number, max: 1<<31 - 1}, field{name: "base", form: counter}),
		body("notify", field{name: "version", form: counter}, field{name: "wide", form: flag}),
		body("notified", field{name: "accepted", form: flag}, record("predecessor", false)),
		body("lookup", exactly("message", 16), exactly("key", 32), hops(), trail()),
		body("found", exactly("message", 16), exactly("key", 32),
			record("owner", true), field{form: gone}, field{form: gone}, hops(), trail()),
		body("lookup_taken", exactly("message", 16)),
		body("lookup_stuck", exactly("message", 16), exactly("key", 32), trail()),
		body("suspect", field{form: gone}, exactly("silent", 32), field{name: "call", form: flag}),
		body("leave", records("successors"), records("predecessors")),
		body(broadcastName,
			field{name: "body", form: octets, min: 1, max: MaxBroadcastBody, required: true},
			exactly("signature", SignatureSize), exactly("limit", 32), hops(),
			field{name: "start", form: octets, min: 32, max: 32},
			field{name: "silent", form: octets, max: MaxSilent * 32, unit: 32}),
		body("broadcast_taken", exactly("message", 16), exactly("limit", 32)),
		body("broadcast_done", exactly("message", 16), exactly("limit", 32), field{name: "reached", form: counter}, field{name: "messages", form: counter}),
		body("broadcast_told", tags()),
		body("broadcast_pull", tags()),
		body(givenName,
			field{name: "body", form: octets, min: 1, max: MaxBroadcastBody, required: true},
			exactly("signature", SignatureSize), hops(), field{name: "age", form: number, max: MaxCastAge}),
		body("query", field{name: "key", form: octets, max: 32}, field{name: "count", form: number, max: MaxPage},
			field{name: "length", form: counter}, field{name: "table", form: flag},
			field{name: "prints", form: octets, max: MaxKnown * PrintSize, unit: PrintSize},
			field{name: "behind", form: flag}, field{name: "wide", form: flag}, field{name: "sum", form: counter}),
		body("peers", field{name: "member", form: flag}, field{name: "exact", form: flag}, places("order", MaxPeers),
			hints("hints", MaxPage), field{name: "owns", form: flag}, hints("others", MaxPage), field{name: "wide", form: flag}, field{name: "busy", form: flag}),
		body("changes", hints("joined", MaxJoined), hints("others", MaxJoined),
			field{name: "left", form: octets, max: MaxLeft * LeftSize, unit: LeftSize},
			field{name: "limits", form: octets, max: (2*MaxJoined + MaxLeft) * LimitSize, unit: LimitSize}),
		body("changes_taken", field{name: "wide", form: flag}, field{name: "passed", form: flag}),
	}}
	broadcastBodyShape = shape{name: "broadcast_body", fields: []field{
		exactly("origin", 32),
		exactly("message", 16),
		{name: "time", form: counter},
		{name: "data", form: octets, max: MaxMessage},
	}}
)

// The kinds of control messages that may be over MaxControl.
const (
	broadcastName = "broadcast"
	givenName     = "broadcast_given"
)

func exactly(name string, size int) field {
	return field{name: name, form: octets, min: size, max: size, required: true}
}

func record(name string, required bool) field {
	return field{name: name, form: nested, shape: &recordShape, required: required}
}

func records(name string) field {
	return field{name: name, form: nested, shape: &recordShape, list: MaxRecords}
}

// places is a list of peers of a byte each.
func places(name string, most int) field { return field{name: name, form: octets, max: most} }

// hints is a list of peers of which nothing is proven.
func hints(name string, most int) field {
	return field{name: name, form: octets, min: MinHint, max: MaxHint, list: most}
}

func hops() field { return field{name: "hops", form: number, max: MaxControlHops} }

func trail() field { return field{name: "trail", form: octets, min: 32, max: 32, list: MaxTrail} }

func tags() field {
	return field{name: "tags", form: octets, min: TagSize, max: MaxTags * TagSize, unit: TagSize, required: true}
}

func body(name string, fields ...field) field {
	return field{name: name, form: nested, shape: &shape{name: name, fields: fields}}
}

// check returns an *Error, or nil where b keeps the rules of s and has at most
// longest bytes. It takes no memory.
func (s *shape) check(b []byte, longest int) error {
	if len(b) > longest {
		return broken(CodeLimit, longest, "%s has at most %d bytes, not %d", s.name, longest, len(b))
	}
	c := checker{all: b}
	return c.message(s, 0, len(b))
}

// A checker walks the raw bytes of one message and of the messages inside it.
type checker struct {
	all    []byte
	fields int // met so far
}

// message checks the message of shape s that stands at all[from:to].
func (c *checker) message(s *shape, from, to int) error {
	var counts [32]uint8 // of each field; no list is longer than 255, no message has more fields
	var kind *field
	unknown := false
	for at := from; at < to; {
		num, typ, n := protowire.ConsumeTag(c.all[at:to])
		if n < 0 || typ == protowire.StartGroupType || typ == protowire.EndGroupType {
			return broken(CodeProtocol, at, "%s: not a field", s.name)
		}
		if c.fields++; c.fields > MaxFields {
			return broken(CodeLimit, at, "more than %d fields", MaxFields)
		}
		size := protowire.ConsumeFieldValue(num, typ, c.all[at+n:to])
		if size < 0 {
			return broken(CodeProtocol, at+n, "%s: a field is cut short or malformed", s.name)
		}
		start, end := at+n, at+n+size
		if int(num) > len(s.fields) || s.fields[num-1].form == gone {
			unknown = true
			at = end
			continue
		}
		f := &s.fields[num-1]
		if counts[num]++; int(counts[num]) > max(f.list, 1) {
			return broken(CodeLimit, at, "%s.%s stands there more than %d times", s.name, f.name, max(f.list, 1))
		}
		if s.kinds && num > 1 {
			if kind != nil {
				return broken(CodeProtocol, at, "%s has two bodies, %s and %s", s.name, kind.name, f.name)
			}
			kind = f
		}
		if err := c.value(s, f, typ, start, end); err != nil {
			return err
		}
		at = end
	}
	if s.kinds && kind == nil && !unknown {
		return broken(CodeProtocol, to, "%s has no body", s.name)
	}
	if s.kinds && len(c.all) > MaxControl && (kind == nil || kind.name != broadcastName && kind.name != givenName) {
		return broken(CodeLimit, MaxControl, "%s has at most %d bytes, not %d", s.name, MaxControl, len(c.all))
	}
	for i := range s.fields {
		if s.fields[i].required && counts[i+1] == 0 {
			return broken(CodeProtocol, to, "%s.%s is missing", s.name, s.fields[i].name)
		}
	}
	return nil
}

// value checks the value of field f of shape s, which stands at all[start:end].
func (c *checker) value(s *shape, f *field, typ protowire.Type, start, end int) error {
	want := protowire.VarintType
	if f.form >= octets {
		want = protowire.BytesType
	}
	if typ != want {
		return broken(CodeProtocol, start, "%s.%s is of wire type %d, not %d", s.name, f.name, typ, want)
	}
	if want == protowire.VarintType {
		v, _ := protowire.ConsumeVarint(c.all[start:end])
		return checkNumber(s, f, v, start)
	}
	v, n := protowire.ConsumeBytes(c.all[start:end])
	start += n - len(v) // behind the length
	switch {
	case f.form == nested:
		return c.message(f.shape, start, end)
	case len(v) < f.min:
		return broken(CodeProtocol, start, "%s.%s has at least %d bytes, not %d", s.name, f.name, f.min, len(v))
	case len(v) > f.max:
		return broken(CodeLimit, start, "%s.%s has at most %d bytes, not %d", s.name, f.name, f.max, len(v))
	case f.unit > 0 && len(v)%f.unit != 0:
		return broken(CodeProtocol, start, "%s.%s has a multiple of %d bytes, not %d", s.name, f.name, f.unit, len(v))
	}
	if f.form == ascii {
		for i, b := range v {
			if b < ' ' || b > '~' {
				return broken(CodeProtocol, start+i, "%s.%s holds a byte that is not printable ASCII", s.name, f.name)
			}
		}
	}
	return nil
}

// checkNumber checks the number v, the value of field f of shape s.
func checkNumber(s *shape, f *field, v uint64, at int) error {
	switch {
	case f.form == flag && v > 1:
		return broken(CodeProtocol, at, "%s.%s is 0 or 1, not %d", s.name, f.name, v)
	case f.form == number && v > uint64(f.max):
		return broken(CodeLimit, at, "%s.%s is at most %d, not %d", s.name, f.name, f.max, v)
	case f.form == number && v < uint64(f.min):
		return broken(CodeProtocol, at, "%s.%s is at least %d, not %d", s.name, f.name, f.min, v)
	}
	return nil
}
