package identity_test

import (
	"testing"

	"cicada/identity"
)

func BenchmarkCheck(b *testing.B) {
	id := testKey(1).ID()
	for b.Loop() {
		if id.Check() != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkIDX25519(b *testing.B) {
	id := testKey(1).ID()
	for b.Loop() {
		if _, err := id.X25519(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPointOfRefusal is what rubbish costs in a swarm of any difficulty.
func BenchmarkPointOfRefusal(b *testing.B) {
	id := testKey(1).ID()
	for b.Loop() {
		if _, err := identity.PointOf(id, 12); err == nil {
			b.Fatal("accepted")
		}
	}
}

func BenchmarkPointOf(b *testing.B) {
	valid, _ := difficultKeys(b, 1)
	for name, difficulty := range map[string]uint8{"difficulty=0": 0, "difficulty=1": 1} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := identity.PointOf(valid[0].ID(), difficulty); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPointsKnown(b *testing.B) {
	valid, _ := difficultKeys(b, 1)
	points := newPoints(b, identity.PointsConfig{Difficulty: 1})
	for b.Loop() {
		if _, err := points.PointOf(valid[0].ID()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecordVerify(b *testing.B) {
	record := signRecord(b, testKey(1), 7, "203.0.113.7:49610", "[2001:db8::1]:49610")
	points := new(identity.Points)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := record.Verify(points); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify is the part of BenchmarkRecordVerify that is the signature's.
func BenchmarkVerify(b *testing.B) {
	record := signRecord(b, testKey(1), 7, "203.0.113.7:49610", "[2001:db8::1]:49610")
	id := testKey(1).ID()
	b.ReportAllocs()
	for b.Loop() {
		if !id.Verify(identity.PurposeRecord, record.Body, record.Signature) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkSign(b *testing.B) {
	key, body := testKey(1), make([]byte, 80)
	b.ReportAllocs()
	for b.Loop() {
		key.Sign(identity.PurposeRecord, body)
	}
}

func BenchmarkNewSwarm(b *testing.B) {
	for b.Loop() {
		if _, err := identity.NewSwarm("cicada", 0, []byte("secret")); err != nil {
			b.Fatal(err)
		}
	}
}
