package transport

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"cicada/identity"
	"cicada/wire"
)

// maxCertificate is the most bytes that a certificate may have. Ours have about
// 230: a key, a signature and what X.509 cannot do without.
const maxCertificate = 1024

// tlsConfigs returns what the two ends of a connection use. Of the certificate
// only the key counts, which TLS makes each end prove that it holds. So there is
// nothing to verify in it, and nothing in it that could be believed.
//
// Keys are agreed on by X25519 alone: what travels on a link is sealed end to end
// by X25519 as well, so that a hybrid with ML-KEM would cost every link a quarter
// more and keep no secret longer.
func tlsConfigs(key crypto.Signer) (server, client *tls.Config, err error) {
	certificate, err := selfSigned(key)
	if err != nil {
		return nil, nil, err
	}
	server = &tls.Config{
		Certificates:                []tls.Certificate{certificate},
		NextProtos:                  []string{wire.ALPN},
		MinVersion:                  tls.VersionTLS13,
		CurvePreferences:            []tls.CurveID{tls.X25519},
		ClientAuth:                  tls.RequireAnyClientCert,
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true, // small first records help web pages, not frames
		VerifyConnection:            verifyConnection,
	}
	client = server.Clone()
	client.ClientAuth = tls.NoClientCert
	client.InsecureSkipVerify = true // verifyConnection instead
	return server, client, nil
}

// selfSigned returns a certificate that carries key and nothing of meaning.
func selfSigned(key crypto.Signer) (tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // "no end", RFC 5280 4.1.2.5
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("transport: make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func verifyConnection(state tls.ConnectionState) error {
	_, err := peerID(state)
	return err
}

// peerID returns who is at the other end of a connection.
func peerID(state tls.ConnectionState) (identity.ID, error) {
	if state.NegotiatedProtocol != wire.ALPN {
		return identity.ID{}, fmt.Errorf("no agreement on the protocol %s", wire.ALPN)
	}
	if n := len(state.PeerCertificates); n != 1 {
		return identity.ID{}, fmt.Errorf("%d certificates, want exactly one", n)
	}
	certificate := state.PeerCertificates[0]
	if n := len(certificate.Raw); n > maxCertificate {
		return identity.ID{}, fmt.Errorf("certificate of %d bytes, want at most %d", n, maxCertificate)
	}
	key, ok := certificate.PublicKey.(ed25519.PublicKey)
	if !ok {
		return identity.ID{}, fmt.Errorf("certificate for a key of type %v, want Ed25519", certificate.PublicKeyAlgorithm)
	}
	id := identity.ID(key)
	return id, id.Check()
}

// ownID returns the ID that key signs for.
func ownID(key crypto.Signer) (identity.ID, error) {
	if key == nil {
		return identity.ID{}, errors.New("transport: Config.Key is missing")
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok || len(public) != ed25519.PublicKeySize {
		return identity.ID{}, fmt.Errorf("transport: Config.Key is a %T, want an Ed25519 key", key.Public())
	}
	id := identity.ID(public)
	return id, id.Check()
}
