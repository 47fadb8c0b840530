package transporttest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"cicada/identity"
	"cicada/transport"
	"cicada/wire"
)

// certificate returns a self-signed one, with a name of that length.
func certificate(t testing.TB, key crypto.Signer, name int) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7),
		Subject:      pkix.Name{CommonName: string(bytes.Repeat([]byte{'x'}, name))},
		NotAfter:     time.Unix(0, 0), // long ago: nobody may look
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TLSConfig returns what an honest end of a connection uses for TLS, made without
// the package that is tested.
func TLSConfig(t testing.TB, key crypto.Signer) *tls.Config {
	t.Helper()
	return &tls.Config{
		Certificates:           []tls.Certificate{certificate(t, key, 0)},
		NextProtos:             []string{wire.ALPN},
		CurvePreferences:       []tls.CurveID{tls.X25519},
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		InsecureSkipVerify:     true,
	}
}

// connect returns a bare connection to p.
func connect(t *testing.T, w World, p *Peer) net.Conn {
	t.Helper()
	conn, err := w.Network(8).Dial(t.Context(), p.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// frame returns a frame, however wrong.
func frame(kind wire.FrameKind, length int, body []byte) []byte {
	return append([]byte{byte(kind), byte(length >> 16), byte(length >> 8), byte(length)}, body...)
}

// plainRubbish is what is written to a bare connection.
func plainRubbish() []saying {
	return []saying{
		{"nothing", nil},
		{"plain text", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")},
		{"zeros", make([]byte, 4096)},
		{"a frame", frame(wire.FrameProof, 32, make([]byte, 32))},
		{"an old hello", []byte{0x80, 0x2e, 0x01, 0x00, 0x02}},
		{"half a record", []byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3}},
		{"an alert", []byte{21, 3, 1, 0, 2, 2, 40}},
		{"a record that lies", append([]byte{22, 3, 1, 0xff, 0xff}, make([]byte, 300)...)},
		{"a handshake without end", endlessHandshake()},
	}
}

// wrongHandshakes are TLS configs that are not those of a peer.
func wrongHandshakes(t *testing.T) []wrongConfig {
	weak, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return []wrongConfig{
		{"no certificate", func(c *tls.Config) { c.Certificates = nil }},
		{"two certificates", func(c *tls.Config) {
			chain := &c.Certificates[0].Certificate
			*chain = append(*chain, (*chain)[0])
		}},
		{"another sort of key", func(c *tls.Config) { c.Certificates[0] = certificate(t, weak, 0) }},
		{"a long certificate", func(c *tls.Config) { c.Certificates[0] = certificate(t, stranger.Signer(), 2000) }},
		{"another protocol", func(c *tls.Config) { c.NextProtos = []string{"h2"} }},
		{"no protocol", func(c *tls.Config) { c.NextProtos = nil }},
		{"an old version", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }},
	}
}

// wrongProofs are first frames that do not prove membership.
func wrongProofs() []saying {
	return []saying{
		{"a hello before the proof", frame(wire.FrameHello, 10, make([]byte, 10))},
		{"a close before the proof", frame(wire.FrameClose, 2, []byte{0, 1})},
		{"a proof too long", frame(wire.FrameProof, 33, make([]byte, 33))},
		{"an unknown frame", frame(99, 10, make([]byte, 10))},
		{"half a proof", frame(wire.FrameProof, 32, make([]byte, 5))},
		{"a wrong proof", frame(wire.FrameProof, 32, make([]byte, 32))},
	}
}

// A saying is bytes that break a rule.
type saying struct {
	name  string
	bytes []byte
}

// A wrongConfig changes the TLS config of an honest end into a wrong one.
type wrongConfig struct {
	name   string
	change func(*tls.Config)
}

// stranger is the key of who talks rubbish.
var stranger = Key(100)

func rubbishHandshakes(t *testing.T, w World) {
	a := w.Peer(t, 1, limits(transport.Limits{CloseTimeout: 50 * time.Millisecond}))
	refused := 0
	expect := func(name string) {
		t.Helper()
		refused++
		a.Await(name+" to be refused", func() bool { return len(a.Turned()) >= refused })
		if len(a.Turned()) != refused || len(a.Ups()) != 0 {
			t.Errorf("%s: got %d refusals and %d links, want %d and none", name, len(a.Turned()), len(a.Ups()), refused)
		}
	}
	for _, test := range plainRubbish() {
		conn := connect(t, w, a)
		_, _ = conn.Write(test.bytes) // may fail: nobody has to read it to the end
		if len(test.bytes) < 100 {
			conn.Close()
		}
		expect(test.name)
	}
	for _, test := range wrongHandshakes(t) {
		config := TLSConfig(t, stranger.Signer())
		test.change(config)
		conn := tls.Client(connect(t, w, a), config)
		_ = conn.Handshake() // may succeed: the other end has the last word
		expect(test.name)
		conn.Close()
	}
	for _, test := range wrongProofs() {
		conn := tls.Client(connect(t, w, a), TLSConfig(t, stranger.Signer()))
		if _, err := conn.Write(test.bytes); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		checkAnswer(t, test.name, conn)
		conn.Close()
		expect(test.name)
	}
	b := w.Peer(t, 2, nil)
	if _, err := b.Dial(t.Context(), a.Address, a.ID()); err != nil {
		t.Errorf("an honest peer after all that: %v", err)
	}
}

// endlessHandshake returns records that are a first message of 60 kB, in pieces.
func endlessHandshake() []byte {
	message := append([]byte{1, 0, 0xea, 0x60}, make([]byte, 60_000)...)
	var records []byte
	for len(message) > 0 {
		n := min(len(message), 8000)
		records = append(records, 22, 3, 1, byte(n>>8), byte(n))
		records = append(records, message[:n]...)
		message = message[n:]
	}
	return records
}

// checkAnswer checks that a stranger is told a code and nothing more.
func checkAnswer(t *testing.T, name string, conn *tls.Conn) {
	t.Helper()
	answer, _ := io.ReadAll(conn) // how it ends is of no interest
	if len(answer) != 0 && (len(answer) != wire.FrameHeaderSize+2 || wire.FrameKind(answer[0]) != wire.FrameClose) {
		t.Errorf("%s: got % x in answer, want a code or nothing", name, answer)
	}
	if code := []byte{0, byte(wire.CodeSwarm)}; name == "a wrong proof" && !bytes.HasSuffix(answer, code) {
		t.Errorf("%s: got % x in answer, want code %v", name, answer, wire.CodeSwarm)
	}
}

// intrude returns a connection to p that has become a link there, and its raw side.
func intrude(t *testing.T, w World, p *Peer, key identity.PrivateKey) (*tls.Conn, net.Conn) {
	t.Helper()
	raw := connect(t, w, p)
	conn := tls.Client(raw, TLSConfig(t, key.Signer()))
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	state := conn.ConnectionState()
	exporter, err := state.ExportKeyingMaterial(wire.ProofLabel, nil, 32)
	if err != nil {
		t.Fatal(err)
	}
	if got := state.PeerCertificates[0].PublicKey.(ed25519.PublicKey); identity.ID(got) != p.ID() {
		t.Fatalf("got the key of %v, want that of %v", identity.ID(got), p.ID())
	}
	proof := Swarm(t, "test").Proof(exporter, true)
	if _, err := conn.Write(frame(wire.FrameProof, len(proof), proof[:])); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, wire.FrameHeaderSize+len(proof))
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatal(err)
	}
	if !Swarm(t, "test").CheckProof(exporter, false, answer[wire.FrameHeaderSize:]) {
		t.Fatal("the peer does not prove that it is of the swarm")
	}
	return conn, raw
}

func rubbishFrames(t *testing.T, w World) {
	tests := []struct {
		name string
		say  []byte
		want wire.Code
	}{
		{"an unknown kind", frame(200, 0, nil), wire.CodeProtocol},
		{"kind zero", frame(0, 0, nil), wire.CodeProtocol},
		{"a second proof", frame(wire.FrameProof, 32, make([]byte, 32)), wire.CodeProtocol},
		{"an envelope shorter than its header", frame(wire.FrameEnvelope, 79, make([]byte, 79)), wire.CodeProtocol},
		{"a control message over the limit", frame(wire.FrameControl, wire.MaxBroadcast+1, nil), wire.CodeLimit},
		{"the longest length there is", frame(wire.FrameEnvelope, 1<<24-1, nil), wire.CodeLimit},
		{"an empty control message", frame(wire.FrameControl, 0, nil), wire.CodeProtocol},
		{"rubbish after a good frame", append(frame(wire.FrameControl, 4, number(1, 4)), 0xff, 0xff, 0xff, 0xff), wire.CodeProtocol},
	}
	a := w.Peer(t, 1, nil)
	for i, test := range tests {
		conn, _ := intrude(t, w, a, Key(200+i))
		if _, err := conn.Write(test.say); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		answer := make([]byte, 200)
		n, err := io.ReadAtLeast(conn, answer, wire.FrameHeaderSize+2)
		if err != nil {
			t.Fatalf("%s: no answer: %v", test.name, err)
		}
		code, text, err := wire.ParseClose(answer[wire.FrameHeaderSize:n])
		if err != nil || code != test.want || text == "" {
			t.Errorf("%s: got code %v, text %q, err %v, want code %v and a reason", test.name, code, text, err, test.want)
		}
		conn.Close()
		checkDown(t, a, i+1, test.name, test.want)
	}
	conn, raw := intrude(t, w, a, Key(300))
	if _, err := raw.Write([]byte("\x17\x03\x03\x00\x20this is not what TLS encrypted!!")); err != nil {
		t.Fatal(err)
	}
	checkDown(t, a, len(tests)+1, "bytes that TLS did not write", wire.CodeProtocol)
	conn.Close()
	_, raw = intrude(t, w, a, Key(301))
	raw.Close()
	checkDown(t, a, len(tests)+2, "an end without a word", wire.CodeNone)
	if len(a.Turned()) != 0 {
		t.Errorf("got %v refused, want links that ended", a.Turned())
	}
}

// checkDown waits until n links of p have ended, and checks why the last did.
func checkDown(t *testing.T, p *Peer, n int, name string, want wire.Code) {
	t.Helper()
	p.Await(name+" to end the link", func() bool { return len(p.Downs()) == n })
	last := p.Downs()[len(p.Downs())-1].Err
	var got *transport.CloseError
	if !errors.As(last, &got) || got.Code != want {
		t.Errorf("%s: got %v, want code %v", name, last, want)
	}
}
