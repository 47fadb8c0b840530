// Package runtime reads scripts and runs them on a peer.
//
// A script is a text file with one command a line:
//
//	# lines that begin so, and empty ones, are skipped
//	WAIT                                 until another peer is there
//	SEND 127.0.0.1 49610 hello,  world!  the rest of the line, as it stands
//	RECV 2                               two messages, from whomever
//
// The commands are those of the Python program that Cicada succeeds, SEND RECV
// BCAST OPT WAIT or their first letters, and JOIN LOOKUP PEERS FINGERS SLEEP PAUSE
// LEAVE. docs/runtime.md describes each. [Parse] reads a script whole, so that
// nothing is sent from one with a bad line; [Run] carries it out, one command after
// the other.
//
// It knows nothing of flags, files or processes: package main of cmd/cicada does.
// Its name hides Go's own package runtime, which is imported as goruntime where
// both are needed. Begin reading at [Command].
package runtime
