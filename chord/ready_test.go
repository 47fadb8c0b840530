package chord

import (
	"testing"

	"cicada/identity"
)

// Cores that share an outbox each hand out what they want themselves, as long as it is
// taken in between, and keep a configuration of their own where it is another one.
func TestShare(t *testing.T) {
	a, b := full(), atRest(2, 0)
	a.Ready()
	b.Share(a)
	if a.config != b.config || a.outbox != b.outbox {
		t.Error("equal configurations, or what is to be done, are not shared")
	}
	for _, c := range []*Core{a, b, a} {
		if c.Pending() {
			t.Fatal("something is to be done before anything happened")
		}
		id := c.Lookup(0, identity.Point{0x80, 1})
		if !c.Pending() {
			t.Fatal("a lookup asks for nothing to be done")
		}
		ready := c.Ready()
		if len(ready.Messages) != 1 || ready.Messages[0].Message.Trail[0] != c.self.ID {
			t.Fatalf("got %+v for lookup %x, want one message of %x", ready.Messages, id, c.self.ID[:2])
		}
		if c.Pending() {
			t.Fatal("what was handed out is still to be done")
		}
	}
	if b.Step(0, at(120), Message{Kind: Ping, Request: 1}); !b.Pending() || len(b.Ready().Messages) != 1 {
		t.Error("the answer to a ping is not to be sent")
	}
	other := New(a.self, Config{Successors: 3}, a.random)
	if other.Share(a); other.config.Successors != 3 {
		t.Errorf("%d successors, want those of its own configuration", other.config.Successors)
	}
}
