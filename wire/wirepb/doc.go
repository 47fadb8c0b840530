// Package wirepb is the generated code of control.proto: the control messages
// as plain structs. It checks nothing: read and write them with package wire.
//
// Made with protoc 3.21.12 and protoc-gen-go 1.36.12 by `go generate ./wire`.
package wirepb
