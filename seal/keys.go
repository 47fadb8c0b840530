package seal

import (
	"crypto/ecdh"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"github.com/flynn/noise"

	"cicada/identity"
)

// A Key is what the sealer needs of a peer's private key: [identity.PrivateKey].
// Its methods may be called concurrently.
type Key interface {
	// ID is the public key, and the peer's name.
	ID() identity.ID
	// X25519 is the private scalar that belongs to ID.X25519.
	X25519() [32]byte
	// Sign signs body for purpose with the private key of ID.
	Sign(purpose identity.Purpose, body []byte) []byte
}

// noiseKey returns k for the handshake, in the two shapes that are needed, after
// checking that its two halves belong together: a scalar of another key would seal
// what nobody can open.
func noiseKey(k Key) (noise.DHKey, *ecdh.PrivateKey, error) {
	public, err := k.ID().X25519() // first: it refuses the zero key
	if err != nil {
		return noise.DHKey{}, nil, fmt.Errorf("seal: own ID: %w", err)
	}
	scalar := k.X25519()
	private, err := ecdh.X25519().NewPrivateKey(scalar[:])
	if err != nil {
		return noise.DHKey{}, nil, fmt.Errorf("seal: private key: %w", err)
	}
	if string(private.PublicKey().Bytes()) != string(public[:]) {
		return noise.DHKey{}, nil, errors.New("seal: private key does not belong to its ID")
	}
	return noise.DHKey{Private: scalar[:], Public: public[:]}, private, nil
}

// A curve is X25519 for one handshake, with both private keys kept ready. The one
// that package noise brings has the public half computed anew with every use of
// a private key, which doubles the cost of a handshake.
type curve struct {
	static    *ecdh.PrivateKey
	ephemeral *ecdh.PrivateKey
}

// newSuite returns the primitives of one handshake of a peer with the given key.
func newSuite(static *ecdh.PrivateKey) noise.CipherSuite {
	return noise.NewCipherSuite(&curve{static: static}, noise.CipherAESGCM, noise.HashSHA256)
}

func (c *curve) DHLen() int     { return keySize }
func (c *curve) DHName() string { return "25519" }

func (c *curve) GenerateKeypair(random io.Reader) (noise.DHKey, error) {
	scalar := make([]byte, keySize)
	if _, err := io.ReadFull(random, scalar); err != nil {
		return noise.DHKey{}, err
	}
	private, err := ecdh.X25519().NewPrivateKey(scalar)
	if err != nil {
		return noise.DHKey{}, err
	}
	c.ephemeral = private
	return noise.DHKey{Private: scalar, Public: private.PublicKey().Bytes()}, nil
}

// DH fails where public is of small order.
func (c *curve) DH(private, public []byte) ([]byte, error) {
	remote, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	for _, own := range []*ecdh.PrivateKey{c.static, c.ephemeral} {
		if own != nil && subtle.ConstantTimeCompare(own.Bytes(), private) == 1 {
			return own.ECDH(remote)
		}
	}
	return nil, errors.New("seal: private key of another handshake")
}

// smallOrder reports whether the X25519 public key u makes every shared secret
// zero: with private, and so with any other.
func smallOrder(private *ecdh.PrivateKey, u []byte) bool {
	public, err := ecdh.X25519().NewPublicKey(u)
	if err != nil {
		return true
	}
	_, err = private.ECDH(public)
	return err != nil
}
