package identity_test

import (
	"fmt"
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
	b.ReportAllocs()
	for b.Loop() {
		if _, err := identity.PointOf(id, 12); err == nil {
			b.Fatal("accepted")
		}
	}
}

// eighth has an ID that is good in a swarm of difficulty 8.
func eighth(tb testing.TB) identity.PrivateKey {
	key := identity.KeyFromSeed([32]byte{154, 68, 0, 'd'})
	if _, err := identity.PointOf(key.ID(), 8); err != nil {
		tb.Fatal(err)
	}
	return key
}

// BenchmarkPointOf is what an ID costs that passes the cheap test, whatever the difficulty.
func BenchmarkPointOf(b *testing.B) {
	id := eighth(b).ID()
	for _, difficulty := range []uint8{0, 8} {
		b.Run(fmt.Sprintf("difficulty=%d", difficulty), func(b *testing.B) {
			for b.Loop() {
				if _, err := identity.PointOf(id, difficulty); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPointsRefused is what an ID costs that was refused before.
func BenchmarkPointsRefused(b *testing.B) {
	_, refused := difficultKeys(b, 1)
	points := newPoints(b, identity.PointsConfig{Difficulty: 1}).Share()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := points.PointOf(refused[0].ID()); err == nil {
			b.Fatal("accepted")
		}
	}
}

func BenchmarkPointsKnown(b *testing.B) {
	id := eighth(b).ID()
	points := newPoints(b, identity.PointsConfig{Difficulty: 8}).Share()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := points.PointOf(id); err != nil {
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
