package transport

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"cicada/identity"
	"cicada/wire"
)

func TestPeerIDTakesOnlyGoodKeys(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := func(text string) ed25519.PublicKey {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := &x509.Certificate{PublicKey: public, Raw: make([]byte, 300)}
	tests := []struct {
		name         string
		protocol     string
		certificates []*x509.Certificate
		want         string // in the error; empty: none
	}{
		{"good", wire.ALPN, []*x509.Certificate{good}, ""},
		{"no protocol", "", []*x509.Certificate{good}, "protocol"},
		{"none", wire.ALPN, nil, "0 certificates"},
		{"two", wire.ALPN, []*x509.Certificate{good, good}, "2 certificates"},
		{"long", wire.ALPN, []*x509.Certificate{{PublicKey: public, Raw: make([]byte, 2000)}}, "2000 bytes"},
		{"another sort", wire.ALPN, []*x509.Certificate{{PublicKey: &ecdsa.PublicKey{}, PublicKeyAlgorithm: x509.ECDSA}}, "ECDSA"},
		{"the neutral element", wire.ALPN, []*x509.Certificate{{PublicKey: key("01" + strings.Repeat("00", 31))}}, "identity"},
		{"order 8", wire.ALPN, []*x509.Certificate{{PublicKey: key("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")}}, "identity"},
		{"not canonical", wire.ALPN, []*x509.Certificate{{PublicKey: key("f0" + strings.Repeat("ff", 30) + "7f")}}, "identity"},
	}
	for _, test := range tests {
		id, err := peerID(tls.ConnectionState{NegotiatedProtocol: test.protocol, PeerCertificates: test.certificates})
		switch {
		case test.want == "" && (err != nil || id != identity.ID(public)):
			t.Errorf("%s: got %v, %v, want the key", test.name, id, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want an error with %q", test.name, err, test.want)
		}
	}
}

func TestConfigThatCannotWorkIsReported(t *testing.T) {
	weak, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := identity.KeyFromSeed([32]byte{1}).Signer()
	tests := []struct {
		name   string
		config Config
		want   string
	}{
		{"no key", Config{}, "Key is missing"},
		{"another sort of key", Config{Key: weak}, "want an Ed25519 key"},
		{"no membership", Config{Key: key}, "Membership is missing"},
	}
	for _, test := range tests {
		s := NewLinks(test.config, nil)
		_, listen := s.Listen(netip.AddrPort{})
		_, dial := s.Dial(t.Context(), netip.AddrPort{}, identity.ID{})
		_, send := s.Send(&identity.Contact{}, wire.FrameControl, nil, []byte{1})
		for _, err := range []error{listen, dial, send} {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want an error with %q", test.name, err, test.want)
			}
		}
		s.Close()
	}
}

func TestZeroLimitsHaveDefaults(t *testing.T) {
	l := Limits{}.populate()
	if l.MaxLinks != 256 || l.MaxIdle != 12 || l.MaxHalfOpen != 64 || l.Backlog != 4<<20 {
		t.Errorf("got %+v", l)
	}
	if l := (Limits{MaxIdle: -1, MaxDials: -1}).populate(); l.MaxIdle != 0 || l.MaxDials != 1 {
		t.Errorf("negative: got MaxIdle %d, MaxDials %d, want 0 and 1", l.MaxIdle, l.MaxDials)
	}
}
