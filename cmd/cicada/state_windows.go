package main

import (
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

// lockExclusively locks a file for this process, until it is closed, or fails at once.
func lockExclusively(file *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
}
