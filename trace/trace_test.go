package trace_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"cicada/identity"
	"cicada/trace"
)

// peers are the public keys of the first three tests of RFC 8032, section 7.1.
var peers = [...]string{
	"25njqamcweflpvkl73j4szahhihoc4xt3ktcgjnpaingr5yhkena",
	"hvabpq7iioevvevxbktu2g36xsojqlgpf3cjndgazvk7ckxumyga",
	"7ri43dtcdcq2hdnep3iaemhqlaebn3itxizqhlc55oirkseqqasq",
}

// peer returns the ID of one of peers.
func peer(t testing.TB, number int) identity.ID {
	t.Helper()
	id, err := identity.ParseID(peers[number])
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// full returns an event with every field set.
func full(t testing.TB) trace.Event {
	return trace.Event{
		At: 1500 * time.Microsecond, Peer: peer(t, 0), Kind: trace.CopyForwarded, Other: peer(t, 1),
		Key: identity.Point{0xab, 0xcd}, Message: trace.MessageID{1, 2, 3}, Name: "lookup", Copy: 2, Hops: 3,
		Count: 4, Size: 5, Peers: []identity.ID{peer(t, 1), peer(t, 2)}, Address: "127.0.0.1:49610", Reason: "no answer",
	}
}

func TestFullSetsEveryField(t *testing.T) { // or the tests that use it prove less than they say
	v := reflect.ValueOf(full(t))
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("full leaves out %s", v.Type().Field(i).Name)
		}
	}
}

func TestEventJSON(t *testing.T) {
	tests := []struct {
		name  string
		event trace.Event
		want  string
	}{
		{"everything", full(t), `{"at":1500000,"peer":"` + peers[0] + `","kind":"copy.forwarded","other":"` + peers[1] +
			`","key":"abcd000000000000000000000000000000000000000000000000000000000000",` +
			`"message":"01020300000000000000000000000000","name":"lookup","copy":2,"hops":3,"count":4,"size":5,` +
			`"peers":["` + peers[1] + `","` + peers[2] + `"],"address":"127.0.0.1:49610","reason":"no answer"}`},
		{"nothing but the kind", trace.Event{Kind: trace.PeerUp}, `{"at":0,"kind":"peer.up"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := json.Marshal(test.event)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestEventString(t *testing.T) {
	tests := []struct {
		name  string
		event trace.Event
		want  string
	}{
		{"everything", full(t), "1.5ms 25njqamc copy.forwarded other=hvabpq7i key=abcd0000 message=01020300 name=lookup" +
			" copy=2 hops=3 count=4 size=5 peers=[hvabpq7i 7ri43dtc] address=127.0.0.1:49610 reason=\"no answer\""},
		{"nothing but the kind", trace.Event{Kind: trace.PeerUp}, "0s - peer.up"},
		{"a kind of later days", trace.Event{Kind: "tunnel.up"}, "0s - tunnel.up"},
		{"an escape sequence", trace.Event{Kind: "x\x1b[2J", Reason: "\x1b]0;owned\a", Address: "a\u202eb"},
			`0s - "x\x1b[2J" address="a\u202eb" reason="\x1b]0;owned\a"`},
		{"a line of its own", trace.Event{Kind: "x", Reason: "a\nb", Name: "\xff"}, `0s - x name="\xff" reason="a\nb"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.event.String(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestMessageID(t *testing.T) {
	const text = "000102030405060708090a0b0c0d0e0f"
	var id trace.MessageID
	if !id.IsZero() {
		t.Error("a new ID names a message")
	}
	if err := id.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if got := id.String(); got != text || id.IsZero() {
		t.Errorf("got %s, want %s", got, text)
	}
	for _, bad := range []string{"", text[1:], text + "00", "z" + text[1:]} {
		before := id
		if err := id.UnmarshalText([]byte(bad)); err == nil || id != before {
			t.Errorf("%q: got %v and ID %s, want an error and no change", bad, err, id)
		}
	}
}
