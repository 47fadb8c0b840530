package seal

import (
	"crypto/ecdh"
	"errors"
	"fmt"

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

// noiseKey returns k for the handshake, after checking that its two halves
// belong together: a scalar of another key would seal what nobody can open.
func noiseKey(k Key) (noise.DHKey, error) {
	scalar := k.X25519()
	private, err := ecdh.X25519().NewPrivateKey(scalar[:])
	if err != nil {
		return noise.DHKey{}, fmt.Errorf("seal: private key: %w", err)
	}
	public, err := k.ID().X25519()
	if err != nil {
		return noise.DHKey{}, fmt.Errorf("seal: own ID: %w", err)
	}
	if string(private.PublicKey().Bytes()) != string(public[:]) {
		return noise.DHKey{}, errors.New("seal: private key does not belong to its ID")
	}
	return noise.DHKey{Private: scalar[:], Public: public[:]}, nil
}

// smallOrder reports whether the X25519 public key u makes every shared secret
// zero: with the scalar given, and so with any other.
func smallOrder(scalar, u []byte) bool {
	private, err := ecdh.X25519().NewPrivateKey(scalar)
	if err != nil {
		return true
	}
	public, err := ecdh.X25519().NewPublicKey(u)
	if err != nil {
		return true
	}
	_, err = private.ECDH(public)
	return err != nil
}
