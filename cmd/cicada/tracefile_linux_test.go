package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cicada/trace"
)

// full is a file on which there is no room.
const full = tracePath("/dev/full")

// A full disk is told once, as soon as the buffer is, and again by the end.
func TestAFullDiskIsToldAtOnce(t *testing.T) {
	var told []string
	f, err := openTrace(full, 4096, func(format string, arguments ...any) {
		told = append(told, fmt.Sprintf(format, arguments...))
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		f.Emit(trace.Event{Kind: trace.PeerUp})
	}
	want := []string{"cicada: trace /dev/full: no space left on device: nothing is traced from here on"}
	if !slices.Equal(told, want) || f.Enabled() {
		t.Errorf("got %q, want %q and no more events", told, want)
	}
	if err := f.end(); err == nil || err.Error() != "trace /dev/full: it is not whole: no space left on device" || len(told) > 1 {
		t.Errorf("got %v in the end, told %q", err, told)
	}
}

// A peer makes few events: a full disk shows within a second all the same.
func TestAFullDiskIsToldWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan string, 10)
		f, err := openTrace(full, 4096, func(format string, arguments ...any) { told <- fmt.Sprintf(format, arguments...) })
		if err != nil {
			t.Fatal(err)
		}
		stop := f.keepFlushed()
		f.Emit(trace.Event{Kind: trace.PeerUp})
		select {
		case line := <-told:
			if !strings.Contains(line, "/dev/full: no space left") {
				t.Errorf("told %q", line)
			}
		case <-time.After(2 * time.Second):
			t.Error("nothing was told")
		}
		if err := stop(); err == nil || len(told) > 0 {
			t.Errorf("got %v in the end, told %d times more", err, len(told))
		}
	})
}
