package pair

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"cicada/identity"
)

// An Entry is what a key file has for one other peer. It prints as where it stands in
// the file.
type Entry struct {
	file   string
	line   int
	target target
	secret func(initiator bool) [32]byte // a function, so that nothing prints it
}

// A kind says what a target is found by.
type kind uint8

const (
	byID kind = iota
	byNumber
	byAddress
)

// A target is whom an entry is for.
type target struct {
	kind kind
	id   [32]byte // or number
	host string
	port uint16 // 0: any
}

// Secret returns what both ends mix into a handshake that this end begins, or that the
// other end begins. Whoever knows it needs only the identities.
func (e *Entry) Secret(initiator bool) [32]byte { return e.secret(initiator) }

// WithPort reports whether the entry is for one peer, not for all of a host.
func (e *Entry) WithPort() bool { return e.target.kind != byAddress || e.target.port != 0 }

// String returns file and line of the entry.
func (e *Entry) String() string { return fmt.Sprintf("%s:%d", e.file, e.line) }

// LogValue logs what String returns.
func (e *Entry) LogValue() slog.Value { return slog.StringValue(e.String()) }

const (
	maxKey     = 4096 // bytes of one key
	idDigits   = 64   // of an ID in hex
	saltPrefix = "cicada pair 1\x00"
)

// Derive returns the secret of a handshake from its initiator's two keys. It takes
// about 0.2 s and 64 MiB, so that guessing keys is slow. The salt says where one key
// ends and the other begins.
//
//	argon2id(outbound ‖ inbound, salt "cicada pair 1\0" ‖ length of outbound (4 bytes), t=3, m=64 MiB, p=1), 32 bytes
func Derive(outbound, inbound string) [32]byte {
	salt := binary.BigEndian.AppendUint32([]byte(saltPrefix), uint32(len(outbound)))
	return [32]byte(argon2.IDKey([]byte(outbound+inbound), salt, 3, 64<<10, 1, 32))
}

// derive gives entries their secrets.
func derive(ctx context.Context, lines []line, progress func(done, total int)) ([]*Entry, error) {
	type keys struct{ outbound, inbound string }
	known := make(map[keys][32]byte)
	secret := func(k keys) [32]byte {
		s, again := known[k]
		if !again {
			s = Derive(k.outbound, k.inbound)
			known[k] = s
		}
		return s
	}
	entries := make([]*Entry, len(lines))
	for i, l := range lines {
		if progress != nil {
			progress(i, len(lines))
		}
		var both [2][32]byte
		for j, k := range []keys{{l.outbound, l.inbound}, {l.inbound, l.outbound}} {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			both[j] = secret(k)
		}
		entries[i] = &Entry{file: l.file, line: l.number, target: l.target, secret: func(initiator bool) [32]byte {
			if initiator {
				return both[0]
			}
			return both[1]
		}}
	}
	return entries, nil
}

// parsePeer reads an ID in base32 or hex, or a decimal.
func parsePeer(text string) (target, error) {
	if id, err := identity.ParseID(text); err == nil {
		return target{kind: byID, id: id}, nil
	}
	if raw, err := hex.DecodeString(text); err == nil && len(text) == idDigits {
		id := identity.ID(raw)
		if id.Check() != nil {
			return target{}, errors.New("peer: a public key that is not usable")
		}
		return target{kind: byID, id: id}, nil
	}
	digits := strings.Trim(text, "0123456789") == "" && text != "" && len(text) <= 78
	if n, ok := new(big.Int).SetString(text, 10); digits && ok && n.BitLen() <= 256 {
		t := target{kind: byNumber}
		n.FillBytes(t.id[:])
		return t, nil
	}
	return target{}, errors.New("peer: want an ID of 52 characters or 64 hex digits, or a decimal of 256 bits")
}

// parseAddress reads "host:port", or a host alone.
func parseAddress(text string) (target, error) {
	t := target{kind: byAddress, host: text}
	wrong := errors.New("address: want host:port with a port from 1 to 65535, or a host alone")
	if _, err := netip.ParseAddr(text); err != nil && strings.ContainsAny(text, ":[]") {
		host, port, err := net.SplitHostPort(text)
		number, bad := strconv.ParseUint(port, 10, 16)
		if err != nil || bad != nil || number == 0 || strings.TrimLeft(port, "0123456789") != "" {
			return t, wrong
		}
		t.host, t.port = host, uint16(number)
	}
	if ip, err := netip.ParseAddr(t.host); err == nil && !ip.IsUnspecified() {
		t.host = ip.Unmap().String()
		return t, nil
	}
	t.host = strings.ToLower(strings.TrimSuffix(t.host, "."))
	if !isName(t.host) {
		return t, wrong
	}
	return t, nil
}

// isName reports whether text can be the name of a host.
func isName(text string) bool {
	plain := func(r rune) bool {
		return r == '-' || r == '.' || r == '_' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
	}
	last := text[strings.LastIndexByte(text, '.')+1:]
	return len(text) <= 253 && strings.Trim(last, "0123456789") != "" && // four numbers that are no address are no name
		!strings.ContainsFunc(text, func(r rune) bool { return !plain(r) })
}
