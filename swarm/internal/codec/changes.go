package codec

import (
	"encoding/binary"

	"cicada/chord"
	"cicada/wire"
	"cicada/wire/wirepb"
)

// changes returns m, which is of those who came and went, as it goes on the wire.
func changes(m *chord.Message) *wirepb.Changes {
	c := &wirepb.Changes{Joined: hintBytes(m.Hints), Others: hintBytes(m.Others)}
	for _, word := range m.Left {
		c.Left = binary.BigEndian.AppendUint64(c.Left, word)
	}
	for _, limit := range m.Limits {
		c.Limits = binary.BigEndian.AppendUint32(c.Limits, limit)
	}
	return c
}

// changes reads what the function of this name wrote. How many limits there are is
// looked at before any hint is read.
func (d *decoder) changes(m *chord.Message, c *wirepb.Changes) {
	m.Kind = chord.Changes
	n := len(c.GetJoined()) + len(c.GetOthers()) + len(c.GetLeft())/wire.LeftSize
	if limits := len(c.GetLimits()) / wire.LimitSize; n == 0 || limits != 1 && limits != n {
		d.err = &wire.Error{Code: wire.CodeProtocol, Reason: "changes: limits that are not those of the changes"}
		return
	}
	m.Hints, m.Others = d.hints(c.GetJoined()), d.hints(c.GetOthers())
	for b := c.GetLeft(); len(b) >= wire.LeftSize; b = b[wire.LeftSize:] {
		m.Left = append(m.Left, binary.BigEndian.Uint64(b))
	}
	for b := c.GetLimits(); len(b) >= wire.LimitSize; b = b[wire.LimitSize:] {
		m.Limits = append(m.Limits, binary.BigEndian.Uint32(b))
	}
}
