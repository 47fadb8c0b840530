package pair

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cicada/identity"
)

// example reads a file of testdata; its twin holds the same.
func example(t *testing.T, name string) *Keys {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := Parse(t.Context(), name, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func place(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

func testID(t testing.TB) identity.ID {
	t.Helper()
	id, err := identity.ParseID("aoqqpp7tzyil4hlq3umoos6atft6jvrqtosq2xy53sdgiesvgg4a")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The most specific entry holds, in either form of the file, and its keys are in the
// order of who begins.
func TestTwinsHoldTheSame(t *testing.T) {
	tests := []struct {
		name              string
		id                identity.ID
		places            []netip.AddrPort
		outbound, inbound string // none: no entry
	}{
		{"by ID, wherever it is", testID(t), []netip.AddrPort{place("192.0.2.7:49610")}, "south", "north"},
		{"by the hash of its address", identity.ID{1}, []netip.AddrPort{place("192.0.2.9:1"), place("75.23.66.101:7000")}, "north", "south"},
		{"by address and port", identity.ID{1}, []netip.AddrPort{place("192.0.2.7:1"), place("[::ffff:192.0.2.7]:49610")}, "north", "🗝"},
		{"by address alone", identity.ID{1}, []netip.AddrPort{place("192.0.2.7:49611")}, "north", "north"},
		{"a stranger", identity.ID{1}, []netip.AddrPort{place("192.0.2.8:49610"), place("75.23.66.101:7001")}, "", ""},
	}
	secrets := map[[2]string][32]byte{}
	for _, a := range []string{"north", "south", "🗝"} {
		for _, b := range []string{"north", "south", "🗝"} {
			if a != "🗝" || b != a {
				secrets[[2]string{a, b}] = Derive(a, b)
			}
		}
	}
	for _, name := range []string{"keys.json", "keys.yaml"} {
		keys := example(t, name)
		if keys.Len() != 4 || !keys.ByAddress() {
			t.Errorf("%s: got %d entries, by address: %v; want 4, true", name, keys.Len(), keys.ByAddress())
		}
		for _, tt := range tests {
			t.Run(name+" "+tt.name, func(t *testing.T) {
				e := keys.Find(tt.id, tt.places...)
				if (e == nil) != (tt.outbound == "") {
					t.Fatalf("got entry %v, want one: %v", e, tt.outbound != "")
				}
				if e == nil {
					return
				}
				if got, want := e.Secret(true), secrets[[2]string{tt.outbound, tt.inbound}]; got != want {
					t.Errorf("%v: as initiator: got %x, want %x", e, got, want)
				}
				if got, want := e.Secret(false), secrets[[2]string{tt.inbound, tt.outbound}]; got != want {
					t.Errorf("%v: as responder: got %x, want %x", e, got, want)
				}
			})
		}
	}
}

// What two programs derive has to be the same for ever.
func TestDerive(t *testing.T) {
	if got, want := fmt.Sprintf("%x", Derive("north", "south")), "5a705d649582eda5b0baf0e0ce16cf59b753fc4185205e4b9016af977afc2b16"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if Derive("nort", "hsouth") == Derive("north", "south") {
		t.Error("where one key ends makes no difference")
	}
}

func TestPeersAndAddresses(t *testing.T) {
	id := testID(t)
	entry := func(members string) string {
		return "trusted_hosts:\n- {" + members + ", outbound_key: a, inbound_key: b}\n"
	}
	decimal := "peer: 24355304810235874286134060455083535315455785472150272366747243996307578662525"
	for _, tt := range []struct{ name, members, want string }{
		{"hex", "peer: " + hex.EncodeToString(id[:]), "peer"},
		{"capitals", "peer: " + strings.ToUpper(id.String()), "peer"},
		{"decimal in quotes", strings.Replace(decimal, "peer: ", `peer: "`, 1) + `"`, "hash"},
		{"decimal and its address", decimal + ", address: '75.23.66.101:7000'", "hash"},
		{"peer and address: the peer", "peer: " + id.String() + ", address: '75.23.66.101:7000'", "peer"},
		{"a name", "address: 'Seventy-Five.example.:7000'", "hash"},
		{"in brackets", "address: '[::ffff:75.23.66.101]:7000'", "hash"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines, err := read("file", []byte(entry(tt.members)))
			if err != nil {
				t.Fatal(err)
			}
			keys, _ := newKeys([]*Entry{{file: "file", line: 2, target: lines[0].target}})
			keys, err = keys.Resolve(t.Context(), func(_ context.Context, name string) ([]netip.Addr, error) {
				if name != "seventy-five.example" {
					t.Errorf("got %q looked up", name)
				}
				return []netip.Addr{netip.MustParseAddr("::ffff:75.23.66.101")}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := keys.Find(id) != nil; got != (tt.want == "peer") {
				t.Errorf("by ID: got %v", got)
			}
			if got := keys.Find(identity.ID{}, place("75.23.66.101:7000")) != nil; got != (tt.want == "hash") {
				t.Errorf("by address: got %v", got)
			}
		})
	}
}

func TestMistakesNameTheirLineAndNoKey(t *testing.T) {
	const good = ", outbound_key: SECRET, inbound_key: SECRET2}"
	for _, tt := range []struct{ name, file, want string }{
		{"nothing", "", "1: trusted_hosts is missing"},
		{"no entry list", "trusted_hosts: 1", "1: trusted_hosts: want a list"},
		{"not a mapping", "[]", "1: the file: want keys and values"},
		{"unknown key above", `{"trusted_hosts": [], "SECRET": 1}`, "1: unknown key"},
		{"unknown key", "trusted_hosts:\n- {address: a, outbund_key: SECRET}", "2: unknown key"},
		{"twice in JSON", "{\"trusted_hosts\": [\n{\"address\": \"a\",\n\"address\": \"a\"}]}", "3: address is there twice"},
		{"twice in YAML", "trusted_hosts:\n- address: a\n  address: a", "3: address is there twice"},
		{"same peer twice", "trusted_hosts:\n- {address: a" + good + "\n- {address: A" + good, "3: another entry is for the same peer"},
		{"same peer by hash", "trusted_hosts:\n- {address: '75.23.66.101:7000'" + good + "\n- {peer: 24355304810235874286134060455083535315455785472150272366747243996307578662525" + good, "another entry is for the same peer"},
		{"a number for a key", "trusted_hosts:\n- {address: a, outbound_key: 123,\n inbound_key: 'x'}", "2: outbound_key: want text"},
		{"a tag", "trusted_hosts:\n- {address: a, outbound_key: !!str 123, inbound_key: 'x'}", "2: outbound_key: want text"},
		{"null", `{"trusted_hosts": [{"address": "a", "outbound_key": null, "inbound_key": "b"}]}`, "1: outbound_key: want text"},
		{"empty key", "trusted_hosts:\n- {address: a, outbound_key: '', inbound_key: 'x'}", "2: outbound_key: want 1 to"},
		{"half a character", `{"trusted_hosts": [{"address": "a", "outbound_key": "SECRET\ud83d", "inbound_key": "b"}]}`, "1: outbound_key: a character"},
		{"no peer", "trusted_hosts:\n- {inbound_key: b, outbound_key: SECRET}", "2: want a peer or an address"},
		{"no key", "trusted_hosts:\n- {address: a, outbound_key: SECRET}", "2: inbound_key is missing"},
		{"peer of nothing", "trusted_hosts:\n- {peer: SECRET" + good, "2: peer: want an ID"},
		{"a list of peers", "trusted_hosts:\n- {peer: []" + good, "2: peer: want text or a number"},
		{"exponent", "trusted_hosts:\n- {peer: 1e5" + good, "2: peer: want an ID"},
		{"weak ID", "trusted_hosts:\n- {peer: '" + strings.Repeat("0", 64) + "'" + good, "2: peer: a public key"},
		{"decimal too large", "trusted_hosts:\n- {peer: 1" + strings.Repeat("9", 77) + good, "2: peer: want an ID"},
		{"port 0", "trusted_hosts:\n- {address: 'a:0'" + good, "2: address: want"},
		{"no host", "trusted_hosts:\n- {address: ':1'" + good, "2: address: want"},
		{"everywhere", "trusted_hosts:\n- {address: '0.0.0.0:1'" + good, "2: address: want"},
		{"no such address", "trusted_hosts:\n- {address: '1.2.3.400'" + good, "2: address: want"},
		{"a key like an alias", "trusted_hosts:\n- address: a\n  inbound_key: x\n  outbound_key: *SECRET", "neither JSON nor YAML"},
		{"an alias", "trusted_hosts:\n- address: &a a\n  inbound_key: x\n  outbound_key: *a", "4: outbound_key: want text"},
		{"two documents", "trusted_hosts: []\n---\nx", "want one document"},
		{"not text", "trusted_hosts:\n- \xff", "1: the file is not UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read("file", []byte(tt.file))
			if err == nil || !strings.HasPrefix(err.Error(), "file:") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want file:%s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("a key is in the error: %v", err)
			}
		})
	}
}

func TestNothingPrintsAKey(t *testing.T) {
	keys, err := Parse(t.Context(), "file", []byte("trusted_hosts: [{address: a, outbound_key: north, inbound_key: south}]"), nil)
	if err != nil {
		t.Fatal(err)
	}
	secret := Derive("north", "south")
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		for _, what := range []any{keys, *keys, keys.entries[0], *keys.entries[0]} {
			text := fmt.Sprintf(format, what)
			for _, leak := range []string{"north", "south", hex.EncodeToString(secret[:]), fmt.Sprint(secret)} {
				if strings.Contains(text, leak) {
					t.Errorf("%s of %T prints %q", format, what, leak)
				}
			}
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	file, err := os.ReadFile("testdata/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var heard []int
	_, err = Load(ctx, path, func(done, total int) {
		heard = append(heard, done, total)
		if done == 1 {
			cancel() // in the midst of it
		}
	})
	if !errors.Is(err, context.Canceled) || fmt.Sprint(heard) != "[0 4 1 4]" {
		t.Errorf("got %v after progress %v, want it cancelled at the second of 4", err, heard)
	}
	if runtime.GOOS == "windows" {
		return // access lists are tested where the function is
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(t.Context(), path, nil); !errors.Is(err, identity.ErrPermissions) || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that others can read: got %v, want %v with its path", err, identity.ErrPermissions)
	}
}
