package seal

import (
	"crypto/sha256"
	"time"

	"cicada/wire"
)

const (
	// maxSkew is how far the clock of an origin may be off for its first message
	// to be accepted as it comes.
	maxSkew = 2 * time.Minute
	// challengesKept is how many answers to first messages that were not
	// accepted are remembered, so that their copies make no further sessions.
	challengesKept = 1024
)

// A firstKey names the exact bytes of a first message.
type firstKey [16]byte

// keyOf returns the name of the first message in e: half a SHA-256 over what the
// handshake binds and what it seals.
func keyOf(e wire.Envelope) firstKey {
	h := sha256.New()
	message := e.Message()
	h.Write(message[:])
	h.Write(e.Payload())
	var sum [sha256.Size]byte
	return firstKey(h.Sum(sum[:0])[:16])
}

// A memory knows every first message that was accepted and could be accepted
// again. It forgets one only when its time is too old to be accepted, and from
// then on accepts none that is as old, whatever the clock says: so a clock that
// is set back opens no gap, nor does a restart. The Sealer's lock guards it.
type memory struct {
	limit      int
	floor      int64 // wall time; first messages must be later to be accepted
	firsts     map[firstKey]*first
	accepted   []*first // oldest first
	challenged []*first // oldest first
}

// newMemory returns the memory of a peer that started at wall time start, with a
// key that was used before or is fresh.
func newMemory(limit int, start time.Time, freshKey bool) memory {
	m := memory{limit: limit, firsts: make(map[firstKey]*first)}
	if !freshKey {
		m.floor = start.Add(maxSkew).UnixNano()
	}
	return m
}

// admit decides about a first message that opened and takes note of it. It
// returns the same message's earlier note where there is one, and otherwise
// whether the message is accepted.
func (m *memory) admit(f *first, now moment) (earlier *first, accept bool) {
	if earlier = m.firsts[f.key]; earlier != nil {
		return earlier, false
	}
	m.forget(now)
	wall := now.wall.UnixNano()
	soon, late := f.stamp >= wall-int64(maxSkew), f.stamp <= wall+int64(maxSkew)
	accept = soon && late && f.stamp > m.floor && !f.bare && len(m.accepted) < m.limit
	m.firsts[f.key] = f
	if accept {
		m.accepted = append(m.accepted, f)
		return nil, true
	}
	if len(m.challenged) >= challengesKept {
		m.pop(&m.challenged)
	}
	m.challenged = append(m.challenged, f)
	return nil, false
}

// forget drops what cannot be accepted again.
func (m *memory) forget(now moment) {
	old := now.wall.Add(-maxSkew).UnixNano()
	for len(m.accepted) > 0 && m.accepted[0].stamp < old {
		m.floor = max(m.floor, m.accepted[0].stamp)
		m.pop(&m.accepted)
	}
	for len(m.challenged) > 0 && now.age-m.challenged[0].born >= challengedFor {
		m.pop(&m.challenged)
	}
}

// pop drops the oldest of queue.
func (m *memory) pop(queue *[]*first) {
	q := *queue
	delete(m.firsts, q[0].key)
	q[0] = nil
	*queue = q[1:]
}
