package sim

import (
	"fmt"
	"time"

	"cicada/chord"
)

// A Result is what a run measured. Names in JSON are kept once given. Hops are links
// crossed; times are in milliseconds of virtual time unless the name says otherwise.
type Result struct {
	Peers int     `json:"peers"` // at the end
	Start Start   `json:"start"`
	Seed  uint64  `json:"seed"`
	Seal  Sealing `json:"seal"`

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
	// How many peers were asked one by one to search, or to weigh an answer.
	AskedP50   float64 `json:"asked_p50"`
	AskedP99   float64 `json:"asked_p99"`
	IDAskedP50 float64 `json:"id_asked_p50"`
	IDAskedP99 float64 `json:"id_asked_p99"`

	Sends            int                `json:"sends"` // whose end was seen
	Delivered        int                `json:"delivered"`
	DeliveredIn1s    int                `json:"delivered_in_1s"`
	DeliveredIn5s    int                `json:"delivered_in_5s"`
	DeliveredTwice   int                `json:"delivered_twice"`
	Stuck            int                `json:"stuck"` // ended with nobody left to go by
	LatencyP50       float64            `json:"latency_p50"`
	LatencyP99       float64            `json:"latency_p99"`
	Broadcasts       int                `json:"broadcasts"`
	Coverage         float64            `json:"broadcast_coverage"` // mean share of those that were there
	CoverageLeast    float64            `json:"broadcast_coverage_least"`
	MessagesPerPeer  float64            `json:"broadcast_messages_per_peer"` // of those that were there when it began
	Depth            int                `json:"broadcast_depth"`
	Upkeep           float64            `json:"upkeep_bytes_per_second"` // a peer, sent
	UpkeepByKind     map[string]float64 `json:"upkeep_by_kind"`          // of the same, by the kind of message
	Traffic          float64            `json:"bytes_per_second"`        // all of it
	Violations       int                `json:"violations"`
	FirstViolation   string             `json:"first_violation,omitempty"`
	AssumptionBroken int                `json:"assumption_broken"`
	RulesBroken      uint64             `json:"rules_broken"` // by peers, as others saw it: of honest ones none
	// These count from the latest step that crashed peers, had them leave or come
	// back, or that healed a cut. -1: not until the end; 0: there was none.
	IdealAfter   float64 `json:"ideal_after_seconds"`       // until the whole ring was right
	Heads98After float64 `json:"heads_98_after_seconds"`    // until 98 % of all first successors were
	HeadsAfter   float64 `json:"heads_right_after_seconds"` // until all were
	// HealingBytes is the upkeep that a peer sent in IdealAfter; 0 where that is not known.
	HealingBytes float64 `json:"healing_bytes"`
	// QuietAfter counts from Config.Duration, where Config.IdealWithin was given.
	QuietAfter float64 `json:"quiet_ideal_after_seconds"`
	Evicted    int     `json:"evicted"` // members at the end that do not stand still, and that one of the r before or behind lacks

	// Of Config.SendsAfterKill, BroadcastsAfterKill and Burst.
	BurstSends         int     `json:"burst_sends"`
	BurstDelivered     int     `json:"burst_delivered"`
	BurstDeliveredIn1s int     `json:"burst_delivered_in_1s"`
	BurstDeliveredIn5s int     `json:"burst_delivered_in_5s"`
	BurstBroadcasts    int     `json:"burst_broadcasts"`
	BurstCoverage      float64 `json:"burst_broadcast_coverage"`
	BurstCoverageLeast float64 `json:"burst_broadcast_coverage_least"`

	Messages float64  `json:"messages_per_second"` // a peer, of every sort, sent
	Steps    []string `json:"steps,omitempty"`     // what was done, as a scenario file has it

	// With Config.Malicious.
	Malicious           int     `json:"malicious"`            // how many at the end
	MaliciousShare      float64 `json:"malicious_share"`      // of those who are there then
	Behaviour           string  `json:"behaviour,omitempty"`  // what they do
	Authentic           int     `json:"authentic"`            // delivered as their origins sent them,
	Altered             int     `json:"altered"`              // and otherwise
	DuplicateDeliveries int     `json:"duplicate_deliveries"` // beyond the first, after the receipt too
	CopiesPerSend       float64 `json:"messages_per_send"`    // envelopes put on links, lost ones included, receipts not
	FalseBlames         uint64  `json:"false_blames"`         // an honest peer gave up an honest one as dead that was there
	PoisonedShare       float64 `json:"poisoned_share"`       // of the peers that honest ones know: hostile or made up

	VirtualSeconds  float64 `json:"virtual_seconds"`
	Events          uint64  `json:"events"`
	EventsPerSecond float64 `json:"events_per_second"` // of real time
	// BytesPerPeer is by how much the heap grew from before the start to its end, what
	// nobody needs any more not counted, by Config.Peers: state machines, the
	// simulator's own record of each peer, and what is under way. It is 0, and in JSON
	// left out, of fewer than 1000 peers: what the rest of the process takes and gives
	// back meanwhile is not small beside them.
	BytesPerPeer uint64 `json:"bytes_per_peer,omitempty"`
	TraceHash    string `json:"trace_hash"`
}

// result sums up.
func (w *World) result(real time.Duration) *Result {
	l := &w.load
	r := &Result{
		Peers: len(w.alive), Start: w.config.Start, Seed: w.config.Seed, Seal: w.config.Seal,
		Lookups: l.keys.right + l.keys.wrong + l.keys.failed, Right: l.keys.right, Wrong: l.keys.wrong, Failed: l.keys.failed,
		LookupP50: l.keys.millis.quantile(0.5), LookupP99: l.keys.millis.quantile(0.99), KeyHops: l.keys.hops.mean(),
		IDLookups: l.ids.right + l.ids.wrong + l.ids.failed, IDRight: l.ids.right, IDWrong: l.ids.wrong, IDFailed: l.ids.failed,
		AskedP50: l.keys.asked.quantile(0.5), AskedP99: l.keys.asked.quantile(0.99),
		IDAskedP50: l.ids.asked.quantile(0.5), IDAskedP99: l.ids.asked.quantile(0.99),
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
	if l.casts.count > 0 {
		r.MessagesPerPeer = float64(w.count.casts) / float64(max(w.count.audience, 1))
	}
	w.resultOfBurst(r)
	w.resultOfFoes(r)
	w.resultOfTables(r)
	w.resultOfTraffic(r)
	w.resultOfHealing(r)
	for _, s := range w.config.Steps {
		r.Steps = append(r.Steps, s.String())
	}
	return r
}

func (w *World) resultOfBurst(r *Result) {
	b, c := &w.load.burst, &w.load.burstCasts
	r.BurstSends, r.BurstDelivered = b.delivered+b.failed, b.delivered
	r.BurstDeliveredIn1s, r.BurstDeliveredIn5s = b.inOne, b.inFive
	r.DeliveredTwice += b.twice
	r.BurstBroadcasts, r.BurstCoverage, r.BurstCoverageLeast = c.count, c.coverage.mean(), c.coverage.least()
}

func (w *World) resultOfTables(r *Result) {
	tables := 0
	for _, i := range w.alive {
		n := w.nodes[i].ring.Reach()
		tables += n
		r.TableMax = max(r.TableMax, n)
	}
	r.TableMean = float64(tables) / float64(max(len(w.alive), 1))
	r.TableStale, r.TableMissing = w.staleness()
	r.BytesPerPeer = w.memory
}

// resultOfTraffic sums up what was sent while the swarm was watched.
func (w *World) resultOfTraffic(r *Result) {
	share := max(w.stopped.lived-w.measured.lived, 1e-9)
	r.Upkeep = float64(w.stopped.upkeep-w.measured.upkeep) / share
	r.UpkeepByKind = make(map[string]float64)
	for kind := chord.Ping; kind <= chord.ChangesTaken; kind++ {
		if b := w.stopped.byKind[kind] - w.measured.byKind[kind]; b > 0 {
			r.UpkeepByKind[kind.String()] = float64(b) / share
		}
	}
	r.Traffic = float64(w.stopped.bytes-w.measured.bytes) / share
	r.Messages = float64(w.stopped.messages-w.measured.messages) / share
}

func (w *World) resultOfHealing(r *Result) {
	after := func(at, from time.Duration) float64 {
		if at == never {
			return -1
		}
		return (at - from).Seconds()
	}
	if h := &w.watch.heal; h.number > 0 {
		r.IdealAfter, r.HeadsAfter, r.Heads98After = after(h.ideal, h.from), after(h.heads, h.from), after(h.most, h.from)
		if h.until > 0 {
			r.HealingBytes = float64(h.until-h.before) / float64(len(w.alive))
		}
	}
	r.QuietAfter = after(w.watch.quietAfter, 0)
	r.Evicted = w.evicted()
}

// staleness returns which share of the peers in tables is gone, and which share of
// those alive is in none, for a hundred peers.
func (w *World) staleness() (stale, missing float64) {
	const most = 100
	known, gone, others := 0, 0, 0
	for _, i := range w.alive[:min(len(w.alive), most)] {
		for peer := range w.nodes[i].ring.All {
			known++
			if k, ok := w.numberOf(peer.ID); !ok || !w.spots[k].alive {
				gone++
			}
		}
		others += len(w.alive) - 1
	}
	return float64(gone) / float64(max(known, 1)), 1 - float64(known-gone)/float64(max(others, 1))
}
