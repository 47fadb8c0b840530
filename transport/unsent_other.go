//go:build !linux

package transport

import "syscall"

// limitUnsent does nothing: how much a kernel takes is left to it.
func limitUnsent(syscall.RawConn) {}
