package transporttest

import (
	"testing"

	"cicada/transport"
)

// A Stage runs a story in a fresh world, as a subtest does: in a bubble with
// virtual time, or for real.
type Stage func(t *testing.T, story func(t *testing.T, w World))

// Run tells every story on the stage, each as a subtest. Stories take no subtests
// of their own, so that they fit into a bubble of testing/synctest.
func Run(t *testing.T, stage Stage) {
	stories := []struct {
		name  string
		story func(t *testing.T, w World)
	}{
		{"frames of every size arrive in order", framesArrive},
		{"frames wait for the dial", framesWaitForTheDial},
		{"a link that closes first delivers", closeDelivers},
		{"who is blamed is not listened to", blameDeafens},
		{"a slow reader holds up nobody", slowReader},
		{"two that do not read never deadlock", neitherReads},
		{"two dial each other at once", bothDial},
		{"a peer that dials again is believed the second time", dialsAgain},
		{"closing for want of use loses nothing", idleRace},
		{"no room for one link more", noRoom},
		{"who cannot be reached", unreachable},
		{"who is not the one wanted", wrongPeers},
		{"rubbish instead of a handshake", rubbishHandshakes},
		{"rubbish on a link", rubbishFrames},
		{"a thousand connections that say nothing", thousandConnections},
		{"close while everything is under way", closeInTheMiddle},
		{"the address is in use", addressUsed},
	}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) { stage(t, s.story) })
	}
}

// limits returns a change of the config that sets limits.
func limits(l transport.Limits) func(*transport.Config) {
	return func(c *transport.Config) { c.Limits = l }
}
