package identity_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"cicada/identity"
)

// Of a hint the place is checked: it is where the ID belongs, whatever is said.
func TestHintsStandWhereTheyBelong(t *testing.T) {
	valid, refused := difficultKeys(t, 1)
	points := newPoints(t, identity.PointsConfig{Difficulty: 1, Burst: 8})
	id := valid[0].ID()
	want, err := identity.PointOf(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name    string
		id      identity.ID
		claimed identity.Point
		err     error
	}{
		{"said to stand elsewhere", id, identity.Point{1}, identity.ErrRecord},
		{"nothing said", id, identity.Point{}, nil},
		{"said rightly", id, want, nil},
		{"elsewhere, when it is known", id, identity.Point{1}, identity.ErrRecord},
		{"an ID that did not pay", refused[0].ID(), identity.Point{1}, identity.ErrDifficulty},
		{"the same again", refused[0].ID(), identity.Point{1}, identity.ErrDifficulty},
		{"rubbish", testKey(1).ID(), identity.Point{1}, identity.ErrDifficulty},
	} {
		c, err := points.Hint(x.id, x.claimed, nil)
		if !errors.Is(err, x.err) || err == nil && (c.Point != want || !c.Fingerprint.IsZero()) {
			t.Errorf("%s: got %v, %v, want %v", x.name, c, err, x.err)
		}
	}
}

// Of the addresses of a hint two are taken; too many for a record are refused.
func TestHintsHaveFewAddresses(t *testing.T) {
	var addresses []netip.AddrPort
	for port := range uint16(identity.MaxAddresses) {
		addresses = append(addresses, netip.AddrPortFrom(netip.MustParseAddr("203.0.113.7"), port+1))
	}
	points := new(identity.Points)
	c, err := points.Hint(testKey(1).ID(), identity.Point{}, addresses)
	if err != nil || len(c.Addresses) != identity.HintAddresses || c.Addresses[0] != addresses[0] {
		t.Errorf("got %v, %v, want the first %d addresses", c, err, identity.HintAddresses)
	}
	if _, err := points.Hint(testKey(1).ID(), identity.Point{}, append(addresses, addresses[0])); !errors.Is(err, identity.ErrRecord) {
		t.Errorf("of more than a record may have: got %v, want ErrRecord", err)
	}
}

// Hints leave half of all runs to those who come themselves.
func TestHintsLeaveRuns(t *testing.T) {
	valid, _ := difficultKeys(t, 6)
	synctest.Test(t, func(t *testing.T) {
		points := newPoints(t, identity.PointsConfig{Difficulty: 1, Rate: 1, Burst: 4})
		for i, want := range []error{nil, nil, identity.ErrRate} {
			if _, err := points.Hint(valid[i].ID(), identity.Point{}, nil); !errors.Is(err, want) {
				t.Errorf("hint %d: got %v, want %v", i, err, want)
			}
		}
		for i, want := range []error{nil, nil, identity.ErrRate} {
			if _, err := points.PointOf(valid[3+i].ID()); !errors.Is(err, want) {
				t.Errorf("afterwards, one that comes itself, %d: got %v, want %v", i, err, want)
			}
		}
		if _, err := points.Hint(valid[0].ID(), identity.Point{}, nil); err != nil {
			t.Errorf("one that is known: got %v", err)
		}
	})
}

// One stranger uses up its share, and no other's; what one finds all know.
func TestSharesOfPoints(t *testing.T) {
	valid, refused := difficultKeys(t, 4)
	synctest.Test(t, func(t *testing.T) {
		points := newPoints(t, identity.PointsConfig{Difficulty: 1, Rate: 4, Burst: 8})
		one, two := points.Share(), points.Share()
		expect := func(p *identity.Points, key identity.PrivateKey, want error) {
			t.Helper()
			if _, err := p.PointOf(key.ID()); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", key.ID().Short(), err, want)
			}
		}
		expect(one, valid[0], nil)
		expect(one, refused[0], identity.ErrDifficulty)
		expect(one, valid[1], identity.ErrRate)
		expect(one, refused[0], identity.ErrDifficulty) // known
		expect(one, testKey(1), identity.ErrDifficulty) // fails the cheap test
		expect(two, valid[0], nil)                      // known by the other
		expect(two, valid[1], nil)
		expect(one, valid[1], nil)
		if _, known := one.Known(valid[1].ID()); !known {
			t.Error("a share does not know what all know")
		}
		<-time.After(time.Second) // one run a second for a share
		expect(one, valid[2], nil)
		expect(one, valid[3], identity.ErrRate)
		expect(points, valid[3], nil)
	})
	if p := new(identity.Points); p.Share() != p {
		t.Error("without a difficulty there is something to share")
	}
}

// What strangers send again and again takes no memory, good or bad.
func TestChecksTakeNoMemory(t *testing.T) {
	valid, refused := difficultKeys(t, 1)
	points := newPoints(t, identity.PointsConfig{Difficulty: 1}).Share()
	for name, id := range map[string]identity.ID{"rubbish": testKey(1).ID(), "known": valid[0].ID(), "refused before": refused[0].ID()} {
		_, want := points.PointOf(id)
		got := testing.AllocsPerRun(100, func() {
			if _, err := points.PointOf(id); err != want {
				t.Fatalf("%s: got %v, want %v", name, err, want)
			}
		})
		if got != 0 {
			t.Errorf("%s: got %v allocations, want none", name, got)
		}
	}
}
