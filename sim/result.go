package sim

import (
	"fmt"
	"time"

	"cicada/chord"
)

// A Result is what a run measured. Names in JSON are kept once given. Hops are links
// crossed; times are in milliseconds of virtual time unless the name says otherwise.
type Result struct {
	Peers int    `json:"peers"` // at the end
	Start Start  `json:"start"`
	Seed  uint64 `json:"seed"`

	TableMean float64 `json:"table_mean"` // distinct peers that one can go to directly
	TableMax  int     `json:"table_max"`
	// Of a hundred peers at the end: the share of those in their tables that are gone,
	// and of those alive that are missing.
	TableStale   float64 `json:"table_stale"`
	TableMissing float64 `json:"table_missing"`

	HopsMean   float64 `json:"hops_mean"` // of lookups of IDs, or of messages where there were none
	HopsP50    float64 `json:"hops_p50"`
	HopsP99    float64 `json:"hops_p99"`
	StretchP50 float64 `json:"stretch_p50"` // of messages, one way: time to delivery, to that without a hop

	Lookups   int     `json:"lookups"` // of arbitrary keys
	Right     int     `json:"right"`
	Wrong     int     `json:"wrong"` // the answer owned the key at no instant of the lookup
	Failed    int     `json:"failed"`
	LookupP50 float64 `json:"lookup_p50"`
	LookupP99 float64 `json:"lookup_p99"`
	KeyHops   float64 `json:"key_hops_mean"`

	IDLookups int `json:"id_lookups"`
	IDRight   int `json:"id_right"`
	IDWrong   int `json:"id_wrong"`
	IDFailed  int `json:"id_failed"`

	Sends            int                `json:"sends"` // whose end was seen
	Delivered        int                `json:"delivered"`
	DeliveredIn1s    int                `json:"delivered_in_1s"`
	DeliveredIn5s    int                `json:"delivered_in_5s"`
	DeliveredTwice   int                `json:"delivered_twice"`
	LatencyP50       float64            `json:"latency_p50"`
	LatencyP99       float64            `json:"latency_p99"`
	Broadcasts       int                `json:"broadcasts"`
	Coverage         float64            `json:"broadcast_coverage"` // mean share of those that were there
	CoverageLeast    float64            `json:"broadcast_coverage_least"`
	MessagesPerPeer  float64            `json:"broadcast_messages_per_peer"`
	Depth            int                `json:"broadcast_depth"`
	Upkeep           float64            `json:"upkeep_bytes_per_second"` // a peer, sent
	UpkeepByKind     map[string]float64 `json:"upkeep_by_kind"`          // of the same, by the kind of message
	Traffic          float64            `json:"bytes_per_second"`        // all of it
	Violations       int                `json:"violations"`
	FirstViolation   string             `json:"first_violation,omitempty"`
	AssumptionBroken int                `json:"assumption_broken"`
	RulesBroken      uint64             `json:"rules_broken"`        // by peers, as others saw it: of honest ones none
	IdealAfter       float64            `json:"ideal_after_seconds"` // after the kill; -1: not until the end; 0: nobody was killed

	VirtualSeconds  float64 `json:"virtual_seconds"`
	Events          uint64  `json:"events"`
	EventsPerSecond float64 `json:"events_per_second"` // of real time
	BytesPerPeer    uint64  `json:"bytes_per_peer"`    // of memory, all of the process
	TraceHash       string  `json:"trace_hash"`
}

// result sums up.
func (w *World) result(real time.Duration) *Result {
	l := &w.load
	r := &Result{
		Peers: len(w.alive), Start: w.config.Start, Seed: w.config.Seed,
		Lookups: l.keys.right + l.keys.wrong + l.keys.failed, Right: l.keys.right, Wrong: l.keys.wrong, Failed: l.keys.failed,
		LookupP50: l.keys.millis.quantile(0.5), LookupP99: l.keys.millis.quantile(0.99), KeyHops: l.keys.hops.mean(),
		IDLookups: l.ids.right + l.ids.wrong + l.ids.failed, IDRight: l.ids.right, IDWrong: l.ids.wrong, IDFailed: l.ids.failed,
		Sends: l.messages.delivered + l.messages.failed, Delivered: l.messages.delivered,
		DeliveredIn1s: l.messages.inOne, DeliveredIn5s: l.messages.inFive, DeliveredTwice: l.messages.twice,
		LatencyP50: l.messages.millis.quantile(0.5), LatencyP99: l.messages.millis.quantile(0.99), StretchP50: l.messages.stretch.quantile(0.5),
		Broadcasts: l.casts.count, Coverage: l.casts.coverage.mean(), CoverageLeast: l.casts.coverage.least(), Depth: l.casts.depth,
		Violations: w.watch.violations, FirstViolation: w.watch.first, AssumptionBroken: w.watch.assumption, RulesBroken: w.count.violations,
		VirtualSeconds: w.now.Seconds(), Events: w.count.events, EventsPerSecond: float64(w.count.events) / real.Seconds(),
		TraceHash: fmt.Sprintf("%016x", w.hash),
	}
	hops := &l.ids.hops
	if len(hops.values) == 0 {
		hops = &l.messages.hops
	}
	r.HopsMean, r.HopsP50, r.HopsP99 = hops.mean(), hops.quantile(0.5), hops.quantile(0.99)
	tables := 0
	for _, i := range w.alive {
		n := w.nodes[i].ring.Reach()
		tables += n
		r.TableMax = max(r.TableMax, n)
	}
	r.TableMean = float64(tables) / float64(max(len(w.alive), 1))
	r.TableStale, r.TableMissing = w.staleness()
	if l.casts.count > 0 {
		r.MessagesPerPeer = float64(w.count.casts) / float64(l.casts.count) / float64(max(len(w.alive)-1, 1))
	}
	share := w.config.Duration.Seconds() * float64(len(w.alive))
	r.Upkeep = float64(w.stopped.upkeep-w.measured.upkeep) / share
	r.UpkeepByKind = make(map[string]float64)
	for kind := chord.Ping; kind <= chord.ChangesTaken; kind++ {
		if b := w.stopped.byKind[kind] - w.measured.byKind[kind]; b > 0 {
			r.UpkeepByKind[kind.String()] = float64(b) / share
		}
	}
	r.Traffic = float64(w.stopped.bytes-w.measured.bytes) / share
	switch at := w.watch.idealAt; {
	case at == never:
		r.IdealAfter = -1
	case at > 0:
		r.IdealAfter = (at - w.watch.killedAt).Seconds()
	}
	return r
}

// staleness returns which share of the peers in tables is gone, and which share of
// those alive is in none, for a hundred peers.
func (w *World) staleness() (stale, missing float64) {
	const most = 100
	known, gone, others := 0, 0, 0
	for _, i := range w.alive[:min(len(w.alive), most)] {
		for peer := range w.nodes[i].ring.All {
			known++
			if k, ok := w.byID[peer.ID]; !ok || !w.nodes[k].alive {
				gone++
			}
		}
		others += len(w.alive) - 1
	}
	return float64(gone) / float64(max(known, 1)), 1 - float64(known-gone)/float64(max(others, 1))
}
