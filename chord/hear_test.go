package chord

import (
	"testing"
	"time"

	"cicada/identity"
)

// A peer of the table that somebody doubts is asked at once, and once; nobody else is.
func TestDoubtAsksAtOnce(t *testing.T) {
	c := full()
	c.Doubt(0, identity.ID{42, 1}) // unknown
	c.Doubt(0, c.self.ID)
	if got := c.Ready().Messages; len(got) != 0 {
		t.Errorf("who doubts nobody known sends %v, want nothing", got)
	}
	c.Doubt(0, at(120).ID)
	c.Doubt(0, at(120).ID)
	got := c.Ready().Messages
	if len(got) != 1 || got[0].To.ID != at(120).ID || got[0].Message.Kind != Ping {
		t.Errorf("got %v, want one ping to 120", got)
	}
}

// Who has left asks nobody.
func TestDoubtOfWhoLeft(t *testing.T) {
	c := full()
	c.Leave(0)
	c.Ready()
	c.Doubt(0, at(120).ID)
	if got := c.Ready().Messages; len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

// The first answer of a peer may take a handshake, but not where it was heard: there is a link.
func TestAFirstAnswerMayTakeAHandshake(t *testing.T) {
	c := full()
	c.typical = uint32((100 * time.Millisecond).Microseconds())
	e := c.entry(at(110))
	e.srtt, e.heard = 0, never
	stranger := c.rto(at(110))
	e.heard = c.now
	if heard := c.rto(at(110)); stranger != 800*time.Millisecond || heard != 300*time.Millisecond {
		t.Errorf("got %v for a stranger and %v for one that was heard, want 800 and 300 ms", stranger, heard)
	}
}
