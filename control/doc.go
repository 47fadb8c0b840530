// Package control is the local API of a running peer, and its client.
//
// A peer that "cicada up" runs listens on a Unix socket that only its owner may
// use, and answers HTTP requests with JSON: send, broadcast, look up, receive,
// status, events, leave. docs/control.md describes every request, with examples for
// curl. A [Server] answers them for a peer; a [Client] asks.
//
// It is no remote control: whoever can open the socket can do what the peer can,
// and nothing asks who that is. Begin reading at records.go, the objects that are
// written, which the command line writes too, with --json.
package control
