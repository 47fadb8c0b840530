package transport

import "syscall"

const (
	tcpNotSentLowWater = 25 // TCP_NOTSENT_LOWAT of linux/tcp.h
	maxUnsent          = 32 << 10
)

// limitUnsent has the kernel take no more than maxUnsent bytes before it has sent
// what it has, so that what waits for a slow line waits here, where it is seen.
func limitUnsent(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) { // without it all works, less well
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotSentLowWater, maxUnsent)
	})
}
