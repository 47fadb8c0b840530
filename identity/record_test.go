package identity_test

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"cicada/identity"
)

func addresses(text ...string) []netip.AddrPort {
	var list []netip.AddrPort
	for _, t := range text {
		list = append(list, netip.MustParseAddrPort(t))
	}
	return list
}

func signRecord(t testing.TB, key identity.PrivateKey, sequence uint64, at ...string) identity.Record {
	t.Helper()
	record, err := identity.SignRecord(key, sequence, addresses(at...))
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// A bodyWriter writes record bodies by hand, wrong ones too.
type bodyWriter []byte

func (b bodyWriter) bytes(field protowire.Number, data []byte) bodyWriter {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), data)
}

func (b bodyWriter) number(field protowire.Number, n uint64) bodyWriter {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func (b bodyWriter) endpoint(network string, ip []byte, port uint64) bodyWriter {
	return b.bytes(3, bodyWriter(nil).bytes(1, []byte(network)).bytes(2, ip).number(3, port))
}

func (b bodyWriter) sign(key identity.PrivateKey) identity.Record {
	return identity.Record{Body: b, Signature: key.Sign(identity.PurposeRecord, b)}
}

func TestRecordTellsHowToReachAPeer(t *testing.T) {
	key := testKey(1)
	record := signRecord(t, key, 7, "203.0.113.7:49610", "[::ffff:192.0.2.1]:1", "[2001:db8::1]:65535")
	contact, err := record.Verify(new(identity.Points))
	if err != nil {
		t.Fatal(err)
	}
	if contact.ID != key.ID() || contact.Sequence != 7 {
		t.Errorf("got %s, sequence %d, want %s, 7", contact.ID, contact.Sequence, key.ID())
	}
	if want := addresses("203.0.113.7:49610", "192.0.2.1:1", "[2001:db8::1]:65535"); !slices.Equal(contact.Addresses, want) {
		t.Errorf("addresses: got %v, want %v", contact.Addresses, want)
	}
	if want, _ := identity.PointOf(key.ID(), 0); contact.Point != want {
		t.Errorf("point: got %s, want %s", contact.Point, want)
	}
	if !bytes.Equal(contact.Record.Body, record.Body) || !bytes.Equal(contact.Record.Signature, record.Signature) {
		t.Error("the contact's record is not the one it came from")
	}
}

func TestSignRecordRefuses(t *testing.T) {
	tests := []struct {
		name    string
		at      []netip.AddrPort
		message string
	}{
		{"nine addresses", slices.Repeat(addresses("127.0.0.1:1"), 9), "9 addresses are over the limit of 8"},
		{"no address in an address", []netip.AddrPort{{}}, "without IP"},
		{"port 0", addresses("127.0.0.1:0"), "127.0.0.1:0 has port 0"},
		{"a zone", addresses("[fe80::1%eth0]:1"), "has a zone"},
		{"any address", addresses("127.0.0.1:1", "0.0.0.0:1"), "0.0.0.0:1 names no machine"},
		{"any IPv6 address", addresses("[::]:1"), "names no machine"},
		{"any address, mapped", addresses("[::ffff:0.0.0.0]:1"), "names no machine"},
		{"a group", addresses("224.0.0.1:1"), "names many machines"},
		{"an IPv6 group", addresses("[ff02::1]:1"), "names many machines"},
		{"everybody", addresses("255.255.255.255:1"), "names many machines"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := identity.SignRecord(testKey(1), 1, test.at)
			if !errors.Is(err, identity.ErrRecord) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want ErrRecord that says %q", err, test.message)
			}
		})
	}
	if _, err := identity.SignRecord(identity.PrivateKey{}, 1, nil); err == nil {
		t.Error("a record was signed without a key")
	}
}

// Everything here carries a good signature of its key: what is refused is what it signed.
func TestVerifyRefusesWhatIsSignedWrong(t *testing.T) {
	key := testKey(1)
	start := bodyWriter(nil).bytes(1, idBytes(key)).number(2, 1)
	ip := []byte{127, 0, 0, 1}
	nine := start
	for range 9 {
		nine = nine.endpoint("tcp", ip, 1)
	}
	tests := []struct {
		name    string
		body    bodyWriter
		message string
	}{
		{"nothing", nil, "its ID has 0 bytes, not 32"},
		{"a short ID", bodyWriter(nil).bytes(1, idBytes(key)[:31]), "its ID has 31 bytes"},
		{"no protobuf", bodyWriter{0xFF}, "not a RecordBody"},
		{"cut short", start[:len(start)-1], "not a RecordBody"},
		{"a group that does not end", append(start[:len(start):len(start)], 0x3B), "not a RecordBody"},
		{"a network that is not UTF-8", start.endpoint("\xFF", ip, 1), "not a RecordBody"},
		{"over 1 KiB", start.bytes(9, make([]byte, 1024)), "over the limit of 1024"},
		{"nine endpoints", nine, "its 9 endpoints are over the limit of 8"},
		{"a long network name", start.endpoint(strings.Repeat("n", 17), ip, 1), "endpoint 0: its network's name has 17 bytes"},
		{"five bytes of IP", start.endpoint("tcp", make([]byte, 5), 1), "endpoint 0: its IP address has 5 bytes"},
		{"no IP", start.endpoint("tcp", ip, 1).endpoint("tcp", nil, 1), "endpoint 1: its IP address has 0 bytes"},
		{"port 0", start.endpoint("tcp", ip, 0), "endpoint 0: address 127.0.0.1:0 has port 0"},
		{"port 65536", start.endpoint("tcp", ip, 65536), "endpoint 0: port 65536 is over 65535"},
		{"any address", start.endpoint("tcp", make([]byte, 16), 1), "names no machine"},
		{"a group of machines", start.endpoint("tcp", []byte{239, 0, 0, 1}, 1), "names many machines"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			contact, err := test.body.sign(key).Verify(new(identity.Points))
			if !errors.Is(err, identity.ErrRecord) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want ErrRecord that says %q", err, test.message)
			}
			if contact != nil {
				t.Errorf("got a contact beside the error: %+v", contact)
			}
		})
	}
}

func TestVerifyAcceptsWhatLaterVersionsSign(t *testing.T) {
	key := testKey(1)
	body := bodyWriter(nil).bytes(1, idBytes(key)).number(2, math.MaxUint64).
		endpoint("onion", []byte("an address of another kind"), 1<<20).
		endpoint("tcp", netip.MustParseAddr("::ffff:192.0.2.9").AsSlice(), 9).
		bytes(15, []byte("a field of the future")).
		endpoint("quic", nil, 0)
	record := body.sign(key)
	contact, err := record.Verify(new(identity.Points))
	if err != nil {
		t.Fatal(err)
	}
	if want := addresses("192.0.2.9:9"); !slices.Equal(contact.Addresses, want) || contact.Sequence != math.MaxUint64 {
		t.Errorf("got %v, sequence %d, want %v, %d", contact.Addresses, contact.Sequence, want, uint64(math.MaxUint64))
	}
	if _, err := contact.Record.Verify(new(identity.Points)); err != nil {
		t.Errorf("passed on, it is refused: %v", err)
	}
}

func TestVerifyRefusesForgeries(t *testing.T) {
	key, other := testKey(1), testKey(2)
	good := signRecord(t, key, 7, "203.0.113.7:49610")
	tests := []struct {
		name   string
		record identity.Record
		want   error
	}{
		{"no signature", identity.Record{Body: good.Body}, nil},
		{"signed by another", identity.Record{Body: good.Body, Signature: other.Sign(identity.PurposeRecord, good.Body)}, nil},
		{"signed for another purpose", identity.Record{Body: good.Body, Signature: key.Sign(identity.PurposeBroadcast, good.Body)}, nil},
		{"of the zero ID", bodyWriter(nil).bytes(1, make([]byte, 32)).sign(key), identity.ErrID},
		{"of an ID that is not canonical", bodyWriter(nil).bytes(1, bytes.Repeat([]byte{0xFF}, 32)).sign(key), identity.ErrID},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.record.Verify(new(identity.Points))
			if !errors.Is(err, identity.ErrRecord) || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v, want ErrRecord and %v", err, test.want)
			}
		})
	}
	for i := range good.Body { // any bit changed on the way, anywhere
		bad := identity.Record{Body: bytes.Clone(good.Body), Signature: good.Signature}
		bad.Body[i] ^= 1 << (i % 8)
		if _, err := bad.Verify(new(identity.Points)); !errors.Is(err, identity.ErrRecord) {
			t.Errorf("byte %d of the body changed: got %v, want ErrRecord", i, err)
		}
	}
	for i := range good.Signature {
		bad := identity.Record{Body: good.Body, Signature: bytes.Clone(good.Signature)}
		bad.Signature[i] ^= 1 << (i % 8)
		if _, err := bad.Verify(new(identity.Points)); !errors.Is(err, identity.ErrRecord) {
			t.Errorf("byte %d of the signature changed: got %v, want ErrRecord", i, err)
		}
	}
}

// A record is refused for its difficulty; being asked too much is not its fault.
// A bad signature is found before argon2 runs, and so costs no run.
func TestVerifyUnderDifficulty(t *testing.T) {
	valid, refused := difficultKeys(t, 2)
	points := newPoints(t, identity.PointsConfig{Difficulty: 1, Rate: 1, Burst: 2})
	verify := func(record identity.Record) error {
		_, err := record.Verify(points)
		return err
	}
	if err := verify(signRecord(t, testKey(1), 1)); !errors.Is(err, identity.ErrRecord) || !errors.Is(err, identity.ErrDifficulty) {
		t.Errorf("fails the cheap test: got %v, want ErrRecord and ErrDifficulty", err)
	}
	unsigned := identity.Record{Body: signRecord(t, testKey(1), 1).Body}
	if err := verify(unsigned); !errors.Is(err, identity.ErrDifficulty) {
		t.Errorf("fails the cheap test and has no signature: got %v, want ErrDifficulty, found first", err)
	}
	for range 10 {
		forged := signRecord(t, valid[1], 1)
		forged.Signature = make([]byte, identity.SignatureSize)
		if err := verify(forged); !errors.Is(err, identity.ErrRecord) || errors.Is(err, identity.ErrDifficulty) {
			t.Errorf("forged: got %v, want ErrRecord alone", err)
		}
	}
	if err := verify(signRecord(t, refused[0], 1)); !errors.Is(err, identity.ErrRecord) || !errors.Is(err, identity.ErrDifficulty) {
		t.Errorf("fails argon2: got %v, want ErrRecord and ErrDifficulty", err)
	}
	if err := verify(signRecord(t, valid[0], 1)); err != nil {
		t.Errorf("valid: got %v", err)
	}
	if err := verify(signRecord(t, valid[1], 1)); !errors.Is(err, identity.ErrRate) || errors.Is(err, identity.ErrRecord) {
		t.Errorf("over the rate: got %v, want ErrRate alone", err)
	}
}

func TestContactForPeople(t *testing.T) {
	id := testKey(1).ID()
	for _, test := range []struct {
		name string
		c    *identity.Contact
		want string
	}{
		{"no address", &identity.Contact{ID: id}, id.Short()},
		{"the first of two", &identity.Contact{ID: id, Addresses: addresses("192.0.2.1:7", "192.0.2.2:7")}, id.Short() + "@192.0.2.1:7"},
		{"IPv6", &identity.Contact{ID: id, Addresses: addresses("[2001:db8::1]:7")}, id.Short() + "@[2001:db8::1]:7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.c.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestNewer(t *testing.T) {
	id := testKey(1).ID()
	tests := []struct {
		name   string
		c, old *identity.Contact
		want   bool
	}{
		{"the first", &identity.Contact{ID: id}, nil, true},
		{"higher", &identity.Contact{ID: id, Sequence: 2}, &identity.Contact{ID: id, Sequence: 1}, true},
		{"lower", &identity.Contact{ID: id, Sequence: 1}, &identity.Contact{ID: id, Sequence: 2}, false},
		{"the same", &identity.Contact{ID: id, Sequence: 2}, &identity.Contact{ID: id, Sequence: 2}, false},
		{"of another peer", &identity.Contact{ID: id, Sequence: 2}, &identity.Contact{ID: testKey(2).ID(), Sequence: 1}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.c.Newer(test.old); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func FuzzRecordVerify(f *testing.F) {
	key := testKey(1)
	record := signRecord(f, key, 7, "203.0.113.7:49610", "[2001:db8::1]:1")
	f.Add(record.Body, record.Signature, true)
	f.Add(record.Body, record.Signature, false)
	f.Add([]byte(bodyWriter(nil).bytes(1, idBytes(key)).endpoint("onion", nil, 0)), []byte{}, true)
	f.Add([]byte(bodyWriter(nil).bytes(1, make([]byte, 32))), []byte{}, true)
	f.Add([]byte{0x3B}, []byte{}, true)
	f.Fuzz(func(t *testing.T, body, signature []byte, sign bool) {
		record := identity.Record{Body: body, Signature: signature}
		if sign { // so that what is behind the signature is reached
			record = bodyWriter(body).sign(key)
		}
		before := identity.Record{Body: bytes.Clone(record.Body), Signature: bytes.Clone(record.Signature)}
		contact, err := record.Verify(new(identity.Points))
		_, again := record.Verify(new(identity.Points))
		if err != nil {
			if !errors.Is(err, identity.ErrRecord) || again == nil || err.Error() != again.Error() || contact != nil {
				t.Fatalf("got %v, %v, then %v; want no contact and twice the same ErrRecord", contact, err, again)
			}
			return
		}
		if !bytes.Equal(record.Body, before.Body) || !bytes.Equal(record.Signature, before.Signature) {
			t.Fatal("Verify changed the record")
		}
		if err := contact.ID.Check(); err != nil || len(body) > 1024 || len(contact.Addresses) > identity.MaxAddresses {
			t.Fatalf("accepted %d bytes, %d addresses, an ID with %v", len(body), len(contact.Addresses), err)
		}
		for _, address := range contact.Addresses {
			if !address.IsValid() || address.Port() == 0 || address.Addr().Is4In6() || address.Addr().Zone() != "" {
				t.Errorf("accepted address %s", address)
			}
		}
		if _, err := identity.SignRecord(key, contact.Sequence, contact.Addresses); err != nil {
			t.Errorf("what was accepted cannot be signed: %v", err)
		}
	})
}
