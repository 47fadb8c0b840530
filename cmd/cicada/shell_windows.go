package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// ownTerminal is the file of the console that a process belongs to.
const ownTerminal = "CONOUT$"

// notifyOfSize does nothing: no signal tells of it here.
func notifyOfSize(chan<- os.Signal) {}

// obeySequences has the console obey escape sequences, by which lines are edited.
func obeySequences(screen *os.File) (undo func()) {
	console := windows.Handle(screen.Fd())
	var before uint32
	if windows.GetConsoleMode(console, &before) != nil ||
		windows.SetConsoleMode(console, before|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) != nil {
		return func() {} // one of before 2016: it shows them
	}
	return func() { _ = windows.SetConsoleMode(console, before) }
}
