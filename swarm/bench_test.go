package swarm

import (
	"cicada/chord"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"
)

// BenchmarkSend sends 1 KiB over a warm link and waits for the receipt.
func BenchmarkSend(b *testing.B) {
	for _, window := range []int{1, 64} {
		b.Run(map[int]string{1: "one in flight", 64: "64 in flight"}[window], func(b *testing.B) {
			from, to := benchPair(b)
			data := make([]byte, 1024)
			b.ReportAllocs()
			b.ResetTimer()
			var senders sync.WaitGroup
			for w := range window {
				senders.Add(1)
				go func() {
					defer senders.Done()
					for range b.N/window + btoi(w < b.N%window) {
						if _, err := from.Send(context.Background(), to.ID(), data, SendOptions{}); err != nil {
							b.Error(err)
							return
						}
					}
				}()
			}
			senders.Wait()
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// benchPair returns two peers that have spoken, the second of which reads all it gets.
func benchPair(b *testing.B) (from, to *Peer) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var peers [2]*Peer
	for i := range peers {
		p, err := Listen(ctx, Config{Address: "127.0.0.1:0"})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { p.Close() })
		peers[i] = p
	}
	from, to = peers[0], peers[1]
	if err := from.Join(ctx, to.Address().String()); err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			if _, err := to.Receive(context.Background()); err != nil {
				return
			}
		}
	}()
	if _, err := from.Send(ctx, to.ID(), []byte("hello!"), SendOptions{}); err != nil {
		b.Fatal(err)
	}
	return from, to
}

// BenchmarkRing has 200 peers with default configuration join through the first,
// a few at a time, and waits until they are one ideal ring.
func BenchmarkRing(b *testing.B) {
	const peers, atOnce = 200, 8
	for range b.N {
		before := residentBytes()
		began := time.Now()
		ring := benchRing(b, peers, atOnce, Config{Address: "127.0.0.1:0"})
		for notIdeal(ring) != "" {
			if time.Since(began) > 2*time.Minute {
				b.Fatal("after two minutes: ", notIdeal(ring))
			}
			<-time.After(10 * time.Millisecond)
		}
		took := time.Since(began)
		peak := residentBytes()
		runtime.GC()
		debug.FreeOSMemory()
		b.ReportMetric(took.Seconds(), "s/ideal")
		b.ReportMetric(float64(peak-before)/1024/peers, "KiB/peer,peak")
		b.ReportMetric(float64(residentBytes()-before)/1024/peers, "KiB/peer,rest")
		b.ReportMetric(float64(runtime.NumGoroutine())/peers, "goroutines/peer")
		for _, p := range ring {
			p.Close()
		}
	}
}

// benchRing returns n peers that joined through the first.
func benchRing(b *testing.B, n, atOnce int, config Config) []*Peer {
	b.Helper()
	ring := make([]*Peer, n)
	slots := make(chan struct{}, atOnce)
	var joins sync.WaitGroup
	for i := range ring {
		p, err := Listen(context.Background(), config)
		if err != nil {
			b.Fatal(err)
		}
		ring[i] = p
		if i == 0 {
			continue
		}
		slots <- struct{}{}
		joins.Add(1)
		go func() {
			defer joins.Done()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := p.Join(ctx, ring[0].Address().String()); err != nil {
				b.Error(err)
			}
			<-slots
		}()
	}
	joins.Wait()
	return ring
}

// residentBytes is what the system says this process holds, or 0 where it does not say.
func residentBytes() (bytes int64) {
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var total, resident int64
	if _, err := fmt.Sscan(string(status), &total, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

// BenchmarkRouted sends 1 KiB over the ring between peers two or more hops apart.
func BenchmarkRouted(b *testing.B) {
	ring := benchRing(b, 16, 4, classic2())
	defer func() {
		for _, p := range ring {
			p.Close()
		}
	}()
	var from, to *Peer
	for _, p := range ring[1:] {
		r, err := ring[0].Send(context.Background(), p.ID(), make([]byte, 1024), SendOptions{Routed: true})
		if err != nil {
			b.Fatal(err)
		}
		if r.Hops >= 2 {
			from, to = ring[0], p
		}
		go func() {
			for {
				if _, err := p.Receive(context.Background()); err != nil {
					return
				}
			}
		}()
	}
	if from == nil {
		b.Skip("no peer is two hops away")
	}
	data := make([]byte, 1024)
	hops := 0
	b.ReportAllocs()
	for b.Loop() {
		r, err := from.Send(context.Background(), to.ID(), data, SendOptions{Routed: true})
		if err != nil {
			b.Fatal(err)
		}
		hops += r.Hops
	}
	b.ReportMetric(float64(hops)/float64(b.N), "hops/op")
}

// classic2 is the textbook ring on a free port of loopback.
func classic2() Config { return Config{Address: "127.0.0.1:0", Ring: chord.Classic()} }
