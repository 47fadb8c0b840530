//go:build unix

package main

import (
	"os"
	"syscall"
)

// lockExclusively locks a file for this process, until it is closed, or fails at once.
func lockExclusively(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
