package chord

import (
	"slices"
	"time"

	"cicada/identity"
)

// lostLimit bounds how many lost peers are remembered; lostFor is how long a
// peer that was just found dead is not taken from the lists of others, and
// lostTries how often it is asked afterwards whether it is back.
const (
	lostLimit = 32
	lostFor   = 4 * time.Second
	lostTries = 64
)

// lost remembers peers that died or that could not be reached: for some
// seconds they are not believed in on the word of others, and now and then they
// are asked whether they are back, so that a ring torn apart grows together.
type lost struct {
	peers []lostPeer // oldest first
	turn  int
}

type lostPeer struct {
	contact *identity.Contact
	at      time.Duration // when it was found dead,
	asked   time.Duration // and when it last was asked since, in vain
	tries   int
	hearsay bool // only ever named by others: it is not asked again, and forgotten first
}

func (l *lost) find(id identity.ID) int {
	return slices.IndexFunc(l.peers, func(p lostPeer) bool { return p.contact.ID == id })
}

// recent reports whether the peer was found dead within the last seconds.
func (l *lost) recent(id identity.ID, now time.Duration) bool {
	if len(l.peers) == 0 {
		return false
	}
	i := l.find(id)
	return i >= 0 && now-l.peers[i].at < lostFor
}

func (l *lost) add(peer *identity.Contact, now time.Duration, hearsay bool) {
	added := lostPeer{contact: peer, at: now, asked: now, hearsay: hearsay}
	if i := l.find(peer.ID); i >= 0 {
		added.tries = l.peers[i].tries + 1
		added.hearsay = hearsay && l.peers[i].hearsay
		l.peers = slices.Delete(l.peers, i, i+1)
	}
	if added.tries >= lostTries {
		return
	}
	if len(l.peers) == lostLimit {
		oldest := max(0, slices.IndexFunc(l.peers, func(p lostPeer) bool { return p.hearsay }))
		l.peers = slices.Delete(l.peers, oldest, oldest+1)
	}
	l.peers = append(l.peers, added)
}

// still notes that a peer was asked in vain whether it is back. Who says that it is
// there is believed as before: it may be out of this peer's reach alone, and lists that
// leave it out and take it in each time would change for ever, and those around with them.
func (l *lost) still(peer *identity.Contact, now time.Duration) {
	i := l.find(peer.ID)
	if i < 0 {
		l.add(peer, now, false)
		return
	}
	at := l.peers[i].at
	l.add(peer, now, false)
	if i = l.find(peer.ID); i >= 0 {
		l.peers[i].at = at
	}
}

// remove forgets a peer that was heard from, and reports whether it was lost.
func (l *lost) remove(id identity.ID) bool {
	if len(l.peers) == 0 {
		return false
	}
	i := l.find(id)
	if i >= 0 {
		l.peers = slices.Delete(l.peers, i, i+1)
	}
	return i >= 0
}

// pick returns the next lost peer to ask, in turn, or nil.
func (l *lost) pick(now time.Duration) *identity.Contact {
	for range l.peers {
		l.turn = (l.turn + 1) % len(l.peers)
		if p := l.peers[l.turn]; !p.hearsay && now-p.asked >= lostFor {
			return p.contact
		}
	}
	return nil
}
