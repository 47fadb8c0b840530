package main

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// carefully adds nothing: it takes a right of its own to make links here.
const carefully = 0

// withoutLinks returns the path as it is.
func withoutLinks(path string) (string, error) { return path, nil }

// mine leaves it to the system who may use a file: what is in a user's folder is
// that user's by inheritance.
func mine(fs.FileInfo) bool { return true }

// othersWrite leaves that to the system, too.
func othersWrite(fs.FileInfo) bool { return false }

// isHeld reports whether lockExclusively failed because another process has the lock.
func isHeld(err error) bool { return errors.Is(err, windows.ERROR_LOCK_VIOLATION) }

// lockExclusively locks a file for this process, until it is closed, or fails at once.
// What is locked is a byte far beyond its end: others can read it.
func lockExclusively(file *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 20})
}
