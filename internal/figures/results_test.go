package main

import (
	"os"
	"strings"
	"testing"
)

// small is a plan of three runs in two sets.
var small = []run{
	{"one", base, 10, "--peers 10"},
	{"one", base, 20, "--peers 20"},
	{"two", wide, 30, "--peers 30"},
}

// printed is what cicada sim --json might print.
func printed(peers string) string {
	return `{"peers":` + peers + `,"virtual_seconds":1,"trace_hash":"00"}`
}

func TestWhatIsWrongWithAResultIsNamed(t *testing.T) {
	good := `{"command":"cicada sim --peers 10",` + printed("10")[1:]
	second := `{"command":"cicada sim --peers 20",` + printed("20")[1:]
	with := func(more string) string { return strings.TrimSuffix(second, "}") + "," + more + "}" }
	cases := []struct{ name, text, want string }{
		{"not JSON", good + "\nhello\n", "one.ndjson:2: invalid character"},
		{"an empty line", good + "\n\n" + second + "\n", "one.ndjson:2: EOF"},
		{"cut short", good + "\n" + second[:40] + "\n", "one.ndjson:2: unexpected EOF"},
		{"two in a line", good + second + "\n", "one.ndjson:1: more than one object"},
		{"a name that no result has", good + "\n" + with(`"pears":3`) + "\n", `one.ndjson:2: json: unknown field "pears"`},
		{"another type", good + "\n" + with(`"seed":"x"`) + "\n", "one.ndjson:2: json: cannot unmarshal string"},
		{"no command", printed("10") + "\n", "one.ndjson:1: no command"},
		{"no result", `{"command":"cicada sim --peers 10"}` + "\n", "one.ndjson:1: no result of a run"},
		{"lookups that do not add up", good + "\n" + with(`"lookups":3,"right":2`) + "\n", "one.ndjson:2: 3 lookups, but 2 right"},
		{"the same of IDs", good + "\n" + with(`"id_lookups":3,"id_failed":4`) + "\n", "one.ndjson:2: 3 id_lookups, but 0 right"},
		{"more delivered than sent", good + "\n" + with(`"burst_sends":3,"burst_delivered":4`) + "\n", "one.ndjson:2: 3 burst_sends"},
		{"a broken ring", good + "\n" + with(`"violations":3`) + "\n", "one.ndjson:2: 3 violations"},
		{"a command that nobody wants", good + "\n" + strings.Replace(second, "20", "21", 1) + "\n", `one.ndjson:2: no picture wants "cicada sim --peers 21"`},
		{"a command of another set", good + "\n" + strings.Replace(second, "20", "30", 1) + "\n", `one.ndjson:2: no picture wants`},
		{"twice", good + "\n" + good + "\n", `one.ndjson:2: "cicada sim --peers 10" stands above`},
		{"missing", good + "\n", `one.ndjson: no line for "cicada sim --peers 20": go run ./internal/figures -run -missing`},
		{"empty", "", `one.ndjson: no line for "cicada sim --peers 10"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(file(folder, "one"), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := load(folder, small)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), folder) {
				t.Errorf("got error %v, want one that begins with the file and says %s", err, c.want)
			}
		})
	}
}
