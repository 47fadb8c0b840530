package routing

import (
	"bytes"
	"math/bits"
	"slices"
	"time"

	"cicada/chord"
	"cicada/identity"
)

// Blame is what an origin remembers of first hops that took copies of its own which
// came to nothing, for a minute or two. It rests on two things that nobody can say in
// another's place: that the hop took the copy, and that the target's receipt, which
// opened, came by a later round. So a refusal or a complaint changes nothing, nor does a
// target that is not there. A hop is blamed for whoever stands behind it as well:
// therefore one loss does not matter yet, one copy that gets through makes up for
// several, and all that blame does is to put another first that is about as good.
const (
	oneLoss      = 256
	mostBlame    = 4 * oneLoss     // so that the last is forgotten as fast as the fourth
	shunned      = oneLoss * 3 / 2 // two within a minute
	blameHalf    = time.Minute     // after which half of it is forgotten
	blameForgot  = 2 * blameHalf   // by when nobody is shunned for what was before
	forgiven     = 4               // a copy that got through leaves one part in so many
	blamedRounds = 3               // of a send; from then on the order is that of the ring
	asGood       = 4               // bits of distance that another hop may be worse by: the base of the fingers
)

// A blame is how much a neighbour is blamed for, at some time.
type blame struct {
	score int
	at    time.Duration
}

// now returns what is left of it.
func (b blame) now(now time.Duration) int {
	age := max(now-b.at, 0)
	score := b.score >> (age / blameHalf)
	return score - int(time.Duration(score)*(age%blameHalf)/(2*blameHalf))
}

// lose adds one loss. Of several at one instant, as one message has them that was
// handed to this hop in several rounds, one counts.
func (b *blame) lose(now time.Duration) {
	if b.at != now {
		b.score, b.at = min(b.now(now)+oneLoss, mostBlame), now
	}
}

// forgive notes that a copy got through.
func (b *blame) forgive(now time.Duration) { b.score, b.at = b.now(now)/forgiven, now }

// learn draws from the receipt that ends s which first hops lost copies: those that
// took one in a round before the one that was answered, and have not refused it since.
// Which copies of that round arrived nobody says: the target answers the first. The
// target itself is neither blamed nor forgiven, as it shows nothing of what it passes on.
func (c *Core) learn(now time.Duration, s *send, o Offer, target identity.ID) {
	i := slices.IndexFunc(s.offers, func(x offered) bool { return x.digest == o.digest })
	if i < 0 {
		return
	}
	hop, round := s.offers[i].hop, s.offers[i].round
	if hop != nil && hop.id != target {
		hop.blame.forgive(now)
	}
	if round <= 1 {
		return
	}
	for number := range s.Duplicates + 1 {
		for x := c.entries.first(key{s.Message, uint8(number)}); x != nil; x = x.following() {
			if x.send != s || x.round >= round {
				continue
			}
			for _, t := range x.try[:x.tries] {
				if t.answer == acked && t.link != hop && t.link.id != target {
					t.link.blame.lose(now)
					c.links.blamed = now + blameForgot
				}
			}
		}
	}
}

// shuns reports whether own copies are to begin with others than id.
func (s *links) shuns(now time.Duration, id identity.ID) bool {
	if now >= s.blamed {
		return false
	}
	l := s.byID[id]
	return l != nil && l.blame.now(now) >= shunned
}

// instead returns the first hop that an own copy is to begin with, where best would be
// the first by the order of the ring: another that is about as good, if best is shunned
// and that one is not. If it does not take the copy, best is the next to be asked.
func (c *Core) instead(x *entry, best *identity.Contact) *identity.Contact {
	if x.send == nil || x.tries > 0 || x.round > blamedRounds || !c.links.shuns(c.pick.now, best.ID) {
		return best
	}
	target := x.envelope().Target()
	if best.Point == target {
		return best
	}
	c.pick.unblamed = true
	other := c.ring.Toward(target, c.eligible)
	c.pick.unblamed = false
	if other == nil || !c.isAsGood(target, &other.Point, &best.Point) {
		return best
	}
	return other
}

// isAsGood reports whether a way to target by other is longer by a hop at most: it is
// not much further away than best, or so near that its lists have the target in them.
func (c *Core) isAsGood(target identity.Point, other, best *identity.Point) bool {
	far := apart(target, *other)
	if zeros(apart(target, *best))-zeros(far) <= asGood {
		return true
	}
	near := c.ring.Successors()
	if len(near) == 0 {
		return false
	}
	reach := chord.Clockwise(c.ring.Self().Point, near[len(near)-1].Point)
	return bytes.Compare(far[:], reach[:]) <= 0
}

// apart returns the distance between two points, the shorter way round.
func apart(a, b identity.Point) identity.Point {
	one, two := chord.Clockwise(a, b), chord.Clockwise(b, a)
	if bytes.Compare(one[:], two[:]) < 0 {
		return one
	}
	return two
}

// zeros returns how many bits a distance begins with that are 0.
func zeros(d identity.Point) int {
	i := slices.IndexFunc(d[:], func(b byte) bool { return b != 0 })
	if i < 0 {
		return 8 * len(d)
	}
	return 8*i + bits.LeadingZeros8(d[i])
}
