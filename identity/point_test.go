package identity_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"cicada/identity"
)

// screened reports whether id passes the cheap test, computed apart from the package.
func screened(id identity.ID) bool { return sha256.Sum256(id[:])[0] < 4 }

// difficultKeys returns keys whose IDs pass the cheap test: the first pass at
// difficulty 1, the second do not.
func difficultKeys(t testing.TB, count int) (valid, refused []identity.PrivateKey) {
	t.Helper()
	for n := uint32(0); len(valid) < count || len(refused) < count; n++ {
		key := identity.KeyFromSeed([32]byte{byte(n), byte(n >> 8), byte(n >> 16), 'd'})
		if !screened(key.ID()) {
			continue
		}
		if _, err := identity.PointOf(key.ID(), 1); err == nil {
			valid = append(valid, key)
		} else {
			refused = append(refused, key)
		}
	}
	return valid[:count], refused[:count]
}

func TestPointOfWithoutDifficulty(t *testing.T) {
	id := testKey(1).ID()
	want := sha256.Sum256(append([]byte("cicada point"), id[:]...))
	if got, err := identity.PointOf(id, 0); err != nil || got != identity.Point(want) {
		t.Errorf("got %s, %v, want %x", got, err, want)
	}
}

func TestPointOfLimits(t *testing.T) {
	var rubbish identity.ID
	for screened(rubbish) {
		rubbish[0]++
	}
	tests := []struct {
		name       string
		difficulty uint8
		refusal    bool // ErrDifficulty; else the difficulty itself is wrong
	}{
		{"the highest difficulty refuses rubbish", identity.MaxDifficulty, true},
		{"one more is no difficulty", identity.MaxDifficulty + 1, false},
		{"nor is 255", 255, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := identity.PointOf(rubbish, test.difficulty)
			if err == nil || errors.Is(err, identity.ErrDifficulty) != test.refusal {
				t.Errorf("got %v, want ErrDifficulty: %v", err, test.refusal)
			}
		})
	}
}

// What fails the cheap test by one bit is refused, though half of it would pass argon2.
func TestPointOfNeedsSixBitsFirst(t *testing.T) {
	for n, found := 0, 0; found < 12; n++ {
		id := identity.ID(testPoint(n))
		if sum := sha256.Sum256(id[:]); sum[0]>>2 != 1 { // five zero bits, then a one
			continue
		}
		found++
		if _, err := identity.PointOf(id, 1); !errors.Is(err, identity.ErrDifficulty) {
			t.Errorf("%s: got %v, want ErrDifficulty", id.Short(), err)
		}
	}
}

// Each bit of difficulty halves the IDs that pass, and the point follows from
// argon2's output: so it says nothing of what another difficulty's would be.
func TestPointOfHalvesWithEachBit(t *testing.T) {
	valid, refused := difficultKeys(t, 12)
	for _, key := range refused {
		if _, err := identity.PointOf(key.ID(), 2); !errors.Is(err, identity.ErrDifficulty) {
			t.Errorf("%s fails difficulty 1 and at 2 gets %v", key.ID().Short(), err)
		}
	}
	passed := 0
	for _, key := range valid {
		at0, _ := identity.PointOf(key.ID(), 0)
		at1, _ := identity.PointOf(key.ID(), 1)
		at2, err := identity.PointOf(key.ID(), 2)
		if at0 == at1 {
			t.Errorf("%s has the same point at difficulty 0 and 1", key.ID().Short())
		}
		if err == nil {
			passed++
			if at1 != at2 {
				t.Errorf("%s moved between difficulty 1 and 2", key.ID().Short())
			}
		}
	}
	if passed == 0 || passed == len(valid) {
		t.Errorf("%d of %d IDs of difficulty 1 pass difficulty 2, want about half", passed, len(valid))
	}
}

func TestPointText(t *testing.T) {
	point := identity.Point(testPoint(1))
	text, err := json.Marshal(point)
	if err != nil {
		t.Fatal(err)
	}
	var got identity.Point
	if err := json.Unmarshal(text, &got); err != nil || got != point {
		t.Errorf("read back: got %s, %v, want %s", got, err, point)
	}
	for _, test := range []struct{ name, text, message string }{
		{"nothing", "", "not 0 characters"},
		{"one digit more", point.String() + "0", "not 65 characters"},
		{"no hex digit", "g" + point.String()[1:], "invalid byte"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := identity.ParsePoint(test.text); err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want an error that says %q", err, test.message)
			}
		})
	}
}

func FuzzParsePoint(f *testing.F) {
	f.Add(identity.Point(testPoint(1)).String())
	f.Add(strings.Repeat("F", 64))
	f.Add(strings.Repeat("0", 63) + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		point, err := identity.ParsePoint(text)
		if err != nil {
			if !point.IsZero() {
				t.Errorf("%q: %s beside %v", text, point, err)
			}
			return
		}
		if !strings.EqualFold(point.String(), text) {
			t.Errorf("%q was read as %s", text, point)
		}
	})
}
