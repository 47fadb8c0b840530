package identity

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// A PrivateKey is the secret that makes a peer who it is. It cannot be compared
// with ==, and prints as "PrivateKey(redacted)" whatever prints it; MarshalKey is
// the way to export one. It is a small value to be passed by copy. The zero
// PrivateKey has a zero ID and must not be used otherwise. All methods may be
// called concurrently.
type PrivateKey struct {
	// A function, as package fmt looks into everything else: where a key is in an
	// unexported field of something, fmt does not call Format, and with a verb
	// that does not fit it follows even a pointer.
	secret func() *secret
}

type secret struct {
	key ed25519.PrivateKey
	id  ID
}

var errNoKey = errors.New("identity: no private key")

// KeyFromSeed returns the key whose RFC 8032 seed is given. The seed must be
// random and secret; a fixed one is for tests. Keys made so are of any
// difficulty by chance only; see GenerateKey.
func KeyFromSeed(seed [32]byte) PrivateKey {
	key := ed25519.NewKeyFromSeed(seed[:])
	s := &secret{key: key, id: ID(key.Public().(ed25519.PublicKey))}
	return PrivateKey{func() *secret { return s }}
}

// ID returns the public half of k, which names the peer.
func (k PrivateKey) ID() ID {
	if k.secret == nil {
		return ID{}
	}
	return k.secret().id
}

// IsZero reports whether k is no key at all.
func (k PrivateKey) IsZero() bool { return k.secret == nil }

// Sign returns the signature of purpose followed by body: SignatureSize bytes,
// always the same for the same input. ID.Verify checks it.
func (k PrivateKey) Sign(purpose Purpose, body []byte) []byte {
	var buffer [signBuffer]byte
	return ed25519.Sign(k.secret().key, purpose.join(buffer[:0], body))
}

// Signer returns k in the shape that crypto/tls and crypto/x509 ask for. It
// signs what it is given with no Purpose before it: use it for TLS only.
func (k PrivateKey) Signer() crypto.Signer { return signer{k} }

// X25519 returns the private scalar for key exchange (RFC 7748) that belongs to
// k: the first half of SHA-512(seed), clamped. ID.X25519 is its public half.
func (k PrivateKey) X25519() [32]byte {
	sum := sha512.Sum512(k.secret().key.Seed())
	scalar := [32]byte(sum[:32])
	scalar[0] &= 248
	scalar[31] = scalar[31]&127 | 64
	return scalar
}

// A signer signs with a key that it does not show.
type signer struct{ k PrivateKey }

func (s signer) Public() crypto.PublicKey { return s.k.secret().key.Public() }

func (s signer) Sign(rand io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.k.IsZero() {
		return nil, errNoKey
	}
	return s.k.secret().key.Sign(rand, message, opts)
}

const redactedKey = "PrivateKey(redacted)"

// Format prints k without its secret, for every verb of package fmt.
func (k PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedKey) }

// String returns a text without the secret.
func (k PrivateKey) String() string { return redactedKey }

// GoString returns a text without the secret.
func (k PrivateKey) GoString() string { return redactedKey }

// LogValue logs k without its secret.
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(redactedKey) }

// MarshalText refuses: a key must not end up in JSON or YAML by accident.
func (k PrivateKey) MarshalText() ([]byte, error) {
	return nil, errors.New("identity: a private key has no text form; use MarshalKey")
}
