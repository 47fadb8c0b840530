package chord

import (
	"testing"
	"time"
)

// Six neighbours that are watched for an hour have lived six hours. One that is missing
// from a list has gone, once, however often that is heard, and has not if it turns up
// again; who is pushed out by others that are nearer has not.
func TestStaysAreMeasured(t *testing.T) {
	const hour = time.Hour
	c := full()
	c.now = hour
	if want := 6*hour + usualStay; c.stay() != want {
		t.Fatalf("nobody went: %v, want %v", c.stay(), want)
	}
	for _, step := range []struct {
		name string
		old  []byte
		list []byte
		gone time.Duration
	}{
		{"pushed out", []byte{110, 120, 130}, []byte{105, 110, 120}, 0},
		{"gone", []byte{110, 120, 130}, []byte{110, 130, 140}, 1},
		{"gone, heard once more", []byte{110, 120, 130}, []byte{110, 130, 140}, 1},
		{"another one", []byte{110, 130, 140}, []byte{130, 140, 150}, 2},
		{"back", []byte{130, 140, 150}, []byte{110, 130, 140}, 1},
		{"both back", []byte{130, 140, 150}, []byte{110, 120, 130}, 0},
		{"gone again", []byte{110, 120, 130}, []byte{110, 130, 140}, 1},
	} {
		c.departed(contacts(step.old...), contacts(step.list...), false)
		if want := (6*hour + usualStay) / (step.gone + 1); c.stay() != want {
			t.Errorf("%s: %v, want %v", step.name, c.stay(), want)
		}
	}
}

// What was seen long ago counts less and less.
func TestOldStaysAreForgotten(t *testing.T) {
	c := full()
	c.stays = stays{lived: staysKept * time.Hour, ended: staysKept, since: c.now}
	c.watch()
	if c.stays.ended != staysKept/2 || c.stays.lived != staysKept/2*time.Hour {
		t.Errorf("%d stays of %v in all are kept", c.stays.ended, c.stays.lived)
	}
	if stay := c.stay(); stay < 58*time.Minute || stay > time.Hour {
		t.Errorf("a stay is %v, want about an hour", stay)
	}
}

// One that joins begins with what another has measured, within bounds.
func TestStaysAreTold(t *testing.T) {
	for seconds, want := range map[uint32]time.Duration{0: usualStay, 1: leastStay, 3600: time.Hour, 1 << 31: mostStay / toldWeight} {
		c := full()
		c.begunWith(seconds)
		if got := c.stay(); got < want*8/9 || got > want+usualStay/(toldWeight+1) {
			t.Errorf("told %d s: %v, want about %v", seconds, got, want)
		}
	}
}
