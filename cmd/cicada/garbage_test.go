package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cicada/swarm"
	"cicada/wire"
)

// Five peers run. One of them gets random bytes, half frames, TLS with rubbish
// inside, and a thousand connections that say nothing. It answers all the time, its
// memory stays what it was, and the ring never notices.
func TestAPeerStandsGarbage(t *testing.T) {
	lasts := 3 * time.Second
	switch {
	case testing.Short():
		lasts = time.Second
	case os.Getenv("CICADA_REQUIRE") == "all":
		lasts = 20 * time.Second
	}
	ring := make([]*process, 5)
	for i := range ring {
		ring[i] = up(t, ring[0])
	}
	victim := ring[0]
	before := victim.memory(t)

	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	var attack sync.WaitGroup
	var thrown atomic.Int64
	address := victim.status(t).Address.String()
	attack.Go(func() { connections(ctx, address, 1000) })
	for _, throw := range []func(net.Conn) error{randomBytes, halfFrame, rubbishInTLS} {
		for range 2 {
			attack.Go(func() {
				for ctx.Err() == nil {
					if conn, err := net.Dial("tcp", address); err == nil {
						_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
						if throw(conn) == nil {
							thrown.Add(1)
						}
						conn.Close()
					}
				}
			})
		}
	}
	asked := 0
	for ctx.Err() == nil {
		if s := victim.status(t); len(s.Successors) != 4 {
			t.Fatalf("it has %d successors, want 4", len(s.Successors))
		}
		asked++
		<-time.After(50 * time.Millisecond)
	}
	attack.Wait()
	if thrown.Load() == 0 || asked == 0 {
		t.Fatalf("%d connections with garbage, %d questions: nothing was tried", thrown.Load(), asked)
	}
	after := victim.memory(t)
	t.Logf("%d connections with garbage and 1000 without in %v; %d questions answered; %d KiB resident before, %d after",
		thrown.Load(), lasts, asked, before, after)
	if after > before+20<<10 && !raceEnabled { // the race detector keeps a shadow of what was freed
		t.Errorf("%d KiB resident before, %d after: more than 20 MiB were gained", before, after)
	}
	for _, p := range ring[1:] {
		if _, err := p.client.Send(t.Context(), address, []byte("well?"), swarm.SendOptions{}, 0); err != nil {
			t.Errorf("%s: %v", p.folder, err)
		}
	}
}

// connections opens so many connections, says nothing, and keeps them open until
// ctx ends. Those that are hung up on are opened again.
func connections(ctx context.Context, address string, n int) {
	open := make(chan net.Conn, n)
	for ctx.Err() == nil {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			continue
		}
		select {
		case open <- conn:
		default: // the oldest has had its time
			(<-open).Close()
			open <- conn
		}
	}
	close(open)
	for conn := range open {
		conn.Close()
	}
}

func randomBytes(conn net.Conn) error {
	garbage := make([]byte, 64<<10)
	_, _ = rand.Read(garbage)
	_, err := conn.Write(garbage)
	return err
}

// halfFrame says the beginning of a TLS record, and that much more is to come.
func halfFrame(conn net.Conn) error {
	if _, err := conn.Write([]byte{22, 3, 1, 64, 0, 1, 0, 63, 252, 3, 3}); err != nil {
		return err
	}
	<-time.After(100 * time.Millisecond)
	return nil
}

// rubbishInTLS makes a link's handshake as a peer does, and goes on with rubbish.
func rubbishInTLS(conn net.Conn) error {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		return err
	}
	client := tls.Client(conn, &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		NextProtos:   []string{wire.ALPN}, MinVersion: tls.VersionTLS13, InsecureSkipVerify: true,
	})
	if err := client.Handshake(); err != nil {
		return err
	}
	return randomBytes(client)
}
