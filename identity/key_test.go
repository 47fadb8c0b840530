package identity_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cicada/identity"
)

func TestSignAndVerify(t *testing.T) {
	key, other := testKey(1), testKey(2)
	body := []byte("body")
	signature := key.Sign(identity.PurposeRecord, body)
	long := bytes.Repeat([]byte("long"), 1000)
	tests := []struct {
		name      string
		id        identity.ID
		purpose   identity.Purpose
		body      []byte
		signature []byte
		want      bool
	}{
		{"as signed", key.ID(), identity.PurposeRecord, body, signature, true},
		{"nothing signed", key.ID(), identity.PurposeUnknown, nil, key.Sign(identity.PurposeUnknown, nil), true},
		{"longer than any record", key.ID(), identity.PurposeBroadcast, long, key.Sign(identity.PurposeBroadcast, long), true},
		{"by another", other.ID(), identity.PurposeRecord, body, signature, false},
		{"for another purpose", key.ID(), identity.PurposeBroadcast, body, signature, false},
		{"another body", key.ID(), identity.PurposeRecord, []byte("bodz"), signature, false},
		{"no signature", key.ID(), identity.PurposeRecord, body, nil, false},
		{"a byte short", key.ID(), identity.PurposeRecord, body, signature[:63], false},
		{"a byte long", key.ID(), identity.PurposeRecord, body, append(signature[:64:64], 0), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.id.Verify(test.purpose, test.body, test.signature); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	if !ed25519.Verify(ed25519.PublicKey(idBytes(key)), []byte("cicada record 1\x00body"), signature) {
		t.Error("crypto/ed25519 does not verify the signature over prefix and body")
	}
}

func idBytes(key identity.PrivateKey) []byte {
	id := key.ID()
	return id[:]
}

func TestPurposesCannotBeMistaken(t *testing.T) {
	purposes := []identity.Purpose{identity.PurposeRecord, identity.PurposeBroadcast, identity.PurposeUnknown, identity.PurposeKeys}
	for i, p := range purposes {
		if !strings.HasPrefix(string(p), "cicada ") || strings.IndexByte(string(p), 0) != len(p)-1 {
			t.Errorf(`purpose %q: want "cicada …" and one zero byte, at its end`, p)
		}
		for j, q := range purposes {
			if i != j && strings.HasPrefix(string(q), string(p)) {
				t.Errorf("purpose %q begins with %q", q, p)
			}
		}
	}
}

func TestSignerMakesCertificates(t *testing.T) {
	key := testKey(1)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Signer().Public(), key.Signer())
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := certificate.CheckSignature(x509.PureEd25519, certificate.RawTBSCertificate, certificate.Signature); err != nil {
		t.Error(err)
	}
	if got, want := certificate.PublicKey.(ed25519.PublicKey), idBytes(key); !bytes.Equal(got, want) {
		t.Errorf("public key: got %x, want %x", got, want)
	}
	if _, err := (identity.PrivateKey{}).Signer().Sign(nil, nil, nil); err == nil {
		t.Error("no key signed without an error")
	}
}

func TestZeroKey(t *testing.T) {
	var none identity.PrivateKey
	if !none.IsZero() || !none.ID().IsZero() {
		t.Errorf("the zero key: IsZero %v, ID %s, want true and none", none.IsZero(), none.ID())
	}
	if testKey(1).IsZero() {
		t.Error("a key says it is none")
	}
	if reflect.TypeFor[identity.PrivateKey]().Comparable() {
		t.Error("keys can be compared with ==, which takes a time that depends on them")
	}
}

// Whatever prints a key, or something that holds one, shows neither the seed
// nor anything as long as it.
func TestKeyIsNeverPrinted(t *testing.T) {
	seed := [32]byte{0xDE, 0xAD, 0xBE, 0xEF, 0xFE, 0xED}
	key := identity.KeyFromSeed(seed)
	type holder struct {
		Public identity.PrivateKey
		hidden identity.PrivateKey
	}
	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%p", "%t", "%T"} {
		for _, value := range []any{key, &key, holder{key, key}, &holder{key, key}, []identity.PrivateKey{key}, key.Signer()} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
	}
	logger := slog.New(slog.NewJSONHandler(&printed, nil))
	logger.Info("key", "key", key, "holder", holder{key, key}, "signer", key.Signer())
	logger = slog.New(slog.NewTextHandler(&printed, nil))
	logger.Info("key", "key", key, "holder", holder{key, key}, "signer", key.Signer())
	expectNoSecret(t, printed.String(), seed[:6])
	if !strings.Contains(printed.String(), key.String()) {
		t.Error("nothing was printed at all")
	}
	if text, err := json.Marshal(holder{Public: key}); err == nil {
		t.Errorf("a key was made JSON: %s", text)
	}
}

// expectNoSecret fails if printed shows secret in any of the ways package fmt has.
func expectNoSecret(t *testing.T, printed string, secret []byte) {
	t.Helper()
	list := func(format string) string {
		parts := make([]string, len(secret))
		for i, b := range secret {
			parts[i] = fmt.Sprintf(format, b)
		}
		return strings.Join(parts, " ")
	}
	for _, form := range []string{
		hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)),
		base64.StdEncoding.EncodeToString(secret)[:6],
		list("%d"), list("%o"), list("%b"), list("%x"), list("%X"), list("%U"), list("%c"), list("%q"),
		strings.ReplaceAll(list("0x%x"), " ", ", "), string(secret),
	} {
		if strings.Contains(printed, form) {
			t.Errorf("the secret was printed as %q", form)
		}
	}
}

func TestGenerateKey(t *testing.T) {
	for _, difficulty := range []uint8{0, 1, 2} {
		key, err := identity.GenerateKey(t.Context(), difficulty, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := identity.PointOf(key.ID(), difficulty); err != nil {
			t.Errorf("a key of difficulty %d: %v", difficulty, err)
		}
		again, err := identity.GenerateKey(t.Context(), difficulty, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key.ID() == again.ID() {
			t.Errorf("difficulty %d: the same key twice", difficulty)
		}
	}
	if _, err := identity.GenerateKey(t.Context(), identity.MaxDifficulty+1, nil); err == nil {
		t.Error("a difficulty over the limit was tried")
	}
}

// A search that would take years says how far it is, and ends when it is told to.
func TestGenerateKeyCanBeCancelled(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	var tries []uint64
	_, err := identity.GenerateKey(ctx, identity.MaxDifficulty, func(n uint64) {
		if len(tries) > 0 && n == tries[len(tries)-1] {
			return // nothing was tried meanwhile: the machine is busy
		}
		if tries = append(tries, n); len(tries) == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error: got %v, want %v", err, context.Canceled)
	}
	if len(tries) != 2 || tries[1] <= tries[0] {
		t.Errorf("progress: got %v, want two numbers that grow", tries)
	}
	if _, err := identity.GenerateKey(ctx, 0, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: got %v, want %v", err, context.Canceled)
	}
}
