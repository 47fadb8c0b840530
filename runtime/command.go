package runtime

import (
	"strconv"
	"time"
)

// A Verb is what a command does.
type Verb string

// The verbs. The first five have their first letter as a short form.
const (
	Send      Verb = "SEND"
	Receive   Verb = "RECV"
	Broadcast Verb = "BCAST"
	Option    Verb = "OPT"
	Wait      Verb = "WAIT"

	Join    Verb = "JOIN"
	Lookup  Verb = "LOOKUP"
	Peers   Verb = "PEERS"
	Fingers Verb = "FINGERS"
	Sleep   Verb = "SLEEP"
	Pause   Verb = "PAUSE"
	Leave   Verb = "LEAVE"
)

// Forever is the time of a WAIT without one.
const Forever time.Duration = -1

// A Command is one line of a script. Which fields it uses, its Verb says.
type Command struct {
	Line    int // from 1
	Verb    Verb
	Target  string        // Send, Join, Lookup: an ID or host:port
	Data    string        // Send, Broadcast
	Count   int           // Receive: how many messages, at least 1
	Time    time.Duration // Wait, Sleep; Wait: Forever
	Options []Setting     // Option, at least one
}

// A Setting is one key=value of an OPT. It holds for the commands that follow.
type Setting struct {
	Key   string // "duplicates" or "routed"
	Value int    // of routed: 0 or 1
}

// A Script is a sequence of commands.
type Script struct {
	Name     string // of the file, for errors
	Commands []Command
}

// String returns the setting as a script has it.
func (s Setting) String() string { return s.Key + "=" + strconv.Itoa(s.Value) }
