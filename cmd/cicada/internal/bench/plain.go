package bench

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Sizes on the wire of a message of 1 KiB and of its receipt, about as links have them.
const (
	plainMessage = messageSize + 128
	plainReceipt = 192
)

// measurePlain measures the CPU time of a message and its receipt over plain TCP,
// which is what messages of a swarm are to be compared with: 64 connections with
// one message in flight each, and one connection that 64 senders share.
func (b *bench) measurePlain(ctx context.Context) error {
	for _, x := range []struct {
		metric      string
		connections int
		senders     int // of each connection
	}{{"tcp_1KiB_w64_cpu", 1, window}, {"tcp_1KiB_w64_pairs_cpu", window, 1}} {
		if !b.mayEmit[x.metric] {
			continue
		}
		var sent atomic.Int64
		var running sync.WaitGroup
		end := time.Now().Add(b.config.Duration)
		before := readMeter()
		for range x.connections {
			near, far, err := tcpPair(ctx)
			if err != nil {
				return err
			}
			running.Go(func() { answerPlain(far) })
			running.Go(func() {
				defer near.Close()
				newPlainLink(near).send(x.senders, end, &sent)
			})
		}
		running.Wait()
		after := readMeter()
		if after.cpu >= 0 {
			b.putLimit(x.metric, float64((after.cpu-before.cpu).Microseconds())/float64(max(sent.Load(), 1)))
		}
	}
	return nil
}

// answerPlain sends a receipt for each message until conn ends, those of one read together.
func answerPlain(conn net.Conn) {
	defer conn.Close()
	in, out := make([]byte, 64<<10), make([]byte, plainReceipt*(64<<10/plainMessage+1))
	for have := 0; ; have %= plainMessage {
		n, err := conn.Read(in)
		if err != nil {
			return
		}
		have += n
		if _, err := conn.Write(out[:have/plainMessage*plainReceipt]); err != nil {
			return
		}
	}
}

// A plainLink is a connection that several senders share: they append to one
// buffer, and the first of them writes for all.
type plainLink struct {
	conn     net.Conn
	receipts chan struct{}

	mu      sync.Mutex // guards the fields below
	out     []byte
	spare   []byte
	writing bool
}

func newPlainLink(conn net.Conn) *plainLink {
	return &plainLink{conn: conn, receipts: make(chan struct{}, window)}
}

// send has senders send one message after the other, each when a receipt came,
// and counts them.
func (l *plainLink) send(senders int, end time.Time, sent *atomic.Int64) {
	go l.read()
	var running sync.WaitGroup
	for range senders {
		running.Go(func() {
			for time.Now().Before(end) {
				l.write(plainMessage)
				if _, ok := <-l.receipts; !ok {
					return
				}
				sent.Add(1)
			}
		})
	}
	running.Wait()
}

func (l *plainLink) write(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = append(l.out, make([]byte, n)...)
	if l.writing {
		return
	}
	l.writing = true
	for len(l.out) > 0 {
		batch := l.out
		l.out, l.spare = l.spare[:0], nil
		l.mu.Unlock()
		_, err := l.conn.Write(batch)
		l.mu.Lock()
		l.spare = batch
		if err != nil {
			break // the reader notices
		}
	}
	l.writing = false
}

// read hands out receipts until the connection ends.
func (l *plainLink) read() {
	defer close(l.receipts)
	in := make([]byte, 64<<10)
	for have := 0; ; have %= plainReceipt {
		n, err := l.conn.Read(in)
		if err != nil {
			return
		}
		have += n
		for range have / plainReceipt {
			l.receipts <- struct{}{}
		}
	}
}
