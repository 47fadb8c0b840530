package swarm

import (
	"context"
	"log/slog"

	"cicada/trace"
)

// levels are the events that the text log has, too: what an operator wants to know
// of a peer, and beyond that what it takes to find out why.
var levels = map[trace.Kind]slog.Level{
	trace.PeerUp: slog.LevelInfo, trace.PeerDown: slog.LevelInfo, trace.RingMode: slog.LevelInfo, trace.RingOwns: slog.LevelInfo,
	trace.RingDead: slog.LevelInfo, trace.Violation: slog.LevelInfo,
	trace.LinkUp: slog.LevelDebug, trace.LinkDown: slog.LevelDebug, trace.LinkRefused: slog.LevelDebug,
	trace.RingSuspect: slog.LevelDebug, trace.SendFailed: slog.LevelDebug,
}

// log writes an event into the text log, if that is to have it.
func (p *Peer) log(e *trace.Event) {
	level, ok := levels[e.Kind]
	if !ok || !p.config.Logger.Enabled(context.Background(), level) {
		return
	}
	var attrs []slog.Attr
	if !e.Other.IsZero() {
		attrs = append(attrs, slog.String("peer", e.Other.Short()))
	}
	if e.Address != "" {
		attrs = append(attrs, slog.String("address", e.Address))
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	p.config.Logger.LogAttrs(context.Background(), level, string(e.Kind), attrs...)
}
