package transport

import (
	"crypto"
	"log/slog"
	"time"
)

// A Membership proves that this peer is of its swarm, and checks that another is.
// exporter is keying material of one TLS connection; dialler says which end
// proves. Both methods may be called concurrently. *identity.Swarm is one.
type Membership interface {
	Proof(exporter []byte, dialler bool) [32]byte
	CheckProof(exporter []byte, dialler bool, proof []byte) bool
}

// Config says who a peer is and how its links behave. Key and Membership must be
// set; every other zero value has a default.
type Config struct {
	// Key signs for the peer. Its public half, an ed25519.PublicKey, is the ID.
	Key crypto.Signer
	// Membership is the swarm. A connection that does not prove it never becomes a link.
	Membership Membership
	// Network carries the bytes. Nil means TCP{}.
	Network Network
	// Logger receives the text log, at debug level only. Nil means none.
	Logger *slog.Logger
	// Limits bounds memory and time.
	Limits Limits
}

// Limits bounds what links may cost. Each zero value means its default.
type Limits struct {
	// MaxLinks is how many links may be open at once. A link that this peer dials
	// takes the place of the least recently used that is not kept; one from
	// outside only that of an idle one, else it is refused. Zero means 256.
	MaxLinks int
	// MaxIdle is how many links that are not kept may stay open unused for longer
	// than IdleTimeout. Zero means 12, a negative number none.
	MaxIdle int
	// IdleTimeout is how long a link that is not kept may be unused before it counts
	// as idle. It is noticed up to a quarter later. Zero means 5 s.
	IdleTimeout time.Duration
	// Backlog is how many bytes may wait on a link for an end that reads slowly.
	// Zero means 4 MiB.
	Backlog int
	// DialBacklog is how many bytes may wait for a peer that is being dialled; one
	// frame may always wait. Zero means 2 MiB.
	DialBacklog int
	// MaxWaiting is for how many peers frames may wait at once until they are
	// dialled. Zero means 1024.
	MaxWaiting int
	// MaxDials is how many connections may be dialled at once; further ones wait.
	// Zero means 32.
	MaxDials int
	// MaxHalfOpen is how many connections from outside may be in their handshake at
	// once; further ones wait. Zero means 64.
	MaxHalfOpen int
	// DialTimeout bounds one attempt at one address, handshake included. Zero means 5 s.
	DialTimeout time.Duration
	// HandshakeTimeout bounds the handshake of a connection from outside. Zero means 5 s.
	HandshakeTimeout time.Duration
	// CloseTimeout is how long a closing link waits for the other end to agree; up to
	// five times as long where bytes still flow. Zero means 2 s.
	CloseTimeout time.Duration
}

// populate returns l with every zero value replaced by its default.
func (l Limits) populate() Limits {
	number := func(n *int, otherwise int) {
		if *n == 0 {
			*n = otherwise
		}
	}
	duration := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	number(&l.MaxLinks, 256)
	number(&l.MaxIdle, 12)
	number(&l.Backlog, 4<<20)
	number(&l.DialBacklog, 2<<20)
	number(&l.MaxWaiting, 1024)
	number(&l.MaxDials, 32)
	number(&l.MaxHalfOpen, 64)
	duration(&l.IdleTimeout, 5*time.Second)
	duration(&l.DialTimeout, 5*time.Second)
	duration(&l.HandshakeTimeout, 5*time.Second)
	duration(&l.CloseTimeout, 2*time.Second)
	l.MaxDials = max(l.MaxDials, 1)
	l.MaxHalfOpen = max(l.MaxHalfOpen, 1)
	l.MaxIdle = max(l.MaxIdle, 0)
	return l
}

// simultaneous is how far apart two links between the same peers can come up
// though neither end knew of the other's when it dialled.
func (l Limits) simultaneous() time.Duration { return l.DialTimeout + l.HandshakeTimeout }
