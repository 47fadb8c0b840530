package swarm

import (
	"encoding/binary"
	"errors"

	"cicada/identity"
)

// What a seal holds. A message:
//
//	0  flags   1  1: a record follows
//	1  copies  1  how many were sent, this one included
//	2  record     if flagged: body length 2, body, signature 64
//	   data       the program's
//
// A receipt:
//
//	0  flags      1  1: a record follows
//	1  status     1  what became of the message
//	2  hops       1  links that the first copy crossed
//	3  copies     1  copies that arrived so far
//	4  differing  1  of these, copies whose payload was changed
//	5  record        as above, of the target
//
// Flags that are not known are ignored; bytes behind a receipt's record too.
const (
	flagRecord = 1

	messageHeader = 2
	receiptHeader = 5
	signatureSize = 64
)

// A status says what the target did with a message.
type status uint8

const (
	statusDelivered status = 0
	statusInboxFull status = 1
	statusRefused   status = 2
)

var errContent = errors.New("swarm: sealed content is cut short")

// appendContent appends a message's content to dst. A nil sender leaves out the record.
func appendContent(dst []byte, copies int, sender *identity.Contact, data []byte) []byte {
	dst = append(dst, 0, byte(copies))
	if sender != nil {
		dst[len(dst)-messageHeader] |= flagRecord
		dst = appendRecord(dst, sender.Record)
	}
	return append(dst, data...)
}

// A content is what parseContent found; data and record share the parsed bytes.
type content struct {
	copies int
	record *identity.Record
	data   []byte
}

func parseContent(b []byte) (c content, err error) {
	if len(b) < messageHeader {
		return c, errContent
	}
	c.copies = max(1, int(b[1]))
	c.record, c.data, err = parseRecord(b[0], b[messageHeader:])
	return c, err
}

// A report is a receipt's content.
type report struct {
	status                  status
	hops, copies, differing uint8
	record                  *identity.Record // of the target, or nil
}

func appendReport(dst []byte, r report) []byte {
	var flags byte
	if r.record != nil {
		flags = flagRecord
	}
	dst = append(dst, flags, byte(r.status), r.hops, r.copies, r.differing)
	if r.record != nil {
		dst = appendRecord(dst, *r.record)
	}
	return dst
}

func parseReport(b []byte) (r report, err error) {
	if len(b) < receiptHeader {
		return r, errContent
	}
	r = report{status: status(b[1]), hops: b[2], copies: b[3], differing: b[4]}
	r.record, _, err = parseRecord(b[0], b[receiptHeader:])
	return r, err
}

func appendRecord(dst []byte, r identity.Record) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(r.Body)))
	dst = append(dst, r.Body...)
	return append(dst, r.Signature...)
}

// parseRecord reads a record if flags say there is one, and returns what follows.
func parseRecord(flags byte, b []byte) (*identity.Record, []byte, error) {
	if flags&flagRecord == 0 {
		return nil, b, nil
	}
	if len(b) < 2 {
		return nil, nil, errContent
	}
	size := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if len(b) < size+signatureSize {
		return nil, nil, errContent
	}
	return &identity.Record{Body: b[:size:size], Signature: b[size : size+signatureSize : size+signatureSize]}, b[size+signatureSize:], nil
}
