// Package wire says how the bytes on a link look: frames, envelope headers,
// control messages, and the limits they keep. docs/spec has the same for
// readers without Go, and testdata has vectors that another implementation can
// read; tests hold the three together.
//
// It is not a connection (package transport is), opens no seal and decides no
// route. It keeps no state: every function may be called concurrently.
//
// Everything that reads bytes from another peer returns an *Error whose Code is
// the one to close the link with, checks each length and count before it takes
// memory, and never panics.
//
// Begin reading at FrameKind, then Envelope, then UnmarshalControl.
package wire

//go:generate protoc --proto_path=.. --go_out=.. --go_opt=module=cicada wire/control.proto
