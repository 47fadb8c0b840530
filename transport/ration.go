package transport

import (
	"time"

	"cicada/identity"
)

// A ration bounds the dials that come to nothing of peers of which nothing is proven:
// anybody may say that one is at some address, and whoever is there gets the dial. A dial
// takes one portion, which is given back where the peer did answer. Each that names peers
// has a share, so that one that lies leaves others theirs. It is guarded by Links.mu.
type ration struct {
	all    portions
	namers map[[8]byte]*portions // those that used some of their share
}

// portions are those that were taken, less what came back with time.
type portions struct {
	taken float64
	last  time.Time
}

const (
	hintDials  = 16  // a second,
	hintBurst  = 256 // and after a while without: half of a large table may have died
	namerShare = 4   // one namer has such a part of that
	mostNamers = 1024
)

// take reports whether a hint may be dialled now.
func (r *ration) take(to *identity.Contact, now time.Time) bool {
	own := r.of(to.Namer, now)
	if own.settle(now, hintDials/namerShare) > hintBurst/namerShare-1 || r.all.settle(now, hintDials) > hintBurst-1 {
		return false
	}
	own.taken++
	r.all.taken++
	return true
}

// giveBack undoes take: there is such a peer.
func (r *ration) giveBack(to *identity.Contact) {
	r.all.taken = max(r.all.taken-1, 0)
	if own := r.namers[to.Namer]; own != nil {
		own.taken = max(own.taken-1, 0)
	}
}

// of returns what a namer took. Where there are too many, those that are new have a share together.
func (r *ration) of(namer [8]byte, now time.Time) *portions {
	if r.namers[namer] == nil && len(r.namers) >= mostNamers {
		r.forget(now)
		if len(r.namers) >= mostNamers {
			namer = [8]byte{}
		}
	}
	if r.namers == nil {
		r.namers = make(map[[8]byte]*portions)
	}
	if r.namers[namer] == nil {
		r.namers[namer] = new(portions)
	}
	return r.namers[namer]
}

// forget drops namers that have their whole share again.
func (r *ration) forget(now time.Time) {
	for namer, p := range r.namers {
		if p.settle(now, hintDials/namerShare) == 0 {
			delete(r.namers, namer)
		}
	}
}

// settle returns how many are taken now, where so many come back in a second.
func (p *portions) settle(now time.Time, rate float64) float64 {
	p.taken = max(p.taken-max(now.Sub(p.last), 0).Seconds()*rate, 0)
	p.last = now
	return p.taken
}
