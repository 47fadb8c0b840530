package shell

import (
	"slices"
	"strings"
	"testing"
)

func TestTabCompletesWhatIsCertainAndShowsTheRest(t *testing.T) {
	w := newWorld(t, "abcd", "abef", "zzzz")
	whole := w.members[2].peer.ID().String()
	for _, test := range []struct {
		name    string
		line    string // | is the cursor
		want    string
		choices string
	}{
		{"a command", "cr|", "create |", ""},
		{"as far as all agree", "S|", "S|", "send show stop"},
		{"two", "l|", "l|", "list lookup"},
		{"all", "|", "|", "broadcast create exit fingers help join kill list lookup peers quit send show stop trace"},
		{"no such", "x|", "x|", ""},
		{"in front of another word", "cr| x", "create |x", ""},
		{"a peer", "peers z|", "peers zzzzaaaa |", ""},
		{"a peer in capitals", "KILL Z|", "KILL zzzzaaaa |", ""},
		{"peers, a bit further", "peers a|", "peers ab|", ""},
		{"peers, no further", "peers ab|", "peers ab|", "abcdaaaa abefaaaa"},
		{"any peer", "peers |", "peers |", "abcdaaaa abefaaaa zzzzaaaa"},
		{"over the short form", "peers zzzzaaaaa|", "peers " + whole + " |", ""},
		{"an address", "peers 127.0.0.1:7003|", "peers 127.0.0.1:7003 |", ""},
		{"addresses", "peers 1|", "peers 127.0.0.1:700|", ""},
		{"a target", "send z  ab|", "send z  ab|", "abcdaaaa abefaaaa"},
		{"no data", "send z a z|", "send z a z|", ""},
		{"nothing to say there", "create |", "create |", ""},
		{"no more", "peers z z|", "peers z z|", ""},
		{"takes nothing", "list z|", "list z|", ""},
		{"unknown command", "fly z|", "fly z|", ""},
		{"a switch", "trace z of|", "trace z off |", ""},
		{"switches", "trace z |", "trace z o|", ""},
		{"help", "help tr|", "help trace |", ""},
	} {
		pos := strings.Index(test.line, "|")
		line, at, choices := w.Complete(strings.Replace(test.line, "|", "", 1), pos)
		got := line[:at] + "|" + line[at:]
		if got != test.want || !slices.Equal(choices, strings.Fields(test.choices)) {
			t.Errorf("%s: %q: got %q %q, want %q %q", test.name, test.line, got, choices, test.want, strings.Fields(test.choices))
		}
	}
}
