package identity_test

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"cicada/identity"
)

func newSwarm(t testing.TB, name string, difficulty uint8, secret string) *identity.Swarm {
	t.Helper()
	swarm, err := identity.NewSwarm(name, difficulty, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return swarm
}

func TestNewSwarmChecksItsName(t *testing.T) {
	tests := []struct {
		name, swarm, message string // an empty message: it is accepted
	}{
		{"one letter", "c", ""},
		{"64 characters", strings.Repeat("ü", 64), ""},
		{"a space", "room 7", ""},
		{"nothing", "", "needs a name"},
		{"65 characters", strings.Repeat("ü", 65), "65 characters is over"},
		{"a line end", "a\nb", "U+000A at byte 1 is not printable"},
		{"an invisible space", "a\u200bb", "U+200B at byte 1 is not printable"},
		{"not UTF-8", "a\xFF", "is not UTF-8"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			swarm, err := identity.NewSwarm(test.swarm, 3, nil)
			if test.message == "" {
				if err != nil || swarm.Name() != test.swarm || swarm.Difficulty() != 3 {
					t.Errorf("got %v, %v, want it accepted", swarm, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want an error that says %q", err, test.message)
			}
		})
	}
	if _, err := identity.NewSwarm("cicada", identity.MaxDifficulty+1, nil); err == nil {
		t.Error("a difficulty over the limit was accepted")
	}
	if _, err := identity.NewSwarm("cicada", 0, make([]byte, 4097)); err == nil {
		t.Error("a secret of 4097 bytes was accepted")
	}
}

func TestProofsAreOfOneSwarmOneEndAndOneConnection(t *testing.T) {
	mine := newSwarm(t, "cicada", 0, "secret")
	exporter := []byte("0123456789abcdef0123456789abcdef")
	right := mine.Proof(exporter, true)
	tests := []struct {
		name     string
		swarm    *identity.Swarm
		exporter []byte
		dialler  bool
		proof    []byte
		want     bool
	}{
		{"the dialler's", mine, exporter, true, right[:], true},
		{"another peer of the swarm agrees", newSwarm(t, "cicada", 0, "secret"), exporter, true, right[:], true},
		{"sent back to who sent it", mine, exporter, false, right[:], false},
		{"on another connection", mine, []byte("1123456789abcdef0123456789abcdef"), true, right[:], false},
		{"another secret", newSwarm(t, "cicada", 0, "Secret"), exporter, true, right[:], false},
		{"no secret", newSwarm(t, "cicada", 0, ""), exporter, true, right[:], false},
		{"cut short", mine, exporter, true, right[:31], false},
		{"none", mine, exporter, true, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.swarm.CheckProof(test.exporter, test.dialler, test.proof); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestOpenSwarmsDiffer(t *testing.T) {
	exporter := []byte("exporter")
	proof := newSwarm(t, "cicada", 0, "").Proof(exporter, true)
	for _, test := range []struct {
		name       string
		difficulty uint8
		want       bool
	}{{"cicada", 0, true}, {"cicadas", 0, false}, {"cicada", 1, false}} {
		if got := newSwarm(t, test.name, test.difficulty, "").CheckProof(exporter, true, proof[:]); got != test.want {
			t.Errorf("%s, difficulty %d: accepts the proof of cicada, 0: %v, want %v", test.name, test.difficulty, got, test.want)
		}
	}
}

func TestTagTellsNothingOfTheSecret(t *testing.T) {
	if newSwarm(t, "cicada", 0, "").Tag() != newSwarm(t, "cicada", 0, "secret").Tag() {
		t.Error("the tag depends on the secret")
	}
	if newSwarm(t, "cicada", 0, "").Tag() == newSwarm(t, "cicada", 1, "").Tag() {
		t.Error("the tag does not depend on the difficulty")
	}
}

// The key of an open swarm is known, and so what must not be printed.
func TestSwarmKeyIsNeverPrinted(t *testing.T) {
	swarm := newSwarm(t, "cicada", 0, "")
	tag := swarm.Tag()
	key := sha256.Sum256([]byte("cicada open swarm 1\x00" + string(tag[:])))
	type holder struct {
		Public *identity.Swarm
		hidden *identity.Swarm
		value  identity.Swarm
	}
	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%t"} {
		for _, value := range []any{swarm, *swarm, holder{swarm, swarm, *swarm}} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
	}
	slog.New(slog.NewTextHandler(&printed, nil)).Info("up", "swarm", swarm, "holder", holder{swarm, swarm, *swarm})
	expectNoSecret(t, printed.String(), key[:6])
	if want := `swarm "cicada", difficulty 0`; swarm.String() != want || !strings.Contains(printed.String(), want) {
		t.Errorf("got %s, want %s", swarm, want)
	}
}
