package seal

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/flynn/noise"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

// This file is what a key file changes. With a peer that has an entry the handshake is
// IKpsk2, and its first message holds no data: it is written before the keys take part.
// Then the session is one like any other, but for what made it: where the entry for a
// peer is another one now, or the first, its sessions are of no use any more (fits).

const (
	pskPlacement = 2 // behind the second message's other tokens
	markSize     = 2
	markPrefix   = "cicada mark 1\x00"
	refusalSize  = 1 + sha256.Size + identity.SignatureSize // discord, digest, signature
)

// A Discord says how the keys of two peers differ, as the target of a message sees it.
type Discord uint8

// The discords.
const (
	KeysMissing Discord = 1 // the message is under keys, and the target has none for its origin
	KeysDiffer  Discord = 2 // the target has others
	KeysWanted  Discord = 3 // the message is under no keys, and the target has some for its origin
)

// Error says so in a sentence that both ends can show.
func (d Discord) Error() string {
	switch d {
	case KeysMissing:
		return "the sender has keys for the two, the receiver has none"
	case KeysDiffer:
		return "sender and receiver have different keys for the two"
	case KeysWanted:
		return "the receiver has keys for the two, the sender has none"
	}
	return fmt.Sprintf("the receiver does not accept the keys (%d)", uint8(d))
}

// fits reports whether what the key file has for the other end of n is what n was made
// with. Where that cannot be told it is as it was.
func (s *Sealer) fits(n *session) bool {
	entry, err := s.pairs(n.peer, nil)
	return err != nil || entry == n.pair
}

// begin returns the state of a handshake that this end begins.
func (s *Sealer) begin(p *pending, remote [32]byte) (*noise.HandshakeState, error) {
	state, err := s.newHandshake(remote[:], p.target, p.message, p.pair != nil)
	if err != nil || p.pair == nil {
		return state, err
	}
	secret := p.pair.Secret(true)
	return state, state.SetPresharedKey(secret[:])
}

// kind returns what the first message of a handshake travels as.
func (p *pending) kind() wire.EnvelopeKind {
	if p.pair != nil {
		return wire.EnvelopeKeyedFirst
	}
	return wire.EnvelopeFirst
}

// mark returns what tells the target whether it has the same keys; nothing without keys.
func (p *pending) mark() []byte {
	if p.pair == nil {
		return nil
	}
	return mark(p.pair.Secret(true))
}

// mark returns two bytes that follow from a secret. They are for a clear word where two
// peers do not have the same, and prove nothing: that the handshake does. More would let
// whoever has the target's private key try guesses at the keys.
func mark(secret [32]byte) []byte {
	h := sha256.Sum256(append([]byte(markPrefix), secret[:]...))
	return h[:markSize]
}

// agree checks that a first message is under the keys that this end has for its origin,
// and takes them. What it holds is data. The error wraps ErrKeys and a Discord, or is
// ErrPending or ErrMalformed.
func (s *Sealer) agree(f *first, data []byte) error {
	about := data
	if f.keyed {
		about = nil
	}
	entry, err := s.pairs(f.origin, about)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrPending, f.origin.Short(), err)
	case f.keyed && len(data) != markSize:
		return fmt.Errorf("%w: mark of %d bytes", ErrMalformed, len(data))
	case !f.keyed && entry == nil:
		return nil
	case !f.keyed:
		return fmt.Errorf("%w: %w", ErrKeys, KeysWanted)
	case entry == nil:
		return fmt.Errorf("%w: %w", ErrKeys, KeysMissing)
	}
	secret := entry.Secret(false)
	if !bytes.Equal(data, mark(secret)) {
		return fmt.Errorf("%w: %w", ErrKeys, KeysDiffer)
	}
	f.pair = entry
	return f.state.SetPresharedKey(secret[:])
}

// refusalBody returns what the signature of a refusal covers.
func refusalBody(swarm [32]byte, message trace.MessageID, target identity.ID, why Discord, digest [32]byte) []byte {
	b := make([]byte, 0, 32+16+32+1+32)
	b = append(b, swarm[:]...)
	b = append(b, message[:]...)
	b = append(b, target[:]...)
	b = append(b, byte(why))
	return append(b, digest[:]...)
}

// sealRefusal returns the signed statement that the first message in e is not under the
// right keys, or nothing where this peer signed too many of late for the link it came by.
func (s *Sealer) sealRefusal(e wire.Envelope, why Discord, link identity.ID, now moment) Sealed {
	if !s.refusals.take(link, now.age) {
		return Sealed{}
	}
	digest := sha256.Sum256(e.Payload())
	payload := make([]byte, 0, refusalSize)
	payload = append(payload, byte(why))
	payload = append(payload, digest[:]...)
	payload = append(payload, s.key.Sign(identity.PurposeKeys, refusalBody(s.swarm, e.Message(), s.id, why, digest))...)
	return Sealed{Kind: wire.EnvelopeKeyRefusal, Payload: payload}
}

// readRefusal checks a refusal of a first message to target, and ends that handshake.
func (s *Sealer) readRefusal(e wire.Envelope, target identity.ID) (Reply, error) {
	payload := e.Payload()
	if len(payload) != refusalSize {
		return Reply{}, fmt.Errorf("%w: key refusal of %d bytes, not %d", ErrMalformed, len(payload), refusalSize)
	}
	p, err := s.unanswered(e.Message(), target)
	if err != nil {
		return Reply{}, err
	}
	defer p.mu.Unlock()
	if p.digest != [32]byte(payload[1:]) {
		return Reply{}, ErrStale
	}
	why := Discord(payload[0])
	if !target.Verify(identity.PurposeKeys, refusalBody(s.swarm, e.Message(), target, why, p.digest), payload[1+sha256.Size:]) {
		return Reply{}, fmt.Errorf("%w: key refusal", ErrForged)
	}
	s.answered(p)
	return Reply{Status: Barred, Discord: why}, nil
}
