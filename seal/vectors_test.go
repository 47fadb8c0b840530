package seal

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cicada/wire"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.json")

const vectorsFile = "testdata/vectors.json"

// vectors is what another implementation has to arrive at. All strings are hex.
type vectors struct {
	Protocol  string           `json:"protocol"`
	Swarm     string           `json:"swarm"`
	Time      int64            `json:"time"` // Unix nanoseconds, of the first message
	Initiator vectorPeer       `json:"initiator"`
	Responder vectorPeer       `json:"responder"`
	Prologue  string           `json:"prologue"`
	Envelopes []vectorEnvelope `json:"envelopes"`
}

type vectorPeer struct {
	Seed      string `json:"seed"` // of the Ed25519 key
	ID        string `json:"id"`
	Private   string `json:"x25519_private"`
	Public    string `json:"x25519_public"`
	Ephemeral string `json:"ephemeral_private"`
	Index     string `json:"index"`
	Point     string `json:"point"`
}

type vectorEnvelope struct {
	Name     string `json:"name"`
	From     string `json:"from"` // initiator or responder
	Envelope string `json:"envelope"`
	Data     string `json:"data"` // of the program, or the receipt; of an Unknown the bytes that are signed
}

// scripted returns a reader of an index, then an ephemeral key, then nothing.
func scripted(name string) io.Reader {
	index, ephemeral := sha256.Sum256([]byte(name+" index")), sha256.Sum256([]byte(name+" ephemeral"))
	return io.MultiReader(bytes.NewReader(index[:indexSize]), bytes.NewReader(ephemeral[:]))
}

func describe(name string, a *actor) vectorPeer {
	random, err := io.ReadAll(scripted(name))
	if err != nil {
		a.w.tb.Fatal(err)
	}
	seed := sha256.Sum256([]byte(name))
	return vectorPeer{
		Seed: hex.EncodeToString(seed[:]), ID: hex.EncodeToString(a.id[:]),
		Private: hex.EncodeToString(a.static.Private), Public: hex.EncodeToString(a.static.Public),
		Index: hex.EncodeToString(random[:indexSize]), Ephemeral: hex.EncodeToString(random[indexSize:]),
		Point: hex.EncodeToString(a.point[:]),
	}
}

// makeVectors plays the exchange that the file records.
func makeVectors(t *testing.T) vectors {
	w := newWorld(t)
	from := func(name string) func(*Config) {
		return func(c *Config) { c.Rand = scripted(name) }
	}
	a, b := w.peer("initiator", from("initiator")), w.peer("responder", from("responder"))
	v := vectors{
		Protocol: "Noise_IK_25519_AESGCM_SHA256", Swarm: hex.EncodeToString(testSwarm[:]), Time: w.now.UnixNano(),
		Initiator: describe("initiator", a), Responder: describe("responder", b),
	}
	note := func(name, from string, e wire.Envelope, data string) {
		v.Envelopes = append(v.Envelopes, vectorEnvelope{name, from, hex.EncodeToString(e), hex.EncodeToString([]byte(data))})
	}
	l := a.write(b, "the first message")
	v.Prologue = hex.EncodeToString(testSwarm[:]) + hex.EncodeToString(b.id[:]) + hex.EncodeToString(l.message[:])
	note("first", "initiator", l.Envelope, "the first message")
	answer := b.answer(b.read(l, a, "the first message"), a, "the first receipt")
	a.learn(l, answer, Received)
	note("answer", "responder", answer, "the first receipt")
	exchange := func(name, sender, answerer string, x, y *actor, text string) letter {
		l := x.write(y, text)
		note(name, sender, l.Envelope, text)
		receipt := y.answer(y.read(l, x, text), x, "got it")
		x.learn(l, receipt, Received)
		note(name+" receipt", answerer, receipt, "got it")
		return l
	}
	exchange("message", "initiator", "responder", a, b, "a message long enough to need no padding, whatever the rule for it may be")
	exchange("back", "responder", "initiator", b, a, "a message the other way")
	l = exchange("empty", "initiator", "responder", a, b, "")
	unknown := b.sealUnknown(l.message, l.session, b.id, b.now())
	note("unknown", "responder", envelope(unknown, a.point, l.message),
		"cicada unknown 1\x00"+string(unknownBody(testSwarm, l.message, l.session, b.id, b.now().uptime())))
	return v
}

func TestVectors(t *testing.T) {
	got, err := json.MarshalIndent(makeVectors(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(vectorsFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) {
		t.Errorf("%s does not hold what this code seals. The format is fixed: change it only with wire.Version, then run with -update", vectorsFile)
	}
}

// nodeProgram returns where Node.js is.
func nodeProgram(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CICADA_REQUIRE") == "all" {
			t.Fatalf("CICADA_REQUIRE=all, and there is no node on PATH: %v", err)
		}
		t.Skipf("no node on PATH: %v", err)
	}
	return node
}

// TestAnotherImplementationOpensVectors runs a program that shares no code with
// this package, not even the language.
func TestAnotherImplementationOpensVectors(t *testing.T) {
	node := nodeProgram(t)
	if out, err := exec.Command(node, "testdata/open.mjs", vectorsFile).CombinedOutput(); err != nil {
		t.Errorf("true vectors: %v\n%s", err, out)
	}
	file, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{0x42}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		spoil func(v *vectors)
	}{
		{"wrong key of the initiator", func(v *vectors) { v.Initiator.setKey(wrong) }},
		{"wrong key of the responder", func(v *vectors) { v.Responder.setKey(wrong) }},
		{"wrong swarm", func(v *vectors) { v.Swarm = strings.Repeat("00", 32) }},
		{"last byte of the receipt altered", func(v *vectors) {
			e := &v.Envelopes[3].Envelope
			*e = (*e)[:len(*e)-2] + "00"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v vectors
			if err := json.Unmarshal(file, &v); err != nil {
				t.Fatal(err)
			}
			tt.spoil(&v)
			altered, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "wrong.json")
			if err := os.WriteFile(path, altered, 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(node, "testdata/open.mjs", path).CombinedOutput(); err == nil {
				t.Errorf("opened all the same:\n%s", out)
			}
		})
	}
}

func (p *vectorPeer) setKey(k *ecdh.PrivateKey) {
	p.Private, p.Public = hex.EncodeToString(k.Bytes()), hex.EncodeToString(k.PublicKey().Bytes())
}
