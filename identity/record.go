package identity

//go:generate protoc -I.. --go_out=.. --go_opt=module=cicada identity/record.proto

import (
	"errors"
	"fmt"
	"net/netip"

	"cicada/identity/internal/recordpb"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// A Record is a contact signed by its own key. Body and signature are kept as
// received, verified so, and passed on untouched. The body is a RecordBody, see
// record.proto.
type Record struct {
	Body      []byte
	Signature []byte
}

// MaxAddresses is the most endpoints a record may list.
const MaxAddresses = 8

const (
	maxRecordBody  = 1024 // bytes
	maxNetworkName = 16   // bytes
	networkTCP     = "tcp"
)

// ErrRecord is wrapped by every error that says a record is not valid.
var ErrRecord = errors.New("identity: invalid record")

// SignRecord makes the record that tells others where the peer with that key
// can be dialled, best address first: at most MaxAddresses, and none, where
// nobody can dial it. Each record of a peer needs a higher sequence than the one
// before, also across restarts: milliseconds since 1970 are a good one.
func SignRecord(key PrivateKey, sequence uint64, addresses []netip.AddrPort) (Record, error) {
	if key.IsZero() {
		return Record{}, errNoKey
	}
	if len(addresses) > MaxAddresses {
		return Record{}, fmt.Errorf("%w: %d addresses are over the limit of %d", ErrRecord, len(addresses), MaxAddresses)
	}
	id := key.ID()
	body := &recordpb.RecordBody{Id: id[:], Sequence: sequence}
	for _, address := range addresses {
		address = netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
		if err := checkAddress(address); err != nil {
			return Record{}, fmt.Errorf("%w: %w", ErrRecord, err)
		}
		body.Endpoints = append(body.Endpoints, &recordpb.Endpoint{
			Network: networkTCP, Ip: address.Addr().AsSlice(), Port: uint32(address.Port()),
		})
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(body)
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return Record{Body: encoded, Signature: key.Sign(PurposeRecord, encoded)}, nil
}

// Verify returns the contact that r describes, if its own key signed it and its
// ID meets the difficulty of points. The contact shares r's bytes, which nobody
// may change from then on. It costs about 45 µs, and an argon2 run where points
// does not know the ID yet.
//
// Errors wrap ErrRecord, and ErrID or ErrDifficulty where those are the reason;
// the same record always gets the same one. The exception is ErrRate, which
// says nothing of the record: it may be tried again later.
func (r Record) Verify(points *Points) (*Contact, error) {
	c, err := r.verify(points)
	if err != nil && !errors.Is(err, ErrRate) {
		err = fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return c, err
}

// verify does the cheap tests first, and the one that a forger cannot make
// others repeat, argon2, only behind a good signature.
func (r Record) verify(points *Points) (*Contact, error) {
	body, err := decodeBody(r.Body)
	if err != nil {
		return nil, err
	}
	if len(body.Id) != len(ID{}) {
		return nil, fmt.Errorf("its ID has %d bytes, not %d", len(body.Id), len(ID{}))
	}
	id := ID(body.Id)
	if err := id.checkBytes(); err != nil {
		return nil, err
	}
	addresses, err := decodeEndpoints(body.Endpoints)
	if err != nil {
		return nil, err
	}
	if !points.screen(id) {
		return nil, ErrDifficulty
	}
	if !id.Verify(PurposeRecord, r.Body, r.Signature) {
		return nil, errors.New("its signature does not match")
	}
	point, err := points.PointOf(id)
	if err != nil {
		return nil, err
	}
	return &Contact{ID: id, Point: point, Addresses: addresses, Sequence: body.Sequence, Record: r, Fingerprint: r.fingerprint()}, nil
}

func decodeBody(encoded []byte) (*recordpb.RecordBody, error) {
	if len(encoded) > maxRecordBody {
		return nil, fmt.Errorf("its %d bytes are over the limit of %d", len(encoded), maxRecordBody)
	}
	if err := countEndpoints(encoded); err != nil {
		return nil, err
	}
	body := new(recordpb.RecordBody)
	if err := proto.Unmarshal(encoded, body); err != nil {
		// The library's own text differs from build to build, on purpose.
		return nil, errNotRecordBody
	}
	return body, nil
}

var errNotRecordBody = errors.New("not a RecordBody")

// countEndpoints refuses too many before memory is taken for any.
func countEndpoints(encoded []byte) error {
	count := 0
	for len(encoded) > 0 {
		number, _, n := protowire.ConsumeField(encoded)
		if n < 0 {
			return errNotRecordBody
		}
		encoded = encoded[n:]
		if number == endpointsField {
			count++
		}
	}
	if count > MaxAddresses {
		return fmt.Errorf("its %d endpoints are over the limit of %d", count, MaxAddresses)
	}
	return nil
}

const endpointsField = 3 // of RecordBody

// decodeEndpoints returns the addresses that can be dialled over TCP. Networks
// that are not known here are skipped, whatever they hold.
func decodeEndpoints(endpoints []*recordpb.Endpoint) ([]netip.AddrPort, error) {
	var addresses []netip.AddrPort
	for i, e := range endpoints {
		if len(e.Network) > maxNetworkName {
			return nil, fmt.Errorf("endpoint %d: its network's name has %d bytes, over the limit of %d", i, len(e.Network), maxNetworkName)
		}
		if e.Network != networkTCP {
			continue
		}
		ip, ok := netip.AddrFromSlice(e.Ip)
		if !ok {
			return nil, fmt.Errorf("endpoint %d: its IP address has %d bytes, not 4 or 16", i, len(e.Ip))
		}
		if e.Port > 65535 {
			return nil, fmt.Errorf("endpoint %d: port %d is over 65535", i, e.Port)
		}
		address := netip.AddrPortFrom(ip.Unmap(), uint16(e.Port))
		if err := checkAddress(address); err != nil {
			return nil, fmt.Errorf("endpoint %d: %w", i, err)
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// checkAddress returns why nobody could dial address, if so.
func checkAddress(address netip.AddrPort) error {
	ip := address.Addr()
	switch {
	case !ip.IsValid():
		return errors.New("an address without IP")
	case address.Port() == 0:
		return fmt.Errorf("address %s has port 0", address)
	case ip.Zone() != "":
		return fmt.Errorf("address %s has a zone, which only its own machine knows", address)
	case ip.IsUnspecified():
		return fmt.Errorf("address %s names no machine", address)
	case ip.IsMulticast() || ip == limitedBroadcast:
		return fmt.Errorf("address %s names many machines", address)
	}
	return nil
}

var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
