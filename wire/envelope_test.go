package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"cicada/identity"
	"cicada/wire"
)

func TestNewEnvelope(t *testing.T) {
	header := wire.EnvelopeHeader{
		TTL: 64, Hops: 1, Kind: wire.EnvelopeReceipt, Colours: 4, Copy: 2, Counter: 1 << 60,
		Message: [16]byte(count(1, 16)), Nonce: [16]byte(count(0x20, 16)), Target: identity.Point(count(0x40, 32)),
	}
	payload := []byte("sealed")
	e, err := wire.NewEnvelope(header, payload)
	if err != nil {
		t.Fatal(err)
	}
	payload[0] = '!' // the envelope has its own
	got := wire.EnvelopeHeader{
		TTL: e.TTL(), Hops: e.Hops(), Kind: e.Kind(), Colours: e.Colours(), Copy: e.Copy(),
		Counter: e.Counter(), Message: e.Message(), Nonce: e.Nonce(), Target: e.Target(),
	}
	if got != header || e.Version() != wire.Version || string(e.Payload()) != "sealed" {
		t.Errorf("got %+v, version %d, payload %q, want %+v", got, e.Version(), e.Payload(), header)
	}
}

func TestNewEnvelopeKeepsTheRules(t *testing.T) {
	tests := []struct {
		name   string
		header wire.EnvelopeHeader
		size   int
		want   wire.Code
	}{
		{"longest", wire.EnvelopeHeader{Kind: wire.EnvelopeFirst}, wire.MaxPayload, wire.CodeNone},
		{"too long", wire.EnvelopeHeader{Kind: wire.EnvelopeFirst}, wire.MaxPayload + 1, wire.CodeLimit},
		{"ttl", wire.EnvelopeHeader{Kind: wire.EnvelopeFirst, TTL: wire.MaxTTL + 1}, 0, wire.CodeLimit},
		{"no kind", wire.EnvelopeHeader{}, 0, wire.CodeProtocol},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := wire.NewEnvelope(test.header, make([]byte, test.size))
			got := wire.CodeNone
			var broken *wire.Error
			if errors.As(err, &broken) {
				got = broken.Code
			}
			if got != test.want {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	// Bytes from elsewhere that are longer than any frame are refused as well.
	e, err := wire.NewEnvelope(wire.EnvelopeHeader{Kind: wire.EnvelopeFirst}, make([]byte, wire.MaxPayload))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.ParseEnvelope(append(e, 0)); err == nil {
		t.Error("an envelope one byte too long was taken")
	}
}

// Whatever a hop may write, and nothing else, is outside the seal.
func TestHopsChangeNothingThatIsSealed(t *testing.T) {
	before := wire.Envelope(envelopes()[0].bytes)
	after := wire.Envelope(bytes.Clone(before))
	after.SetTTL(1)
	after.SetHops(200)
	after.SetColours(7)
	after.SetCopy(6)
	after.SetNonce([16]byte(count(0x90, 16)))
	if after.TTL() != 1 || after.Hops() != 200 || after.Colours() != 7 || after.Copy() != 6 || after.Nonce() != [16]byte(count(0x90, 16)) {
		t.Errorf("got %x, where a change did not arrive", after[:wire.EnvelopeHeaderSize])
	}
	if got, want := after.AssociatedData(), before.AssociatedData(); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	if after.Counter() != before.Counter() || !bytes.Equal(after.Payload(), before.Payload()) {
		t.Error("the counter or the payload changed")
	}
}

func TestAssociatedDataBindsWhatItShould(t *testing.T) {
	e := wire.Envelope(envelopes()[0].bytes)
	want := e.AssociatedData()
	for i := range wire.EnvelopeHeaderSize {
		changed := wire.Envelope(bytes.Clone(e))
		changed[i] ^= 1
		bound := i == 2 || i == 3 || 16 <= i && i < 32 || i >= 48
		if got := changed.AssociatedData() != want; got != bound {
			t.Errorf("byte %d: got bound %v, want %v", i, got, bound)
		}
	}
}

// forward does to an envelope's header what a hop does.
func forward(b []byte) bool {
	e, err := wire.ParseEnvelope(b)
	if err != nil || e.TTL() == 0 {
		return false
	}
	e.SetTTL(e.TTL() - 1)
	e.SetHops(e.Hops() + 1)
	return e.Target() != identity.Point{}
}

func TestForwardingDoesNotAllocate(t *testing.T) {
	b := bytes.Clone(envelopes()[0].bytes)
	if got := testing.AllocsPerRun(50, func() {
		b[0] = wire.MaxTTL
		if !forward(b) || wire.Envelope(b).AssociatedData() == [wire.AssociatedDataSize]byte{} {
			t.Fatal("not forwarded")
		}
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkEnvelopeForward(b *testing.B) {
	b.ReportAllocs()
	e := bytes.Clone(envelopes()[0].bytes)
	for b.Loop() {
		e[0] = wire.MaxTTL
		if !forward(e) {
			b.Fatal("not forwarded")
		}
	}
}

func BenchmarkAssociatedData(b *testing.B) {
	b.ReportAllocs()
	e := wire.Envelope(envelopes()[0].bytes)
	for b.Loop() {
		if bound := e.AssociatedData(); bound[0] != wire.Version {
			b.Fatal(bound)
		}
	}
}
