package seal

import (
	"encoding/binary"
	"fmt"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

const unknownSize = 8 + 8 + identity.SignatureSize // index, uptime, signature

// unknownBody returns what the signature of an Unknown covers.
func unknownBody(swarm [32]byte, message trace.MessageID, index uint64, target identity.ID, uptime uint64) []byte {
	b := make([]byte, 0, 32+16+8+32+8)
	b = append(b, swarm[:]...)
	b = append(b, message[:]...)
	b = binary.BigEndian.AppendUint64(b, index)
	b = append(b, target[:]...)
	return binary.BigEndian.AppendUint64(b, uptime)
}

// sealUnknown returns the signed statement that this peer has no session with
// index, or nothing where it signed too many of late for the link that was asked by.
func (s *Sealer) sealUnknown(message trace.MessageID, index uint64, link identity.ID, now moment) Sealed {
	if !s.unknowns.take(link, now.age) {
		return Sealed{}
	}
	signature := s.key.Sign(identity.PurposeUnknown, unknownBody(s.swarm, message, index, s.id, now.uptime()))
	payload := make([]byte, 0, unknownSize)
	payload = binary.BigEndian.AppendUint64(payload, index)
	payload = binary.BigEndian.AppendUint64(payload, now.uptime())
	return Sealed{Kind: wire.EnvelopeUnknown, Session: index, Payload: append(payload, signature...)}
}

// readUnknown checks an Unknown about a message to target that is sealed under
// the session with index, and forgets that session.
func (s *Sealer) readUnknown(e wire.Envelope, target identity.ID, index uint64, now moment) (Reply, error) {
	payload := e.Payload()
	if len(payload) != unknownSize {
		return Reply{}, fmt.Errorf("%w: unknown of %d bytes, not %d", ErrMalformed, len(payload), unknownSize)
	}
	if index == 0 || binary.BigEndian.Uint64(payload) != index {
		return Reply{}, ErrStale
	}
	uptime := binary.BigEndian.Uint64(payload[8:])
	body := unknownBody(s.swarm, e.Message(), index, target, uptime)
	if !target.Verify(identity.PurposeUnknown, body, payload[16:]) {
		return Reply{}, fmt.Errorf("%w: unknown", ErrForged)
	}
	s.mu.Lock()
	if r := s.table.peers[target]; r != nil {
		s.dropRemote(r, index, now.age)
	}
	s.mu.Unlock()
	return Reply{Status: Unknown, run: now.run(uptime, 0)}, nil
}

// dropRemote forgets the session of r that the other end knew by index.
func (s *Sealer) dropRemote(r *relation, index uint64, age time.Duration) {
	for _, n := range r.sessions {
		if n.remote == index {
			s.table.drop(n)
			s.table.choose(r, age)
			return
		}
	}
}
