package identity_test

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"

	"cicada/identity"
)

// vectors are what testdata/vectors.py, which shares no code with this package, computes.
type vectors struct {
	Keys []struct {
		Seed, ID, X25519 hexBytes
		Text             string
		Point0, Point1   string // Point1 is empty where the ID does not meet difficulty 1
	}
	Records []struct {
		Seed, Body, Signature, Fingerprint hexBytes
		Sequence                           uint64
		Addresses                          []netip.AddrPort
	}
	Swarms []struct {
		Name                  string
		Difficulty            uint8
		Secret, Tag, Exporter hexBytes
		DiallerProof          hexBytes `json:"dialler_proof"`
		AccepterProof         hexBytes `json:"accepter_proof"`
	}
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.AppendDecode(nil, text)
	return err
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Keys) == 0 || len(v.Records) == 0 || len(v.Swarms) == 0 {
		t.Fatalf("vectors.json has %d keys, %d records, %d swarms; want some of each", len(v.Keys), len(v.Records), len(v.Swarms))
	}
	return v
}

func TestKeyVectors(t *testing.T) {
	for _, v := range readVectors(t).Keys {
		t.Run(v.Text[:8], func(t *testing.T) {
			key := identity.KeyFromSeed([32]byte(v.Seed))
			id := key.ID()
			if id != identity.ID(v.ID) || id.String() != v.Text {
				t.Errorf("ID: got %s, want %s", id, v.Text)
			}
			if parsed, err := identity.ParseID(v.Text); err != nil || parsed != id {
				t.Errorf("ParseID(%s): got %s, %v", v.Text, parsed, err)
			}
			public, err := id.X25519()
			if err != nil || !bytes.Equal(public[:], v.X25519) {
				t.Errorf("ID.X25519: got %x, %v, want %x", public, err, v.X25519)
			}
			scalar := key.X25519()
			if scalar[0]&7 != 0 || scalar[31]>>6 != 1 {
				t.Errorf("scalar: got %x, want it clamped", scalar)
			}
			private, err := ecdh.X25519().NewPrivateKey(scalar[:])
			if err != nil {
				t.Fatal(err)
			}
			if got := private.PublicKey().Bytes(); !bytes.Equal(got, v.X25519) {
				t.Errorf("public half of PrivateKey.X25519: got %x, want %x", got, v.X25519)
			}
			if got, err := identity.PointOf(id, 0); err != nil || got.String() != v.Point0 {
				t.Errorf("PointOf(id, 0): got %s, %v, want %s", got, err, v.Point0)
			}
			got, err := identity.PointOf(id, 1)
			switch {
			case v.Point1 == "" && !errors.Is(err, identity.ErrDifficulty):
				t.Errorf("PointOf(id, 1): got %s, %v, want ErrDifficulty", got, err)
			case v.Point1 != "" && (err != nil || got.String() != v.Point1):
				t.Errorf("PointOf(id, 1): got %s, %v, want %s", got, err, v.Point1)
			}
		})
	}
}

func TestRecordVectors(t *testing.T) {
	for _, v := range readVectors(t).Records {
		record, err := identity.SignRecord(identity.KeyFromSeed([32]byte(v.Seed)), v.Sequence, v.Addresses)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(record.Body, v.Body) {
			t.Errorf("body: got %x, want %x", record.Body, v.Body)
		}
		if !bytes.Equal(record.Signature, v.Signature) {
			t.Errorf("signature: got %x, want %x", record.Signature, v.Signature)
		}
		contact, err := identity.Record{Body: v.Body, Signature: v.Signature}.Verify(new(identity.Points))
		if err != nil {
			t.Errorf("Verify: %v", err)
			continue
		}
		if contact.Sequence != v.Sequence || !slices.Equal(contact.Addresses, v.Addresses) {
			t.Errorf("contact: got %d %v, want %d %v", contact.Sequence, contact.Addresses, v.Sequence, v.Addresses)
		}
		if !bytes.Equal(contact.Fingerprint[:], v.Fingerprint) || contact.Fingerprint.IsZero() {
			t.Errorf("fingerprint: got %x, want %x", contact.Fingerprint, v.Fingerprint)
		}
	}
}

func TestSwarmVectors(t *testing.T) {
	for _, v := range readVectors(t).Swarms {
		swarm, err := identity.NewSwarm(v.Name, v.Difficulty, v.Secret)
		if err != nil {
			t.Fatal(err)
		}
		if got := swarm.Tag(); !bytes.Equal(got[:], v.Tag) {
			t.Errorf("%v: tag: got %x, want %x", swarm, got, v.Tag)
		}
		if got := swarm.Proof(v.Exporter, true); !bytes.Equal(got[:], v.DiallerProof) {
			t.Errorf("%v: dialler's proof: got %x, want %x", swarm, got, v.DiallerProof)
		}
		if got := swarm.Proof(v.Exporter, false); !bytes.Equal(got[:], v.AccepterProof) {
			t.Errorf("%v: accepter's proof: got %x, want %x", swarm, got, v.AccepterProof)
		}
	}
}
