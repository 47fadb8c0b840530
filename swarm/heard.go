package swarm

import (
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// Bounds of what is remembered of broadcasts: of each origin the latest, of all
// origins those heard of last.
const (
	maxHeard   = 64
	maxOrigins = 1024
)

// heardBroadcasts remembers the broadcasts of the last minutes, so that none is
// delivered twice. What an origin sends counts against it alone: where it sends
// more than is remembered, what is not younger than the oldest remembered is
// refused, because it may be a repetition. The zero value is ready.
type heardBroadcasts struct {
	origins map[identity.ID]*heardOrigin
	order   []identity.ID // by when they were heard of first
}

type heardOrigin struct {
	seen  []heard // oldest first
	floor time.Time
}

type heard struct {
	message trace.MessageID
	at      time.Time // when it was sent, by its origin's clock
}

// add notes a broadcast and reports whether it is new.
func (h *heardBroadcasts) add(origin identity.ID, message trace.MessageID, at time.Time) bool {
	o := h.origin(origin)
	if !at.After(o.floor) || slices.ContainsFunc(o.seen, func(x heard) bool { return x.message == message }) {
		return false
	}
	if len(o.seen) == maxHeard {
		oldest := slices.MinFunc(o.seen, func(a, b heard) int { return a.at.Compare(b.at) })
		if at.Before(oldest.at) {
			return false
		}
		o.floor = oldest.at
		o.seen = slices.DeleteFunc(o.seen, func(x heard) bool { return !x.at.After(o.floor) })
	}
	o.seen = append(o.seen, heard{message, at})
	return true
}

// origin returns what is remembered of an origin. The one that was heard of
// first makes way for a new one.
func (h *heardBroadcasts) origin(id identity.ID) *heardOrigin {
	if o := h.origins[id]; o != nil {
		return o
	}
	if h.origins == nil {
		h.origins = make(map[identity.ID]*heardOrigin)
	}
	if len(h.order) == maxOrigins {
		delete(h.origins, h.order[0])
		h.order = slices.Delete(h.order, 0, 1)
	}
	o := new(heardOrigin)
	h.origins[id] = o
	h.order = append(h.order, id)
	return o
}
