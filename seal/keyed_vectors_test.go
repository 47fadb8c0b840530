package seal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"cicada/wire"
)

const keyedFile = "testdata/keyed.json"

// keyedVectors are vectors with the keys that take part, as the initiator's file has them.
type keyedVectors struct {
	Outbound string `json:"outbound_key"`
	Inbound  string `json:"inbound_key"`
	Secret   string `json:"secret"` // what follows from these; the program derives it anew
	vectors
}

// makeKeyedVectors plays the exchange that the file records. The refusal is one that
// would have answered the first envelope, had the target other keys.
func makeKeyedVectors(t *testing.T) keyedVectors {
	w := newWorld(t)
	a := w.peer("initiator", func(c *Config) { holding(northKeys)(c); c.Rand = scripted("initiator") })
	b := w.peer("responder", func(c *Config) { holding(southKeys)(c); c.Rand = scripted("responder") })
	secret := northKeys().Secret(true)
	v := keyedVectors{Outbound: "to south", Inbound: "to north", Secret: hex.EncodeToString(secret[:]), vectors: vectors{
		Protocol: "Noise_IKpsk2_25519_AESGCM_SHA256", Swarm: hex.EncodeToString(testSwarm[:]), Time: w.now.UnixNano(),
		Initiator: describe("initiator", a), Responder: describe("responder", b),
	}}
	note := func(name, from string, e wire.Envelope, data string) {
		v.Envelopes = append(v.Envelopes, vectorEnvelope{name, from, hex.EncodeToString(e), hex.EncodeToString([]byte(data))})
	}
	const text = "only with both keys"
	l := a.write(b, text)
	v.Prologue = hex.EncodeToString(testSwarm[:]) + hex.EncodeToString(b.id[:]) + hex.EncodeToString(l.message[:])
	note("keyed first", "initiator", l.Envelope, string(mark(secret)))
	o, err := b.Open(nil, l.Envelope)
	wantError(t, "keyed first message", err, ErrChallenge)
	answer := envelope(o.Reply, a.point, l.message)
	refusal := envelope(b.sealRefusal(l.Envelope, KeysDiffer, b.id, b.now()), a.point, l.message)
	a.learn(l, answer, Again)
	note("answer", "responder", answer, "")
	l = a.rewrite(l, text)
	note("message", "initiator", l.Envelope, text)
	receipt := b.answer(b.read(l, a, text), a, "got it")
	note("receipt", "responder", receipt, "got it")
	digest := [32]byte(refusal.Payload()[1:33])
	note("key refusal", "responder", refusal, "cicada keys 1\x00"+string(refusalBody(testSwarm, l.message, b.id, KeysDiffer, digest)))
	return v
}

func TestKeyedVectors(t *testing.T) {
	got, err := json.MarshalIndent(makeKeyedVectors(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(keyedFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(keyedFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) {
		t.Errorf("%s does not hold what this code seals. The format is fixed: change it only with wire.Version, then run with -update", keyedFile)
	}
}

// TestOnlyWhoHasTheKeysOpensKeyedVectors runs a program that shares no code with this
// package, not even the language. It has the target's private keys, the ephemeral one,
// too: without the two keys of the file that is not enough.
func TestOnlyWhoHasTheKeysOpensKeyedVectors(t *testing.T) {
	node := nodeProgram(t)
	file, err := os.ReadFile(keyedFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, outbound, inbound string
		opens                   bool
	}{
		{"the keys", "to south", "to north", true},
		{"another outbound key", "to South", "to north", false},
		{"no inbound key", "to south", "", false},
		{"exchanged", "to north", "to south", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var v keyedVectors
			if err := json.Unmarshal(file, &v); err != nil {
				t.Fatal(err)
			}
			salt := binary.BigEndian.AppendUint32([]byte("cicada pair 1\x00"), uint32(len(tt.outbound)))
			v.Secret = hex.EncodeToString(argon2.IDKey([]byte(tt.outbound+tt.inbound), salt, 3, 64<<10, 1, 32))
			altered, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "vectors.json")
			if err := os.WriteFile(path, altered, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(node, "testdata/open-keyed.mjs", path).CombinedOutput()
			if opened := err == nil && string(out) == "message: only with both keys\nreceipt: got it\n"; opened != tt.opens {
				t.Errorf("got opened: %v, want %v: %v\n%s", opened, tt.opens, err, out)
			}
			if !tt.opens && strings.Contains(string(out), "only with") {
				t.Errorf("the message was read all the same:\n%s", out)
			}
		})
	}
}
