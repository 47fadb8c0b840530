package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockExclusively locks a file for this process, until it is closed, or fails at once.
func lockExclusively(file *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
}
