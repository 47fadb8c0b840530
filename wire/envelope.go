package wire

import (
	"encoding/binary"

	"cicada/identity"
)

// EnvelopeHeaderSize is the length of an envelope's header in bytes.
const EnvelopeHeaderSize = 80

// An Envelope is a sealed message on its way: the header below, then a payload
// that only the target can open. Hops read and change the header in place and
// never look at the payload. Numbers are big-endian.
//
//	 0  ttl       1  links it may still cross; changed by every hop
//	 1  hops      1  links it has crossed; changed by every hop
//	 2  version   1  Version
//	 3  kind      1  EnvelopeKind
//	 4  colours   1  K: how many colour classes this round uses; 0: any hop will do
//	 5  copy      1  number of this copy, from 0, which is also its colour
//	 6  flags     2  reserved: sent as 0, ignored when read
//	 8  counter   8  of the session that sealed it; 0 in a handshake
//	16  message  16  message ID, the same in all copies and in the receipt
//	32  nonce    16  colours the hops; new each round
//	48  target   32  point of the target
//	80  payload      sealed
//
// version, kind, message and target are bound by the seal; no other field is trusted.
type Envelope []byte

// An EnvelopeKind says how the payload is sealed and what it is.
type EnvelopeKind uint8

// The kinds of envelopes, their numbers as on the wire.
const (
	EnvelopeFirst   EnvelopeKind = 1 // first handshake message, with data inside or none
	EnvelopeAnswer  EnvelopeKind = 2 // second handshake message, with a receipt inside
	EnvelopeMessage EnvelopeKind = 3 // data under a session
	EnvelopeReceipt EnvelopeKind = 4 // a receipt under a session
	EnvelopeUnknown EnvelopeKind = 5 // "I know no such session": signed by the target
)

// Version is the version of the wire format.
const Version = 1

func (e Envelope) TTL() uint8             { return e[0] }
func (e Envelope) Hops() uint8            { return e[1] }
func (e Envelope) Version() uint8         { return e[2] }
func (e Envelope) Kind() EnvelopeKind     { return EnvelopeKind(e[3]) }
func (e Envelope) Colours() uint8         { return e[4] }
func (e Envelope) Copy() uint8            { return e[5] }
func (e Envelope) Counter() uint64        { return binary.BigEndian.Uint64(e[8:16]) }
func (e Envelope) Message() [16]byte      { return [16]byte(e[16:32]) }
func (e Envelope) Nonce() [16]byte        { return [16]byte(e[32:48]) }
func (e Envelope) Target() identity.Point { return identity.Point(e[48:80]) }
func (e Envelope) Payload() []byte        { return e[EnvelopeHeaderSize:] }
