//go:build !unix

package transport

import (
	"errors"
	"net"
	"syscall"
)

// kernelCalls is empty where there is no non-blocking way to the kernel.
type kernelCalls struct{}

func rawConn(net.Conn) syscall.RawConn { return nil }

func (*kernelCalls) bind(*carrier) {}

func (*kernelCalls) write(syscall.RawConn, []byte) (int, error) { return 0, errors.ErrUnsupported }

func (*carrier) fillFromKernel() error { return errors.ErrUnsupported }
