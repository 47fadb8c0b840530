package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"cicada/wire"
)

var update = flag.Bool("update", false, "write testdata/*.json anew")

// A vector is a sample in a file that other implementations read. What it holds
// is written as docs/spec/README.md tells.
type vector struct {
	Name  string         `json:"name"`
	What  string         `json:"what"`  // which decoder it is for
	Bytes string         `json:"bytes"` // hex
	Holds map[string]any `json:"holds,omitempty"`
	// Of bytes that must be refused:
	Code   wire.Code `json:"code,omitempty"`
	Offset *int      `json:"offset,omitempty"`
	Reason string    `json:"reason,omitempty"` // for people; others may word it differently
}

// vectors returns what the files are to hold, by file.
func vectors(t *testing.T) map[string][]vector {
	t.Helper()
	files := map[string][]vector{}
	for _, s := range samples() {
		c, err := find(s.codec)
		if err != nil {
			t.Fatal(err)
		}
		holds, err := c.read(s.bytes)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		file := map[string]string{"envelope": "envelopes.json", "control": "control.json", "hello": "control.json",
			"broadcast body": "control.json"}[s.codec]
		if file == "" {
			file = "frames.json"
		}
		files[file] = append(files[file], vector{Name: s.name, What: s.codec, Bytes: hex.EncodeToString(s.bytes), Holds: holds})
	}
	for _, r := range refusals() {
		c, err := find(r.codec)
		if err != nil {
			t.Fatal(err)
		}
		var broken *wire.Error
		if _, err := c.read(r.bytes); !errors.As(err, &broken) {
			t.Fatalf("%s: got %v, want a *wire.Error", r.name, err)
		}
		files["refused.json"] = append(files["refused.json"], vector{Name: r.name, What: r.codec, Bytes: hex.EncodeToString(r.bytes),
			Code: broken.Code, Offset: &broken.Offset, Reason: broken.Reason})
	}
	return files
}

func TestVectorsAreCurrent(t *testing.T) {
	files := vectors(t)
	if got, want := len(files), 4; got != want {
		t.Fatalf("got %d files, want %d", got, want)
	}
	for name, all := range files {
		want, err := json.MarshalIndent(all, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what this version makes: if that is meant, go test ./wire -run Vectors -update", path)
		}
	}
}

// The way another implementation takes: from the file, knowing nothing of samples.
func TestVectorsReadBack(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) != 4 {
		t.Fatalf("got %v, %v, want four files", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var all []vector
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, v := range all {
			t.Run(v.What+"/"+v.Name, func(t *testing.T) { readBack(t, v) })
		}
	}
}

func readBack(t *testing.T, v vector) {
	b, err := hex.DecodeString(v.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	c, err := find(v.What)
	if err != nil {
		t.Fatal(err)
	}
	holds, err := c.read(b)
	if v.Offset != nil {
		var broken *wire.Error
		if !errors.As(err, &broken) || broken.Code != v.Code || broken.Offset != *v.Offset {
			t.Errorf("got %v, want code %d at byte %d", err, v.Code, *v.Offset)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := asJSON(t, holds); !reflect.DeepEqual(got, any(v.Holds)) {
		t.Errorf("got  %v\nwant %v", got, v.Holds)
	}
	if again, err := c.again(b); err != nil || !bytes.Equal(again, b) {
		t.Errorf("encoded again: got %x, %v, want %x", again, err, b)
	}
}

// asJSON returns v as it looks when it was read from JSON.
func asJSON(t *testing.T, v any) (out any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Half a message is never taken for a whole one: what is cut is refused, or is
// a message that keeps all rules by itself, as protobuf allows at the end of a field.
func TestCutShortAtEveryByte(t *testing.T) {
	loose := map[string]bool{"control": true, "hello": true, "broadcast body": true, "close": true, "ack": true, "envelope": true}
	for _, s := range samples() {
		c, err := find(s.codec)
		if err != nil {
			t.Fatal(err)
		}
		for n := range s.bytes {
			cut := s.bytes[:n:n]
			again, err := c.again(cut)
			if err == nil {
				if !loose[s.codec] || !bytes.Equal(again, cut) {
					t.Errorf("%s %q, cut to %d bytes: got %x, want a refusal", s.codec, s.name, n, again)
				}
				continue
			}
			checkError(t, err, n)
		}
	}
}

// checkError checks that err is what a decoder of this package may return for n bytes.
func checkError(t *testing.T, err error, n int) {
	t.Helper()
	var broken *wire.Error
	if !errors.As(err, &broken) {
		t.Fatalf("got %T %v, want a *wire.Error", err, err)
	}
	if broken.Offset < 0 || broken.Offset > n || broken.Code == wire.CodeNone || broken.Reason == "" {
		t.Fatalf("got %+v for %d bytes", *broken, n)
	}
}
