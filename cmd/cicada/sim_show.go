package main

import (
	"fmt"

	"cicada/sim"
)

// showResult tells people what was measured, line by line.
func showResult(out *console, r *sim.Result) {
	out.say("peers        %d at the end, %.0f others in a table on average, %d at most", r.Peers, r.TableMean, r.TableMax)
	if r.Lookups > 0 {
		out.say("lookups      %d of keys: %d right, %d wrong, %d failed; %.2f hops; half within %.0f ms, 99 %% within %.0f ms",
			r.Lookups, r.Right, r.Wrong, r.Failed, r.KeyHops, r.LookupP50, r.LookupP99)
		out.say("             %d of IDs: %d right, %d wrong, %d failed", r.IDLookups, r.IDRight, r.IDWrong, r.IDFailed)
	}
	if r.AskedP99 > 0 || r.IDAskedP99 > 0 {
		out.say("             %.0f peers asked one by one for half of the keys, %.0f for 99 %%; for IDs %.0f and %.0f", r.AskedP50, r.AskedP99, r.IDAskedP50, r.IDAskedP99)
	}
	if r.Lookups > 0 || r.Sends > 0 {
		out.say("hops         %.2f on average, %.0f for half, %.0f for 99 %%", r.HopsMean, r.HopsP50, r.HopsP99)
	}
	if r.Sends > 0 {
		out.say("messages     %d of %d delivered, %d within 1 s, %d within 5 s; half within %.0f ms, 99 %% within %.0f ms; stretch %.2f",
			r.Delivered, r.Sends, r.DeliveredIn1s, r.DeliveredIn5s, r.LatencyP50, r.LatencyP99, r.StretchP50)
	}
	if r.Broadcasts > 0 {
		out.say("broadcasts   %d reached %.2f %% on average, %.2f %% at least; %.3f messages a peer, %d deep",
			r.Broadcasts, 100*r.Coverage, 100*r.CoverageLeast, r.MessagesPerPeer, r.Depth)
	}
	memory := ""
	if r.BytesPerPeer > 0 {
		memory = fmt.Sprintf("; %d bytes of memory a peer", r.BytesPerPeer)
	}
	out.say("traffic      %.0f B/s a peer, of which the ring %.0f, in %.1f messages/s%s", r.Traffic, r.Upkeep, r.Messages, memory)
	if r.BurstSends > 0 {
		out.say("at once      %d of %d messages delivered, %d within 1 s, %d within 5 s", r.BurstDelivered, r.BurstSends, r.BurstDeliveredIn1s, r.BurstDeliveredIn5s)
	}
	if r.BurstBroadcasts > 0 {
		out.say("at once      %d broadcasts reached %.2f %% on average, %.2f %% at least", r.BurstBroadcasts, 100*r.BurstCoverage, 100*r.BurstCoverageLeast)
	}
	if r.Malicious > 0 {
		out.say("hostile      %d peers (%s), %.1f %% of all at the end and %.1f %% of what the others know; %d false blames",
			r.Malicious, r.Behaviour, 100*r.MaliciousShare, 100*r.PoisonedShare, r.FalseBlames)
		out.say("             %d messages delivered as sent, %d altered, %d once more; %d stuck; %.2f envelopes a message", r.Authentic, r.Altered, r.DuplicateDeliveries, r.Stuck, r.CopiesPerSend)
	}
	for _, s := range r.Steps {
		out.say("step         %s", s)
	}
	switch {
	case r.IdealAfter < 0:
		out.say("ring         not ideal again after the last fault")
	case r.IdealAfter > 0:
		out.say("ring         ideal %.0f s after the last fault; until then each peer spent %.1f kB on it", r.IdealAfter, r.HealingBytes/1000)
	}
	if r.HeadsAfter > 0 {
		out.say("             98 %% of all successors right after %.2f s, all after %.2f", r.Heads98After, r.HeadsAfter)
	}
	if r.QuietAfter > 0 {
		out.say("             ideal %.1f s after the end", r.QuietAfter)
	}
	if r.Evicted > 0 {
		out.say("             %d peers unknown to a neighbour at the end", r.Evicted)
	}
	out.say("invariants   %d violated; %d findings that crashes and cuts explain", r.Violations, r.AssumptionBroken)
	out.say("simulator    %d events, %.0f a second, in %.0f s of virtual time; trace hash %s", r.Events, r.EventsPerSecond, r.VirtualSeconds, r.TraceHash)
}
