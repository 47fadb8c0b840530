//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// ownTerminal is the file of the terminal that a process belongs to.
const ownTerminal = "/dev/tty"

// notifyOfSize sends on changes when the size of the terminal changed.
func notifyOfSize(changes chan<- os.Signal) { signal.Notify(changes, syscall.SIGWINCH) }

// obeySequences has the screen obey escape sequences: here it always does.
func obeySequences(*os.File) (undo func()) { return func() {} }
