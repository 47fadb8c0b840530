package identity

import "crypto/ed25519"

// SignatureSize is the length of a signature in bytes.
const SignatureSize = ed25519.SignatureSize

// A Purpose says what kind of thing is signed. It stands before the body in
// what is signed, so that a signature of one kind proves nothing as another.
// Every purpose ends with a zero byte and is listed here: none is the beginning
// of another, nor of anything TLS signs.
type Purpose string

// The purposes of signatures.
const (
	PurposeRecord    Purpose = "cicada record 1\x00"    // a RecordBody
	PurposeBroadcast Purpose = "cicada broadcast 1\x00" // a broadcast's body
	PurposeUnknown   Purpose = "cicada unknown 1\x00"   // "I know no such session", by the target of a message
	PurposeKeys      Purpose = "cicada keys 1\x00"      // "we do not have the same keys", by the target of a message
)

// Verify reports whether signature was made by the key of id, for purpose, over
// body. It also checks id, so that no signature is valid under a key of small
// order. It costs about 45 µs and, for a body over 1 KiB, a copy of it.
func (id ID) Verify(purpose Purpose, body, signature []byte) bool {
	if id.checkBytes() != nil || len(signature) != SignatureSize {
		return false
	}
	var buffer [signBuffer]byte
	return ed25519.Verify(id[:], purpose.join(buffer[:0], body), signature)
}

// signBuffer is enough for a record, so that verifying one takes no memory.
const signBuffer = maxRecordBody + 64

func (p Purpose) join(buffer, body []byte) []byte {
	return append(append(buffer, p...), body...)
}
