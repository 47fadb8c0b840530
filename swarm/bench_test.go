package swarm

import (
	"context"
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
