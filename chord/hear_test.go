package chord

import (
	"testing"

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
