package bench

import (
	"fmt"
	"os"
	goruntime "runtime"
	"strings"
	"time"
)

// A meter is a reading of what this process has used. What the system does not
// tell is negative.
type meter struct {
	at         time.Time
	cpu        time.Duration
	mallocs    uint64
	goroutines int
	resident   int64 // bytes
	written    int64 // bytes, by write(2): TCP, not UDP
	writes     int64 // calls of write(2)
}

func readMeter() meter {
	var memory goruntime.MemStats
	goruntime.ReadMemStats(&memory)
	m := meter{
		at: time.Now(), cpu: processTime(), mallocs: memory.Mallocs, goroutines: goruntime.NumGoroutine(),
		resident: -1, written: -1, writes: -1,
	}
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, pages int64
		if _, err := fmt.Sscan(string(text), &size, &pages); err == nil {
			m.resident = pages * int64(os.Getpagesize())
		}
	}
	if text, err := os.ReadFile("/proc/self/io"); err == nil {
		for line := range strings.Lines(string(text)) {
			var number int64
			if _, err := fmt.Sscanf(line, "wchar: %d", &number); err == nil {
				m.written = number
			}
			if _, err := fmt.Sscanf(line, "syscw: %d", &number); err == nil {
				m.writes = number
			}
		}
	}
	return m
}
