package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cicada/identity"
	"cicada/swarm"
)

func testID(n byte) identity.ID { return identity.KeyFromSeed([32]byte{n}).ID() }

func testAddress(a, b byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, a, b}), 49610)
}

// neighbours returns the status of a peer with these neighbours.
func neighbours(list ...*identity.Contact) swarm.Status { return swarm.Status{Successors: list} }

// A neighbour has one place, however often it signs that it is elsewhere.
func TestANeighbourCannotFillTheMemory(t *testing.T) {
	m := &memory{path: filepath.Join(t.TempDir(), peersFile)}
	var honest []*identity.Contact
	for n := range byte(maxRemembered) {
		honest = append(honest, &identity.Contact{ID: testID(n + 1), Addresses: []netip.AddrPort{testAddress(0, n)}})
	}
	m.learn(neighbours(honest...))
	for round := range byte(8) {
		var claims []netip.AddrPort
		for n := range byte(8) {
			claims = append(claims, testAddress(1+round, n))
		}
		m.learn(neighbours(&identity.Contact{ID: testID(100), Addresses: claims, Sequence: uint64(round)}))
	}
	all := m.addresses()
	if len(m.known) != maxRemembered || len(all) != maxRemembered-1+maxAddresses {
		t.Errorf("%d peers at %d addresses are remembered, want %d, and of one two", len(m.known), len(all), maxRemembered)
	}
	if want := []string{testAddress(8, 0).String(), testAddress(8, 1).String(), testAddress(0, 0).String()}; !slices.Equal(all[:3], want) {
		t.Errorf("got %v first, want %v: where a neighbour is now, and behind it who was known", all[:3], want)
	}
}

// The file is written at once when there is something to remember, and then now and
// then, and when the peer ends.
func TestMemoryIsSavedNowAndThen(t *testing.T) {
	path := filepath.Join(t.TempDir(), peersFile)
	m, now := &memory{path: path}, time.Now()
	if err := m.save(now, false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was written though nobody is known")
	}
	expect := func(at time.Time, last bool, learnt byte, want int) {
		t.Helper()
		m.learn(neighbours(&identity.Contact{ID: testID(learnt), Addresses: []netip.AddrPort{testAddress(0, learnt)}}))
		if err := m.save(at, last); err != nil {
			t.Fatal(err)
		}
		got, err := recall(path, t.Errorf)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.known) != want {
			t.Errorf("with %d known the file has %d, want %d", len(m.known), len(got.known), want)
		}
	}
	expect(now, false, 1, 1)
	expect(now.Add(time.Second), false, 2, 1)
	expect(now.Add(rememberEvery), false, 3, 3)
	expect(now.Add(rememberEvery+time.Second), false, 4, 3)
	expect(now.Add(rememberEvery+time.Second), true, 5, 5)
}

// What is read back is what was remembered; files of before have only addresses;
// nothing gets in that a terminal could take for an order.
func TestRecall(t *testing.T) {
	id := testID(1).String()
	for _, x := range []struct{ name, text, want, note string }{
		{"as it is written", `[{"id":"` + id + `","addresses":["10.0.0.1:1","[::1]:2"]}]`, "10.0.0.1:1 [::1]:2", ""},
		{"as it was", `["10.0.0.1:1","10.0.0.2:1","10.0.0.1:1"]`, "10.0.0.1:1 10.0.0.2:1", ""},
		{"two addresses each", `[{"id":"` + id + `","addresses":["10.0.0.1:1","10.0.0.1:2","10.0.0.1:3"]}]`, "10.0.0.1:1 10.0.0.1:2", ""},
		{"one place each", `[{"id":"` + id + `","addresses":["10.0.0.1:1"]},{"id":"` + id + `","addresses":["10.0.0.2:1"]}]`, "10.0.0.1:1", ""},
		{"zones", `["[fe80::1%eth0.1-x]:1","[fe80::1%\u001b]0;..]:2","[fe80::1%a b]:3"]`, "[fe80::1%eth0.1-x]:1", ""},
		{"no addresses", `["nobody","10.0.0.1:0","10.0.0.3:1"]`, "10.0.0.3:1", ""},
		{"no JSON", `[`, "", "no peer is remembered: unexpected end"},
		{"no list", `{}`, "", "no peer is remembered: "},
		{"too much", `["10.0.0.1:1"` + strings.Repeat(" ", maxPeersFile) + `]`, "", "more than 1048576 bytes"},
	} {
		t.Run(x.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), peersFile)
			if err := os.WriteFile(path, []byte(x.text), 0o600); err != nil {
				t.Fatal(err)
			}
			noted := ""
			m, err := recall(path, func(format string, arguments ...any) { noted += fmt.Sprintf(format, arguments...) })
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(m.addresses(), " "); got != x.want {
				t.Errorf("got %s, want %s", got, x.want)
			}
			if (noted == "") != (x.note == "") || !strings.Contains(noted, x.note) {
				t.Errorf("got the note %q, want %q", noted, x.note)
			}
		})
	}
}
