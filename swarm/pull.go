package swarm

import (
	"time"

	"cicada/identity"
	"cicada/routing"
	"cicada/trace"
	"cicada/wire"
	"cicada/wire/wirepb"
)

// sendCastTags tells a peer of broadcasts, or asks it for some. Where that fails,
// others do the same.
func (p *Peer) sendCastTags(t *routing.BroadcastTags) {
	tags := make([]byte, 0, len(t.Tags)*wire.TagSize)
	for i := range t.Tags {
		tags = append(tags, t.Tags[i][:]...)
	}
	c := &wirepb.Control{Body: &wirepb.Control_BroadcastTold{BroadcastTold: &wirepb.BroadcastTold{Tags: tags}}}
	if t.Pull {
		c.Body = &wirepb.Control_BroadcastPull{BroadcastPull: &wirepb.BroadcastPull{Tags: tags}}
	}
	if t.Contact != nil {
		p.sendRing(t.Contact, c)
		return
	}
	p.sendControlBack(t.To, c)
}

// giveBroadcast sends a broadcast to a peer that asked for it.
func (p *Peer) giveBroadcast(g *routing.BroadcastGiven) {
	p.counters.Broadcasts++
	b := &g.Broadcast
	p.sendControlBack(g.To, &wirepb.Control{Body: &wirepb.Control_BroadcastGiven{BroadcastGiven: &wirepb.BroadcastGiven{
		Body: b.Body, Signature: b.Signature, Hops: uint32(b.Hops), Age: uint32(min(b.Age/time.Millisecond, wire.MaxCastAge)),
	}}})
}

// sendControlBack sends a control message over the link that exists.
func (p *Peer) sendControlBack(to identity.ID, c *wirepb.Control) {
	body, err := wire.AppendControl(p.scratch[:0], c)
	if err != nil {
		return
	}
	p.scratch = reusable(body)
	p.sendBack(to, wire.FrameControl, nil, body)
}

// pullControl hands what others tell of broadcasts, and those that were asked for, to
// the routing. What was sent before this peer came is not its concern, and an earlier
// run of it may have had it.
func (p *Peer) pullControl(from identity.ID, c *wirepb.Control, cast *wirepb.BroadcastBody) {
	now := p.now()
	switch body := c.GetBody().(type) {
	case *wirepb.Control_BroadcastTold:
		if now > routing.BroadcastYoung {
			p.route.BroadcastTold(now, from, castTags(body.BroadcastTold.GetTags()))
		}
	case *wirepb.Control_BroadcastPull:
		p.route.BroadcastPull(now, from, castTags(body.BroadcastPull.GetTags()))
	case *wirepb.Control_BroadcastGiven:
		b := body.BroadcastGiven
		p.route.BroadcastGiven(now, from, identity.ID(cast.GetOrigin()), routing.BroadcastMessage{
			Message: trace.MessageID(cast.GetMessage()), Body: b.GetBody(), Signature: b.GetSignature(),
			Hops: int(b.GetHops()), Age: time.Duration(b.GetAge()) * time.Millisecond,
		})
	}
}

func castTags(b []byte) []routing.Tag {
	tags := make([]routing.Tag, len(b)/wire.TagSize)
	for i := range tags {
		copy(tags[i][:], b[i*wire.TagSize:])
	}
	return tags
}

// castPoints reads points that stand one behind the other.
func castPoints(b []byte) []identity.Point {
	points := make([]identity.Point, len(b)/len(identity.Point{}))
	for i := range points {
		copy(points[i][:], b[i*len(points[i]):])
	}
	return points
}
