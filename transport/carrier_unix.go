//go:build unix

package transport

import (
	"io"
	"net"
	"syscall"
)

// kernelCalls holds the arguments and results of reads and writes that go to the
// kernel directly, and the functions that make them, so that a call takes no memory.
type kernelCalls struct {
	readOnce, writeOnce func(fd uintptr) bool

	readError  error
	writing    []byte // what is still to be written
	writeError error
}

// rawConn returns conn's way to the kernel, or nil if it has none.
func rawConn(conn net.Conn) syscall.RawConn {
	s, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

func (k *kernelCalls) bind(c *carrier) {
	if c.raw == nil {
		return
	}
	k.readOnce = c.readOnce
	k.writeOnce = k.writeNow
}

// fillFromKernel waits until the connection can be read, and takes a buffer only then.
func (c *carrier) fillFromKernel() error {
	if err := c.raw.Read(c.kernel.readOnce); err != nil {
		return err
	}
	return c.kernel.readError
}

// readOnce reports false where nothing is there yet: the caller waits and asks again.
func (c *carrier) readOnce(fd uintptr) bool {
	size := busyRead
	if c.young {
		size = quietRead
	}
	in := c.pool.take(size)
	n, err := syscall.Read(int(fd), in.b[:size])
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), in.b[:size])
	}
	if n > 0 {
		in.b = in.b[:n]
		c.in, c.kernel.readError = in, nil
		return true
	}
	c.pool.give(in)
	if err == syscall.EAGAIN {
		return false
	}
	if err == nil {
		err = io.EOF
	}
	c.kernel.readError = err
	return true
}

// write writes as much of p as the kernel takes at once.
func (k *kernelCalls) write(raw syscall.RawConn, p []byte) (int, error) {
	k.writing, k.writeError = p, nil
	err := raw.Write(k.writeOnce)
	n := len(p) - len(k.writing)
	k.writing = nil
	if err == nil {
		err = k.writeError
	}
	return n, err
}

// writeNow always reports true: it does not wait.
func (k *kernelCalls) writeNow(fd uintptr) bool {
	for len(k.writing) > 0 {
		n, err := syscall.Write(int(fd), k.writing)
		if n > 0 {
			k.writing = k.writing[n:]
		}
		switch err {
		case nil, syscall.EINTR:
		case syscall.EAGAIN:
			return true
		default:
			k.writeError = err
			return true
		}
	}
	return true
}
