package transport_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"cicada/transport"
	"cicada/transport/memory"
	"cicada/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func tcpWorld(address string) transporttest.World {
	return transporttest.World{
		Network: func(int) transport.Network { return transport.TCP{} },
		Address: func(int) netip.AddrPort { return netip.MustParseAddrPort(address) },
	}
}

func hostAddress(host int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(host >> 8), byte(host)})
}

func memoryWorld(n *memory.Network) transporttest.World {
	return transporttest.World{
		Network: func(host int) transport.Network { return n.Host(hostAddress(host)) },
		Address: func(host int) netip.AddrPort { return netip.AddrPortFrom(hostAddress(host), 0) },
	}
}

func TestTCP(t *testing.T) {
	transporttest.Run(t, func(t *testing.T, story func(*testing.T, transporttest.World)) {
		story(t, tcpWorld("127.0.0.1:0"))
	})
}

func TestTCPv6(t *testing.T) {
	listener, err := transport.TCP{}.Listen(netip.MustParseAddrPort("[::1]:0"))
	if err != nil {
		t.Skipf("no IPv6 on this machine: %v", err)
	}
	listener.Close()
	if testing.Short() {
		t.Skip("the same as IPv4, in full")
	}
	transporttest.Run(t, func(t *testing.T, story func(*testing.T, transporttest.World)) {
		story(t, tcpWorld("[::1]:0"))
	})
}

func TestMemory(t *testing.T) {
	tests := []struct {
		name   string
		config memory.Config
	}{
		{"at once", memory.Config{}},
		{"far away", memory.Config{Latency: 3 * time.Millisecond, Jitter: 4 * time.Millisecond, Buffer: 5000, Seed: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			transporttest.Run(t, func(t *testing.T, story func(*testing.T, transporttest.World)) {
				synctest.Test(t, func(t *testing.T) { story(t, memoryWorld(memory.New(test.config))) })
			})
		})
	}
}
