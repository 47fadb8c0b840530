package routing

import (
	"testing"

	"cicada/identity"
	"cicada/wire"
)

// A message sealed anew, because its target asked for that, is no copy that
// differs from the true one. What others changed still is.
func TestEarlierSealsDoNotDiffer(t *testing.T) {
	const first, later = wire.EnvelopeFirst, wire.EnvelopeMessage
	type step struct {
		kind    wire.EnvelopeKind
		verdict func(*Core, Offer, identity.ID)
	}
	challenged := func(c *Core, o Offer, origin identity.ID) { c.Outdated(o, origin) }
	unknown := func(c *Core, o Offer, _ identity.ID) { c.Outdated(o, identity.ID{}) }
	forged := func(c *Core, o Offer, _ identity.ID) { c.Rejected(o) }
	stranger := func(c *Core, o Offer, _ identity.ID) { c.Outdated(o, identity.ID{9}) }
	opened := func(c *Core, o Offer, origin identity.ID) { c.Accepted(0, o, origin) }
	for _, test := range []struct {
		name  string
		steps []step
		want  int
	}{
		{"challenged", []step{{first, challenged}, {later, opened}}, 0},
		{"its session was forgotten", []step{{later, unknown}, {first, opened}}, 0},
		{"forgotten, then challenged", []step{{later, unknown}, {first, challenged}, {later, opened}}, 0},
		{"forged", []step{{first, forged}, {later, opened}}, 1},
		{"another session put in", []step{{later, unknown}, {later, opened}}, 1},
		{"the same, afterwards", []step{{first, opened}, {later, unknown}}, 1},
		{"somebody else under its name", []step{{first, stranger}, {later, opened}}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := line(t, []byte{0, 10, 20}, nil)
			target, origin := w.peers[0], w.peers[2].contact.ID
			message := w.message()
			var last Offer
			for i, s := range test.steps {
				e := seal(s.kind, message, origin, string(rune('a'+i)))
				copy(e[48:80], target.contact.Point[:])
				target.core.Envelope(0, w.peers[1].contact.ID, e)
				o := target.core.Ready().Arrivals[0].Offer
				s.verdict(target.core, o, origin)
				if _, v := target.core.variant(o); v.verdict == accepted {
					last = o
				}
			}
			if arrived, differing := target.core.Copies(last); arrived != 1 || differing != test.want {
				t.Errorf("got %d arrived and %d differing, want 1 and %d", arrived, differing, test.want)
			}
		})
	}
}
