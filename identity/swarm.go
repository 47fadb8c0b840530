package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// A Swarm is what its peers share: a name, a difficulty, and a secret or none.
// It never prints what follows from the secret. All methods may be called
// concurrently.
type Swarm struct {
	name       string
	difficulty uint8
	tag        [32]byte
	key        func() [32]byte // proves membership; a function, so that nothing prints it
}

const (
	maxSwarmName = 64 // characters
	maxSecret    = 4096

	swarmTagPrefix   = "cicada swarm 1\x00"
	swarmOpenPrefix  = "cicada open swarm 1\x00"
	swarmProofPrefix = "cicada proof 1\x00"
)

// NewSwarm returns the swarm with that name (1 to 64 printable characters),
// difficulty (at most MaxDifficulty) and secret (at most 4096 bytes; an empty
// one is none). With a secret it takes about 0.2 s and 64 MiB, so that guessing
// secrets is slow: make it once.
//
//	tag = SHA-256("cicada swarm 1\0" ‖ difficulty, one byte ‖ name)
//	key = argon2id(secret, salt tag, t=3, m=64 MiB, p=1), or SHA-256("cicada open swarm 1\0" ‖ tag)
func NewSwarm(name string, difficulty uint8, secret []byte) (*Swarm, error) {
	if err := checkSwarmName(name); err != nil {
		return nil, err
	}
	if err := checkDifficulty(difficulty); err != nil {
		return nil, err
	}
	if len(secret) > maxSecret {
		return nil, fmt.Errorf("identity: a swarm's secret of %d bytes is over the limit of %d", len(secret), maxSecret)
	}
	s := &Swarm{name: name, difficulty: difficulty}
	s.tag = sha256.Sum256(append([]byte(swarmTagPrefix), append([]byte{difficulty}, name...)...))
	var key [32]byte
	if len(secret) > 0 {
		key = [32]byte(argon2.IDKey(secret, s.tag[:], 3, 64<<10, 1, 32))
	} else {
		key = sha256.Sum256(append([]byte(swarmOpenPrefix), s.tag[:]...))
	}
	s.key = func() [32]byte { return key }
	return s, nil
}

func checkSwarmName(name string) error {
	if name == "" {
		return errors.New("identity: a swarm needs a name")
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("identity: swarm name %q is not UTF-8", name)
	}
	if n := utf8.RuneCountInString(name); n > maxSwarmName {
		return fmt.Errorf("identity: a swarm name of %d characters is over the limit of %d", n, maxSwarmName)
	}
	for i, r := range name {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("identity: swarm name %q: character %U at byte %d is not printable", name, r, i)
		}
	}
	return nil
}

// Name returns the swarm's name.
func (s *Swarm) Name() string { return s.name }

// Difficulty returns what an ID must meet to be of the swarm, see PointOf.
func (s *Swarm) Difficulty() uint8 { return s.difficulty }

// Tag returns a hash of the swarm's name and difficulty. It is public, and tells nothing of the secret.
func (s *Swarm) Tag() [32]byte { return s.tag }

// Proof returns what one end of a link sends to prove that it is of the swarm.
// exporter is keying material of that TLS connection (RFC 5705), so that the
// proof is good on no other; dialler says which end proves.
//
//	HMAC-SHA256(key, "cicada proof 1\0" ‖ 1 for the dialler or 0, one byte ‖ exporter)
func (s *Swarm) Proof(exporter []byte, dialler bool) [32]byte {
	role := byte(0)
	if dialler {
		role = 1
	}
	key := s.key()
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(swarmProofPrefix))
	mac.Write([]byte{role})
	mac.Write(exporter)
	return [32]byte(mac.Sum(nil))
}

// CheckProof reports whether proof is what the end that is dialler, or is not,
// must send. It takes the same time whatever proof holds.
func (s *Swarm) CheckProof(exporter []byte, dialler bool, proof []byte) bool {
	want := s.Proof(exporter, dialler)
	return hmac.Equal(want[:], proof)
}

// String returns the swarm's name and difficulty, for people.
func (s *Swarm) String() string { return fmt.Sprintf("swarm %q, difficulty %d", s.name, s.difficulty) }

// LogValue logs what String returns.
func (s *Swarm) LogValue() slog.Value { return slog.StringValue(s.String()) }
