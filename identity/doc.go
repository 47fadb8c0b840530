// Package identity says who a peer is: its key, its ID, where it stands on the
// ring, the signed record that tells others how to reach it, and the swarm it
// belongs to.
//
// An ID is an Ed25519 public key (RFC 8032), so nobody can take another's. A
// Point follows from the ID, at a price that the swarm sets (PointOf). A Record
// is signed by the peer it describes; Record.Verify alone makes a Contact of it.
//
// It opens no socket, knows nothing of the ring's shape, and seals nothing: it
// only hands out the keys that links and seals are made with.
//
// Package pair below it reads what two peers agreed upon beforehand.
//
// Begin reading at ID, then PrivateKey, then Record.
package identity
