package transport_test

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"cicada/identity"
	"cicada/transport"
	"cicada/transport/memory"
	"cicada/transport/transporttest"
	"cicada/wire"
)

func tcpWorld() transporttest.World {
	return transporttest.World{
		Network: func(int) transport.Network { return transport.TCP{} },
		Address: func(int) netip.AddrPort { return netip.MustParseAddrPort("127.0.0.1:0") },
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

func TestSmoke(t *testing.T) {
	story := func(t *testing.T, w transporttest.World) {
		a, b := w.Peer(t, 1, nil), w.Peer(t, 2, nil)
		l, err := a.Dial(t.Context(), b.Address, identity.ID{})
		if err != nil {
			t.Fatal(err)
		}
		l.Queue(wire.FrameControl, []byte("hel"), []byte("lo"))
		l.Flush()
		b.AwaitFrames(1)
		for i := range 1000 {
			b.MustSend(a, wire.FrameControl, make([]byte, i+1))
		}
		a.AwaitFrames(1000)
		l.Close(wire.CodeLeaving, "bye")
		a.Await("down", func() bool { return len(a.Downs()) == 1 })
		b.Await("down", func() bool { return len(b.Downs()) == 1 })
		t.Log(a.Downs()[0].Err, b.Downs()[0].Err)
	}
	t.Run("tcp", func(t *testing.T) { story(t, tcpWorld()) })
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { story(t, memoryWorld(memory.New(memory.Config{}))) })
	})
}
