package routing

import (
	"math/bits"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

func ones(set uint64) int { return bits.OnesCount64(set) }

func (c *Core) event(e trace.Event) { c.ready.Events = append(c.ready.Events, e) }

// forwarded reports that x went to a peer; out is the header as sent.
func (c *Core) forwarded(x *entry, to identity.ID, out wire.Envelope) {
	if !c.config.Trace {
		return
	}
	kind := trace.CopyForwarded
	if x.from == c.own && !x.back {
		kind = trace.CopySent
	}
	c.event(trace.Event{
		Kind: kind, Message: x.message, Copy: int(x.copy) + 1, Key: out.Target(),
		Other: to, Hops: int(out.Hops()), Name: out.Kind().String(), Size: len(x.payload.bytes),
	})
}

// retried reports that x goes elsewhere.
func (c *Core) retried(x *entry, from identity.ID, reason string) {
	if c.config.Trace {
		c.event(trace.Event{Kind: trace.CopyRetried, Message: x.message, Copy: int(x.copy) + 1, Other: from, Reason: reason})
	}
}

func (c *Core) dropped(x *entry, reason string) {
	if c.config.Trace {
		c.event(trace.Event{
			Kind: trace.CopyDropped, Message: x.message, Copy: int(x.copy) + 1,
			Key: x.envelope().Target(), Reason: reason, Name: x.envelope().Kind().String(),
		})
	}
}

func (c *Core) arrived(k key, from identity.ID, e wire.Envelope) {
	if c.config.Trace {
		c.event(trace.Event{Kind: trace.CopyArrived, Message: k.message, Copy: int(k.copy) + 1, Other: from, Hops: int(e.Hops())})
	}
}

func (c *Core) replied(message trace.MessageID, v *variant) {
	if c.config.Trace {
		c.event(trace.Event{
			Kind: trace.ReceiptSent, Message: message, Key: v.reply.Target, Copy: int(v.way.number) + 1,
			Other: v.origin, Size: len(v.answer.bytes),
		})
	}
}

func (c *Core) done(s *send, target identity.ID, hops int) {
	if c.config.Trace {
		c.event(trace.Event{Kind: trace.ReceiptDone, Message: s.Message, Key: s.Target, Other: target, Hops: hops})
	}
}

func (c *Core) broadcastForwarded(b *broadcast, to identity.ID, limit identity.Point) {
	if c.config.Trace {
		c.event(trace.Event{Kind: trace.BroadcastForwarded, Message: b.offer.Message, Other: to, Key: limit, Hops: b.next()})
	}
}

func (c *Core) broadcastEvent(kind trace.Kind, b *broadcast, other identity.ID, count int) {
	if c.config.Trace {
		c.event(trace.Event{Kind: kind, Message: b.offer.Message, Other: other, Count: count, Hops: b.hops})
	}
}
