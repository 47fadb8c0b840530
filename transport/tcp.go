package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"time"
)

// keepAlive is how often the kernel asks a silent end whether it is still there;
// after three questions without an answer the connection ends.
const keepAlive = 15 * time.Second

// TCP is the Network of the operating system, IPv4 and IPv6. It sends small
// segments at once (no Nagle) and probes silent connections every 15 s.
type TCP struct{}

var _ Network = TCP{}

func keepAliveConfig() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive, Count: 3}
}

// Listen opens address. The unspecified IPv6 address, or none, means all
// addresses of both families. An error matches ErrAddressUsed where another
// program, or another peer, has the port.
func (TCP) Listen(address netip.AddrPort) (net.Listener, error) {
	text := address.String()
	if !address.Addr().IsValid() || address.Addr() == netip.IPv6Unspecified() {
		text = fmt.Sprintf(":%d", address.Port())
	}
	config := net.ListenConfig{KeepAliveConfig: keepAliveConfig()}
	listener, err := config.Listen(context.Background(), "tcp", text)
	if err != nil {
		if addressUsed(err) {
			return nil, fmt.Errorf("%w: %w", ErrAddressUsed, err)
		}
		return nil, err
	}
	return listener, nil
}

// Dial connects to address.
func (TCP) Dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{KeepAliveConfig: keepAliveConfig()}
	return dialer.DialContext(ctx, "tcp", address.String())
}

func addressUsed(err error) bool {
	const windowsAddressUsed = syscall.Errno(10048) // WSAEADDRINUSE
	return errors.Is(err, syscall.EADDRINUSE) || runtime.GOOS == "windows" && errors.Is(err, windowsAddressUsed)
}
