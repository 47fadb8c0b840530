package chordtest

import (
	"math/rand/v2"
	"testing"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/trace"
)

// A tally counts what neighbours' questions for lists and the answers cost.
type tally struct {
	asks, answers  int // answers with lists
	records        int // in them
	named          int // peers named by place
	bytes          int // of questions and answers
	found, further int // answers to lookups, and records in them besides the owner's
}

func (c *tally) sent(_, _ *identity.Contact, m chord.Message) {
	switch m.Kind {
	case chord.Ask:
		c.asks++
		c.bytes += Size(&m)
	case chord.State:
		c.bytes += Size(&m)
		if l := m.Lists; l != nil {
			c.answers++
			c.records += len(l.Records)
			c.named += len(l.Predecessor) + len(l.Successors) + len(l.Predecessors)
		}
	case chord.Found:
		c.found++
		c.further += len(m.Successors)
		if m.Predecessor != nil {
			c.further++
		}
	}
}

// TestAJoinCostsFewRecords has a peer join a ring of 40, and die again. Every
// other one of the ring learns of it, most from both sides: whole lists would be some
// seventy answers of 33 records. A quarter more than it takes now is allowed.
func TestAJoinCostsFewRecords(t *testing.T) {
	var c tally
	n := NewNet(NetConfig{Seed: 1, Sent: c.sent})
	contacts := Contacts(41, rand.New(rand.NewPCG(1, 1)))
	n.Settle(contacts[1:])
	n.Run(time.Minute)
	c = tally{}
	n.Run(time.Minute)
	if c.answers > 0 || c.bytes/c.asks > 2*50 {
		t.Errorf("at rest: got %d answers with lists, %d bytes a question and its answer, want none and at most 100", c.answers, c.bytes/c.asks)
	}
	for _, step := range []struct {
		name    string
		do      func()
		records int
	}{
		{"join", func() { n.Join(n.Add(contacts[0]), contacts[20]) }, 130},
		{"death", func() { n.Crash(n.Peer(contacts[0].ID)) }, 125},
	} {
		c = tally{}
		step.do()
		ideal(t, n, 16, time.Minute)
		n.Run(30 * time.Second)
		t.Logf("%s: %d questions, %d answers with lists that name %d peers, %d records, %d bytes", step.name, c.asks, c.answers, c.named, c.records, c.bytes)
		if c.answers < 40 || c.records > step.records {
			t.Errorf("%s: got %d records in %d answers, want at most %d in at least 40", step.name, c.records, c.answers, step.records)
		}
	}
}

// TestASwarmFormsWithFewRecords has 64 peers join at once.
func TestASwarmFormsWithFewRecords(t *testing.T) {
	const size = 64
	var c tally
	n, _ := grow(t, NetConfig{Seed: 1, Sent: c.sent}, size)
	ideal(t, n, 16, time.Minute)
	n.Run(20 * time.Second)
	t.Logf("a peer: %d questions, %d answers with lists that name %d peers, %d records, %d bytes; %d lookups found, %d records besides",
		c.asks/size, c.answers/size, c.named/size, c.records/size, c.bytes/size, c.found/size, c.further/size)
	if got := c.records / size; got > 130 {
		t.Errorf("got %d records a peer in neighbours' lists, want at most 130", got)
	}
	if 3*c.records > c.named {
		t.Errorf("got %d records for %d peers named, want one in three at most", c.records, c.named)
	}
}

// TestPlainLookupsNameTheOwnerAlone asks for many keys, while fingers are looked up and peers join.
func TestPlainLookupsNameTheOwnerAlone(t *testing.T) {
	plain := make(map[trace.MessageID]bool)
	answers := 0
	n := NewNet(NetConfig{Seed: 1, Sent: func(_, _ *identity.Contact, m chord.Message) {
		switch {
		case m.Kind == chord.Lookup:
			plain[m.Lookup] = true
		case m.Kind == chord.Found && plain[m.Lookup]:
			if answers++; m.Predecessor != nil || len(m.Successors) > 0 {
				t.Errorf("got %s, want the owner alone", Describe(&m))
			}
		}
	}})
	contacts := Contacts(60, rand.New(rand.NewPCG(1, 2)))
	n.Settle(contacts[1:])
	n.Join(n.Add(contacts[0]), contacts[30])
	random := rand.New(rand.NewPCG(1, 3))
	for range 200 {
		n.Lookup(n.Peer(contacts[1+random.IntN(59)].ID), Point(random))
	}
	n.Run(time.Minute)
	if answers < 200 {
		t.Errorf("got %d answers, want 200 or more", answers)
	}
}
