package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"time"
)

const (
	pings      = 5000
	handshakes = 100
)

func limitsGroup() group {
	return group{[]Metric{
		{"rtt_tcp_1KiB", "us", ""},
		{"rtt_tls13_1KiB", "us", ""},
		{"tls13_handshake", "us incl. TCP connect", ""},
		{"tcp_1KiB_w64_cpu", "us/msg, receipt included", ""},
		{"tcp_1KiB_w64_pairs_cpu", "us/msg, receipt included", ""},
	}, measureLimits}
}

// measureLimits measures what a round trip and a handshake cost without Cicada.
func measureLimits(ctx context.Context, b *bench) error {
	server, client, err := tlsPair()
	if err != nil {
		return err
	}
	for _, secure := range []bool{false, true} {
		near, far, err := tcpPair(ctx)
		if err != nil {
			return err
		}
		metric := "rtt_tcp_1KiB"
		var x, y net.Conn = near, far
		if secure {
			metric = "rtt_tls13_1KiB"
			x, y = tls.Client(near, client), tls.Server(far, server)
		}
		d, err := pingPong(x, y)
		near.Close()
		far.Close()
		if err != nil {
			return err
		}
		b.putLimit(metric, percentile(d, .5))
	}
	var d []time.Duration
	for range handshakes {
		started := time.Now()
		near, far, err := tcpPair(ctx)
		if err != nil {
			return err
		}
		go tls.Server(far, server).HandshakeContext(ctx)
		err = tls.Client(near, client).HandshakeContext(ctx)
		d = append(d, time.Since(started))
		near.Close()
		far.Close()
		if err != nil {
			return err
		}
	}
	b.putLimit("tls13_handshake", percentile(d, .5))
	return b.measurePlain(ctx)
}

// pingPong sends 1 KiB there and back.
func pingPong(near, far net.Conn) ([]time.Duration, error) {
	go io.Copy(struct{ io.Writer }{far}, struct{ io.Reader }{far}) // until near is closed; no splice
	message := make([]byte, messageSize)
	var d []time.Duration
	for i := range pings + pings/10 {
		started := time.Now()
		if _, err := near.Write(message); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(near, message); err != nil {
			return nil, err
		}
		if i >= pings/10 { // the first ones warm up
			d = append(d, time.Since(started))
		}
	}
	return d, nil
}

// tcpPair returns both ends of a connection on loopback.
func tcpPair(ctx context.Context) (near, far net.Conn, err error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	if near, err = (&net.Dialer{}).DialContext(ctx, "tcp", listener.Addr().String()); err != nil {
		return nil, nil, err
	}
	if far, err = listener.Accept(); err != nil { // it waits in the backlog already
		near.Close()
		return nil, nil, err
	}
	return near, far, nil
}

// tlsPair returns configurations for both ends of a TLS 1.3 connection, both
// proven by Ed25519 keys, as links are.
func tlsPair() (server, client *tls.Config, err error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		return nil, nil, err
	}
	certificate := []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}
	server = &tls.Config{
		Certificates: certificate, MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert,
		SessionTicketsDisabled: true, CurvePreferences: []tls.CurveID{tls.X25519},
	}
	client = &tls.Config{
		Certificates: certificate, MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, // nobody else is there to be taken for the server
		CurvePreferences: []tls.CurveID{tls.X25519},
	}
	return server, client, nil
}
