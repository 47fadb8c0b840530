package swarm

import (
	"slices"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// Bounds of what is remembered of broadcasts: of each origin the latest.
const (
	maxHeard   = 64
	maxOrigins = 2048
)

// A novelty says whether a broadcast was heard before.
type novelty int

const (
	novel   novelty = iota
	stale           // heard, or sent so long ago that it may have been
	crowded         // as much as the link may bring is remembered already
)

// heardBroadcasts remembers the broadcasts of the last minutes, so that none is
// delivered twice. What an origin sends counts against it alone: where it sends
// more than is remembered, what is not younger than the oldest remembered is
// refused, because it may be a repetition. An origin is not forgotten before its
// latest broadcast is too old to be taken from anybody. Until then it counts
// against the link that it was first heard over, which may bring as many origins
// as there is still room for: who floods by ever new keys leaves room to the others.
// The zero value is ready.
type heardBroadcasts struct {
	origins map[identity.ID]*heardOrigin
	links   map[identity.ID]int // how many origins each brought
	floor   time.Time           // nothing later was forgotten: a clock that is set back opens no gap
	swept   time.Time
}

type heardOrigin struct {
	link   identity.ID
	seen   []heard // oldest first
	floor  time.Time
	newest time.Time
}

type heard struct {
	message trace.MessageID
	at      time.Time // when it was sent, by its origin's clock
}

// add notes a broadcast that came over a link, and says whether it is new.
func (h *heardBroadcasts) add(link, origin identity.ID, message trace.MessageID, at, now time.Time) novelty {
	o := h.origins[origin]
	if o == nil {
		if !at.After(h.floor) {
			return stale
		}
		if !h.room(link, now) {
			return crowded
		}
		o = h.remember(link, origin)
	}
	if !at.After(o.floor) || slices.ContainsFunc(o.seen, func(x heard) bool { return x.message == message }) {
		return stale
	}
	if len(o.seen) == maxHeard {
		oldest := slices.MinFunc(o.seen, func(a, b heard) int { return a.at.Compare(b.at) })
		if at.Before(oldest.at) {
			return stale
		}
		o.floor = oldest.at
		o.seen = slices.DeleteFunc(o.seen, func(x heard) bool { return !x.at.After(o.floor) })
	}
	o.seen = append(o.seen, heard{message, at})
	if at.After(o.newest) {
		o.newest = at
	}
	return novel
}

// room reports whether a link may bring one more origin.
func (h *heardBroadcasts) room(link identity.ID, now time.Time) bool {
	if h.links[link] < maxOrigins-len(h.origins) {
		return true
	}
	const often = time.Second // to look through them all is not for every broadcast of a flood
	if since := now.Sub(h.swept); 0 <= since && since < often {
		return false
	}
	h.swept = now
	for id, o := range h.origins {
		if now.Sub(o.newest) > broadcastAge {
			h.forget(id, o)
		}
	}
	return h.links[link] < maxOrigins-len(h.origins)
}

func (h *heardBroadcasts) remember(link, origin identity.ID) *heardOrigin {
	if h.origins == nil {
		h.origins, h.links = make(map[identity.ID]*heardOrigin), make(map[identity.ID]int)
	}
	o := &heardOrigin{link: link}
	h.origins[origin] = o
	h.links[link]++
	return o
}

func (h *heardBroadcasts) forget(origin identity.ID, o *heardOrigin) {
	if o.newest.After(h.floor) {
		h.floor = o.newest
	}
	delete(h.origins, origin)
	if h.links[o.link]--; h.links[o.link] == 0 {
		delete(h.links, o.link)
	}
}
