package main

import (
	"os"
	"path/filepath"
	"testing"
)

// At a terminal a puzzle says how far it is, again and again in one line; Ctrl-C ends it,
// and leaves neither a file nor the line.
func TestAPuzzleShowsHowFarItIs(t *testing.T) {
	folder := t.TempDir()
	s := atTerminal(t, "id", "--new", "--difficulty", "32", "--identity", filepath.Join(folder, "key"))
	s.expect("puzzle takes about 274877906944 tries\r\n")
	first := s.expect(`   (\d+) tries of about 274877906944, \d+ a second, on average \d+ days more`)
	again := s.expect(`\r +\r   (\d+) tries of about 274877906944, `)
	if first == again {
		t.Errorf("got %s tries, and again %s", first, again)
	}
	s.typeIn("\x03")
	s.expect(`\r +\rcicada: interrupted\r\n`)
	s.ends(exitInterrupted)
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("got %v left in the folder, error %v, want nothing", left, err)
	}
}

// One that is solved takes its line away.
func TestAPuzzleEnds(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	s := atTerminal(t, "id", "--new", "--difficulty", "8", "--identity", key)
	s.expect("puzzle takes about 16384 tries\r\n")
	s.expect(`id     \w{52}\r\npoint  [0-9a-f]{64}\r\nfile   .*\r\ngood in swarms of difficulty up to 8\r\n`)
	s.ends(exitDone)
	if _, err := os.Stat(key); err != nil {
		t.Error(err)
	}
}
