// Package seal seals messages end to end between two peers of a swarm, so that
// the peers in between, which nobody has to trust, can neither read, change,
// forge nor repeat them.
//
// A pair of peers that exchanges messages shares a session, set up by the IK
// handshake of the Noise Protocol Framework (Perrin, revision 34) over X25519
// keys that follow from the peers' IDs: nothing has to be looked up, and the
// first handshake message carries the first message. The second carries its
// receipt. From then on each direction has one AES-256-GCM key, and messages may
// arrive in any order.
//
// Two peers that share keys beforehand (Config.Pairs) exchange nothing but under these:
// the handshake takes them, too, and its first message holds no data. Keys that are
// missing or differ are a refusal that the target signs.
//
// It is not a transport: it sends nothing, starts no goroutine, keeps no message
// and repeats none. It does not sign broadcasts. It remembers which sealed bytes
// it opened, not which message IDs: a message that its origin seals twice is
// opened twice, and the caller tells them apart by ID. What the seal does not
// protect is listed in docs/spec/seal.md, with every byte of the format.
//
// Begin reading at [Sealer]: the origin calls Seal and OpenReply, the target
// Open and Answer. What each does next says course.go, what keys change keyed.go.
package seal
