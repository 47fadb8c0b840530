package chord

import (
	"slices"

	"cicada/identity"
)

// Who is asked about a finger can name friends alone, and once all of a slot are friends
// nobody else is ever asked. So where peers stay for long, and there is time for it, a look
// is a search for where the slot starts, which ends as that for a key does (verdict.go):
// once some who must know agree who is the first there. Those may leave out whom they
// like, but nobody can keep another from naming him: of all who are named the nearest
// stay, and who is named by one alone is asked whether it is there.

// maxSurveys bounds the looks that go on at once: they leave room for what the ring itself has to ask.
const maxSurveys = 3

// A sighting is a peer that was named as one of those in a slot.
type sighting struct {
	peer *identity.Contact
	by   int // how many named it
}

// survey begins a search for who stands in slot i, by way of a peer.
func (c *Core) survey(i int, via *identity.Contact) {
	s := &c.fingers.slots[i]
	surveys := 0
	for _, x := range c.searches {
		if x.aim == forFinger {
			surveys++
		}
	}
	if surveys == maxSurveys || len(c.searches) >= maxSearches {
		c.fingers.next = c.now + c.jitter(c.config.StabilizeMin/2) // its turn is still to come
		return
	}
	s.asking = true
	number := c.fingers.first + i
	start, _ := c.bounds(number)
	c.startSearch(&search{aim: forFinger, slot: number, key: start, branches: []branch{{candidates: []candidate{{peer: via}}}}})
}

// sight takes in whom somebody who must know named behind the key of a search.
func (s *search) sight(peers []*identity.Contact) {
	for k, peer := range peers {
		i := 0
		for i < len(s.seen) && nearerBehind(s.key, s.seen[i].peer, peer) {
			i++
		}
		switch {
		case holds(peers[:k], peer): // one answer counts once
		case i < len(s.seen) && same(s.seen[i].peer, peer):
			s.seen[i].by++
		default:
			s.seen = slices.Insert(s.seen, i, sighting{peer, 1})
			s.seen = s.seen[:min(len(s.seen), claimNames)]
		}
	}
}

// surveyOffer returns whom a question of s names as known.
func (c *Core) surveyOffer(s *search) []*identity.Contact {
	var offer []*identity.Contact
	for _, x := range s.seen {
		offer = append(offer, x.peer)
	}
	if i := s.slot - c.fingers.first; len(offer) == 0 && i >= 0 && i < len(c.fingers.slots) {
		offer = c.candidates(i)
	}
	return offer
}

// surveyed fills a slot with whom a search that ended found there.
func (c *Core) surveyed(s *search) {
	i := s.slot - c.fingers.first
	if i < 0 || i >= len(c.fingers.slots) {
		return // it is in use no more
	}
	c.fingers.slots[i].asking, c.fingers.slots[i].checked = false, c.now
	var peers, alone []*identity.Contact
	for _, x := range s.seen {
		if peers = append(peers, x.peer); x.by == 1 {
			alone = append(alone, x.peer)
		}
	}
	c.fill(i, peers, s.verdict.enough())
	for _, peer := range alone {
		if e := c.entry(peer); e != nil && e.is(finger) {
			c.probe(peer)
		}
	}
}
