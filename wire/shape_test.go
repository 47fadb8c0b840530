package wire

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"cicada/wire/wirepb"
)

// checkShape holds s against the schema, and then what stands inside it.
func checkShape(t *testing.T, s *shape, d protoreflect.MessageDescriptor) {
	t.Helper()
	there := slices.DeleteFunc(slices.Clone(s.fields), func(f field) bool { return f.form == gone })
	if got, want := len(there), d.Fields().Len(); got != want {
		t.Errorf("%s: got %d fields, want %d", d.Name(), got, want)
		return
	}
	for i := range s.fields {
		f, fd := &s.fields[i], d.Fields().ByNumber(protoreflect.FieldNumber(i+1))
		if s.fields[i].form == gone {
			if !d.ReservedRanges().Has(protoreflect.FieldNumber(i + 1)) {
				t.Errorf("%s, number %d: gone here, not reserved in the schema", d.Name(), i+1)
			}
			continue
		}
		if fd == nil {
			t.Errorf("%s has no field number %d, for %s", d.Name(), i+1, f.name)
			continue
		}
		if got, want := f.name, string(fd.Name()); got != want {
			t.Errorf("%s, number %d: got %q, want %q", d.Name(), i+1, got, want)
		}
		if got, want := f.list > 0, fd.IsList(); got != want {
			t.Errorf("%s.%s: got a list %v, want %v", d.Name(), f.name, got, want)
		}
		if !formFits(f.form, fd.Kind()) {
			t.Errorf("%s.%s: form %d does not fit %v", d.Name(), f.name, f.form, fd.Kind())
		}
		if f.list > 255 {
			t.Errorf("%s.%s: a list of %d cannot be counted", d.Name(), f.name, f.list)
		}
		if got, want := s.kinds && i > 0, fd.ContainingOneof() != nil; got != want {
			t.Errorf("%s.%s: got one body of several %v, want %v", d.Name(), f.name, got, want)
		}
		if f.form == nested && fd.Message() != nil {
			checkShape(t, f.shape, fd.Message())
		}
	}
}

func formFits(f form, k protoreflect.Kind) bool {
	switch f {
	case flag:
		return k == protoreflect.BoolKind
	case number:
		return k == protoreflect.Uint32Kind
	case counter:
		return k == protoreflect.Uint64Kind
	case octets:
		return k == protoreflect.BytesKind
	case ascii:
		return k == protoreflect.StringKind
	case nested:
		return k == protoreflect.MessageKind
	}
	return false
}

func TestShapesFitTheSchema(t *testing.T) {
	for _, test := range []struct {
		shape   *shape
		message protoreflect.ProtoMessage
	}{
		{&controlShape, &wirepb.Control{}},
		{&helloShape, &wirepb.Hello{}},
		{&broadcastBodyShape, &wirepb.BroadcastBody{}},
	} {
		checkShape(t, test.shape, test.message.ProtoReflect().Descriptor())
	}
}
