package pair

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// FuzzRead looks for files that end the program, give errors without a line or with a
// key, or mean one thing as YAML and another as JSON.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"testdata/keys.json", "testdata/keys.yaml"} {
		file, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	for _, seed := range []string{
		"", "{}", "[", "trusted_hosts:\n- &a {peer: *a}", "trusted_hosts: [{address: 'a:1', outbound_key: *SECRET, inbound_key: !SECRET b}]",
		"{\"trusted_hosts\": [{\"address\": \"a\", \"outbound_key\": \"SECRET\", \"inbound_key\": \"\\ud83d\"}]}", "? [SECRET]\n: {SECRET: SECRET}",
		"trusted_hosts:\n- address: SECRET:x\n  peer: SECRET\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		lines, err := read("file", file)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "file:") || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("got %q, want file:line and nothing of the file", err)
			}
			return
		}
		list := []map[string]any{}
		for _, l := range lines {
			if l.outbound == "" || l.inbound == "" {
				t.Errorf("an entry without a key: %+v", l.target)
			}
			list = append(list, map[string]any{"address": l.target.host, "outbound_key": l.outbound, "inbound_key": l.inbound})
		}
		again, err := json.Marshal(map[string]any{"trusted_hosts": list})
		if err != nil {
			t.Fatal(err)
		}
		top, err := parseJSON(again)
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range lines {
			members, err := top.items[1].items[i].members("an entry", "address", "outbound_key", "inbound_key")
			if err != nil || members["outbound_key"].text != l.outbound || members["inbound_key"].text != l.inbound {
				t.Errorf("entry %d is another one when written as JSON: %v", i, err)
			}
		}
	})
}
